"""Load tests at several rates: the highest that meets an objective, and the curve of latency over load."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.errors import MeasureError
from advisor.lab import record_files
from advisor.lab.jobs import within_bounds
from advisor.lab.load import closed_loop, load_test
from advisor.lab.load_runs import LoadRun
from advisor.lab.queueing import predicted_response_s
from advisor.lab.sending import OnProgress
from advisor.lab.settings import settings
from advisor.lab.targets import Goal, TargetOptions
from advisor.lab.words import QUANTILES
from advisor.results import Interval
from advisor.units import MS_PER_S

FloatArray = NDArray[np.float64]
OnRun = Callable[[LoadRun], object]

KIND = "ramp"
FORMAT = 1


class Point(NamedTuple):
    """One rate of a curve."""

    rate_per_s: float
    """Rate at which requests were sent indeed."""
    utilisation: float | None
    measured_s: Mapping[str, Interval | None]
    """p50, p90 and p99 of the response with their intervals; None where the requests are too few.  [s]"""
    predicted_s: Mapping[str, float | None]
    """The same by queueing theory from the service times of the same run; None where it has no answer.  [s]"""
    interfered: bool | None


@dataclass(frozen=True, slots=True)
class Ramp:
    """Load tests at several rates, in the order in which they were made."""

    slo_s: float
    runs: tuple[LoadRun, ...]
    cancelled: bool = False
    """Whether it ended before its last step was over."""

    @property
    def rate_per_s(self) -> float | None:
        """Highest rate at which the p99 was shown to meet the objective; None where it never was."""
        return max((run.rate_per_s or 0.0 for run in self._whole if run.verdict() == "pass"), default=None)

    @property
    def missed_per_s(self) -> float | None:
        """Lowest rate at which that was not shown; None where it always was."""
        return min((run.rate_per_s or 0.0 for run in self._whole if run.verdict() != "pass"), default=None)

    @property
    def curve(self) -> tuple[Point, ...]:
        """Latency over load, measured and predicted, in ascending order of the rates."""
        return tuple(_point(run) for run in sorted(self.runs, key=lambda run: run.offered_per_s))

    def predicted_s(self, q: float, rates_per_s: ArrayLike) -> FloatArray | None:
        """Quantile of the response over any rates by queueing theory, from the service times of all runs together.

        Parameters
        ----------
        q : float
            0.9 and above.  [unitless]
        rates_per_s : float or array
            Rates of Poisson arrivals.  [1/s]

        Returns
        -------
        array or None
            Seconds in the shape of the rates, infinite where the load is not below the workers; None where the target
            told no service times or no workers.
        """
        return predicted_response_s(
            q,
            arrivals_per_s=np.asarray(rates_per_s, dtype=np.float64),
            service_s=np.concatenate([run.service_s for run in self.runs]),
            outside_s=np.concatenate([run.outside_s for run in self.runs]),
            workers=self.runs[-1].workers,
        )

    def record(self) -> dict[str, Any]:
        """Every request of every run, ready for JSON."""
        runs = [run.record() for run in self.runs]
        return {"kind": KIND, "format": FORMAT, "slo_s": self.slo_s, "cancelled": self.cancelled, "runs": runs}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Ramp":
        """Ramp from what ``record`` gave.

        Raises
        ------
        MeasureError
            If it is no such record.
        """
        return record_files.made_of(record, KIND, FORMAT, _ramp_of)

    def save(self, folder: str | Path) -> Path:
        """Write it to a new JSON file, and return its path; a file that is there is never written over.

        Raises
        ------
        MeasureError
            If the folder cannot be written.
        """
        first = self.runs[0]
        return record_files.written(self.record(), folder, record_files.file_name(first.started, KIND, first.target))

    @classmethod
    def load(cls, path: str | Path) -> "Ramp":
        """Ramp that ``save`` wrote.

        Raises
        ------
        MeasureError
            If the file cannot be read or holds something else.
        """
        return record_files.read(path, KIND, cls.from_record)

    @property
    def _whole(self) -> Iterator[LoadRun]:
        return (run for run in self.runs if not run.cancelled)


def ramp(
    target: Goal,
    slo_ms: float,
    *,
    rates_per_s: Sequence[float] | None = None,
    start_per_s: float | None = None,
    least_requests: int | None = None,
    seed: int | None = None,
    on_run: OnRun | None = None,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
    **options: Unpack[TargetOptions],
) -> Ramp:
    """Highest rate of Poisson arrivals at which the p99 of the response meets an objective.

    The rate is doubled until a step misses the objective, or leaves it undecided, and is then searched by halves; or it
    takes the rates that are given, for a curve of latency over load.

    Parameters
    ----------
    target, seed, **options
        As for ``load_test``.
    slo_ms : float
        Objective for the p99.  [ms]
    rates_per_s : sequence of float, optional
        Rates to take one after another, without a search.  [1/s]
    start_per_s : float, optional
        First rate; by default a share of what one client after another gets served.  [1/s]
    least_requests : int, optional
        Requests of each step; with fewer than some 662 no p99 is given.
    on_run : callable, optional
        Called with the load test of each step.
    on_progress : callable, optional
        Called about every 0.2 s with the share of the steps that is over, from 0 to 1; a search may need fewer.
    cancel : threading.Event, optional
        Once set, the ramp holds the load tests so far.

    Returns
    -------
    Ramp

    Raises
    ------
    MeasureError, ModelFileError, UnknownIdError, MissingExtraError
        Whatever keeps the test from being made, as one sentence.
    """
    table, bounds = settings()["ramp"], settings()["load"]["bounds"]
    requests = table["least_requests"] if least_requests is None else least_requests
    within_bounds("least_requests", requests, bounds)
    for wished in (*(rates_per_s or ()), *([] if start_per_s is None else [start_per_s])):
        within_bounds("rate_per_s", wished, bounds)
    steps = table["steps"] if rates_per_s is None else len(rates_per_s)
    if not 1 <= steps <= table["most_steps"]:
        raise MeasureError("field", field="rates_per_s", value=rates_per_s, must=f"1 ... {table['most_steps']} rates")
    ramped = Ramp(slo_ms / MS_PER_S, ())
    if rates_per_s is None and start_per_s is None:
        pilot = closed_loop(target, seconds=table["pilot_s"], slo_ms=slo_ms, cancel=cancel, **options)
        if not pilot.answered_per_s:
            raise MeasureError("load_refused", value=pilot.target, reason=", ".join(pilot.failed))
        start_per_s = table["start_share"] * (pilot.workers or 1) * pilot.answered_per_s
    while (rate := _next_rate(ramped, start_per_s, rates_per_s)) is not None:
        seconds = min(max(float(table["seconds"]), requests / rate), float(bounds["seconds"]["most"]))
        shown = _of_all(on_progress, len(ramped.runs), steps)
        try:
            run = load_test(
                target, rate_per_s=rate, seconds=seconds, slo_ms=slo_ms, seed=seed, on_progress=shown, cancel=cancel,
                **options,
            )  # fmt: skip
        except MeasureError as error:
            if error.code != "measure_no_samples" or not ramped.runs:
                raise
            return Ramp(ramped.slo_s, ramped.runs, cancelled=True)
        ramped = Ramp(ramped.slo_s, (*ramped.runs, run), run.cancelled)
        if on_run is not None:
            on_run(run)
        if run.cancelled:
            break
    return ramped


def _next_rate(ramped: Ramp, start_per_s: float | None, rates_per_s: Sequence[float] | None) -> float | None:
    """Rate of the next step; None where there is nothing more to find."""
    table, done = settings()["ramp"], len(ramped.runs)
    if rates_per_s is not None:
        return rates_per_s[done] if done < len(rates_per_s) else None
    most_per_s = float(settings()["load"]["bounds"]["rate_per_s"]["most"])
    if start_per_s is not None and not done:
        return min(start_per_s, most_per_s)
    met, missed = ramped.rate_per_s or 0.0, ramped.missed_per_s
    if (
        done >= table["steps"]
        or met >= most_per_s
        or (missed is not None and missed <= (1 + table["resolution"]) * met)
    ):
        return None
    return min(2 * met, most_per_s) if missed is None else (met + missed) / 2


def _of_all(on_progress: OnProgress | None, done: int, steps: int) -> OnProgress | None:
    """Progress of one step as that of all of them."""
    return None if on_progress is None else lambda share: on_progress((done + share) / steps)


def _point(run: LoadRun) -> Point:
    measured = {name: run.quantile(q) for name, q in QUANTILES.items()}
    predicted = {name: run.predicted_s(q) for name, q in QUANTILES.items()}
    return Point(run.offered_per_s, run.utilisation, measured, predicted, run.interfered)


def _ramp_of(record: Mapping[str, Any]) -> Ramp:
    runs = tuple(LoadRun.from_record(run) for run in record["runs"])
    made = Ramp(float(record["slo_s"]), runs, bool(record["cancelled"]))
    if not made.runs or made.slo_s <= 0 or not all(run.slo_s for run in made.runs):
        raise ValueError(made.slo_s)
    return made
