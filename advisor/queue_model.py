"""Wait and response of a queue with several servers (GI/G/c): a short formula, corrected by long simulations.

Times are in mean service times.  The correction is a table over servers, waiting probability, variation of service
and arrivals, and quantile (``data/queues``); how well both together hold is in ``docs/methodology/capacity.md``.
"""

import tomllib
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, special

from advisor.paths import DATA

FloatArray = NDArray[np.float64]

_SMALLEST_SCV = float(np.finfo(np.float32).eps)
_LEAST = float(np.finfo(float).tiny)
_LEAST_PEAKEDNESS = 0.02


class Corrections(NamedTuple):
    """What simulations add to the formula, on a grid of queues; beyond its edges the nearest value holds."""

    axes: tuple[FloatArray, ...]
    """Nodes: log2 servers, logit of the Erlang C probability, CV of service, CV of gaps, -log(1 - q)."""
    excess: FloatArray
    """Log of simulated over formula excess of the response over the service quantile."""
    wait: FloatArray
    """Simulated less formula wait, in mean waits of those who wait."""


class QueueTimes(NamedTuple):
    """Quantiles in mean service times."""

    wait: FloatArray
    response: FloatArray


class Formula(NamedTuple):
    """What the uncorrected formula says, in mean service times."""

    waiting: FloatArray
    """Probability to wait with Poisson arrivals and exponential service."""
    conditional: FloatArray
    """Mean wait of those who wait."""
    late: FloatArray
    """Wait in mean waits of those who wait; negative where fewer than 1 - q wait."""
    service: FloatArray
    excess: FloatArray
    """Response less service quantile."""


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


def service_quantile(q: ArrayLike, service_scv: ArrayLike) -> FloatArray:
    """Quantile of a gamma service time of mean 1 and the given squared CV."""
    scv = np.maximum(np.asarray(service_scv, float), _SMALLEST_SCV)
    return np.asarray(special.gammaincinv(1 / scv, q) * scv)


def peakedness(service_scv: FloatArray, arrival_scv: FloatArray) -> FloatArray:
    r"""Variance over mean of the busy servers of an endless fleet, for renewal arrivals and gamma service.

    Notes
    -----
    :math:`z = 1 + (c_a^2 - 1) E[\min(S_1, S_2)] / E[S]`, and for a gamma law of shape k the last factor is
    :math:`1 - \Gamma(k + 1/2) / (\sqrt\pi \, \Gamma(k + 1))`.

    References
    ----------
    .. [1] A. E. Eckberg, "Generalized peakedness of teletraffic processes," ITC 10, 1983.
    """
    shape = 1 / np.maximum(service_scv, _SMALLEST_SCV)
    shorter = 1 - np.exp(special.gammaln(shape + 0.5) - special.gammaln(shape + 1)) / np.sqrt(np.pi)
    return np.asarray(np.maximum(1 + (arrival_scv - 1) * shorter, _LEAST_PEAKEDNESS))


def formula(
    q: FloatArray, servers: FloatArray, utilisation: FloatArray, service_cv: FloatArray, arrival_cv: FloatArray
) -> Formula:
    r"""Uncorrected times.

    Notes
    -----
    Arrivals wait with the Erlang C probability P of c/z servers and load a/z (Hayward [1]_); those who do wait an
    exponential time of mean :math:`(c_a^2 + c_s^2) / (2 c (1 - \rho))` (Allen and Cunneen [2]_).  Wait and service,
    independent, are joined as deviations from their means.

    References
    ----------
    .. [1] A. A. Fredericks, "Congestion in blocking systems: a simple approximation technique," BSTJ 59, 1980.
    .. [2] A. O. Allen, *Probability, Statistics and Queueing Theory*, 1990.
    """
    service_scv, arrival_scv = np.square(service_cv), np.square(arrival_cv)
    peaked = peakedness(service_scv, arrival_scv)
    waiting = erlang_c(servers, utilisation * servers)
    likely = np.maximum(erlang_c(servers / peaked, utilisation * servers / peaked), _LEAST)
    conditional = (service_scv + arrival_scv) / (2 * servers * (1 - utilisation))
    mean = likely * conditional
    late = np.log(likely) - np.log1p(-q)
    service = service_quantile(q, service_scv)
    apart = service - 1
    joined = np.sign(apart) * np.hypot(np.maximum(conditional * late - mean, 0.0), apart)
    return Formula(waiting, conditional, late, service, mean + joined - apart)


@cache
def corrections() -> Corrections:
    """The packed table, made by ``tools/fit_queues.py``."""
    rows = np.loadtxt(DATA / "queues" / "corrections.csv.gz", delimiter=",", skiprows=1)
    servers, waiting, service_cv, arrival_cv, q = (np.unique(column) for column in rows[:, :5].T)
    axes = (np.log2(servers), waiting, service_cv, arrival_cv, -np.log1p(-q))
    excess, wait = (column.reshape([len(axis) for axis in axes]) for column in rows[:, 5:].T)
    return Corrections(axes, excess, wait)


@cache
def margin() -> float:
    """Share of an objective that sizing keeps for the error of the quantile, see ``data/queues/corrections.toml``."""
    table = tomllib.loads((DATA / "queues" / "corrections.toml").read_text(encoding="utf-8"))
    return float(table["sizing"]["margin"])


def queue_times(
    q: FloatArray, servers: FloatArray, utilisation: FloatArray, service_cv: FloatArray, arrival_cv: FloatArray
) -> QueueTimes:
    """Quantiles of wait and response of stable queues, all arguments of one shape."""
    plain, table = formula(q, servers, utilisation, service_cv, arrival_cv), corrections()
    place = (
        np.log2(servers),
        special.logit(np.clip(plain.waiting, _LEAST, 1 - np.finfo(float).eps)),
        service_cv,
        arrival_cv,
        -np.log1p(-q),
    )
    at = [np.interp(x, axis, np.arange(len(axis))) for x, axis in zip(place, table.axes, strict=True)]
    excess = plain.excess * np.exp(_between(table.excess, at))
    shift = _between(table.wait, at)
    return QueueTimes(plain.conditional * np.maximum(plain.late + shift, 0.0), plain.service + excess)


def _between(values: FloatArray, at: list[FloatArray]) -> FloatArray:
    """Values of a table between its nodes, linear along every axis."""
    flat = np.stack([np.ravel(axis) for axis in at])
    return np.asarray(ndimage.map_coordinates(values, flat, order=1, mode="nearest")).reshape(np.shape(at[0]))
