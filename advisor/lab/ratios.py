"""Ratios of configurations that were measured in turn, and what may be said of them.

Intervals are arrays of the lower bound, the estimate and the upper bound along the first axis; NaN where the rounds are
too few.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Decision = Literal["same", "faster", "slower", "undecided"]

_DIGITS = 9
"""Digits of 1 / (1 - q) that are no rounding error."""


def burst_quantiles(samples: FloatArray, sizes: ArrayLike, q: float) -> FloatArray:
    """Quantile of each burst, in the shape of ``sizes``; NaN for bursts too short to reach it.  [time]."""
    ends = np.cumsum(np.asarray(sizes, dtype=np.intp))
    least = np.ceil(round(1 / min(q, 1 - q), _DIGITS))
    bursts = np.split(samples, ends[:-1])
    return np.array([np.quantile(burst, q) if len(burst) >= least else np.nan for burst in bursts])


def paired_ratio_bounds(first: FloatArray, second: FloatArray, *, confidence: float) -> FloatArray:
    r"""Ratio of two configurations that were measured in turn, with its confidence interval [1]_.

    Parameters
    ----------
    first, second : array of shape (..., rounds)
        A quantile of the burst of each configuration in each round.  [time]
    confidence : float
        Least probability that the interval holds the ratio.  [unitless]

    Returns
    -------
    array of shape (3, ...)
        Lower bound, estimate and upper bound of second / first.  [unitless]

    Notes
    -----
    Both bursts of a round meet the same state of the machine, which the ratio of a round is free of.  The estimate is
    the Hodges-Lehmann median of the pairwise means of the log ratios, and the interval lies between the pairwise means
    that the signed-rank test of Wilcoxon does not reject: few disturbed rounds do not move it.

    References
    ----------
    .. [1] M. Hollander, D. A. Wolfe and E. Chicken, Nonparametric Statistical Methods, 3rd ed., Wiley, 2014,
       sections 3.1-3.3, doi:10.1002/9781119196037.

    Examples
    --------
    >>> paired_ratio_bounds(np.ones(8), np.linspace(1.04, 1.06, 8), confidence=0.95).round(3)
    array([1.043, 1.05 , 1.057])
    """
    logs = np.log(second) - np.log(first)
    rounds = logs.shape[-1]
    rank = _signed_rank(rounds, (1 - confidence) / 2)
    if rank < 1:
        return np.full((3, *logs.shape[:-1]), np.nan)
    one, other = np.triu_indices(rounds)
    means = np.sort((logs[..., one] + logs[..., other]) / 2, axis=-1)
    return np.asarray(np.exp([means[..., rank - 1], np.median(means, axis=-1), means[..., -rank]]))


def _signed_rank(rounds: int, probability: float) -> int:
    """Largest k with P(W < k) <= probability, W the signed-rank statistic of so many rounds without a difference."""
    weights = np.ones(1)
    for rank in range(1, rounds + 1):
        weights = (np.pad(weights, (0, rank)) + np.pad(weights, (rank, 0))) / 2
    return int(np.searchsorted(np.cumsum(weights), probability, side="right"))


def noise_floor(ratio: FloatArray, *, least: float) -> FloatArray:
    """Difference that a configuration may show to a copy of itself.

    Parameters
    ----------
    ratio : array of shape (3, ...)
        Ratio of the copy to the configuration with its interval, of ``paired_ratio_bounds``.  [unitless]
    least : float
        Floor where the two are more alike than this.  [unitless]

    Returns
    -------
    array of shape (...)
        Largest relative difference that the interval holds, as a share; NaN where there is no interval.  [unitless]
    """
    return np.asarray(np.maximum(np.maximum(ratio[2], 1 / ratio[0]) - 1, least))


def decision(ratio: FloatArray, floor: float, *, coarsest: float) -> Decision:
    """What a ratio says of the second configuration.

    Parameters
    ----------
    ratio : array of shape (3,)
        Ratio of second to first with its interval.  [unitless]
    floor : float
        Noise floor of the same measurement.  [unitless]
    coarsest : float
        Noise floor above which no two configurations are called the same.  [unitless]

    Returns
    -------
    str
        ``slower`` or ``faster`` where the interval leaves 1 out and the estimate is beyond the floor, ``same`` where
        the whole interval is within the floor, ``undecided`` elsewhere.
    """
    low, middle, high = ratio
    if low > 1 and middle > 1 + floor:
        return "slower"
    if high < 1 and middle < 1 / (1 + floor):
        return "faster"
    return "same" if floor <= coarsest and high <= 1 + floor and low >= 1 / (1 + floor) else "undecided"
