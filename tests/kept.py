"""Runs for tests of the store and of sweeps, made by hand."""

from datetime import datetime, timedelta

import numpy as np

from advisor.lab.machine import this_machine
from advisor.lab.runs import Run, WarmUp

NOW = "2026-11-25T04:00:00+00:00"
_HERE = this_machine()


def sooner(days: int) -> str:
    """Moment so many days before."""
    return (datetime.fromisoformat(NOW) - timedelta(days=days)).isoformat()


def run_of(samples_s: np.ndarray, **changes: object) -> Run:
    """Run with such samples."""
    given: dict[str, object] = {
        "model": "digits", "sha256": "ab" * 32, "samples_s": samples_s, "batch": 1, "threads": 1,
        "providers": ("CPUExecutionProvider",), "inputs": (("image", (1, 1, 8, 8)),), "started": NOW, "machine": _HERE,
        "versions": (("python", "3.11.7"), ("onnxruntime", "1.32.0")), "warm_up": WarmUp(10, 0.1, steady=True),
        "delay_share": 0.01, "cancelled": False,
        "assumptions": (("dynamic_axis", (("axis", "batch"), ("size", 1))),),
    }  # fmt: skip
    return Run(**(given | changes))  # type: ignore[arg-type]
