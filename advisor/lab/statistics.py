"""Quantiles of inference times with their confidence intervals, of independent samples and of bursts.

Times are in one unit throughout, any unit; shapes are those of NumPy arrays.  Intervals are arrays of the lower bound,
the estimate and the upper bound along the first axis; NaN where the samples are too few.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

_DIGITS = 9
"""Digits of a product with a quantile that are no rounding error."""


def quantile_bounds(ordered: FloatArray, q: float, *, confidence: float) -> FloatArray:
    r"""Quantile of independent samples with its distribution-free confidence interval [1]_.

    Parameters
    ----------
    ordered : array of shape (..., n)
        Samples in ascending order along the last axis.  [time]
    q : float
        Quantile, between 0 and 1.  [unitless]
    confidence : float
        Least probability that the interval holds the quantile.  [unitless]

    Returns
    -------
    array of shape (3, ...)
        Lower bound, quantile, upper bound.  [time]

    Notes
    -----
    The number of samples below the quantile is binomial, so the samples whose ranks are its :math:`\alpha / 2` point
    and one above its :math:`1 - \alpha / 2` point bound the quantile, whatever the distribution of the times.

    References
    ----------
    .. [1] H. A. David and H. N. Nagaraja, Order Statistics, 3rd ed., Wiley, 2003, section 7.1,
       doi:10.1002/0471722162.

    Examples
    --------
    >>> quantile_bounds(np.arange(1.0, 101.0), 0.5, confidence=0.95)
    array([40., 50., 61.])
    """
    from scipy.stats import binom

    n = ordered.shape[-1]
    outside = 1 - confidence
    low, high = int(binom.ppf(outside / 2, n, q)), int(binom.ppf(1 - outside / 2, n, q)) + 1
    if low < 1 or high > n:
        return np.full((3, *ordered.shape[:-1]), np.nan)
    ranks = np.array([low, _rank(n * q), high]) - 1
    return np.moveaxis(ordered[..., ranks], -1, 0)


def needed_samples(q: float, *, samples_above: int, confidence: float) -> int:
    r"""Samples from which on a quantile may be given: the early stopping of MLPerf with tolerance 0 [1]_.

    Parameters
    ----------
    q : float
        Quantile, between 0 and 1.  [unitless]
    samples_above : int
        Samples that may lie beyond the quantile in the smallest sample.
    confidence : float
        Probability with which a larger quantile would have shown itself.  [unitless]

    Returns
    -------
    int
        The smallest n with :math:`P(X \le a) \le 1 - c`, X binomial with n trials of probability min(q, 1 - q).

    References
    ----------
    .. [1] MLCommons, "MLPerf inference rules," appendix "Early stopping criterion,"
       https://github.com/mlcommons/inference_policies.

    Examples
    --------
    >>> [needed_samples(q, samples_above=1, confidence=0.99) for q in (0.9, 0.95, 0.99)]
    [64, 130, 662]
    """
    from scipy.stats import binom

    tail = round(min(q, 1 - q), 12)
    unlikely = 1 - confidence

    def enough(n: int) -> bool:
        return bool(binom.cdf(samples_above, n, tail) <= unlikely)

    most = 1
    while not enough(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def cluster_quantile_bounds(samples: FloatArray, sizes: ArrayLike, q: float, *, confidence: float) -> FloatArray:
    r"""Quantile of samples taken in bursts, with a confidence interval that takes a burst as one draw.

    Parameters
    ----------
    samples : array of shape (n,)
        Samples, burst after burst.  [time]
    sizes : array of shape (bursts,)
        Samples in each burst; their sum is n.
    q : float
        Quantile, between 0 and 1.  [unitless]
    confidence : float
        Probability that the interval holds the quantile of the time over which the bursts are spread.  [unitless]

    Returns
    -------
    array of shape (3,)
        Lower bound, quantile, upper bound.  [time]

    Notes
    -----
    The exact binomial interval of the share below the quantile, with ``independent_samples`` in place of n, is turned
    back into times [1]_.  It holds where the quantile needs no more samples than those: a tail that shows itself in a
    few bursts only is under-covered.

    References
    ----------
    .. [1] R. S. Woodruff, "Confidence intervals for medians and other position measures," J. Am. Stat. Assoc.,
       vol. 47, pp. 635-646, 1952, doi:10.1080/01621459.1952.10483443.
    """
    from scipy.special import betaincinv

    alike = independent_samples(samples, sizes, q, confidence=confidence)
    if not alike:
        return np.full(3, np.nan)
    n, inside = len(samples), (1 + confidence) / 2
    low = float(betaincinv(alike * q, alike * (1 - q) + 1, 1 - inside))
    high = float(betaincinv(alike * q + 1, alike * (1 - q), inside))
    ranks = np.array([_rank(n * share) for share in (low, q, high)])
    return np.asarray(np.sort(samples)[np.clip(ranks, 1, n) - 1])


def independent_samples(samples: FloatArray, sizes: ArrayLike, q: float, *, confidence: float) -> float:
    r"""Independent samples that tell as much of a quantile as samples taken in bursts.

    Parameters
    ----------
    samples, sizes, q, confidence
        As for ``cluster_quantile_bounds``.

    Returns
    -------
    float
        At most n; 0 for a single burst.

    Notes
    -----
    With :math:`c_b` of the :math:`n_b` samples of burst b up to the quantile, a share p of all n, and B bursts,

    .. math:: v = \frac{B}{B - 1} \sum_b \frac{(c_b - p n_b)^2}{n^2}, \qquad
       n^* = \min\left(n, \frac{q (1 - q)}{v} \left(\frac{z}{t_{B - 1}}\right)^2\right)

    with the points z of the normal and t of Student's distribution at the confidence [1]_.  Samples within a burst may
    be alike in any way; bursts have to be independent, which is why they are spread out.

    References
    ----------
    .. [1] E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected number of positive
       counts estimated from survey data," Survey Methodology, vol. 24, pp. 193-201, 1998.
    """
    from scipy.special import ndtri, stdtrit

    counts = np.asarray(sizes, dtype=np.intp)
    n, bursts = len(samples), len(counts)
    if bursts < 2:
        return 0.0
    middle = np.partition(samples, _rank(n * q) - 1)[_rank(n * q) - 1]
    below = np.add.reduceat(samples <= middle, np.cumsum(counts) - counts, dtype=np.float64)
    variance = bursts / (bursts - 1) * ((below - below.sum() / n * counts) ** 2).sum() / n**2
    inside = (1 + confidence) / 2
    wider = float(stdtrit(bursts - 1, inside) / ndtri(inside)) ** 2
    return min(float(n), q * (1 - q) / (variance * wider)) if variance else float(n)


def _rank(position: float) -> int:
    """Rank, from 1, of the sample at a position."""
    return int(np.ceil(round(position, _DIGITS)))
