"""A comparison in words, and as JSON."""

from typing import Any

from advisor.lab.comparisons import Comparison, Series
from advisor.lab.words import QUANTILES, machine_text, title_text
from advisor.numbers import interval_text, number
from advisor.results import Interval
from advisor.text import preferred_language, sentence
from advisor.units import MS_PER_S, PERCENT


def comparison_text(compared: Comparison, lang: str | None = None) -> str:
    """Lines about a comparison: each configuration, each ratio with what it says, the noise floor, the machine.

    Parameters
    ----------
    compared : Comparison
    lang : str, optional
        Language id; by default the preferred one.
    """
    lang = lang or preferred_language()
    lines = [sentence("compare.title", lang, rounds=compared.rounds)]
    configurations = (compared.first, *compared.others)
    lines += [_series_text(place, each, lang) for place, each in enumerate(configurations, start=1)]
    lines.append(sentence("compare.interval_note", lang))
    for place in range(len(compared.others)):
        lines += _ratio_texts(compared, place, lang)
    return "\n".join([*lines, _floor_text(compared, lang), *_notes(compared, lang)])


def comparison_json(compared: Comparison) -> dict[str, Any]:
    """The comparison with its quantiles in milliseconds and its ratios, ready for JSON; what is not known is None."""
    places = range(len(compared.others))
    return {
        **compared.record(),
        "rounds": compared.rounds,
        "cancelled": compared.cancelled,
        "basis": compared.basis,
        "floor": compared.floor(),
        "delay_share": compared.delay_share,
        "interfered": compared.interfered,
        "quantiles_ms": [_quantiles_ms(each) for each in compared.series],
        "ratios": [
            {
                "ratio": _bounds(compared.ratio(place)),
                "item_ratio": _bounds(compared.item_ratio(place)),
                "decision": compared.decision(place),
            }
            for place in places
        ],
    }


def _series_text(place: int, each: Series, lang: str) -> str:
    said = {}
    for name, q in QUANTILES.items():
        interval = each.quantile(q)
        said[name] = sentence("compare.not_given", lang) if interval is None else interval_text(_in_ms(interval), lang)
    run = each.run
    return sentence(
        "compare.configuration", lang, place=place, wish=title_text(run, lang), count=f"{len(run.samples_s):,}", **said
    )


def _ratio_texts(compared: Comparison, place: int, lang: str) -> list[str]:
    number_of_it = place + 2
    ratio = compared.ratio(place)
    if ratio is None:
        return [sentence("compare.no_ratio", lang, place=number_of_it)]
    decision = sentence(f"compare.{compared.decision(place)}", lang)
    said = [sentence("compare.ratio", lang, place=number_of_it, decision=decision, **_said(ratio))]
    item = compared.item_ratio(place)
    if item is not None and compared.others[place].run.batch != compared.first.run.batch:
        said.append(sentence("compare.item_ratio", lang, place=number_of_it, **_said(item)))
    return said


def _floor_text(compared: Comparison, lang: str) -> str:
    floor = compared.floor()
    if floor is None:
        return sentence("compare.no_floor", lang)
    return sentence("compare.floor", lang, floor=number(floor * PERCENT))


def _notes(compared: Comparison, lang: str) -> list[str]:
    said = [machine_text(compared.first.run, lang), sentence(f"compare.basis_{compared.basis}", lang)]
    if compared.delay_share is None:
        said.append(sentence("lab.disturbance_unknown", lang))
    else:
        share = f"{compared.delay_share * PERCENT:.1f} %"
        said.append(sentence("lab.interfered" if compared.interfered else "lab.undisturbed", lang, share=share))
    return [*said, sentence("lab.cancelled", lang)] if compared.cancelled else said


def _said(ratio: Interval) -> dict[str, str]:
    return {name: number(getattr(ratio, name)) for name in ("low", "mid", "high")}


def _quantiles_ms(each: Series) -> dict[str, dict[str, float] | None]:
    known = {name: each.quantile(q) for name, q in QUANTILES.items()}
    return {name: None if interval is None else _bounds(_in_ms(interval)) for name, interval in known.items()}


def _bounds(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {"low": interval.low, "mid": interval.mid, "high": interval.high}


def _in_ms(interval: Interval) -> Interval:
    return Interval(interval.low * MS_PER_S, interval.mid * MS_PER_S, interval.high * MS_PER_S)
