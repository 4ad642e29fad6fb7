"""How long requests take at the queues of a plan: served one by one, in batches, or token by token."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.batching import grid_quantile_s
from advisor.capacity import fewest, queue_times_s
from advisor.columns import HIGH, LOW, MID, Cells, Column, Ends, FloatArray, IntArray, Sized
from advisor.continuous import Generation, generation_s
from advisor.queue_model import QueueTimes, margin

_MOST = float(2**20)
"""Workers with which a queue that cannot hold its objectives is told from one that can."""


class _Queues(NamedTuple):
    """Some of the queues of a plan at one end of the latency interval, as columns for fleets of given sizes."""

    cells: Cells
    rows: IntArray
    end: int
    growth: FloatArray
    """Factor on the traffic, shape (rows, ...)."""

    def rate_per_s(self, servers: FloatArray) -> FloatArray:
        """Arrivals beside fleets of shape (rows, ...) [1/s]."""
        return self.column(self.cells.arrivals_per_s, servers) * self.growth

    def column(self, values: FloatArray, servers: FloatArray) -> FloatArray:
        """A column of the cells beside fleets of shape (rows, ...)."""
        return values[self.rows].reshape(-1, *(1,) * (servers.ndim - 1))

    def of(self, which: NDArray[np.bool_]) -> "_Queues":
        """Some of these."""
        return self._replace(rows=self.rows[which], growth=self.growth[which])


def times_s(
    q: float, cells: Cells, some: slice | IntArray, end: int, servers: FloatArray, *, growth: ArrayLike = 1.0
) -> QueueTimes:
    """Quantiles of wait and response of some queues of a plan.

    Parameters
    ----------
    q : float
        Such as 0.99.  [unitless]
    some : slice or index
        Which of the cells.
    end : int
        LOW, MID or HIGH of the latency interval.
    servers : array, shape (queues, ...)
        Workers of each.
    growth : float or array, default 1
        Factor on the traffic.  [unitless]

    Returns
    -------
    QueueTimes
        The wait of language models is what the time to the first token exceeds that of an idle worker by.  [s]
    """
    factor = np.broadcast_to(np.asarray(growth, float), servers.shape)
    queues = _Queues(cells, np.arange(cells.slots.size)[some], end, factor)
    wait, response = np.zeros(servers.shape), np.zeros(servers.shape)
    batches, tokens = cells.batch[queues.rows] > 1, cells.slots[queues.rows] > 1
    ways: tuple[tuple[NDArray[np.bool_], Callable[[float, _Queues, FloatArray], QueueTimes]], ...] = (
        (~batches & ~tokens, _one_by_one), (batches, _in_batches), (tokens, _token_by_token),
    )  # fmt: skip
    for which, answer in ways:
        if which.any():
            times = answer(q, queues.of(which), servers[which])
            wait[which], response[which] = times.wait, times.response
    return QueueTimes(wait, response)


def times_of_runs(q: float, cells: Cells, cell: IntArray, end: int, servers: Column) -> QueueTimes:
    """Quantiles of wait and response of many runs, each of a cell and a fleet that many of them share [s]."""
    pairs, back = np.unique(np.stack([cell, servers.astype(np.float64)]), axis=1, return_inverse=True)
    times = times_s(q, cells, pairs[0].astype(np.intp), end, np.maximum(pairs[1], 1.0))
    wait, response = (np.where(pairs[1] > 0, time, np.inf)[back] for time in times)
    return QueueTimes(wait, response)


def fewest_workers(
    q: float,
    cells: Cells,
    some: IntArray,
    end: int,
    *,
    bands: int,
    response_s: FloatArray | None,
    first_s: FloatArray | None,
) -> FloatArray:
    """Fewest workers of some queues that keep the objectives less the network and a margin, by exact search.

    The margin is that of :func:`~advisor.capacity.servers_for`.

    Parameters
    ----------
    response_s, first_s : array, shape (bands,), optional
        Longest response and time to the first token in a worker's reach; None where there is no such objective.  [s]

    Returns
    -------
    array, shape (queues, bands)
        Whole numbers; infinite where no number suffices.
    """
    row, band = (axis.ravel() for axis in np.indices((some.size, bands)))
    idle_first, offered = cells.first_s[end][some], np.floor(cells.arrivals_per_s * cells.service_s[end])[some]

    longer = np.full(row.size, 1 + margin())

    def holds(at: IntArray, workers: FloatArray) -> NDArray[np.bool_]:
        times = times_s(q, cells, some[row[at]], end, workers)
        held = np.isfinite(times.response)
        if response_s is not None:
            held &= times.response * longer[at] <= response_s[band[at]]
        if first_s is not None:
            held &= (times.wait + idle_first[row[at]]) * longer[at] <= first_s[band[at]]
        return held

    finite = np.flatnonzero(np.isfinite(offered[row]))
    most = np.full(finite.size, _MOST)
    longer[finite[~holds(finite, most)]] = 1.0
    possible = finite[holds(finite, most)]
    found = np.full(row.size, np.inf)
    found[possible] = offered[row[possible]] + fewest(
        lambda at, more: holds(possible[at], offered[row[possible[at]]] + more), possible.size
    )
    return found.reshape(some.size, bands)


def per_token_s(fleets: Sized, runs: IntArray) -> Ends:
    """Low, mid and high of the quantile of the time per output token of some runs, at most that of full slots [s]."""
    cells, cell, servers = fleets.cells, fleets.cell[runs], fleets.servers[runs].astype(float)

    def of(end: int) -> FloatArray:
        queues, found = _Queues(cells, cell, end, np.ones(cell.shape)), cells.token_s[end][cell]
        together = cells.slots[cell] > 1
        if together.any():
            at_work = _generation(fleets.q, queues.of(together), servers[together])
            found[together] = np.minimum(at_work.token_s, found[together])
        return found

    return of(LOW), of(MID), of(HIGH)


def _one_by_one(q: float, queues: _Queues, servers: FloatArray) -> QueueTimes:
    cells = queues.cells
    return queue_times_s(
        q,
        servers=servers,
        arrivals_per_s=queues.rate_per_s(servers),
        service_s=queues.column(cells.service_s[queues.end], servers),
        service_cv=cells.service_cv,
        arrival_cv=cells.arrival_cv,
    )


def _in_batches(q: float, queues: _Queues, servers: FloatArray) -> QueueTimes:
    """Dynamic batching; arrivals burstier than Poisson as a fleet with less to spare."""
    cells = queues.cells
    rate = queues.rate_per_s(servers)
    carried = servers / queues.column(cells.service_s[queues.end], servers)
    bursts = 1 + cells.burst_headroom * max(cells.arrival_cv**2 - 1, 0.0)
    alone = queues.column(cells.alone_s[queues.end], servers)
    response = grid_quantile_s(
        q,
        instances=servers,
        arrivals_per_s=np.where(rate < carried, carried - (carried - rate) / bursts, rate),
        batch=queues.column(cells.batch, servers),
        alone_s=alone,
        full_s=queues.column(cells.full_s[queues.end], servers),
        service_cv=cells.service_cv,
    )
    return QueueTimes(response - alone, response)


def _token_by_token(q: float, queues: _Queues, servers: FloatArray) -> QueueTimes:
    at_work = _generation(q, queues, servers)
    idle = queues.column(queues.cells.first_s[queues.end], servers)
    return QueueTimes(np.maximum(at_work.first_s - idle, 0.0), at_work.response_s)


def _generation(q: float, queues: _Queues, servers: FloatArray) -> Generation:
    """Continuous batching; a step grows from that of one sequence to that of a full batch."""
    cells, end = queues.cells, queues.end
    alone, full, slots, first = (
        queues.column(c, servers) for c in (cells.alone_s[end], cells.full_s[end], cells.slots, cells.first_s[end])
    )
    added = np.maximum(full - alone, 0.0) / (slots - 1)
    return generation_s(
        q,
        workers=servers,
        arrivals_per_s=queues.rate_per_s(servers),
        slots=slots,
        fixed_s=np.maximum(full - slots * added, 0.0),
        sequence_s=added,
        prefill_s=np.maximum(first - alone, 0.0),
        output_tokens=cells.output_tokens,
        length_cv=cells.service_cv,
        arrival_cv=cells.arrival_cv,
    )
