"""Response of functions as the mixture it is: most requests find an instance warm, some wait for its start."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]

_SMALLEST_SCV = float(np.finfo(np.float32).eps)
_HALVINGS = 22
_NODE, _WEIGHT = np.polynomial.legendre.leggauss(12)
_CHANCE, _WEIGHT = (1 + _NODE) / 2, _WEIGHT / 2


def _warm_cdf(time_s: FloatArray, service_s: FloatArray, scv: FloatArray) -> FloatArray:
    """Distribution of a gamma service time of the given mean and squared CV."""
    return np.asarray(special.gammainc(1 / scv, np.maximum(time_s, 0.0) / (service_s * scv)))


def _service_s(chance: ArrayLike, service_s: FloatArray, scv: FloatArray) -> FloatArray:
    """Quantile of the service time."""
    return np.asarray(special.gammaincinv(1 / scv, chance) * service_s * scv)


def _start_s(chance: ArrayLike, start_s: FloatArray, log_sd: FloatArray) -> FloatArray:
    """Quantile of a lognormal start of the given median."""
    return np.asarray(start_s * np.exp(log_sd * special.ndtri(chance)))


def _cold_cdf(
    time_s: FloatArray, service_s: FloatArray, scv: FloatArray, start_s: FloatArray, log_sd: FloatArray
) -> FloatArray:
    """Distribution of start plus service: integrated over the quantiles of the one that varies less."""
    found = np.empty(np.shape(time_s))
    steady = service_s * np.sqrt(scv) <= start_s * log_sd
    for rows, over_service in ((steady, True), (~steady, False)):
        time, service, cv, start, sd = (
            column[rows][:, None] for column in (time_s, service_s, scv, start_s, log_sd)
        )
        if over_service:
            left = time - _service_s(_CHANCE, service, cv)
            with np.errstate(divide="ignore"):
                below = special.ndtr(np.log(np.maximum(left, 0.0) / start) / sd)
        else:
            below = _warm_cdf(time - _start_s(_CHANCE, start, sd), service, cv)
        found[rows] = below @ _WEIGHT
    return found


def _columns(*values: ArrayLike) -> tuple[tuple[int, ...], list[FloatArray]]:
    """Common shape of some numbers or arrays, and each as a column."""
    arrays = np.broadcast_arrays(*(np.asarray(value, float) for value in values))
    return arrays[0].shape, [np.ravel(array) for array in arrays]


def mixed_quantile_s(
    q: float,
    *,
    cold_share: ArrayLike,
    service_s: ArrayLike,
    service_cv: ArrayLike,
    start_s: ArrayLike,
    start_log_sd: ArrayLike,
) -> FloatArray:
    r"""Quantile of the response when a share of the requests waits for a cold start.

    Parameters
    ----------
    q : float
        Probability, such as 0.99.  [unitless]
    cold_share : float or array
        Share p of the requests that start cold.  [unitless]
    service_s, service_cv : float or array
        Mean and coefficient of variation of the gamma service time.  [s], [unitless]
    start_s, start_log_sd : float or array
        Median of the lognormal cold start, and the standard deviation of its logarithm.  [s], [unitless]

    Returns
    -------
    array
        In the broadcast shape of the arguments.  [s]

    Notes
    -----
    The root x, found by halving, of

    .. math:: (1 - p) P(S \le x) + p P(C + S \le x) = q

    Examples
    --------
    >>> round(float(mixed_quantile_s(0.99, cold_share=0.02, service_s=0.1, service_cv=0.2, start_s=1.0,
    ...                              start_log_sd=0.1)), 2)
    1.1
    """
    shape, (share, service, scv, start, log_sd) = _columns(
        cold_share, service_s, np.maximum(np.square(service_cv), _SMALLEST_SCV), start_s, start_log_sd
    )
    half_late = (1 + q) / 2
    low = np.zeros(len(share))
    high = _service_s(half_late, service, scv) + _start_s(half_late, start, log_sd)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = (1 - share) * _warm_cdf(middle, service, scv)
        below += share * _cold_cdf(middle, service, scv, start, log_sd)
        low, high = np.where(below < q, middle, low), np.where(below < q, high, middle)
    return high.reshape(shape)


def share_allowed(
    q: float,
    *,
    response_s: ArrayLike,
    service_s: ArrayLike,
    service_cv: ArrayLike,
    start_s: ArrayLike,
    start_log_sd: ArrayLike,
) -> FloatArray:
    """Largest share of cold starts with which a quantile of the response stays within an objective.

    Parameters
    ----------
    response_s : float or array
        Objective on the quantile.  [s]
    q, service_s, service_cv, start_s, start_log_sd
        As in :func:`mixed_quantile_s`.

    Returns
    -------
    array
        In [0, 1]; 0 where even warm requests miss the objective.
    """
    shape, (time, service, scv, start, log_sd) = _columns(
        response_s, service_s, np.maximum(np.square(service_cv), _SMALLEST_SCV), start_s, start_log_sd
    )
    warm, cold = _warm_cdf(time, service, scv), _cold_cdf(time, service, scv, start, log_sd)
    allowed = np.where(cold >= q, 1.0, (warm - q) / np.maximum(warm - cold, _SMALLEST_SCV))
    return np.clip(allowed, 0.0, 1.0).reshape(shape)
