"""Requests through servers, first come first served."""

from collections.abc import Sequence
from heapq import heapreplace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.errors import TrafficError
from advisor.sim_results import SimulatedQueue
from advisor.sim_service import Service, service_times
from advisor.sim_settings import above, count

FloatArray = NDArray[np.float64]


def simulate(
    arrivals_s: ArrayLike,
    *,
    servers: int,
    service: Service | ArrayLike,
    timeout_s: float = float("inf"),
    seed: int = 0,
) -> SimulatedQueue:
    r"""Full response of a sequence of requests at servers that share one queue.

    Parameters
    ----------
    arrivals_s : array
        Arrival times, ascending; what ``arrivals`` and ``read_arrivals`` give.  [s]
    servers : int
        Requests that are served at once.
    service : Service, float or array
        Law of the service times, the time that every request takes, or measured times (such as ``Run.samples_s``),
        which are drawn with replacement.  [s]
    timeout_s : float, optional
        Wait after which a request leaves the queue unserved; never by default.  [s]
    seed : int, default 0
        The same seed gives the same service times.

    Returns
    -------
    SimulatedQueue

    Raises
    ------
    TrafficError
        If there are no arrivals or they do not ascend, or a number lies out of its bounds.

    Notes
    -----
    A request starts when the earliest free server is, in the order of arrival [1]_.  For one server without a
    time-out, with :math:`U_n` the service of the requests before less the time since the first arrival,

    .. math:: W_n = U_n - \min_{m \le n} U_m

    References
    ----------
    .. [1] J. Kiefer and J. Wolfowitz, "On the theory of queues with many servers," Trans. Am. Math. Soc., vol. 78,
       pp. 1-18, 1955, doi:10.1090/S0002-9947-1955-0066587-3.

    Examples
    --------
    >>> simulate([0.0, 0.1, 0.2], servers=1, service=0.25).waits_s.round(2)
    array([0.  , 0.15, 0.3 ])
    """
    times = ascending(arrivals_s)
    number = count("servers", servers, 1)
    if timeout_s < np.inf:
        above("timeout_s", timeout_s, 0)
    services = service_times(service, times.size, np.random.default_rng(seed))
    if number == 1 and timeout_s == np.inf:
        waits = _lindley(times, services)
    else:
        waits = np.array(_in_turn(times.tolist(), services.tolist(), number, timeout_s))
    return SimulatedQueue(
        times, np.minimum(waits, timeout_s), services, waits <= timeout_s, float(number), alone(times)
    )


def alone(times: FloatArray) -> NDArray[np.intp]:
    """Batches of one."""
    return np.ones(times.size, np.intp)


def ascending(arrivals_s: ArrayLike) -> FloatArray:
    """Arrival times as an array.

    Raises
    ------
    TrafficError
        If there are none, or they do not ascend.
    """
    times = np.asarray(arrivals_s, float).ravel()
    if not times.size:
        raise TrafficError("traffic_none")
    wrong = np.flatnonzero(~np.isfinite(times) | (np.diff(times, prepend=times[0]) < 0))
    if wrong.size:
        raise TrafficError("traffic_order", place=int(wrong[0]), value=float(times[wrong[0]]))
    return times


def _lindley(times: FloatArray, services: FloatArray) -> FloatArray:
    """Waits at one server."""
    ahead = np.append(0.0, np.cumsum(services[:-1])) - (times - times[0])
    return np.asarray(ahead - np.minimum.accumulate(ahead))


def _in_turn(times: Sequence[float], services: Sequence[float], servers: int, timeout_s: float) -> list[float]:
    """Waits at several servers; those above the time-out left unserved."""
    free = [times[0]] * servers
    waits = []
    for arrival, service in zip(times, services, strict=True):
        wait = free[0] - arrival
        if wait <= 0.0:
            wait = 0.0
        if wait <= timeout_s:
            heapreplace(free, arrival + wait + service)
        waits.append(wait)
    return waits
