"""Break-even: where, along traffic, active hours, time, sites or tokens, one way of serving becomes the cheaper one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, nextafter
from typing import Any, Literal

from advisor.axes import AxisName, axis_of
from advisor.contest import ApiSide, Contest, Side
from advisor.crossings import Point, Stretch, paid_stretches, pieces, refined, stretches
from advisor.question import Question
from advisor.requirements import Requirements
from advisor.results import Reason

_UNITS: Mapping[AxisName, str] = {
    "qps": "1/s",
    "hours": "h/day",
    "months": "month",
    "sites": "site",
    "tokens": "1/month",
}


@dataclass(frozen=True)
class Contender:
    """One of two ways of serving."""

    id: str
    names: Mapping[str, str]
    """What people call its parts, from "system" to "precision", and in a language where that differs ("system.zh")."""
    kind: Literal["stack", "api"]
    dated: str
    """Of the price."""
    source: str
    usd: tuple[float | None, ...]
    """What it costs at the places of the curves; None where it does not fit or its price is unknown."""


@dataclass(frozen=True)
class Segment:
    """Part of an axis on which one answer holds."""

    start: float
    end: float
    cheaper: str | None
    """Id of what is to be had for less; None where nothing fits, a price is unknown, or both cost the same."""
    feasible: tuple[str, ...]
    """Ids of what fits."""
    stops: Mapping[str, tuple[Reason, ...]]
    """Rules that stop what does not."""


@dataclass(frozen=True)
class BreakEven:
    """Two ways of serving one model along an axis."""

    axis: AxisName
    unit: str
    """Of the axis."""
    money: Literal["usd_per_month", "usd"]
    """What the curves show: money a month, or all that has been paid."""
    here: float | None
    """Where the question stands; None along the months."""
    first: Contender
    second: Contender
    crossings: tuple[float, ...]
    """Places from which on the other of two that fit is the cheaper one."""
    segments: tuple[Segment, ...]
    at: tuple[float, ...]
    """Places of the curves."""
    lines: tuple[str, ...] = ()
    """The same in sentences, in the language asked for."""


def break_even(contest: Contest, asking: Question, axis: AxisName, settings: Mapping[str, Any]) -> BreakEven:
    """Every place along an axis at which another way of serving becomes the cheaper one.

    Parameters
    ----------
    contest : Contest
    asking : Question
        The question that the axis goes through.
    axis : str
        "qps" (mean requests a second and site), "hours" (active hours a day), "sites", "tokens" (a month, at all
        sites), or "months" (money paid since the start).
    settings : mapping
        ``data/breakeven.toml``.
    """
    if axis == "months":
        return _over_months(contest, asking, settings["axes"]["months"]["most"])
    places = axis_of(axis, asking, settings["axes"])
    points = refined(lambda at: contest.point(at, places.asked(at)), places.grid, places.split)
    found = stretches(points, touching=places.whole)
    stops = [_stops(contest, one, places.asked(one.start)) for one in found]
    return _result(contest, axis, places.here, found, stops, points)


def _over_months(contest: Contest, asking: Question, months: float) -> BreakEven:
    fits = contest.point(0.0, asking.asked).fits
    first, second = contest.payments(asking.asked)
    found = paid_stretches(first, second, fits=fits, months=months)
    places = [at for start, end in pieces(first, second, months) for at in (start, nextafter(end, start))]
    points = [Point(at, (first.paid_usd(at), second.paid_usd(at)), fits) for at in places]
    stops = [_stops(contest, one, asking.asked) for one in found]
    return _result(contest, "months", None, found, stops, points)


def _stops(contest: Contest, stretch: Stretch, asked: Requirements) -> Mapping[str, tuple[Reason, ...]]:
    """Rules that stop what does not fit on a stretch, at its start."""
    stopped = [side for side, fits in zip((contest.first, contest.second), stretch.fits, strict=True) if not fits]
    ev = contest.seen(asked) if stopped else None
    return {side.id: side.stops(ev) for side in stopped if ev is not None}


def _result(
    contest: Contest,
    axis: AxisName,
    here: float | None,
    found: Sequence[Stretch],
    stops: Sequence[Mapping[str, tuple[Reason, ...]]],
    points: Sequence[Point],
) -> BreakEven:
    sides = (contest.first, contest.second)
    ids = [side.id for side in sides]
    segments = tuple(
        Segment(
            one.start,
            one.end,
            None if one.cheaper is None else ids[one.cheaper],
            tuple(name for name, fits in zip(ids, one.fits, strict=True) if fits),
            reasons,
        )
        for one, reasons in zip(found, stops, strict=True)
    )
    first, second = (_contender(side, [_usd(point, place) for point in points]) for place, side in enumerate(sides))
    return BreakEven(
        axis=axis,
        unit=_UNITS[axis],
        money="usd" if axis == "months" else "usd_per_month",
        here=here,
        first=first,
        second=second,
        crossings=tuple(
            above.start for below, above in pairwise(segments) if len(below.feasible) == len(above.feasible) == len(ids)
        ),
        segments=segments,
        at=tuple(point.at for point in points),
    )


def _contender(side: Side, usd: Sequence[float | None]) -> Contender:
    kind: Literal["stack", "api"] = "api" if isinstance(side, ApiSide) else "stack"
    return Contender(side.id, side.names, kind, side.dated, side.source, tuple(usd))


def _usd(point: Point, side: int) -> float | None:
    return point.usd[side] if point.fits[side] and isfinite(point.usd[side]) else None
