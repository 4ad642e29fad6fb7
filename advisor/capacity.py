"""Arrivals and service -> response quantiles and the servers that an objective needs.

A queue with several servers and general service times has no exact formula; these are the approximations that long
simulations bear out (table in ``docs/methodology/capacity.md``).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]

_SMALLEST_SCV = float(np.finfo(np.float32).eps)
_SMALLEST_WAIT_SCV = float(np.sqrt(_SMALLEST_SCV))
_NO_LOAD = float(np.finfo(float).eps)


def erlang_c(servers: ArrayLike, offered: ArrayLike) -> FloatArray:
    """Probability that an arrival waits in M/M/c, for continuous ``servers``.

    Parameters
    ----------
    servers : float or array
        Number of servers c.  [unitless]
    offered : float or array
        Offered load, arrival rate times mean service time.  [erlang]

    Returns
    -------
    array
        Probability in [0, 1]; 1 where the load is not below the servers.

    References
    ----------
    .. [1] A. K. Erlang, 1917; continuous form through the incomplete gamma function.
    """
    servers, offered = np.asarray(servers, float), np.asarray(offered, float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_pmf = servers * np.log(offered) - offered - special.gammaln(servers + 1)
        blocked = np.exp(log_pmf) / special.gammaincc(servers + 1, offered)
        utilisation = offered / servers
        waits = blocked / (1 - utilisation * (1 - blocked))
    waits = np.where(offered <= 0, 0.0, waits)
    return np.where(offered >= servers, 1.0, np.clip(np.nan_to_num(waits, nan=0.0), 0.0, 1.0))


def _whitt_mean_wait(
    servers: FloatArray, utilisation: FloatArray, arrival_scv: FloatArray, service_scv: FloatArray, mm_wait: FloatArray
) -> FloatArray:
    """Mean wait of GI/G/c by Whitt 1993, equations 2.16 to 2.25, in the unit of ``mm_wait``."""
    gap = np.minimum(
        0.24, (1 - utilisation) * (servers - 1) * (np.sqrt(4 + 5 * servers) - 2) / (16 * servers * utilisation)
    )
    even = (1 - 4 * gap) * np.exp(-2 * (1 - utilisation) / (3 * utilisation))
    both = (arrival_scv + service_scv) / 2
    psi = np.where(both >= 1, 1.0, np.minimum(1, (1 + gap + even) / 2) ** (2 * (1 - np.minimum(both, 1))))
    with np.errstate(divide="ignore", invalid="ignore"):
        bursty = 4 * (arrival_scv - service_scv) / (4 * arrival_scv - 3 * service_scv) * (1 + gap)
        bursty = bursty + service_scv / (4 * arrival_scv - 3 * service_scv) * psi
        smooth = (service_scv - arrival_scv) / (2 * (arrival_scv + service_scv)) * even
        smooth = smooth + (service_scv + 3 * arrival_scv) / (2 * (arrival_scv + service_scv)) * psi
    return np.where(both <= 0, 0.0, np.where(arrival_scv >= service_scv, bursty, smooth) * both * mm_wait)


def _mean_wait(
    servers: FloatArray, utilisation: FloatArray, arrival_scv: FloatArray, service_scv: FloatArray, waits: FloatArray
) -> FloatArray:
    """Mean wait in mean service times: Kimura 1986 for Poisson arrivals, scaled by Whitt 1993 for others."""
    mm_wait = waits / (servers * (1 - utilisation))
    gap = np.minimum(
        0.24, (1 - utilisation) * (servers - 1) * (np.sqrt(4 + 5 * servers) - 2) / (16 * utilisation * servers)
    )
    md_wait = (1 + gap) / 2 * mm_wait
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        kimura = (1 + service_scv) / (2 * service_scv / mm_wait + (1 - service_scv) / md_wait)
    kimura = np.where(mm_wait > 0, kimura, 0.0)
    if np.all(arrival_scv == 1):
        return kimura
    poisson = _whitt_mean_wait(servers, utilisation, np.ones_like(arrival_scv), service_scv, mm_wait)
    actual = _whitt_mean_wait(servers, utilisation, arrival_scv, service_scv, mm_wait)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(poisson > 0, kimura * actual / poisson, 0.0)


def _conditional_wait_scv(utilisation: FloatArray, service_scv: FloatArray) -> FloatArray:
    """Squared CV of the wait of those who wait (Whitt, QNA 1983)."""
    third = np.where(service_scv >= 1, 3 * service_scv * (1 + service_scv), (2 * service_scv + 1) * (service_scv + 1))
    return np.maximum(
        2 * utilisation - 1 + 4 * (1 - utilisation) * third / (3 * (service_scv + 1) ** 2), _SMALLEST_WAIT_SCV
    )


class Times(NamedTuple):
    """Quantiles of one queue [s]."""

    wait: FloatArray
    response: FloatArray


def queue_times_s(
    q: ArrayLike,
    *,
    servers: ArrayLike,
    arrivals_per_s: ArrayLike,
    service_s: ArrayLike,
    service_cv: ArrayLike = 1.0,
    arrival_cv: ArrayLike = 1.0,
) -> Times:
    """Quantiles of wait and response; arguments and formulas as in :func:`response_quantile_s`."""
    service = service_quantile(q, np.square(service_cv))
    q, count, rate, mean, service_scv, arrival_scv = np.broadcast_arrays(
        *(
            np.asarray(a, float)
            for a in (q, servers, arrivals_per_s, service_s, np.square(service_cv), np.square(arrival_cv))
        )
    )
    offered = rate * mean
    stable = (offered < count) & np.isfinite(mean)
    utilisation = np.where(stable & (count > 0), offered / np.maximum(count, 1), 0.5)
    utilisation = np.maximum(utilisation, _NO_LOAD)
    waits = erlang_c(count, utilisation * count)
    mean_wait = _mean_wait(np.maximum(count, 1), utilisation, arrival_scv, service_scv, waits)
    late = waits > 1 - q
    wait = np.zeros_like(mean_wait)
    if late.any():
        scv = _conditional_wait_scv(utilisation[late], service_scv[late])
        tail = special.gammainccinv(1 / scv, np.minimum((1 - q[late]) / waits[late], 1.0))
        wait[late] = scv * tail * mean_wait[late] / waits[late]
    response = mean_wait + 1 + np.sign(service - 1) * np.hypot(np.maximum(wait - mean_wait, 0), service - 1)
    response = np.where(late, response, np.maximum(service, mean_wait + service))
    return Times(np.where(stable, wait * mean, np.inf), np.where(stable, response * mean, np.inf))


def service_quantile(q: ArrayLike, service_scv: ArrayLike) -> FloatArray:
    """Quantile of a gamma service time of mean 1 and the given squared CV."""
    scv = np.maximum(np.asarray(service_scv, float), _SMALLEST_SCV)
    return np.asarray(special.gammaincinv(1 / scv, q) * scv)


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
    Waiting probability by Erlang C, mean wait by Kimura [1]_ scaled for bursty arrivals by Whitt [2]_, wait of those
    who wait
    gamma-distributed with the variance of [3]_; wait and service are joined as independent deviations from their means:

    .. math:: R_q = E[W] + E[S] + \sqrt{(W_q - E[W])^2 + (S_q - E[S])^2}

    References
    ----------
    .. [1] T. Kimura, "A two-moment approximation for the mean waiting time in the GI/G/s queue," Management Science
    32, 1986.
    .. [2] W. Whitt, "Approximations for the GI/G/m queue," Production and Operations Management 2(2), 1993.
    .. [3] W. Whitt, "The queueing network analyzer," Bell System Technical Journal 62(9), 1983.

    Examples
    --------
    >>> round(float(response_quantile_s(0.99, servers=1, arrivals_per_s=50, service_s=0.01)), 4)
    0.0972
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
) -> FloatArray | float:
    """Fewest servers that keep a response quantile within an objective.

    Parameters
    ----------
    q, arrivals_per_s, service_s, service_cv, arrival_cv
        As in :func:`response_quantile_s`.
    response_s : float or array
        Objective on the quantile.  [s]

    Returns
    -------
    float or array
        Whole number of servers, at least 1; infinite where no number of servers suffices.  [unitless]
    """
    q, target, rate, mean, service_cv, arrival_cv = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (q, response_s, arrivals_per_s, service_s, service_cv, arrival_cv))
    )

    def meets(servers: FloatArray) -> NDArray[np.bool_]:
        times = queue_times_s(
            q, servers=servers, arrivals_per_s=rate, service_s=mean, service_cv=service_cv, arrival_cv=arrival_cv
        )
        return np.asarray(times.response <= target)

    possible = (service_quantile(q, np.square(service_cv)) * mean <= target) & np.isfinite(rate * mean)
    offered = np.where(possible, rate * mean, 0.0)
    low, high = np.floor(offered), np.floor(offered) + 1
    while not (enough := meets(high) | ~possible).all():
        low, high = np.where(enough, low, high), np.where(enough, high, offered + 2 * (high - offered) + 1)
        high = np.ceil(high)
    while (open_ := (high - low > 1) & possible).any():
        middle = np.floor((low + high) / 2)
        enough = meets(middle)
        high, low = np.where(open_ & enough, middle, high), np.where(open_ & ~enough, middle, low)
    servers = np.where(possible, high, np.inf)
    return servers if servers.ndim else float(servers)
