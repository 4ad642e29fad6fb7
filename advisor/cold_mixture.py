"""Response of functions as the mixture it is: most requests find an instance warm, some wait for its start."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]

_SMALLEST_SCV = float(np.finfo(np.float32).eps)
_HALVINGS = 22
_NODE, _WEIGHT = np.polynomial.legendre.leggauss(12)
_CHANCE, _WEIGHT = (1 + _NODE) / 2, _WEIGHT / 2


def _gamma(service_cv: float) -> float:
    """Shape of a gamma service time."""
    return 1 / max(service_cv**2, _SMALLEST_SCV)


def _warm_cdf(time_s: FloatArray, service_s: FloatArray, shape: float) -> FloatArray:
    """Distribution of a gamma service time of the given mean and shape."""
    return np.asarray(special.gammainc(shape, np.maximum(time_s, 0.0) / service_s * shape))


def _cold_cdf(
    time_s: FloatArray, service_s: FloatArray, shape: float, start_s: FloatArray, log_sd: FloatArray
) -> FloatArray:
    """Distribution of start plus service: integrated over the quantiles of the one that varies less."""
    found = np.empty(np.shape(time_s))
    services, starts = special.gammaincinv(shape, _CHANCE) / shape, special.ndtri(_CHANCE)
    steady = service_s / np.sqrt(shape) <= start_s * log_sd
    for rows, over_service in ((steady, True), (~steady, False)):
        time, service, start, sd = (column[rows][:, None] for column in (time_s, service_s, start_s, log_sd))
        if over_service:
            with np.errstate(divide="ignore"):
                below = special.ndtr(np.log(np.maximum(time - services * service, 0.0) / start) / sd)
        else:
            below = _warm_cdf(time - start * np.exp(sd * starts), service, shape)
        found[rows] = below @ _WEIGHT
    return found


def mixed_quantile_s(
    q: float,
    *,
    cold_share: ArrayLike,
    service_s: ArrayLike,
    service_cv: float,
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
    service_s : float or array
        Mean of the gamma service time.  [s]
    service_cv : float
        Its coefficient of variation.  [unitless]
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
    shape = _gamma(service_cv)
    sides = np.broadcast_arrays(*(np.asarray(a, float) for a in (cold_share, service_s, start_s, start_log_sd)))
    share, service, start, log_sd = (np.ravel(side) for side in sides)
    half_late = (1 + q) / 2
    low = service * float(special.gammaincinv(shape, q)) / shape
    slowest = start * np.exp(log_sd * float(special.ndtri(half_late)))
    high = service * float(special.gammaincinv(shape, half_late)) / shape + slowest
    high = np.where(share > 0, high, low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = (1 - share) * _warm_cdf(middle, service, shape)
        below += share * _cold_cdf(middle, service, shape, start, log_sd)
        low, high = np.where(below < q, middle, low), np.where(below < q, high, middle)
    return np.asarray(high.reshape(sides[0].shape))


def share_allowed(
    q: float,
    *,
    response_s: ArrayLike,
    service_s: ArrayLike,
    service_cv: float,
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
    shape = _gamma(service_cv)
    sides = np.broadcast_arrays(*(np.asarray(a, float) for a in (response_s, service_s, start_s, start_log_sd)))
    time, service, start, log_sd = (np.ravel(side) for side in sides)
    warm, cold = _warm_cdf(time, service, shape), _cold_cdf(time, service, shape, start, log_sd)
    allowed = np.where(cold >= q, 1.0, (warm - q) / np.maximum(warm - cold, _SMALLEST_SCV))
    return np.clip(allowed, 0.0, 1.0).reshape(sides[0].shape)
