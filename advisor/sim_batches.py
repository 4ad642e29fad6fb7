"""Requests through instances that serve several at once: dynamic batching as Triton does it."""

from bisect import bisect_right
from collections.abc import Sequence
from heapq import heapreplace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.sim_queue import ascending
from advisor.sim_results import SimulatedQueue
from advisor.sim_service import Service, service_times
from advisor.sim_settings import at_least, count

FloatArray = NDArray[np.float64]


def simulate_batches(
    arrivals_s: ArrayLike,
    *,
    instances: int,
    batch: int,
    fixed_s: float,
    item_s: float,
    delay_s: float = 0.0,
    preferred: Sequence[int] = (),
    service_cv: float = 0.0,
    seed: int = 0,
) -> SimulatedQueue:
    """Full response of a sequence of requests under dynamic batching [1]_.

    Parameters
    ----------
    arrivals_s : array
        Arrival times, ascending.  [s]
    instances : int
        Batches that are served at once (``instance_group`` count).
    batch : int
        Largest batch (``max_batch_size``).
    fixed_s, item_s : float
        A batch of b takes ``fixed_s + item_s * b``.  [s]
    delay_s : float, default 0
        Longest time for which a request lets a free instance wait (``max_queue_delay_microseconds``).  [s]
    preferred : sequence of int
        Sizes that are sent without delay (``preferred_batch_size``); without any, that is the largest batch alone.
    service_cv : float, default 0
        Coefficient of variation of the time of a batch (gamma law).  [unitless]
    seed : int, default 0

    Returns
    -------
    SimulatedQueue
        ``services_s`` is the time of the whole batch in which a request was served, ``batches`` its size.

    Raises
    ------
    TrafficError
        If there are no arrivals or they do not ascend, or a number lies out of its bounds.

    Notes
    -----
    When an instance is free it takes the largest preferred size that waits.  Where not even the smallest waits, it
    holds on until the next one does, or until the oldest request has waited for ``delay_s``, and takes all.

    References
    ----------
    .. [1] NVIDIA, "Triton Inference Server user guide: batchers,"
       https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/batcher.html.

    Examples
    --------
    >>> queue = simulate_batches([0.0, 0.1, 0.2], instances=1, batch=8, fixed_s=0.9, item_s=0.1)
    >>> queue.responses_s.round(2), queue.batches
    (array([1. , 2. , 1.9]), array([1, 2, 2]))
    """
    times = ascending(arrivals_s)
    most, number = count("batch", batch, 1), count("instances", instances, 1)
    at_least("fixed_s", fixed_s, 0)
    at_least("item_s", item_s, 0)
    at_least("delay_s", delay_s, 0)
    factors = service_times(Service(1.0, service_cv), times.size, np.random.default_rng(seed))
    sizes = sorted({count("preferred", size, 1) for size in preferred if size < most} | {most})
    begun, held = _formed(times.tolist(), factors.tolist(), number, sizes, (fixed_s, item_s, delay_s))
    together = np.repeat(held, held)
    starts = np.repeat(begun, held)
    factor = np.repeat(factors[: held.size], held)
    services = (fixed_s + item_s * together) * factor
    return SimulatedQueue(times, starts - times, services, np.ones(times.size, bool), float(number), together)


def _formed(
    times: Sequence[float],
    factors: Sequence[float],
    instances: int,
    sizes: Sequence[int],
    law: tuple[float, float, float],
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Start and size of every batch; ``law`` holds the fixed time, that of an item, and the delay."""
    fixed, item, delay = law
    free, last, most = [times[0]] * instances, len(times), sizes[-1]
    begun: list[float] = []
    held: list[int] = []
    oldest = 0
    while oldest < last:
        arrival, end = times[oldest], min(oldest + most, last)
        now = max(free[0], arrival)
        here = bisect_right(times, now, oldest, end) - oldest
        at = bisect_right(sizes, here) - 1
        if at >= 0:
            here = sizes[at]
        else:
            full = oldest + sizes[0]
            now = max(now, arrival + delay)
            if full <= last and times[full - 1] <= now:
                now, here = times[full - 1], sizes[0]
            else:
                here = bisect_right(times, now, oldest, end) - oldest
        heapreplace(free, now + (fixed + item * here) * factors[len(held)])
        begun.append(now)
        held.append(here)
        oldest += here
    return np.array(begun), np.array(held)
