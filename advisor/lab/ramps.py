"""The highest rate at which a target meets an objective."""

from dataclasses import dataclass
from typing import Unpack

from advisor.lab.jobs import within_bounds
from advisor.lab.load import closed_loop, load_test
from advisor.lab.load_runs import LoadRun
from advisor.lab.settings import settings
from advisor.lab.targets import Goal, TargetOptions
from advisor.units import MS_PER_S


@dataclass(frozen=True, slots=True)
class Ramp:
    """Load tests at several rates, in the order in which they were made."""

    slo_s: float
    runs: tuple[LoadRun, ...]

    @property
    def rate_per_s(self) -> float | None:
        """Highest rate at which the p99 was shown to meet the objective; None where it never was."""
        return max((run.rate_per_s or 0.0 for run in self.runs if run.verdict() == "pass"), default=None)

    @property
    def missed_per_s(self) -> float | None:
        """Lowest rate at which that was not shown; None where it always was."""
        return min((run.rate_per_s or 0.0 for run in self.runs if run.verdict() != "pass"), default=None)


def ramp(
    target: Goal,
    slo_ms: float,
    *,
    start_per_s: float | None = None,
    least_requests: int | None = None,
    seed: int | None = None,
    **options: Unpack[TargetOptions],
) -> Ramp:
    """Highest rate of Poisson arrivals at which the p99 of the response meets an objective.

    The rate is doubled until a step misses the objective, or leaves it undecided, and is then searched by halves.

    Parameters
    ----------
    target, seed, **options
        As for ``load_test``.
    slo_ms : float
        Objective for the p99.  [ms]
    start_per_s : float, optional
        First rate; by default a share of what one client after another gets served.  [1/s]
    least_requests : int, optional
        Requests of each step; with fewer than some 662 no p99 is given.

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
    if start_per_s is not None:
        within_bounds("rate_per_s", start_per_s, bounds)
    most_per_s = float(bounds["rate_per_s"]["most"])
    rate = start_per_s
    if rate is None:
        pilot = closed_loop(target, seconds=table["pilot_s"], slo_ms=slo_ms, **options)
        rate = min(table["start_share"] * (pilot.workers or 1) * pilot.answered_per_s, most_per_s)
    ramped = Ramp(slo_ms / MS_PER_S, ())
    while len(ramped.runs) < table["steps"]:
        seconds = min(max(float(table["seconds"]), requests / rate), float(bounds["seconds"]["most"]))
        run = load_test(target, rate_per_s=rate, seconds=seconds, slo_ms=slo_ms, seed=seed, **options)
        ramped = Ramp(ramped.slo_s, (*ramped.runs, run))
        met, missed = ramped.rate_per_s or 0.0, ramped.missed_per_s
        if met >= most_per_s or (missed is not None and missed <= (1 + table["resolution"]) * met):
            break
        rate = min(2 * met, most_per_s) if missed is None else (met + missed) / 2
    return ramped
