"""Replicas that follow the load, with their lag: what an autoscaler does to the response and to the bill."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.errors import TrafficError
from advisor.sim_fleet import Fleet, Scaler
from advisor.sim_queue import alone, ascending
from advisor.sim_results import SimulatedQueue
from advisor.sim_service import Service, service_times
from advisor.sim_settings import above, at_least, count, settings
from advisor.units import SECONDS_PER_HOUR

FloatArray = NDArray[np.float64]


def scaler(
    system: str,
    *,
    target: float,
    start_s: float,
    min_replicas: int = 1,
    max_replicas: int | None = None,
    cool_down_s: float | None = None,
    idle_s: float | None = None,
) -> Scaler:
    """Autoscaler of a known system with its defaults (``data/simulation.toml``).

    Parameters
    ----------
    system : str
        ``"kubernetes-hpa"``, ``"sagemaker"`` or ``"knative"``.
    target : float
        Utilisation that it aims at, in (0, 1].  [unitless]
    start_s : float
        From the wish for a replica until it serves: machine, image, weights.  [s]
    min_replicas : int, default 1
        With 0 the last replica goes where the system, or ``idle_s``, lets it.
    max_replicas : int, optional
        By default ``most_replicas`` of the same file.
    cool_down_s : float, optional
        The fleet never shrinks below what was wanted within this time; that of the system by default.  [s]
    idle_s : float, optional
        Time without a request after which the last replica goes; that of the system by default.  [s]

    Raises
    ------
    TrafficError
        If the system is unknown, or a number lies out of its bounds.
    """
    known = settings()["scalers"]
    if system not in known:
        raise TrafficError("field", field="system", value=system, must=", ".join(known))
    terms = {name: value for name, value in known[system].items() if name in Scaler.__dataclass_fields__}
    above("target", target, 0)
    least = count("min_replicas", min_replicas, 0)
    return Scaler(
        **terms
        | {
            "target": at_least("target", target, 0, 1),
            "start_s": at_least("start_s", start_s, 0),
            "min_replicas": least,
            "max_replicas": count(
                "max_replicas", settings()["most_replicas"] if max_replicas is None else max_replicas, max(1, least)
            ),
        }
        | {
            name: at_least(name, value, 0)
            for name, value in (("cool_down_s", cool_down_s), ("idle_s", idle_s))
            if value is not None
        }
    )


@dataclass(frozen=True)
class Autoscaled:
    """A queue whose replicas followed the load."""

    queue: SimulatedQueue
    """``servers`` and ``utilisation`` are over the replicas that are paid for."""
    changes_s: FloatArray
    """Times at which the number of replicas changed.  [s]"""
    replicas: NDArray[np.intp]
    """Replicas from each change on, those that still start included."""
    replica_hours: float
    """Time that is billed: of every replica from the wish for it until it is gone.  [h]"""
    starts: int
    """Replicas started after the first moment."""

    @property
    def worst_wait_s(self) -> float:
        """Longest wait of a request [s]."""
        return float(self.queue.waits_s.max())


def autoscale(
    arrivals_s: ArrayLike,
    *,
    service: Service | ArrayLike,
    policy: Scaler,
    workers: int = 1,
    seed: int = 0,
    on_progress: Callable[[float], object] | None = None,
    cancel: threading.Event | None = None,
) -> Autoscaled:
    r"""Full response of a sequence of requests at replicas that an autoscaler starts and stops.

    Parameters
    ----------
    arrivals_s, service, seed
        As for :func:`~advisor.sim_queue.simulate`.
    policy : Scaler
        From :func:`scaler`.
    workers : int, default 1
        Requests that one replica serves at once.
    on_progress : callable, optional
        Called with the share of the requests that are begun, after each look.
    cancel : Event, optional
        Ends the simulation once it is set.

    Returns
    -------
    Autoscaled

    Raises
    ------
    TrafficError
        If there are no arrivals or they do not ascend, a number lies out of its bounds, or it was cancelled.

    Notes
    -----
    At each look the number wanted is the load over target and workers.  The fleet begins with what the first window
    needs.  The youngest replica goes first and finishes what it has begun.  Where there is none, a request starts one
    and waits for it.  If the load jumps to k times what it was, nobody waits for long as long as :math:`k u \le 1`
    with u the target; else the longest wait is about

    .. math:: (t_{start} + t_{interval}) \left(1 - \frac{1}{k u}\right)

    as the backlog grows until the new replicas serve.
    """
    times = ascending(arrivals_s)
    services = service_times(service, times.size, np.random.default_rng(seed))
    fleet = Fleet(policy, count("workers", workers, 1), times, services)
    now = float(times[0])
    while fleet.begun < times.size:
        skipped = max(0.0, fleet.next_s - now) // policy.interval_s
        now += (1 + skipped) * policy.interval_s
        fleet.serve(now)
        fleet.look(now)
        if on_progress is not None:
            on_progress(fleet.begun / times.size)
        if cancel is not None and cancel.is_set():
            raise TrafficError("traffic_cancelled")
    waits = fleet.waits_s
    end = float((times + waits + services).max())
    paid_s = sum(min(replica.gone_s, end) - replica.asked_s for replica in fleet.replicas if replica.asked_s < end)
    servers = paid_s * workers / (end - float(times[0]))
    queue = SimulatedQueue(times, waits, services, np.ones(times.size, bool), servers, alone(times))
    moments, numbers = zip(*fleet.changes, strict=True)
    return Autoscaled(queue, np.array(moments), np.array(numbers), paid_s / SECONDS_PER_HOUR, fleet.starts)
