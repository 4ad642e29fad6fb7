"""Many queues simulated at once, one lane each, with one stream of arrivals for all that have the same variation."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_MOST_ENTRIES = 24_000_000
"""Entries of the record of one group of lanes."""
_WARM_UP = 0.05
"""Share of the requests that is left out at the beginning, while the queue fills."""


class Lanes(NamedTuple):
    """Queues, one entry each; times in mean gaps between arrivals."""

    servers: IntArray
    batch: IntArray
    fixed: FloatArray
    item: FloatArray
    delay: FloatArray
    service_cv: FloatArray

    def some(self, which: IntArray) -> "Lanes":
        """Some of the lanes, in the order named."""
        servers, batch, fixed, item, delay, cv = self
        return Lanes(servers[which], batch[which], fixed[which], item[which], delay[which], cv[which])


def simulated_quantiles_s(
    q: ArrayLike,
    *,
    servers: ArrayLike,
    arrivals_per_s: ArrayLike,
    fixed_s: ArrayLike,
    item_s: ArrayLike = 0.0,
    batch: ArrayLike = 1,
    delay_s: ArrayLike = 0.0,
    service_cv: ArrayLike = 0.0,
    arrival_cv: ArrayLike = 1.0,
    requests: int = 100_000,
    seed: int = 0,
) -> FloatArray:
    """Quantiles of the response of many queues, with or without dynamic batching.

    Parameters
    ----------
    q : float or array, shape (quantiles,)
        Such as 0.99.  [unitless]
    servers : int or array
        Instances that share one queue.
    arrivals_per_s : float or array
        [1/s]
    fixed_s, item_s : float or array
        A batch of b takes ``fixed_s + item_s * b``.  [s]
    batch : int or array, default 1
        Requests that one instance serves at once at most.
    delay_s : float or array, default 0
        Time for which a request lets a free instance wait for a fuller batch.  [s]
    service_cv, arrival_cv : float or array
        Coefficients of variation of the time of a batch and of the gaps between arrivals (gamma laws).
    requests : int, default 100,000
        Of each queue.
    seed : int, default 0

    Returns
    -------
    array, shape (quantiles, ...)
        Responses; infinite where the load is not below what the servers carry.  [s]
    """
    probabilities = np.atleast_1d(np.asarray(q, float))
    count, rate, fixed, item, most, delay, cv, gap_cv = np.broadcast_arrays(
        *(
            np.asarray(a, float)
            for a in (servers, arrivals_per_s, fixed_s, item_s, batch, delay_s, service_cv, arrival_cv)
        )
    )
    stable = rate * (fixed + item * most) < count * most
    found = np.full((probabilities.size, rate.size), np.inf)
    lanes = Lanes(
        servers=count.ravel().astype(np.intp),
        batch=most.ravel().astype(np.intp),
        fixed=(fixed * rate).ravel(),
        item=(item * rate).ravel(),
        delay=(delay * rate).ravel(),
        service_cv=cv.ravel(),
    )
    rng = np.random.default_rng(seed)
    for gaps in np.unique(gap_cv):
        times = np.cumsum(_gamma(rng, np.full(requests, gaps)))
        chosen = np.flatnonzero((stable & (gap_cv == gaps)).ravel())
        chosen = chosen[np.lexsort((lanes.batch[chosen], lanes.servers[chosen]))]
        groups = max(1, -(-chosen.size * requests // _MOST_ENTRIES))
        for some in (group for group in np.array_split(chosen, groups) if group.size):
            found[:, some] = _quantiles(probabilities, lanes.some(some), times, rng)
    return np.asarray(found.reshape(probabilities.size, *rate.shape) / rate)


def _quantiles(q: FloatArray, lanes: Lanes, times: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Quantiles of each lane, in mean gaps."""
    ends, sizes = _batches(lanes, times, rng)
    skipped = int(_WARM_UP * times.size)
    found = np.empty((q.size, len(lanes.servers)))
    for lane in range(found.shape[1]):
        size = sizes[:, lane]
        responses = np.repeat(ends[:, lane], size) - times
        found[:, lane] = np.quantile(responses[skipped:], q)
    return found


def _batches(lanes: Lanes, times: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, NDArray[np.int32]]:
    """End and size of the batches of each lane, in their order; size 0 after the last one."""
    last, widest = times.size, int(lanes.servers.max())
    free = np.where(np.arange(widest) < lanes.servers[:, None], 0.0, np.inf)
    at = np.zeros(len(lanes.servers), np.intp)
    row = np.arange(at.size)
    endless = np.append(times, np.full(int(lanes.batch.max()), np.inf))
    ends, sizes = [], []
    varied = bool(lanes.service_cv.any())
    while (at < last).any():
        server = free.argmin(axis=1)
        oldest = endless[at]
        ready = np.maximum(free[row, server], np.minimum(oldest + lanes.delay, endless[at + lanes.batch - 1]))
        ready = np.where(at < last, ready, 0.0)
        past = np.minimum(np.searchsorted(times, ready, side="right"), at + lanes.batch)
        size = np.maximum(past - at, 0)
        took = lanes.fixed + lanes.item * size
        end = ready + (took * _gamma(rng, lanes.service_cv) if varied else took)
        free[row, server] = end
        at = at + size
        ends.append(end)
        sizes.append(size.astype(np.int32))
    return np.array(ends), np.array(sizes)


def _gamma(rng: np.random.Generator, cv: FloatArray) -> FloatArray:
    """Gamma variates of mean 1."""
    varied = np.maximum(cv, np.finfo(np.float32).eps)
    return np.asarray(np.where(cv > 0, rng.standard_gamma(1 / varied**2) * varied**2, 1.0))
