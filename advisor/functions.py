"""Functions and scale-to-zero containers: no queue, but cold starts, instances kept warm, quotas and a bill by use."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from advisor.cold_mixture import mixed_quantile_s, share_allowed
from advisor.cold_starts import MOST_BUSY
from advisor.columns import (
    HIGH,
    MID,
    BoolArray,
    ClassColumns,
    Ends,
    FloatArray,
    Functions,
    IntArray,
    Network,
    Sized,
    Stacks,
)
from advisor.function_bill import PROVISIONED
from advisor.function_day import Day, day, most_busy
from advisor.question import Question
from advisor.queue_model import service_quantile
from advisor.units import BYTES_PER_MB

if TYPE_CHECKING:
    import pandas as pd


Scalar = TypeVar("Scalar", bound=np.generic)

_TENTH = float(special.ndtri(0.9))
"""Standard deviations from the median to the p90."""


class _Ways(NamedTuple):
    """Distinct queues under distinct terms, of which many runs in many regions are one; columns of shape (ways,)."""

    of_run: IntArray
    """Way of every run, shape (runs on functions,)."""
    cell: IntArray
    service_s: Ends
    first_s: Ends
    start_s: Ends
    start_log_sd: FloatArray
    keep_alive_s: FloatArray
    sold: BoolArray
    """Whether the service sells instances that are kept warm."""


def with_functions(
    asking: Question, sized: Sized, found: Stacks, trips: Network, columns: ClassColumns, terms: "pd.DataFrame"
) -> Sized:
    """Fleets with the runs on functions put right.

    A function starts an instance for every request that finds none idle, so nobody waits; the quantile of the response
    is that of warm and cold requests over the day.  Where cold starts alone break the objective and the service sells
    instances that are kept warm, the fewest of them that hold it are taken, at the upper end where that can be held.
    Replicas are the instances busy on average at the peak, servers those busy at its ``q`` quantile.
    """
    runs = np.flatnonzero(found.machines.terms[found.run_machine] >= 0)
    if not len(runs):
        return sized
    ways = _ways_of(sized, found, columns, terms, runs)
    whole = day(
        peak_per_s=sized.cells.arrivals_per_s[ways.cell],
        peak_factor=asking.asked.peak_factor,
        service_s=ways.service_s[MID],
        keep_alive_s=ways.keep_alive_s,
        burstiness=asking.asked.burstiness,
    )
    mid, high = (_allowed(asking, sized, trips, ways, runs, end) for end in (MID, HIGH))
    bare = _started(asking, sized, ways, whole, runs, np.zeros(len(runs), int))
    warm = _kept_warm(sized, ways, whole, mid, high)
    functions = bare if not warm.any() else replace(_started(asking, sized, ways, whole, runs, warm), without=bare)
    return _judged(asking, sized, trips, functions, mid, high)


def _ways_of(sized: Sized, found: Stacks, columns: ClassColumns, terms: "pd.DataFrame", runs: IntArray) -> _Ways:
    own = found.machines.terms[found.run_machine[runs]]
    (cell, row), of_run = np.unique(np.stack([sized.cell[runs], own]), axis=1, return_inverse=True)
    package = (columns.package_bytes + columns.weight_bytes)[sized.cells.klass[cell]]
    load_s = package / (terms["cold_load_mb_per_s"].to_numpy(float)[row] * BYTES_PER_MB)
    low, mid, high = (terms[f"cold_start_s_{end}"].to_numpy(float)[row] + load_s for end in ("low", "mid", "high"))
    return _Ways(
        of_run=of_run,
        cell=cell,
        service_s=_picked(sized.cells.service_s, cell),
        first_s=_picked(sized.cells.first_s, cell),
        start_s=(low, mid, high),
        start_log_sd=np.log(terms["cold_start_spread"].to_numpy(float)[row]) / _TENTH,
        keep_alive_s=terms["keep_alive_s"].to_numpy(float)[row],
        sold=terms[list(PROVISIONED)].notna().any(axis=1).to_numpy()[row],
    )


def _picked(ends: Ends, rows: IntArray) -> Ends:
    return ends[0][rows], ends[1][rows], ends[2][rows]


def _allowed(asking: Question, sized: Sized, trips: Network, ways: _Ways, runs: IntArray, end: int) -> FloatArray:
    """Largest share of cold starts that the objectives of every run allow at one end of the interval."""
    trip_s = (trips.low_s, trips.mid_s, trips.high_s)[end][sized.trip[runs]]
    allowed = np.ones(len(runs))
    for objective_s, service_s, cv in (
        (asking.response_s, ways.service_s, sized.cells.service_cv),
        (asking.first_s, ways.first_s, 0.0),
    ):
        if objective_s is not None:
            share = share_allowed(
                sized.q,
                response_s=objective_s - trip_s,
                service_s=service_s[end][ways.of_run],
                service_cv=cv,
                start_s=ways.start_s[end][ways.of_run],
                start_log_sd=ways.start_log_sd[ways.of_run],
            )
            allowed = np.minimum(allowed, share)
    return allowed


def _kept_warm(sized: Sized, ways: _Ways, whole: Day, mid: FloatArray, high: FloatArray) -> IntArray:
    """Fewest instances to keep warm for every run; none where the objective holds without, or cannot be held."""
    way = ways.of_run
    load = sized.cells.arrivals_per_s[ways.cell] * ways.service_s[MID]
    helped = (whole.cold[way, 0] > mid) & (mid > 0) & (ways.sold & (load <= MOST_BUSY))[way]
    return np.where(helped, whole.fewest_warm(way, np.where(high > 0, high, mid)), 0)


def _started(asking: Question, sized: Sized, ways: _Ways, whole: Day, runs: IntArray, warm: IntArray) -> Functions:
    """Cold starts of the runs with so many instances kept warm."""
    (way, count), of_run = np.unique(np.stack([ways.of_run, warm]), axis=1, return_inverse=True)
    share = whole.cold[way, count]

    def added_s(service_s: Ends, cv: float) -> Ends:
        low, mid, high = (
            mixed_quantile_s(
                sized.q,
                cold_share=share,
                service_s=service_s[end][way],
                service_cv=cv,
                start_s=ways.start_s[end][way],
                start_log_sd=ways.start_log_sd[way],
            )
            - service_quantile(sized.q, cv**2) * service_s[end][way]
            for end in range(HIGH + 1)
        )
        return _picked((np.maximum(low, 0.0), np.maximum(mid, 0.0), np.maximum(high, 0.0)), of_run)

    nothing = np.zeros(len(runs))
    return Functions(
        runs=runs,
        cold_share=share[of_run],
        start_s=_picked(ways.start_s, ways.of_run),
        start_log_sd=ways.start_log_sd[ways.of_run],
        cold_s=added_s(ways.service_s, sized.cells.service_cv),
        cold_first_s=(nothing, nothing, nothing) if asking.first_s is None else added_s(ways.first_s, 0.0),
        provisioned=warm.astype(float),
        on_provisioned=whole.on_warm[way, count][of_run],
        alive_s=whole.alive_s[way, count][of_run],
    )


def _judged(
    asking: Question, sized: Sized, trips: Network, functions: Functions, mid: FloatArray, high: FloatArray
) -> Sized:
    """Fleets with what the runs on functions reach, and whether they keep the objectives at both ends."""
    runs, share, cells = functions.runs, functions.cold_share, sized.cells
    cell, trip = sized.cell[runs], sized.trip[runs]
    tail = service_quantile(sized.q, cells.service_cv**2)
    at_mid = cells.service_s[MID][cell] * tail + trips.mid_s[trip] + functions.cold_s[MID]
    at_high = cells.service_s[HIGH][cell] * tail + trips.high_s[trip] + functions.cold_s[HIGH]
    first = cells.first_s[MID][cell] + trips.mid_s[trip] + functions.cold_first_s[MID]
    keeps_mid, keeps_high = ((allowed > 0) & (share <= allowed) for allowed in (mid, high))
    load = cells.arrivals_per_s[cell] * cells.service_s[MID][cell]
    most = most_busy(sized.q, load=load, burstiness=asking.asked.burstiness)
    return replace(
        sized,
        replicas=_put(sized.replicas, runs, np.where(keeps_mid, np.maximum(np.ceil(load), 1.0), np.inf)),
        servers=_put(sized.servers, runs, np.maximum(most, functions.provisioned)),
        response_high_s=_put(sized.response_high_s, runs, at_high),
        reachable_s=_put(sized.reachable_s, runs, at_mid),
        first_s=_put(sized.first_s, runs, first),
        misses_high=_put(sized.misses_high, runs, keeps_mid & ~keeps_high),
        functions=functions,
    )


def _put(values: NDArray[Scalar], runs: IntArray, new: NDArray[Any]) -> NDArray[Scalar]:
    changed = values.copy()
    changed[runs] = new.astype(values.dtype)
    return changed
