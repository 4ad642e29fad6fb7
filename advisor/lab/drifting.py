"""Whether the times of a run rise or fall while it lasts, and whether the machine itself does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.lab.settings import settings
from advisor.results import Interval

FloatArray = NDArray[np.float64]
Cause = Literal["none", "machine", "model", "unknown"]


@dataclass(frozen=True, slots=True)
class Drift:
    """Change of the times from the first burst to the last, as shares with 95 % intervals: 0.12 is 12 % slower."""

    change: Interval
    """Of the median inference.  [unitless]"""
    machine: Interval | None
    """Of a fixed piece of work beside it; None where there was none.  [unitless]"""
    apart: Interval | None
    """Of the median inference over that piece of work.  [unitless]"""
    span_s: float
    """From the first burst to the last.  [s]"""

    @property
    def cause(self) -> Cause:
        """What drifted: nothing; the machine, and the model with it; the model; or something, none knows what."""
        if not _told(self.change):
            return "none"
        if self.apart is None:
            return "unknown"
        return "model" if _told(self.apart) and self.apart.mid * self.change.mid > 0 else "machine"


def drift(
    samples_s: FloatArray, sizes: Sequence[int], began_s: Sequence[float], canary_s: Sequence[float]
) -> Drift | None:
    """Drift of a run.

    Parameters
    ----------
    samples_s : array of shape (n,)
        Samples, burst after burst.  [s]
    sizes : sequence of int
        Samples in each burst.
    began_s : sequence of float
        When each burst began.  [s]
    canary_s : sequence of float
        Time of a fixed piece of work before each burst; may be empty.  [s]

    Returns
    -------
    Drift or None
        None with too few bursts, or bursts that all began at once.
    """
    if len(sizes) < settings()["drift"]["least_bursts"] or len(began_s) != len(sizes):
        return None
    at = np.asarray(began_s, dtype=np.float64)
    if at[-1] <= at[0]:
        return None
    times = np.log([np.median(burst) for burst in np.split(samples_s, np.cumsum(sizes)[:-1])])
    change = _interval(trend(at, times))
    span_s = float(at[-1] - at[0])
    if len(canary_s) != len(sizes):
        return Drift(change, None, None, span_s)
    speed = np.log(canary_s)
    return Drift(change, _interval(trend(at, speed)), _interval(trend(at, times - speed)), span_s)


def trend(at: ArrayLike, logs: ArrayLike) -> FloatArray:
    r"""Relative change along a straight line through logarithms, with its 95 % interval [1]_.

    Parameters
    ----------
    at : array of shape (n,)
        Moments in ascending order.  [s]
    logs : array of shape (n,)
        Logarithms of times.

    Returns
    -------
    array of shape (3,)
        Lower bound, estimate and upper bound of the change from the first moment to the last.  [unitless]

    Notes
    -----
    The slope is the median of the slopes between all pairs, so that few disturbed bursts do not move it; the interval
    lies between the slopes that Kendall's test does not reject.  Times of many bursts are first taken together, by
    medians of neighbours.

    References
    ----------
    .. [1] P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau," J. Am. Stat. Assoc., vol. 63,
       pp. 1379-1389, 1968, doi:10.1080/01621459.1968.10480934.

    Examples
    --------
    >>> trend(np.arange(10.0), np.log(1 + np.arange(10.0) / 90)).round(2)
    array([0.1, 0.1, 0.1])
    """
    from scipy.stats import theilslopes

    moments, values = np.asarray(at, dtype=np.float64), np.asarray(logs, dtype=np.float64)
    each = -(-len(moments) // settings()["drift"]["most_points"])
    starts = np.arange(0, len(moments), each)
    x, y = (np.array([np.median(part[n : n + each]) for n in starts]) for part in (moments, values))
    found = theilslopes(y, x, settings()["quantiles"]["interval_confidence"])
    slopes = np.array([found.low_slope, found.slope, found.high_slope])
    return np.asarray(np.expm1(slopes * (moments[-1] - moments[0])))


def _told(change: Interval) -> bool:
    """Whether a change is one: large enough, and its interval leaves 0 out."""
    return abs(change.mid) >= settings()["drift"]["least"] and (change.low > 0 or change.high < 0)


def _interval(bounds: FloatArray) -> Interval:
    return Interval(*map(float, bounds))
