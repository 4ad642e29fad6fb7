"""What has to be said about the figures of a run: codes of the catalogue with their values."""

from collections.abc import Iterator, Sequence

import numpy as np

from advisor.lab import statistics
from advisor.lab.drifting import Drift
from advisor.lab.runs import Run, needed_samples
from advisor.lab.settings import settings
from advisor.numbers import number
from advisor.results import Interval
from advisor.units import BILLION, PERCENT

Remark = tuple[str, tuple[tuple[str, object], ...]]
"""Code in the table [lab] of the catalogues, and the values of its sentence."""


def remarks(run: Run, quantiles: Sequence[tuple[str, float]]) -> tuple[Remark, ...]:
    """Interference, drift, what held the run back, a warm-up without an end, cancellation.

    Parameters
    ----------
    run : Run
    quantiles : sequence of (name, q)
        Quantiles that are shown.
    """
    said = [_interference(run), *_drift(run), *_held_back(run), *_restless(run, quantiles)]
    if not run.warm_up.steady:
        said.append(("not_steady", ()))
    if run.cancelled:
        said.append(("cancelled", ()))
    return tuple(said)


def _interference(run: Run) -> Remark:
    if run.delay_share is None:
        return "disturbance_unknown", ()
    return "interfered" if run.interfered else "undisturbed", (("share", f"{run.delay_share * PERCENT:.1f} %"),)


def _drift(run: Run) -> Iterator[Remark]:
    drift = run.drift
    if drift is not None:
        yield f"drift_{_drift_code(run, drift)}", _changes(drift)
    if len(run.canary_s) > 1:
        low, high = np.quantile(run.canary_s, [0.05, 0.95])
        if high / low - 1 > settings()["canary"]["varied"]:
            yield "machine_varied", (("share", f"{(high / low - 1) * PERCENT:.0f} %"),)


def _drift_code(run: Run, drift: Drift) -> str:
    if drift.cause == "none":
        least = settings()["drift"]["least"]
        return "none" if -least <= drift.change.low and drift.change.high <= least else "unclear"
    cause = "interfered" if run.interfered else drift.cause
    return f"{cause}_{'slower' if drift.change.mid > 0 else 'faster'}"


def _changes(drift: Drift) -> tuple[tuple[str, object], ...]:
    signed = drift.cause == "none"
    machine = "" if drift.machine is None else _change(drift.machine, signed=True)
    change = _change(drift.change, signed=signed)
    return ("change", change), ("span", number(drift.span_s)), ("machine", machine)


def _change(change: Interval, *, signed: bool) -> str:
    """Share and its interval in percent; without signs where the sentence says slower or faster."""
    low, mid, high = (share * PERCENT for share in (change.low, change.mid, change.high))
    if signed:
        return f"{mid:+.1f} % [{low:+.1f}, {high:+.1f}]"
    low, high = sorted((abs(low), abs(high)))
    return f"{abs(mid):.0f} % [{low:.0f}, {high:.0f}]"


def _held_back(run: Run) -> Iterator[Remark]:
    limits, told = settings()["hindrance"], run.throttling
    if run.threads > run.machine.usable_cpus:
        yield "threads_beyond_cpus", (("threads", run.threads), ("usable", number(run.machine.usable_cpus)))
    if told is None:
        return
    if told.quota_s is not None and told.quota_s >= limits["quota_share"] * told.span_s:
        values = (("seconds", told.quota_s), ("span", told.span_s), ("periods", told.quota_periods or 0))
        yield "quota", tuple((name, number(value)) for name, value in values)
    if told.stolen_share is not None and told.stolen_share >= limits["stolen_share"]:
        yield "stolen", (("share", f"{told.stolen_share * PERCENT:.1f} %"),)
    if told.clock_hz and max(told.clock_hz) / min(told.clock_hz) - 1 >= limits["clock_share"]:
        low, high = (number(rate / BILLION) for rate in (min(told.clock_hz), max(told.clock_hz)))
        yield "clock_varied", (("low", low), ("high", high))


def _restless(run: Run, quantiles: Sequence[tuple[str, float]]) -> Iterator[Remark]:
    """Quantiles whose bursts tell less than as many independent samples as they need would."""
    if len(run.sizes) < 2:
        return
    confidence = settings()["quantiles"]["interval_confidence"]
    names = [
        name
        for name, q in quantiles
        if len(run.samples_s) >= needed_samples(q)
        and statistics.independent_samples(run.samples_s, run.sizes, q, confidence=confidence) < needed_samples(q)
    ]
    if names:
        yield "restless", (("names", ", ".join(names)),)
