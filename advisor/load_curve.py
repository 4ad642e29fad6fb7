"""Response against load: what a queue looks like when it is drawn, where its knee is, and how far the load may grow."""

from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import NamedTuple

import numpy as np

from advisor.capacity import arrivals_for, response_quantile_s, servers_for
from advisor.queue_model import FloatArray, corrections, service_quantile
from advisor.sim_settings import above, at_least, count

QUANTILES = (0.5, 0.9, 0.95, 0.99)
"""Those that are drawn; the objective is on the last."""
_POINTS = 80
_NEAREST = 0.1
"""Square root of the distance from full load at which a curve ends."""
_WHOLE = 9
"""Decimals below which a number of replicas counts as whole."""


class Queue(NamedTuple):
    """Replicas that share one queue, their traffic, and the objective."""

    replicas: int
    workers: int
    """Requests that a replica serves at once."""
    arrivals_per_s: float
    service_s: float
    """Mean."""
    service_cv: float
    arrival_cv: float
    response_s: float
    """Objective on the last of :data:`QUANTILES`."""


@dataclass(frozen=True)
class Fleet:
    """What a number of replicas does."""

    replicas: int
    rates_per_s: FloatArray
    response_s: FloatArray
    """Shape (quantiles, rates)."""
    here_s: tuple[float, ...]
    """Quantiles at the traffic there is; infinite where the queue grows without end."""
    load: float
    """Traffic as a share of what the replicas carry at most; their utilisation where it is below 1."""
    most_per_s: float
    """Highest rate that holds the objective: the knee."""


@dataclass(frozen=True)
class LoadCurves:
    """A queue with the number of replicas that it has, one fewer and one more."""

    queue: Queue
    fleets: tuple[Fleet, ...]
    needed: float
    """Fewest replicas that hold the objective; infinite where no number does."""
    alone_s: float
    """Last of the quantiles of the service alone, which no number of replicas goes below."""

    @property
    def chosen(self) -> Fleet:
        """What the replicas do that there are."""
        return next(fleet for fleet in self.fleets if fleet.replicas == self.queue.replicas)

    @property
    def growth(self) -> float:
        """Share by which the traffic may grow before the objective breaks; below 0 where it is broken."""
        return self.chosen.most_per_s / self.queue.arrivals_per_s - 1


def load_curves(
    *,
    replicas: int,
    arrivals_per_s: float,
    service_s: float,
    response_s: float,
    workers: int = 1,
    service_cv: float = 1.0,
    arrival_cv: float = 1.0,
) -> LoadCurves:
    """Response quantiles against load, for a number of replicas, one fewer and one more.

    Parameters
    ----------
    replicas : int
        Replicas that share one queue.
    arrivals_per_s : float
        Mean arrival rate.  [1/s]
    service_s : float
        Mean service time.  [s]
    response_s : float
        Objective on the p99 of wait plus service.  [s]
    workers : int, default 1
        Requests that a replica serves at once.
    service_cv, arrival_cv : float, default 1
        Coefficient of variation of service times and of the gaps between arrivals, as far as the table of corrections
        reaches.  [unitless]

    Raises
    ------
    TrafficError
        If a number lies out of its bounds.
    """
    most_service_cv, most_arrival_cv = (float(axis[-1]) for axis in corrections().axes[2:4])
    queue = Queue(
        count("replicas", replicas, 1),
        count("workers", workers, 1),
        above("arrivals_per_s", arrivals_per_s, 0),
        above("service_s", service_s, 0),
        at_least("service_cv", service_cv, 0, most_service_cv),
        at_least("arrival_cv", arrival_cv, 0, most_arrival_cv),
        above("response_s", response_s, 0),
    )
    servers = servers_for(
        QUANTILES[-1], response_s=queue.response_s, arrivals_per_s=queue.arrivals_per_s, kept=0.0, **_law(queue)
    )
    numbers = range(max(queue.replicas - 1, 1), queue.replicas + 2)
    return LoadCurves(
        queue=queue,
        fleets=tuple(_fleet(queue, number) for number in numbers),
        needed=ceil(round(float(servers) / queue.workers, _WHOLE)) if isfinite(servers) else inf,
        alone_s=float(service_quantile(QUANTILES[-1], queue.service_cv**2)) * queue.service_s,
    )


def _fleet(queue: Queue, replicas: int) -> Fleet:
    servers, q = replicas * queue.workers, np.array(QUANTILES)
    carried = servers / queue.service_s
    rates = carried * (1 - np.linspace(1, _NEAREST, _POINTS) ** 2)
    curves = response_quantile_s(q[:, None], servers=servers, arrivals_per_s=rates, **_law(queue))
    here = response_quantile_s(q, servers=servers, arrivals_per_s=queue.arrivals_per_s, **_law(queue))
    most = arrivals_for(q[-1], response_s=queue.response_s, servers=servers, **_law(queue))
    return Fleet(
        replicas=replicas,
        rates_per_s=rates,
        response_s=np.asarray(curves),
        here_s=tuple(np.asarray(here).tolist()),
        load=queue.arrivals_per_s / carried,
        most_per_s=float(most),
    )


def _law(queue: Queue) -> dict[str, float]:
    """What service and arrivals are like."""
    return {"service_s": queue.service_s, "service_cv": queue.service_cv, "arrival_cv": queue.arrival_cv}
