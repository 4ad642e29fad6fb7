"""Differences of configurations that were measured one after another, and what of them is noise."""

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from advisor.results import Interval

FloatArray = NDArray[np.float64]


def ratio_of(first: Interval | None, second: Interval | None) -> Interval | None:
    """Second over first, as wide as their intervals allow; None where one is not known.

    Notes
    -----
    Two intervals that hold their quantiles with 95 % each hold both with at least 90 % (Bonferroni), and with about
    99 % where they are independent and of like width.  Neither knows that the machine may have changed between them.

    Examples
    --------
    >>> ratio_of(Interval(0.9, 1.0, 1.1), Interval(1.8, 2.0, 2.2))
    Interval(low=1.6363636363636362, mid=2.0, high=2.4444444444444446)
    """
    if first is None or second is None:
        return None
    return Interval(second.low / first.high, second.mid / first.mid, second.high / first.low)


def widened(interval: Interval, others: Iterable[Interval]) -> Interval:
    """Interval as wide as needed to hold some others.

    Examples
    --------
    >>> widened(Interval(2.0, 3.0, 4.0), [Interval(1.0, 1.5, 2.5)])
    Interval(low=1.0, mid=3.0, high=4.0)
    """
    held = [interval, *others]
    return Interval(min(each.low for each in held), interval.mid, max(each.high for each in held))


def honest_difference(logs: FloatArray, *, confidence: float) -> float:
    r"""Difference beyond which any two of several configurations are told apart: Tukey's, in randomised blocks [1]_.

    Parameters
    ----------
    logs : array of shape (configurations, passes)
        Logarithm of what was measured of each configuration in each pass, at least two by two.  [unitless]
    confidence : float
        Probability that no two configurations alike are told apart.  [unitless]

    Returns
    -------
    float
        Least difference of two means over the passes.  [unitless]

    Notes
    -----
    What a pass has in common, such as a processor that has become warm, cancels.  With the residuals r of the means of
    rows and columns, c configurations, p passes and the point q of the studentised range,

    .. math:: d = q_{c, (c - 1)(p - 1)} \sqrt{\frac{\sum r^2}{(c - 1)(p - 1) p}}.

    References
    ----------
    .. [1] D. C. Montgomery, Design and Analysis of Experiments, 10th ed., Wiley, 2019, sections 3.5.7 and 4.1,
       ISBN 978-1-119-49244-3.

    Examples
    --------
    >>> round(honest_difference(np.array([[0.0, 0.1], [0.5, 0.6], [1.0, 1.2]]), confidence=0.95), 3)
    0.24
    """
    configurations, passes = logs.shape
    residuals = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=0, keepdims=True) + logs.mean()
    freedom = (configurations - 1) * (passes - 1)
    error = float((residuals**2).sum()) / freedom
    return _studentised_range(confidence, configurations, freedom) * float(np.sqrt(error / passes))


@cache
def _studentised_range(confidence: float, groups: int, freedom: int) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(confidence, groups, freedom))
