"""Dynamic batching against load: what serving several requests at once brings, and what waiting for more costs."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from advisor.batching import batched_quantile_s
from advisor.queue_model import FloatArray
from advisor.sim_settings import above, at_least, count

Way = Literal["alone", "batched", "delayed"]
QUANTILE = 0.99
_POINTS = 30
_NEAREST = 0.15
"""Square root of the distance from full load at which a curve ends."""


class Batching(NamedTuple):
    """Instances that serve several requests at once, their traffic, and the objective."""

    instances: int
    arrivals_per_s: float
    response_s: float
    """Objective on the p99."""
    batch: int
    delay_s: float
    fixed_s: float
    item_s: float
    service_cv: float


@dataclass(frozen=True)
class BatchCurve:
    """One way of serving: alone, in batches of what waits, or in batches that are waited for."""

    way: Way
    rates_per_s: FloatArray
    response_s: FloatArray
    """p99 at each rate."""
    here_s: float
    """p99 at the traffic there is; infinite where the queue grows without end."""
    carried_per_s: float
    """Requests that the instances carry at most."""
    most_per_s: float
    """Highest rate that holds the objective, between two points of the curve; 0 where none does."""


@dataclass(frozen=True)
class BatchCurves:
    """The same instances without batching and with it."""

    queue: Batching
    curves: tuple[BatchCurve, ...]


def batch_curves(
    *,
    instances: int,
    arrivals_per_s: float,
    response_s: float,
    batch: int,
    fixed_s: float,
    item_s: float,
    delay_s: float = 0.0,
    service_cv: float = 0.0,
) -> BatchCurves:
    """Response against load without batching, with batches of what waits, and with a delay where there is one.

    Parameters
    ----------
    instances : int
        Batches that are served at once, from one queue.
    arrivals_per_s : float
        Mean rate of random arrivals.  [1/s]
    response_s : float
        Objective on the p99 of the response.  [s]
    batch : int
        Largest batch.
    fixed_s, item_s : float
        A batch of b takes ``fixed_s + item_s * b``.  [s]
    delay_s : float, default 0
        Longest time for which a request lets a free instance wait for a fuller batch.  [s]
    service_cv : float, default 0
        Coefficient of variation of the time of a batch.  [unitless]

    Raises
    ------
    TrafficError
        If a number lies out of its bounds.
    """
    queue = Batching(
        count("instances", instances, 1),
        above("arrivals_per_s", arrivals_per_s, 0),
        above("response_s", response_s, 0),
        count("batch", batch, 1),
        at_least("delay_s", delay_s, 0),
        at_least("fixed_s", fixed_s, 0),
        above("item_s", item_s, 0),
        at_least("service_cv", service_cv, 0),
    )
    ways: dict[Way, tuple[int, float]] = {"alone": (1, 0.0), "batched": (queue.batch, 0.0)}
    if queue.delay_s:
        ways["delayed"] = (queue.batch, queue.delay_s)
    return BatchCurves(queue, tuple(_curve(queue, way, most, delay) for way, (most, delay) in ways.items()))


def _curve(queue: Batching, way: Way, batch: int, delay_s: float) -> BatchCurve:
    carried = queue.instances * batch / (queue.fixed_s + queue.item_s * batch)
    rates = carried * (1 - np.linspace(1, _NEAREST, _POINTS + 1)[1:] ** 2)
    asked = np.append(rates, queue.arrivals_per_s)
    times = np.asarray(
        batched_quantile_s(
            QUANTILE, instances=queue.instances, arrivals_per_s=asked, batch=batch, fixed_s=queue.fixed_s,
            item_s=queue.item_s, delay_s=delay_s, service_cv=queue.service_cv,
        )
    )  # fmt: skip
    return BatchCurve(way, rates, times[:-1], float(times[-1]), carried, _most(rates, times[:-1], queue.response_s))


def _most(rates: FloatArray, times_s: FloatArray, objective_s: float) -> float:
    """Highest rate at which a curve is within an objective, linear between its points."""
    within = np.flatnonzero(times_s <= objective_s)
    if not len(within):
        return 0.0
    last = int(within[-1])
    if last == len(rates) - 1:
        return float(rates[last])
    share = (objective_s - times_s[last]) / (times_s[last + 1] - times_s[last])
    return float(rates[last] + share * (rates[last + 1] - rates[last]))
