"""Where two cost curves cross: every crossing of steps and slopes, and where a curve ends."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby, pairwise
from math import ceil, isfinite, sqrt
from typing import NamedTuple

_SAME = 1e-8
"""Share by which two sums may differ and still count as equal: rounding."""
_RISE = 0.05
"""Share by which two equal sums may rise together before it is looked whether they part in between."""
FIRST, SECOND = 0, 1


class Point(NamedTuple):
    """Two stacks at one place of an axis."""

    at: float
    usd: tuple[float, float]
    """What each costs; NaN where unknown."""
    fits: tuple[bool, bool]
    plan: Hashable = None
    """How each is set up; while that stays, more traffic never costs less."""

    @property
    def cheaper(self) -> int | None:
        """Which is to be had for less: 0 or 1; None where neither fits, a price is unknown, or both cost the same."""
        if self.fits == (True, True):
            return None if not self.comparable or same(*self.usd) else int(self.usd[SECOND] < self.usd[FIRST])
        return None if not any(self.fits) else int(self.fits[SECOND])

    @property
    def comparable(self) -> bool:
        """Whether both fit and have a price."""
        return all(self.fits) and isfinite(self.usd[FIRST]) and isfinite(self.usd[SECOND])


def _below(one: float, other: float) -> bool:
    """Whether a sum is less than another by more than rounding."""
    return one < other and not same(one, other)


Look = Callable[[float], Point]
Split = Callable[[float, float], float | None]
"""A place between two others; None where they are as near as the axis resolves."""


def same(one: float, other: float) -> bool:
    """Whether two sums differ by rounding alone."""
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


def refined(look: Look, grid: Sequence[float], split: Split) -> list[Point]:
    """Points of an axis between which nothing happens, or which are as near as the axis resolves.

    Parameters
    ----------
    look : callable
        What two stacks cost at a place.
    grid : sequence of float
        Places to begin with, ascending.
    split : callable
        A place between two others.

    Notes
    -----
    Between two places where both stacks are set up alike, their costs rise with the axis: if at the right end one
    still costs less than the other did at the left end, they do not cross in between.  All other gaps are halved.
    What is set up otherwise for a stretch that lies within one gap of the grid stays unseen; so does a parting of two
    that cost the same at both ends of a gap in which they rise by less than 5 %.
    """
    first, *others = (look(at) for at in grid)
    found = [first]
    for point in others:
        found += [*_between(found[-1], point, look, split), point]
    return found


def _between(left: Point, right: Point, look: Look, split: Split) -> Iterator[Point]:
    middle = split(left.at, right.at) if _may_change(left, right) else None
    if middle is not None:
        point = look(middle)
        yield from _between(left, point, look, split)
        yield point
        yield from _between(point, right, look, split)


def _may_change(left: Point, right: Point) -> bool:
    """Whether the order of two stacks may change between two places."""
    if (left.fits, left.plan, left.cheaper) != (right.fits, right.plan, right.cheaper):
        return True
    if not (left.comparable and right.comparable):
        return False
    if left.cheaper is None:
        return right.usd[FIRST] > left.usd[FIRST] * (1 + _RISE)
    lowest, highest = map(min, zip(left.usd, right.usd, strict=True)), map(max, zip(left.usd, right.usd, strict=True))
    (low_first, low_second), (high_first, high_second) = lowest, highest
    return not (_below(high_first, low_second) or _below(high_second, low_first))


class Stretch(NamedTuple):
    """Part of an axis on which one answer holds."""

    start: float
    end: float
    cheaper: int | None
    fits: tuple[bool, bool]


def stretches(points: Sequence[Point], *, touching: bool = False) -> list[Stretch]:
    """Parts of an axis, in order; each begins at the first place at which its answer was found.

    ``touching`` keeps single places at which both cost the same, which between two slopes are mere crossings.
    """
    kept = [
        point
        for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False)
        if touching or not _touch(before, point, after)
    ]
    groups = [(key, list(group)) for key, group in groupby(kept, key=lambda point: (point.cheaper, point.fits))]
    starts = [points[0].at, *(group[0].at for _, group in groups[1:])]
    return [
        Stretch(start, end, cheaper, fits)
        for ((cheaper, fits), _), start, end in zip(groups, starts, [*starts[1:], points[-1].at], strict=True)
    ]


def _touch(before: Point | None, point: Point, after: Point | None) -> bool:
    """Whether two curves cost the same at one place alone."""
    return point.comparable and point.cheaper is None and all(p and p.cheaper is not None for p in (before, after))


def log_split(resolution: float) -> Split:
    """Geometric middle of two places, while they differ by more than a share."""
    return lambda left, right: sqrt(left * right) if right > left * (1 + resolution) else None


def even_split(resolution: float) -> Split:
    """Middle of two places, while they lie further apart than the resolution."""
    return lambda left, right: (left + right) / 2 if right - left > resolution else None


def whole_split(left: float, right: float) -> float | None:
    """Whole number between two others."""
    return (left + right) // 2 if right - left > 1 else None


class Payments(NamedTuple):
    """How a stack is paid for."""

    upfront_usd: float
    """At the start, and again whenever the hardware is worn out."""
    usd_per_month: float
    """All the rest."""
    life_months: float
    """How long hardware lasts; infinite where none is bought."""

    def paid_usd(self, months: float) -> float:
        """Money paid after so many months; at the end of a life the next machine is bought at once."""
        bought = 1 + months // self.life_months if self.upfront_usd else 0
        return self.upfront_usd * bought + self.usd_per_month * months


def pieces(first: Payments, second: Payments, months: float) -> list[tuple[float, float]]:
    """Stretches of time in which nothing is bought anew; there both sums are straight lines."""
    bought = {
        number * pay.life_months
        for pay in (first, second)
        if pay.upfront_usd and isfinite(pay.life_months)
        for number in range(1, ceil(months / pay.life_months))
    }
    return list(pairwise([0.0, *sorted(bought), months]))


def paid_stretches(first: Payments, second: Payments, *, fits: tuple[bool, bool], months: float) -> list[Stretch]:
    """Parts of the time in which one stack has been paid less for, to the very instant."""
    found: list[Stretch] = []
    for start, end in pieces(first, second, months):
        for left, right in pairwise([start, *_roots(first, second, start, end), end]):
            middle = (left + right) / 2
            point = Point(middle, (first.paid_usd(middle), second.paid_usd(middle)), fits)
            if found and found[-1].cheaper == point.cheaper:
                found[-1] = found[-1]._replace(end=right)
            else:
                found.append(Stretch(left, right, point.cheaper, fits))
    return found


def _roots(first: Payments, second: Payments, start: float, end: float) -> Iterator[float]:
    """Where the two sums meet while nothing is bought."""
    middle, slope = (start + end) / 2, second.usd_per_month - first.usd_per_month
    gap = first.paid_usd(middle) - second.paid_usd(middle)
    if slope and start < (meeting := middle + gap / slope) < end:
        yield meeting
