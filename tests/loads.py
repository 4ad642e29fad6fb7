"""Load tests made up for the tests: requests with given times, and a queue worked out by hand."""

import numpy as np

from advisor.lab import LoadRun, this_machine


def single_queue_s(due_s: np.ndarray, service_s: np.ndarray) -> np.ndarray:
    """Response times of one worker that serves in order of arrival (Lindley)."""
    free = 0.0
    response = []
    for due, service in zip(due_s, service_s, strict=True):
        free = max(free, due) + service
        response.append(free - due)
    return np.array(response)


def run_of(due_s: np.ndarray, response_s: np.ndarray, service_s: np.ndarray, **changes: object) -> LoadRun:
    count, seconds = len(due_s), float(due_s[-1])
    fields: dict[str, object] = {
        "target": "simulated", "loop": "open", "intended_s": due_s, "sent_s": due_s, "done_s": due_s + response_s,
        "failures": ("",) * count, "queue_s": response_s - service_s, "service_s": service_s,
        "delay_s": np.zeros(count),
        "ttft_s": np.full(count, np.nan), "tpot_s": np.full(count, np.nan), "rate_per_s": count / seconds,
        "seconds": seconds, "poisson": True, "seed": 0, "workers": 1, "timeout_s": 30.0, "slo_s": None,
        "client_delay_s": 0.0, "stolen_share": None, "cancelled": False,
        "started": "2026-11-25T04:00:00+00:00", "machine": this_machine(), "versions": (("python", "3.11.7"),),
    }  # fmt: skip
    return LoadRun(**(fields | changes))  # type: ignore[arg-type]
