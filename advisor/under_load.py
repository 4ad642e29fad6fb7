"""What fleets do once they are sized: quantiles of response and wait, utilisation, and how far the traffic may grow."""

import numpy as np
from numpy.typing import NDArray

from advisor.cold_mixture import mixed_quantile_s
from advisor.columns import HIGH, LOW, MID, Ends, FloatArray, IntArray, Network, Sized
from advisor.question import Question
from advisor.queue_model import QueueTimes, service_quantile
from advisor.queues import times_of_runs, times_s

_GROWN = np.linspace(0.0, 1.0, 65)
"""Steps of each of the two looks for the traffic that a fleet bears."""


def response_s(fleets: Sized, trips: Network, runs: IntArray) -> Ends:
    """Low, mid and high of the response quantile of some runs, network included [s]."""
    high = fleets.response_high_s[runs]
    low, mid = (
        _times(fleets, runs, end).response + trip_s[fleets.trip[runs]]
        for end, trip_s in ((LOW, trips.low_s), (MID, trips.mid_s))
    )
    low, mid = (time + fleets.cold_s(runs, end) for time, end in ((low, LOW), (mid, MID)))
    mid = np.minimum(mid, high)
    return np.minimum(low, mid), mid, high.astype(float)


def quantile_s(q: float, fleets: Sized, trips: Network, run: int) -> Ends:
    """Low, mid and high of any quantile of the response of a run, network and cold starts included [s]."""
    cells, cell, functions = fleets.cells, fleets.cell[run : run + 1], fleets.functions
    entry = None if functions is None else functions.at(run)

    def of(end: int, trip_s: FloatArray) -> FloatArray:
        if functions is None or entry is None:
            servers = fleets.servers[run : run + 1].astype(float)
            answered = times_s(q, cells, cell, end, servers).response
        else:
            answered = mixed_quantile_s(
                q,
                cold_share=functions.cold_share[entry],
                service_s=cells.service_s[end][cell],
                service_cv=cells.service_cv,
                start_s=functions.start_s[end][entry],
                start_log_sd=functions.start_log_sd[entry],
            )
        return np.asarray(answered + trip_s[fleets.trip[run]])

    return of(LOW, trips.low_s), of(MID, trips.mid_s), of(HIGH, trips.high_s)


def wait_s(fleets: Sized, runs: IntArray) -> Ends:
    """Low, mid and high of the wait quantile of some runs [s]."""
    low, mid, high = (_times(fleets, runs, end).wait for end in (LOW, MID, HIGH))
    return low, mid, high


def utilisation(fleets: Sized, runs: IntArray) -> FloatArray:
    """Traffic of the peak over what all servers carry, spare ones too, middle of the interval; NaN for functions."""
    cell = fleets.cell[runs]
    servers = fleets.replicas[runs] * fleets.workers[runs]
    busy = fleets.cells.arrivals_per_s[cell] * fleets.cells.service_s[MID][cell] / servers
    return np.where(_on_functions(fleets, runs), np.nan, busy)


def headroom(asking: Question, fleets: Sized, trips: Network, run: int) -> float:
    """Share by which the traffic of the peak may grow before the replicas miss an objective.

    At the end of the interval that the fleet was sized with, without spare replicas; by queueing alone, since the time
    per output token is bounded by full slots.  Without an objective, up to where the queue grows without end.

    Returns
    -------
    float
        In steps of 0.02 % of what the fleet carries; NaN for functions, whose provider adds instances.  [unitless]
    """
    if _on_functions(fleets, np.array([run]))[0]:
        return float("nan")
    cells, cell = fleets.cells, fleets.cell[run : run + 1]
    servers = float(fleets.servers[run])

    def held(end: int, growth: FloatArray) -> NDArray[np.bool_]:
        trip_s = (trips.low_s, trips.mid_s, trips.high_s)[end][fleets.trip[run]]
        times = times_s(fleets.q, cells, cell, end, np.full((1, growth.size), servers), growth=growth[None])
        whole = times.response[0] + trip_s <= (np.inf if asking.response_s is None else asking.response_s)
        first = times.wait[0] + cells.first_s[end][cell] + trip_s <= (
            np.inf if asking.first_s is None else asking.first_s
        )
        return np.asarray(whole & first & np.isfinite(times.response[0]))

    end = HIGH if held(HIGH, np.ones(1))[0] else MID
    offered = float(cells.arrivals_per_s[cell[0]] * cells.service_s[end][cell[0]])
    low, high = 1.0, max(servers / offered, 1.0)
    for _ in range(2):
        growth = low + (high - low) * _GROWN
        steps = int(held(end, growth).argmin())
        low, high = float(growth[max(steps - 1, 0)]), float(growth[steps])
    return low - 1


def _on_functions(fleets: Sized, runs: IntArray) -> NDArray[np.bool_]:
    return np.zeros(len(runs), bool) if fleets.functions is None else np.isin(runs, fleets.functions.runs)


def _times(fleets: Sized, runs: IntArray, end: int) -> QueueTimes:
    """Queue of some runs; functions do not queue."""
    cells, cell = fleets.cells, fleets.cell[runs]
    times = times_of_runs(fleets.q, cells, cell, end, fleets.servers[runs])
    on = _on_functions(fleets, runs)
    alone = cells.service_s[end][cell] * service_quantile(fleets.q, cells.service_cv**2)
    return QueueTimes(np.where(on, 0.0, times.wait), np.where(on, alone, times.response))
