"""Functions and scale-to-zero containers: no queue, but cold starts, quotas and a bill by use."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from advisor.capacity import cold_share
from advisor.columns import HIGH, MID, BoolArray, ClassColumns, FloatArray, Functions, IntArray, Network, Sized, Stacks
from advisor.question import Question
from advisor.queue_model import service_quantile
from advisor.units import BYTES_PER_MB

if TYPE_CHECKING:
    import pandas as pd


Scalar = TypeVar("Scalar", bound=np.generic)


def with_functions(
    asking: Question, sized: Sized, found: Stacks, trips: Network, columns: ClassColumns, terms: "pd.DataFrame"
) -> Sized:
    """Fleets with the runs on functions put right.

    A function starts an instance for every request that finds none idle, so nobody waits; but where more than one in
    ``1 - q`` requests meets a cold start at the mean rate, the quantile of the response holds one.
    Replicas are the instances busy on average at the peak, servers those busy at its ``q`` quantile.
    """
    runs = np.flatnonzero(found.machines.terms[found.run_machine] >= 0)
    if not len(runs):
        return sized
    row = found.machines.terms[found.run_machine[runs]]
    cell, trip = sized.cell[runs], sized.trip[runs]
    rate, service = sized.cells.arrivals_per_s[cell], sized.cells.service_s
    share = cold_share(
        arrivals_per_s=rate / asking.asked.peak_factor,
        service_s=service[MID][cell],
        keep_alive_s=terms["keep_alive_s"].to_numpy(float)[row],
    )
    package = (columns.package_bytes + columns.weight_bytes)[sized.cells.klass[cell]]
    load_s = package / (terms["cold_load_mb_per_s"].to_numpy(float)[row] * BYTES_PER_MB)
    low, mid, high = (terms[f"cold_start_s_{end}"].to_numpy(float)[row] + load_s for end in ("low", "mid", "high"))
    starts = (low, mid, high)
    low, mid, high = (np.where(share > 1 - sized.q, start_s, 0.0) for start_s in starts)
    tail = service_quantile(sized.q, sized.cells.service_cv**2)
    at_mid = service[MID][cell] * tail + trips.mid_s[trip] + mid
    at_high = service[HIGH][cell] * tail + trips.high_s[trip] + high
    first_mid = sized.first_s[runs] + mid
    first_high = sized.cells.first_s[HIGH][cell] + trips.high_s[trip] + high
    keeps_mid, keeps_high = _keeps(asking, at_mid, first_mid), _keeps(asking, at_high, first_high)
    load = rate * service[MID][cell]
    busy = np.maximum(np.ceil(load), 1.0)
    most = np.maximum(stats.poisson.ppf(sized.q, load), 1.0)
    return replace(
        sized,
        replicas=_put(sized.replicas, runs, np.where(keeps_mid, busy, np.inf)),
        servers=_put(sized.servers, runs, most),
        response_high_s=_put(sized.response_high_s, runs, at_high),
        reachable_s=_put(sized.reachable_s, runs, at_mid),
        first_s=_put(sized.first_s, runs, first_mid),
        misses_high=_put(sized.misses_high, runs, keeps_mid & ~keeps_high),
        functions=Functions(runs, share, starts, (low, mid, high)),
    )


def _keeps(asking: Question, response_s: FloatArray, first_s: FloatArray) -> BoolArray:
    """Whether the objectives are kept."""
    first = np.inf if asking.first_s is None else asking.first_s
    return (response_s <= (np.inf if asking.response_s is None else asking.response_s)) & (first_s <= first)


def _put(values: NDArray[Scalar], runs: IntArray, new: NDArray[Any]) -> NDArray[Scalar]:
    changed = values.copy()
    changed[runs] = new.astype(values.dtype)
    return changed
