"""Functions over a whole day: the share of cold starts, living instances, and how many must be kept warm."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from advisor.cold_starts import FloatArray, beyond, levels

_SMALLEST = float(np.finfo(float).eps)
_CROWDED = 3
"""Power that crowds the rates of the day where they are low and the share of cold starts changes fastest."""
_NODE, _WEIGHT = np.polynomial.legendre.leggauss(8)
_TRAFFIC = ((1 + _NODE) / 2) ** _CROWDED
"""Shares of the traffic below the rates that stand for a day."""
_OF_TRAFFIC = _WEIGHT / 2 * _CROWDED * ((1 + _NODE) / 2) ** (_CROWDED - 1)


def rates_of_day(peak_per_s: ArrayLike, peak_factor: float) -> tuple[FloatArray, FloatArray]:
    r"""Rates between which the traffic of a day is spread, and the share of the requests at each.

    Parameters
    ----------
    peak_per_s : array, shape (queues,)
        Highest rate of the day.  [1/s]
    peak_factor : float
        Highest rate over the mean of the active hours.

    Returns
    -------
    two arrays, shape (queues, rates) and (rates,)
        Rates [1/s], and shares that add up to 1.

    Notes
    -----
    In the share u of the active hours the rate stays below :math:`r(u) = f \lambda u^{f - 1}`: from nothing to the
    peak :math:`f \lambda`, with the mean :math:`\lambda`; the share v of the requests arrives below
    :math:`f \lambda v^{(f - 1) / f}`.  With f = 1 the rate is constant.
    """
    return np.asarray(peak_per_s, float)[:, None] * _TRAFFIC ** ((peak_factor - 1) / peak_factor), _OF_TRAFFIC


class Day(NamedTuple):
    """Functions over the whole day, by the number n of instances kept warm; each of shape (queues, levels)."""

    cold: FloatArray
    """Share of the requests that start cold."""
    on_warm: FloatArray
    """Share of the requests that the n serve."""
    alive_s: FloatArray
    """Time that other instances than the n live, per request.  [s]"""

    def fewest_warm(self, row: NDArray[np.integer[Any]], share: FloatArray) -> NDArray[np.intp]:
        """Fewest instances kept warm with which at most ``share`` of the requests of a queue start cold."""
        return np.asarray(np.argmax(self.cold[row] <= share[:, None], axis=1))


def day(
    *,
    peak_per_s: FloatArray,
    peak_factor: float,
    service_s: FloatArray,
    keep_alive_s: FloatArray,
    burstiness: float = 1.0,
) -> Day:
    r"""Cold starts and living instances of a day, weighed by its requests.

    Parameters
    ----------
    peak_per_s, service_s, keep_alive_s : array, shape (queues,)
        Rate at the peak, mean service time, keep-alive.  [1/s], [s], [s]
    peak_factor, burstiness : float
        As in :func:`rates_of_day` and :func:`levels`.

    Notes
    -----
    The rate is taken to change slowly against the keep-alive.  The n that are kept warm are taken first, so they are a
    loss system: a request goes past them with the probability :math:`p_n / \sum_{k \le n} p_k`.
    """
    rates, weights = rates_of_day(peak_per_s, peak_factor)
    found = levels(
        arrivals_per_s=rates,
        service_s=service_s[:, None],
        keep_alive_s=keep_alive_s[:, None],
        burstiness=burstiness,
    )
    parts = rates.size // len(weights), len(weights), -1
    seen, cold, alive = (column.reshape(parts) for column in found)
    past = seen / np.maximum(np.cumsum(seen, axis=2), _SMALLEST)

    def over_the_day(values: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("qrl,r->ql", values, weights))

    return Day(
        np.clip(beyond(over_the_day(cold)), 0.0, 1.0),
        np.clip(1 - over_the_day(past), 0.0, 1.0),
        beyond(over_the_day(alive / np.maximum(rates, _SMALLEST)[..., None])),
    )


def most_busy(q: float, *, load: ArrayLike, burstiness: float = 1.0) -> FloatArray:
    r"""Quantile of the busy instances at a load, at least 1.

    Notes
    -----
    Negative binomial with the variance of GI/M/:math:`\infty`: the mean times
    :math:`1 / (1 - \phi) - a`, where :math:`\phi` is the transform of the gap at the service rate; Poisson for Poisson
    arrivals.
    """
    busy: FloatArray = np.maximum(np.asarray(load, float), _SMALLEST)
    if burstiness <= 1:
        return np.asarray(np.maximum(stats.poisson.ppf(q, busy), 1.0))
    peaked: FloatArray = 1 / (1 - (1 + burstiness / busy) ** (-1 / burstiness)) - busy
    return np.asarray(np.maximum(stats.nbinom.ppf(q, busy / (peaked - 1), 1 / peaked), 1.0))
