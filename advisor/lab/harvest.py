"""What a measuring child hands on, gathered part by part into the fields of a run."""

import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.lab.jobs import Job
from advisor.lab.machine import Machine, runtime_version
from advisor.lab.run_parts import ColdStart, Memory, Throttling, WarmUp
from advisor.lab.runs import Run
from advisor.units import NS_PER_S

FloatArray = NDArray[np.float64]


class Harvest:
    """Samples of a measurement in the order of their bursts, and what was seen beside them."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        """Time within bursts so far.  [s]"""
        self.ended = False
        self.told: dict[str, Any] = {}
        """What the child said before its first sample."""
        self._parts: list[FloatArray] = []
        self._sizes: list[int] = []
        self._began_s: list[float] = []
        self._canary_s: list[float] = []
        self._last_burst_s = 0.0
        self._waits_ns: list[int | None] = []
        self._hindrances: list[Mapping[str, Any]] = []
        self._resident_bytes: list[tuple[int, int]] = []

    def take(self, message: Mapping[str, Any]) -> FloatArray | None:
        """Keep what a message tells; its samples, where it holds some.  [s]."""
        if "hindrances" in message:
            self._hindrances.append(message["hindrances"])
            self._resident_bytes.append(message["resident_bytes"])
        if "samples_ns" not in message:
            self.ended = self.ended or "end" in message
            self.told.update(message if "warm_up" in message else {})
            return None
        if "began_s" in message:
            self._sizes.append(0)
            self._began_s.append(message["began_s"])
            self._canary_s.append(message["canary_s"])
            self._last_burst_s = 0.0
        samples_s = np.array(message["samples_ns"], dtype=np.float64) / NS_PER_S
        self._parts.append(samples_s)
        self._sizes[-1] += len(samples_s)
        self._waits_ns.append(message["waited_ns"])
        self.elapsed_s += message["elapsed_ns"] / NS_PER_S
        self._last_burst_s += message["elapsed_ns"] / NS_PER_S
        return samples_s

    @property
    def samples_s(self) -> FloatArray:
        """Samples so far.  [s]."""
        parts = tuple(self._parts)
        return np.concatenate(parts) if parts else np.empty(0)

    @property
    def delay_share(self) -> float | None:
        """Share of the time within bursts in which the thread waited for a processor; None where not told."""
        known = [wait for wait in self._waits_ns if wait is not None]
        return sum(known) / NS_PER_S / self.elapsed_s if known and len(known) == len(self._waits_ns) else None

    def beside(self) -> dict[str, Any]:
        """Fields of a run beside its samples."""
        began_s = tuple(moment - self._began_s[0] for moment in self._began_s)
        return {
            "sizes": tuple(self._sizes),
            "began_s": began_s,
            "canary_s": tuple(self._canary_s),
            "memory": self._memory(),
            "throttling": self._throttling(began_s[-1] + self._last_burst_s),
        }

    def _memory(self) -> Memory:
        end_bytes, peak_bytes = self._resident_bytes[-1]
        return Memory(**self.told["memory"], end_bytes=end_bytes, peak_bytes=peak_bytes)

    def _throttling(self, span_s: float) -> Throttling:
        first, last = self._hindrances[0], self._hindrances[-1]
        quota, stolen = (_grown(first[name], last[name]) for name in ("quota", "stolen"))
        clocks = [told["clock_hz"] for told in self._hindrances[: len(self._sizes)]]
        return Throttling(
            span_s=span_s,
            quota_periods=None if quota is None else int(quota[0]),
            quota_s=None if quota is None else quota[1],
            stolen_share=stolen[0] / stolen[1] if stolen is not None and stolen[1] else None,
            clock_hz=() if None in clocks else tuple(clocks),
        )


def _grown(first: tuple[float, float] | None, last: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if first is None or last is None else (last[0] - first[0], last[1] - first[1])


def run_of(
    task: Job,
    machine: Machine,
    told: Mapping[str, Any],
    *,
    samples_s: FloatArray,
    delay_share: float | None,
    cancelled: bool,
    **beside: Any,
) -> Run:
    """Run of a job, with what the child told before its first sample and the fields that go beside the samples."""
    versions = {"python": platform.python_version(), "onnxruntime": runtime_version() or "", "numpy": np.__version__}
    return Run(
        model=task.model,
        sha256=task.sha256,
        samples_s=samples_s,
        batch=task.batch,
        threads=task.message["threads"],
        providers=tuple(told["providers"]),
        inputs=task.inputs,
        started=told["started"],
        machine=machine,
        versions=tuple(versions.items()),
        warm_up=WarmUp(**told["warm_up"]),
        delay_share=delay_share,
        cancelled=cancelled,
        assumptions=task.assumptions,
        cold_start=ColdStart(**told["cold_start"]),
        **beside,
    )
