"""How far the answers of two models agree: shares and a paired change with their intervals, cosine and noise.

Intervals are arrays of the lower bound, the estimate and the upper bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.results import Interval

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Similarity:
    """How alike one output of two models is."""

    output: str
    cosine: float
    """Cosine of the angle between the two outputs, median over the samples.  [unitless]"""
    least_cosine: float
    """Of the sample with the lowest.  [unitless]"""
    snr_db: float | None
    """Power of the output over that of the difference; None where one of them is nothing.  [dB]"""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What samples that served for nothing else say of a variant; intervals are of 95 %."""

    samples: int
    not_finite: int
    """Samples for which the variant alone gives infinity or no number."""
    same_choice: Interval | None
    """Share of samples with the same most likely class; None where no output is a choice.  [unitless]"""
    accuracy_before: Interval | None
    """Share of labels that the original model gets right; None without labels.  [unitless]"""
    accuracy: Interval | None
    """Share of labels that the variant gets right.  [unitless]"""
    accuracy_change: Interval | None
    """Second less first, by pairs.  [unitless]"""
    outputs: tuple[Similarity, ...]


def agreement_of(answers: Mapping[str, Any], labels: NDArray[np.intp] | None, *, confidence: float) -> Agreement:
    """Agreement of two models.

    Parameters
    ----------
    answers : mapping
        ``samples`` and ``not_finite`` count samples, ``before`` and ``after`` hold the choices, ``outputs`` the cosines
        and the powers of signal and noise of each output.
    labels : array, optional
        Right choices.
    confidence : float
        Of the intervals.  [unitless]
    """
    before, after = (np.array(answers[place], dtype=np.intp) for place in ("before", "after"))
    outputs = tuple(
        Similarity(
            name,
            float(np.median(found["cosines"])),
            min(found["cosines"]),
            snr_db(found["signal"], found["noise"]),
        )
        for name, found in answers["outputs"].items()
    )

    def share(which: NDArray[np.bool_]) -> Interval:
        return Interval(*map(float, share_bounds(int(which.sum()), len(which), confidence=confidence)))

    same = share(before == after) if len(before) else None
    if labels is None:
        return Agreement(answers["samples"], answers["not_finite"], same, None, None, None, outputs)
    right, right_now = before == labels, after == labels
    gained, lost = int((right_now & ~right).sum()), int((right & ~right_now).sum())
    change = Interval(*map(float, paired_change_bounds(gained, lost, len(labels), confidence=confidence)))
    return Agreement(answers["samples"], answers["not_finite"], same, share(right), share(right_now), change, outputs)


def share_bounds(count: int, samples: int, *, confidence: float) -> FloatArray:
    r"""Share of samples with the score interval of Wilson [1]_.

    Parameters
    ----------
    count, samples : int
        Samples that have a property, and all of them.
    confidence : float
        Probability that the interval holds the true share.  [unitless]

    Returns
    -------
    array of shape (3,)
        Lower bound, share, upper bound.  [unitless]

    Notes
    -----
    The interval holds every share p with :math:`|\hat p - p| \le z \sqrt{p (1 - p) / n}`.

    References
    ----------
    .. [1] L. D. Brown, T. T. Cai and A. DasGupta, "Interval estimation for a binomial proportion," Statistical Science,
       vol. 16, pp. 101-133, 2001, doi:10.1214/ss/1009213286.

    Examples
    --------
    >>> share_bounds(533, 540, confidence=0.95).round(3)
    array([0.973, 0.987, 0.994])
    """
    from scipy.special import ndtri

    share, weight = count / samples, float(ndtri((1 + confidence) / 2)) ** 2 / samples
    middle = (share + weight / 2) / (1 + weight)
    half = np.sqrt(weight * share * (1 - share) + weight**2 / 4) / (1 + weight)
    return np.array([min(max(middle - half, 0.0), share), share, max(min(middle + half, 1.0), share)])


def paired_change_bounds(gained: int, lost: int, samples: int, *, confidence: float) -> FloatArray:
    r"""Change of a share of the same samples with the score interval of Tango [1]_.

    Parameters
    ----------
    gained, lost : int
        Samples that have the property only afterwards, and only before.
    samples : int
        All of them.
    confidence : float
        Probability that the interval holds the true change.  [unitless]

    Returns
    -------
    array of shape (3,)
        Lower bound, change, upper bound.  [unitless]

    Notes
    -----
    With b gained and c lost of n, the interval holds every change d with

    .. math:: |b - c - n d| \le z \sqrt{n (2 q + d (1 - d))}

    where q is the likeliest probability of a loss given d, the larger root of
    :math:`2 n q^2 + ((2 n - b + c) d - b - c) q - c d (1 - d)`.  It leaves 0 out exactly where the test of McNemar
    rejects, and has a width where nothing changed.

    References
    ----------
    .. [1] T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
       design," Statistics in Medicine, vol. 17, pp. 891-908, 1998.

    Examples
    --------
    >>> paired_change_bounds(1, 7, 21, confidence=0.95).round(3)
    array([-0.517, -0.286, -0.026])
    >>> paired_change_bounds(0, 0, 540, confidence=0.95).round(3)
    array([-0.007,  0.   ,  0.007])
    """
    most, least = (_largest_change(*cells, samples, confidence) for cells in ((gained, lost), (lost, gained)))
    return np.array([-least, (gained - lost) / samples, most])


def _largest_change(gained: int, lost: int, samples: int, confidence: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))

    def beyond(change: float) -> float:
        linear = (2 * samples - gained + lost) * change - gained - lost
        within = max(linear**2 + 8 * samples * lost * change * (1 - change), 0.0)
        loss = (np.sqrt(within) - linear) / (4 * samples)
        variance = max(samples * (2 * loss + change * (1 - change)), 0.0)
        return float(gained - lost - samples * change + z * np.sqrt(variance))

    beside = float(np.finfo(np.float64).eps)  # where nothing changed, 0 is a root too
    start = min((gained - lost) / samples + beside, 1.0)
    return float(brentq(beyond, start, 1.0))


def cosine(reference: FloatArray, other: FloatArray) -> float:
    """Cosine of the angle between two vectors; 1 where both are zero, 0 where one is.  [unitless]."""
    lengths = np.linalg.norm(reference), np.linalg.norm(other)
    if not all(lengths):
        return float(not any(lengths))
    return float(np.clip(reference / lengths[0] @ (other / lengths[1]), -1, 1))


def snr_db(signal: float, noise: float) -> float | None:
    """Ratio of two powers; None where one of them is nothing.  [dB]."""
    return float(10 * np.log10(signal / noise)) if signal and noise else None
