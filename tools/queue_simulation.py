"""A queue with several servers (GI/G/c, first come first served), simulated fast; needs ``pip install numba``.

Customers take the server that is free first (Kiefer and Wolfowitz, 1955), kept in a heap.  Gaps are gamma,
service times of one of ``LAWS``; the mean service time is 1.  Quantiles come from logarithmic histograms of ``BINS``
steps.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

BINS = 8192
LEAST, MOST = -9.0, 7.0
"""Logarithms of the shortest and the longest time told apart."""
LAWS = ("gamma", "lognormal", "hyperexponential")
"""Laws of service times; the last, with balanced means, needs a CV of more than 1."""


class Simulated(NamedTuple):
    """What one long run shows, in mean service times."""

    mean_wait: float
    waiting: float
    """Share that waits."""
    response: NDArray[np.int64]
    wait: NDArray[np.int64]
    """Histograms; the first entry counts the times of zero."""


def gamma_shape(cv: float) -> float:
    """Shape of a gamma law; 0 stands for a constant."""
    return 0.0 if cv == 0 else 1 / cv**2


def _parameter(law: str, cv: float) -> float:
    """Shape, standard deviation of the logarithm, or share of the shorter branch."""
    if law == "gamma":
        return gamma_shape(cv)
    return math.sqrt(math.log1p(cv**2)) if law == "lognormal" else (1 + math.sqrt((cv**2 - 1) / (cv**2 + 1))) / 2


def simulated(
    *,
    servers: int,
    utilisation: float,
    service_cv: float,
    arrival_cv: float,
    customers: int,
    seed: int,
    law: str = "gamma",
) -> Simulated:
    """One run; the first fifteenth, and at least twenty customers a server, is left out."""
    warm = max(customers // 15, 20 * servers)
    service = LAWS.index(law), _parameter(law, service_cv)
    rate = utilisation * servers
    mean_wait, wait, response = _run(customers, warm, servers, rate, gamma_shape(arrival_cv), *service, seed)
    return Simulated(mean_wait, 1 - wait[0] / wait.sum(), response, wait)


def quantile(histogram: NDArray[np.int64], q: float) -> float:
    """Quantile of a histogram, log-linear inside a bin."""
    counts = np.cumsum(histogram)
    wanted = counts[-1] * q
    at = int(np.searchsorted(counts, wanted))
    if at == 0:
        return 0.0
    inside = (wanted - counts[at - 1]) / histogram[at]
    return math.exp(LEAST + (at - 1 + inside) * (MOST - LEAST) / BINS)


@numba.njit(nogil=True, cache=True)
def _variate(shape):  # type: ignore[no-untyped-def]
    if shape == 0.0:
        return 1.0
    if shape == 1.0:
        return np.random.exponential(1.0)  # noqa: NPY002
    return np.random.gamma(shape, 1 / shape)  # noqa: NPY002


@numba.njit(nogil=True, cache=True)
def _service(law, parameter):  # type: ignore[no-untyped-def]
    if law == 0:
        return _variate(parameter)
    if law == 1:
        return math.exp(parameter * np.random.standard_normal() - parameter**2 / 2)  # noqa: NPY002
    share = parameter if np.random.random() < parameter else 1 - parameter  # noqa: NPY002
    return np.random.exponential(1 / (2 * share))  # noqa: NPY002


@numba.njit(nogil=True, cache=True)
def _bin(time, per_bin):  # type: ignore[no-untyped-def]
    return min(max(int((math.log(max(time, 1e-9)) - LEAST) * per_bin), 0), BINS) + 1


@numba.njit(nogil=True, cache=True)
def _replace_root(free, new):  # type: ignore[no-untyped-def]
    """The server that was free first is free at ``new`` again: down the heap."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= len(free):
            break
        if child + 1 < len(free) and free[child + 1] < free[child]:
            child += 1
        if free[child] >= new:
            break
        free[at] = free[child]
        at = child
    free[at] = new


@numba.njit(nogil=True, cache=True)
def _run(customers, warm, servers, rate, gap_shape, law, parameter, seed):  # type: ignore[no-untyped-def]
    np.random.seed(seed)  # noqa: NPY002
    free = np.zeros(servers)
    waits, responses = np.zeros(BINS + 2, np.int64), np.zeros(BINS + 2, np.int64)
    per_bin = BINS / (MOST - LEAST)
    now, total = 0.0, 0.0
    for customer in range(customers + warm):
        now += _variate(gap_shape) / rate
        wait = max(free[0] - now, 0.0)
        response = wait + _service(law, parameter)
        _replace_root(free, now + response)
        if customer >= warm:
            total += wait
            waits[_bin(wait, per_bin) if wait > 1e-9 else 0] += 1
            responses[_bin(response, per_bin)] += 1
    return total / customers, waits, responses
