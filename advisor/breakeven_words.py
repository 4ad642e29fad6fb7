"""A break-even in sentences: which of two costs less where, why a curve ends, and what the prices rest on."""

from collections.abc import Iterator, Mapping
from math import ceil

from advisor.axes import AxisName
from advisor.breakeven import BreakEven, Segment
from advisor.knowledge import Knowledge
from advisor.numbers import number
from advisor.report import label, worded
from advisor.text import sentence

_NAMED = ("system", "hardware")
_TOLD_APART = ("region", "engine", "precision")
_SORT = {"months": "months", "sites": "whole"}
"""How stretches of an axis are spoken of where they are not those of a rate."""


def short_names(found: BreakEven, lang: str) -> Mapping[str, str]:
    """Names of both by id: system and hardware, and what else differs where these do not."""
    both = (found.first.names, found.second.names)
    told = all(both[0][part] == both[1][part] for part in _NAMED)
    more = [part for part in _TOLD_APART if told and both[0][part] != both[1][part]]
    return {
        one.id: " · ".join(text for part in (*_NAMED, *more) if (text := label(one.names, part, lang)))
        for one in (found.first, found.second)
    }


def break_even_lines(found: BreakEven, knowledge: Knowledge, lang: str) -> Iterator[str]:
    """Sentences on a break-even: the stretches in order, what is not known of an API, and the dates of the prices."""
    names, both = short_names(found, lang), (found.first, found.second)
    unpriced = [one for one in both if all(usd is None for usd in one.usd) and _fits_somewhere(found, one.id)]
    if unpriced:
        yield from (sentence("breakeven.unknown_price", lang, name=names[one.id]) for one in unpriced)
    else:
        yield from _stretches(found, names, knowledge, lang)
    yield from (sentence("breakeven.api", lang, name=names[one.id]) for one in both if one.kind == "api")
    for one in both:
        yield sentence("breakeven.price", lang, name=names[one.id], dated=one.dated, source=one.source)


def _fits_somewhere(found: BreakEven, option_id: str) -> bool:
    return any(option_id in segment.feasible for segment in found.segments)


def _stretches(found: BreakEven, names: Mapping[str, str], knowledge: Knowledge, lang: str) -> Iterator[str]:
    """One sentence a stretch; a single one for two of them, the first and the last of many."""
    segments, axis = found.segments, found.axis
    where = ["everywhere"] if len(segments) == 1 else ["below", *["between"] * (len(segments) - 2), "above"]
    lines = [
        sentence(
            "breakeven.line",
            lang,
            where=_where(axis, place, segment.start, segment.end, lang),
            what=_what(segment, names, knowledge, lang),
        )
        for place, segment in zip(where, segments, strict=True)
    ]
    if len(segments) > knowledge.table("breakeven")["words"]["most"]:
        between = _where(axis, "between", segments[1].start, segments[-1].start, lang)
        yield lines[0]
        yield sentence("breakeven.many", lang, where=between, count=len(segments) - 2)
        yield lines[-1]
    elif len(segments) == 2 and len(found.crossings) == 1 and all(segment.cheaper for segment in segments):
        lower, upper = (names[segment.cheaper or ""] for segment in segments)
        place = place_text(axis, found.crossings[0], lang)
        yield sentence(f"breakeven.two.{_SORT.get(axis, 'rate')}", lang, place=place, lower=lower, upper=upper)
    else:
        yield from lines
    if axis != "months" and len(segments) > 1:
        yield sentence("breakeven.looked", lang, start=number(found.at[0]), end=place_text(axis, found.at[-1], lang))


def _where(axis: AxisName, place: str, start: float, end: float, lang: str) -> str:
    """Stretch of an axis; whole months and sites are named by the first and the last of them."""
    last = ceil(end) - (place in ("below", "between")) if axis in _SORT else end
    return sentence(
        f"breakeven.where.{_SORT.get(axis, 'rate')}.{place}",
        lang,
        start=number(ceil(start) if axis in _SORT else start),
        from_=place_text(axis, start, lang),
        end=place_text(axis, last, lang),
    )


def place_text(axis: AxisName, value: float, lang: str) -> str:
    """A place of an axis in its unit."""
    return sentence(f"breakeven.place.{axis}", lang, value=number(ceil(value) if axis in _SORT else value))


def _what(segment: Segment, names: Mapping[str, str], knowledge: Knowledge, lang: str) -> str:
    """What holds on a stretch."""
    joiner = sentence("report.joiner", lang)
    why = joiner.join(
        sentence("breakeven.stopped", lang, name=names[one], why=worded(knowledge, reasons, "fails", lang))
        for one, reasons in segment.stops.items()
    )
    if not segment.feasible:
        return sentence("breakeven.none", lang, why=why)
    if segment.stops:
        return sentence("breakeven.alone", lang, name=names[segment.feasible[0]], why=why)
    if segment.cheaper is None:
        return sentence("breakeven.same", lang)
    return sentence("breakeven.cheaper", lang, name=names[segment.cheaper])
