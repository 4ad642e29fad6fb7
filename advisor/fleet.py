"""Many queues at once: the fleets that objectives need, and the response of the fleets that are bought.

All offers and regions that share a service time share one ladder of fleet sizes, so that a million candidates need
only a few thousand evaluations of the queueing formula.  Where requests are served together there are few queues, and
the search is exact.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from advisor.capacity import queue_times_s
from advisor.columns import (
    HIGH,
    LOW,
    MID,
    SHAPES,
    Cells,
    Column,
    Ends,
    FloatArray,
    IntArray,
    Network,
    Plan,
    Sized,
    Stacks,
)
from advisor.question import Question
from advisor.queue_model import margin
from advisor.queues import fewest_workers, times_of_runs, times_s

LADDER_LEVELS = 14
_EVEN_LEVELS = 6
"""Levels that lie one step apart; the further ones lie ever wider, where the quantile is flat."""
_BEYOND = np.maximum(np.arange(LADDER_LEVELS) - _EVEN_LEVELS, 0)
_OFFSETS = np.minimum(np.arange(LADDER_LEVELS), _EVEN_LEVELS) + _BEYOND * (_BEYOND + 1) / 2
"""Steps above the smallest stable fleet."""
_LEVEL_OF_STEP = (np.searchsorted(_OFFSETS, np.arange(_OFFSETS[-1] + 1), side="right") - 1).astype(np.int8)
"""Highest level at or below so many whole steps."""
_REACH = 3.0
"""Standard deviations of the load that a ladder reaches above it."""
_NO_SERVER = np.finfo(np.float32).eps
_WHOLE = 9
"""Decimals below which a number of servers counts as whole."""
_SLACK = np.float32(1e-4)
"""The same for single precision, as a number."""


class Ladder(NamedTuple):
    """Response against fleet size for many queues: row = queue, column = level."""

    first: FloatArray
    """Smallest stable fleet of a queue, shape (queues,)."""
    step: FloatArray
    """Servers between two levels, shape (queues,)."""
    offered: FloatArray
    """Offered load, shape (queues,)."""
    wait_s: FloatArray
    response_s: FloatArray
    """Quantiles at each level, shape (queues, LADDER_LEVELS)."""


def ladder(
    q: float,
    *,
    arrivals_per_s: ArrayLike,
    service_s: FloatArray,
    service_cv: ArrayLike,
    arrival_cv: ArrayLike,
) -> Ladder:
    """Wait and response of every queue at the fleet sizes among which sizing and look-up choose."""
    rate = np.broadcast_to(np.asarray(arrivals_per_s, float), service_s.shape)
    offered = np.where(np.isfinite(service_s), rate * service_s, 0.0)
    first = np.floor(offered) + 1
    step = np.maximum(1.0, np.ceil(_REACH * np.sqrt(offered) / _OFFSETS[-1]))
    servers = first[:, None] + step[:, None] * _OFFSETS
    times = queue_times_s(
        q,
        servers=servers,
        arrivals_per_s=rate[:, None],
        service_s=service_s[:, None],
        service_cv=np.broadcast_to(service_cv, service_s.shape)[:, None],
        arrival_cv=np.broadcast_to(arrival_cv, service_s.shape)[:, None],
    )
    return Ladder(first, step, offered, times.wait, times.response)


def servers_on_ladder(rungs: Ladder, times_s: FloatArray, objective_s: FloatArray) -> FloatArray:
    """Fewest servers on a ladder that keep ``times_s`` within each objective.

    Parameters
    ----------
    rungs : Ladder
    times_s : array, shape (queues, LADDER_LEVELS)
        Quantile to hold, falling with the level: one of the ladder's own tables plus any constant.  [s]
    objective_s : array, shape (objectives,)
        [s]

    Returns
    -------
    array, shape (queues, objectives)
        Whole numbers; infinite where no level suffices.  Between two levels the
        quantile is taken to fall with the inverse of the spare servers.
    """
    meets = times_s[:, None, :] <= objective_s[None, :, None]
    level = meets.argmax(axis=2)
    row = np.arange(len(times_s))[:, None]
    below = np.maximum(level - 1, 0)
    longer, shorter = times_s[row, below], times_s[row, level]
    first, step, offered = (column[:, None] for column in (rungs.first, rungs.step, rungs.offered))
    nearer, farther = (1 / (first + step * _OFFSETS[at] - offered) for at in (below, level))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(longer > shorter, (longer - objective_s[None, :]) / (longer - shorter), 0.0)
        between = offered + 1 / (nearer + (farther - nearer) * np.clip(np.nan_to_num(share, nan=1.0), 0.0, 1.0))
    servers = np.ceil(np.round(np.where(level > 0, between, first), _WHOLE))
    return np.where(meets.any(axis=2), servers, np.inf)


def times_on_ladder(rungs: Ladder, times_s: FloatArray, queue: IntArray, servers: Column) -> FloatArray:
    """Quantile of a queue with so many servers; infinite below the first level.

    Between two levels it is interpolated by the inverse of the spare servers.
    """
    first, step, offered = (column.astype(np.float32)[queue] for column in (rungs.first, rungs.step, rungs.offered))
    position = np.clip((servers - first) / step, -1.0, _OFFSETS[-1])
    level = np.take(_LEVEL_OF_STEP, (np.maximum(position, 0.0) + _SLACK).astype(np.int8))
    next_level = np.minimum(level + 1, LADDER_LEVELS - 1)
    times, offsets = times_s.astype(np.float32), _OFFSETS.astype(np.float32)
    longer, shorter = times[queue, level], times[queue, next_level]
    spare, gap = first + step * offsets[level] - offered, step * (offsets[next_level] - offsets[level])
    inside = step * (position - offsets[level])
    share = inside / np.maximum(gap, _NO_SERVER) * (spare + gap) / np.maximum(spare + inside, _NO_SERVER)
    value = np.where(inside > 0, longer + (shorter - longer) * share, longer)
    return np.where(position < 0, np.inf, value)


def cells_of(
    asking: Question, found: Stacks, plan: Plan, *, settings: Mapping[str, Any]
) -> tuple[Cells, IntArray, IntArray]:
    """Queues that occur, the queue of every run, and the shape of its workers."""
    classes, kinds, shapes = plan.batch.shape
    queue = found.run_class * np.int32(kinds) + found.run_traffic
    shape = np.minimum(plan.shape_index.astype(np.int8).ravel()[queue], found.run_largest)
    code = queue * np.int32(shapes) + shape
    occurs = np.zeros(classes * kinds * shapes, bool)
    occurs[code] = True
    klass, kind, size = np.unravel_index(np.flatnonzero(occurs), (classes, kinds, shapes))
    at = (klass, kind, size)
    cells = Cells(
        klass=klass,
        traffic=kind,
        shape=size,
        arrivals_per_s=asking.rates_per_s[kind],
        service_s=_picked(plan.service_s, at),
        alone_s=_picked(plan.alone_s, at),
        full_s=_picked(plan.full_s, at),
        first_s=_picked(plan.first_s, at),
        token_s=_picked(plan.token_s, at),
        slots=plan.slots[at],
        batch=plan.batch[at],
        memory_bytes=plan.memory_bytes[at],
        service_cv=settings["service_cv"][asking.spec.family],
        arrival_cv=float(np.sqrt(asking.asked.burstiness)),
        burst_headroom=settings["burst_headroom"],
        output_tokens=asking.output_tokens,
    )
    return cells, (np.cumsum(occurs) - 1).astype(np.int32)[code], shape.astype(np.int8)


def _picked(ends: Ends, at: tuple[IntArray, IntArray, IntArray]) -> Ends:
    return ends[0][at], ends[1][at], ends[2][at]


def sized(asking: Question, found: Stacks, trips: Network, plan: Plan, *, settings: Mapping[str, Any]) -> Sized:
    """Fleet of every run: the fewest machines that keep the objective at the upper end of the latency interval.

    Spare replicas come on top; the response is that of the fleet without them.

    Where no number of machines keeps it at the upper end, but some do at the middle, the fleet is the one of the
    middle, kept stable at the upper end, and ``misses_high`` says so.
    """
    rows, machine, q = found.machines, found.run_machine, settings["quantile"]
    cells, cell, shape = cells_of(asking, found, plan, settings=settings)
    rungs = _rungs(q, cells, np.arange(cells.slots.size), HIGH)
    trip = trips.row(rows.site, rows.place).astype(np.int32)[machine]
    bands, first_of_band, band_of_row = np.unique(trips.high_s, return_index=True, return_inverse=True)
    every = np.arange(cells.slots.size)
    needed = _servers_needed(asking, rungs, q, cells, every, HIGH, bands)
    hard = np.flatnonzero(~np.isfinite(needed).all(axis=1))
    at_mid = np.full_like(needed, np.inf)
    mid_bands = trips.mid_s[first_of_band]
    at_mid[hard] = _servers_needed(asking, _rungs(q, cells, hard, MID), q, cells, hard, MID, mid_bands)
    stable = np.ceil(cells.arrivals_per_s * cells.service_s[HIGH] / settings["largest_stable_utilisation"])[:, None]
    misses = ~np.isfinite(needed) & np.isfinite(at_mid)
    needed = np.where(misses, np.maximum(at_mid, stable), needed)
    units = rows.units.astype(np.float32)[machine]
    workers = np.floor(np.nan_to_num(units / SHAPES.astype(np.float32)[shape]) + _SLACK)
    with np.errstate(invalid="ignore", divide="ignore"):
        replicas = np.ceil(needed.astype(np.float32)[cell, band_of_row[trip]] / workers - _SLACK)
        replicas[workers == 0] = np.inf
        servers = np.where(np.isfinite(replicas), replicas * workers, np.float32(0.0))
    replicas += np.float32(asking.asked.spare_replicas)
    response = times_on_ladder(rungs, rungs.response_s, cell, servers)
    together = np.flatnonzero(cells.together[cell])
    response[together] = times_of_runs(q, cells, cell[together], HIGH, servers[together]).response
    response += trips.high_s.astype(np.float32)[trip]
    mid_trip = trips.mid_s.astype(np.float32)[trip]
    alone = times_s(q, cells, every, MID, np.ones(every.shape), growth=0.0).response
    return Sized(
        cells=cells,
        cell=cell,
        shape=shape,
        workers=workers,
        replicas=replicas,
        servers=servers,
        response_high_s=response,
        reachable_s=alone.astype(np.float32)[cell] + mid_trip,
        first_s=cells.first_s[MID].astype(np.float32)[cell] + mid_trip,
        misses_high=misses[cell, band_of_row[trip]] | cells.token_late(asking.token_s)[cell],
        trip=trip,
        q=q,
    )


def _rungs(q: float, cells: Cells, some: IntArray, end: int) -> Ladder:
    return ladder(
        q,
        arrivals_per_s=cells.arrivals_per_s[some],
        service_s=cells.service_s[end][some],
        service_cv=cells.service_cv,
        arrival_cv=cells.arrival_cv,
    )


def _servers_needed(
    asking: Question, rungs: Ladder, q: float, cells: Cells, some: IntArray, end: int, bands: FloatArray
) -> FloatArray:
    """Servers that keep every latency objective, per cell (of some) and network band."""
    needed = rungs.first[:, None] + np.zeros(len(bands))
    if asking.response_s is not None:
        objective = asking.response_s - bands
        tight, plain = (servers_on_ladder(rungs, rungs.response_s, objective / x) for x in (1 + margin(), 1.0))
        needed = np.where(np.isfinite(tight), tight, plain)
    together = np.flatnonzero(cells.together[some])
    if len(together):
        whole, first = (None if each is None else each - bands for each in (asking.response_s, asking.first_s))
        needed[together] = fewest_workers(
            q, cells, some[together], end, bands=len(bands), response_s=whole, first_s=first
        )
    return needed


def machines_needed(asking: Question, trips: Network, fleets: Sized, run: int) -> tuple[float, float]:
    """Machines that one run would need if its latency were at the low end, and at the middle, of the interval."""
    cells, some = fleets.cells, fleets.cell[run : run + 1]
    workers = float(fleets.workers[run])
    low, mid = (
        float(
            _servers_needed(
                asking,
                _rungs(fleets.q, cells, some, end),
                fleets.q,
                cells,
                some,
                end,
                trip_s[fleets.trip[run : run + 1]],
            )[0, 0]
        )
        for end, trip_s in ((LOW, trips.low_s), (MID, trips.mid_s))
    )
    spare = asking.asked.spare_replicas
    return float(np.ceil(low / workers - _SLACK)) + spare, float(np.ceil(mid / workers - _SLACK)) + spare
