"""Arrivals and service -> response quantiles, and the servers or the traffic that an objective allows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.queue_model import FloatArray, QueueTimes, margin, queue_times, service_quantile

_NO_LOAD = float(np.finfo(float).eps)
_RESOLUTION = float(np.finfo(np.float32).eps)
"""Share of a rate within which :func:`arrivals_for` finds it."""


def queue_times_s(
    q: ArrayLike,
    *,
    servers: ArrayLike,
    arrivals_per_s: ArrayLike,
    service_s: ArrayLike,
    service_cv: ArrayLike = 1.0,
    arrival_cv: ArrayLike = 1.0,
) -> QueueTimes:
    """Quantiles of wait and response; arguments and formulas as in :func:`response_quantile_s`."""
    q, count, rate, mean, service_cv, arrival_cv = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (q, servers, arrivals_per_s, service_s, service_cv, arrival_cv))
    )
    offered = rate * mean
    stable = (offered < count) & np.isfinite(mean)
    utilisation = np.where(stable, offered / np.maximum(count, 1), 0.5)
    times = queue_times(q, np.maximum(count, 1), np.maximum(utilisation, _NO_LOAD), service_cv, arrival_cv)
    return QueueTimes(*(np.where(stable, time * mean, np.inf) for time in times))


def response_quantile_s(
    q: ArrayLike,
    *,
    servers: ArrayLike,
    arrivals_per_s: ArrayLike,
    service_s: ArrayLike,
    service_cv: ArrayLike = 1.0,
    arrival_cv: ArrayLike = 1.0,
) -> FloatArray | float:
    r"""Quantile of the response time, wait plus service, of a queue with several servers.

    Parameters
    ----------
    q : float or array
        Probability, such as 0.99.  [unitless]
    servers : float or array
        Servers that share one queue.  [unitless]
    arrivals_per_s : float or array
        Mean arrival rate.  [1/s]
    service_s : float or array
        Mean service time.  [s]
    service_cv, arrival_cv : float or array, default 1
        Coefficient of variation of service times and of the gaps between arrivals.  [unitless]

    Returns
    -------
    float or array
        Response time in the broadcast shape of the arguments; infinite where the load is not below the servers.  [s]

    Notes
    -----
    A formula for wait and service (:func:`advisor.queue_model.formula`), corrected by a table of long simulations with
    gamma service and gamma gaps: p99 within 2 % in the median, and within 15 % at worst, up to a utilisation of 0.9
    (``docs/methodology/capacity.md``).

    Examples
    --------
    >>> round(float(response_quantile_s(0.99, servers=1, arrivals_per_s=50, service_s=0.01)), 4)
    0.0921
    """
    times = queue_times_s(
        q,
        servers=servers,
        arrivals_per_s=arrivals_per_s,
        service_s=service_s,
        service_cv=service_cv,
        arrival_cv=arrival_cv,
    )
    return times.response if times.response.ndim else float(times.response)


def servers_for(
    q: ArrayLike,
    *,
    response_s: ArrayLike,
    arrivals_per_s: ArrayLike,
    service_s: ArrayLike,
    service_cv: ArrayLike = 1.0,
    arrival_cv: ArrayLike = 1.0,
    kept: float | None = None,
) -> FloatArray | float:
    """Fewest servers that keep a response quantile within an objective.

    Parameters
    ----------
    q, arrivals_per_s, service_s, service_cv, arrival_cv
        As in :func:`response_quantile_s`.
    response_s : float or array
        Objective on the quantile.  [s]
    kept : float, optional
        Share of the objective that is kept for the error of the quantile; that of the corrections by default, 0 for the
        servers with which the quantile itself is within the objective.  None is kept where no number of servers would
        do then.  [unitless]

    Returns
    -------
    float or array
        Whole number of servers, at least 1; infinite where no number of servers suffices.  [unitless]

    Notes
    -----
    The quantile falls with every server, so the search is exact: steps that double until it is held, then halves.
    """
    arrays = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (q, response_s, arrivals_per_s, service_s, service_cv, arrival_cv))
    )
    shape = arrays[0].shape
    q, target, rate, mean, service_cv, arrival_cv = (array.ravel() for array in arrays)
    alone, tight = (
        service_quantile(q, np.square(service_cv)) * mean,
        target / (1 + (margin() if kept is None else kept)),
    )
    possible, target = (alone <= target) & np.isfinite(rate * mean), np.where(alone <= tight, tight, target)

    def holds(at: NDArray[np.integer], servers: FloatArray) -> NDArray[np.bool_]:
        times = queue_times_s(
            q[at],
            servers=servers,
            arrivals_per_s=rate[at],
            service_s=mean[at],
            service_cv=service_cv[at],
            arrival_cv=arrival_cv[at],
        )
        return np.asarray(times.response <= target[at])

    offered = np.floor(np.where(possible, rate * mean, 0.0))
    found = np.where(possible, 0.0, np.inf)
    at = np.flatnonzero(possible)
    found[at] = offered[at] + fewest(lambda some, more: holds(at[some], offered[at[some]] + more), len(at))
    return found.reshape(shape) if shape else float(found[0])


def arrivals_for(
    q: ArrayLike,
    *,
    response_s: ArrayLike,
    servers: ArrayLike,
    service_s: ArrayLike,
    service_cv: ArrayLike = 1.0,
    arrival_cv: ArrayLike = 1.0,
) -> FloatArray | float:
    """Highest arrival rate at which servers keep a response quantile within an objective.

    Parameters
    ----------
    q, servers, service_s, service_cv, arrival_cv
        As in :func:`response_quantile_s`.
    response_s : float or array
        Objective on the quantile.  [s]

    Returns
    -------
    float or array
        Rate, in single precision; 0 where the service alone takes longer.  [1/s]
    """
    q, target, count, mean, service_cv, arrival_cv = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (q, response_s, servers, service_s, service_cv, arrival_cv))
    )
    low, high = np.zeros(target.shape), count / mean
    while np.any(high - low > _RESOLUTION * high):
        middle = (low + high) / 2
        times = queue_times_s(
            q, servers=count, arrivals_per_s=middle, service_s=mean, service_cv=service_cv, arrival_cv=arrival_cv
        )
        held = times.response <= target
        low, high = np.where(held, middle, low), np.where(held, high, middle)
        high = np.where(high < _RESOLUTION * count / mean, 0.0, high)
    return low if low.ndim else float(low)


def fewest(holds: Callable[[NDArray[np.integer], FloatArray], NDArray[np.bool_]], count: int) -> FloatArray:
    """Smallest whole number from 1 on that holds, for each of ``count`` monotone questions."""
    low, high = np.zeros(count), np.ones(count)
    open_ = np.arange(count)
    while len(open_ := open_[~holds(open_, high[open_])]):
        low[open_], high[open_] = high[open_], 2 * high[open_]
    while len(open_ := np.flatnonzero(high - low > 1)):
        middle = np.floor((low[open_] + high[open_]) / 2)
        held = holds(open_, middle)
        high[open_], low[open_] = np.where(held, middle, high[open_]), np.where(held, low[open_], middle)
    return high
