"""One stack in sentences: why it stands where it does, what it costs, what it rests on, and its rivals."""

from difflib import get_close_matches

import numpy as np

from advisor.columns import HIGH, LOW
from advisor.errors import UnknownIdError
from advisor.evaluation import Answer, Evaluation
from advisor.numbers import interval_text, money, number, percent, quantity_text
from advisor.options import label, option_at, option_ids, reasons
from advisor.ranking import utility_of
from advisor.report import stack_line, worded
from advisor.results import BillLine, Option
from advisor.text import sentence
from advisor.units import MS_PER_S

_RIVALS = 2


def explanation(advice: Answer, option_id: str, lang: str) -> str:
    """Sentences on one stack of an answer, whether it fits or not."""
    ranks = {option.id: rank for rank, option in enumerate(advice.shortlist)}
    if option_id in ranks:
        return "\n".join(_of_ranked(advice, ranks[option_id], lang))
    ev = advice.evaluation
    rows = np.flatnonzero(option_ids(ev.found, np.arange(len(ev.found))) == option_id)
    if not len(rows):
        near = get_close_matches(option_id, ranks, n=3, cutoff=0.3)
        known = ", ".join(near) or sentence("value.none_possible", lang)
        raise UnknownIdError("unknown_option", value=option_id, known=known)
    row = int(rows[0])
    if not ev.mask[row]:
        return "\n".join(_of_fitting(ev, row, option_at(ev, row, p_best=0.0), lang))
    stops = reasons(ev, ev.limits, row)
    flip = sentence("report.flip", lang, text=worded(ev, stops, "flip", lang))
    return "\n".join([worded(ev, stops, "fails", lang), flip])


def _of_ranked(advice: Answer, rank: int, lang: str) -> list[str]:
    option = advice.shortlist[rank]
    place = sentence("report.rank_line", lang, rank=rank + 1, count=len(advice.shortlist), score=f"{option.score:.3f}")
    sure = [sentence("report.first_share", lang, share=percent(option.p_best))] if rank == 0 else []
    head, *rest = _of_fitting(advice.evaluation, advice.rows[rank], option, lang)
    rivals = [_against(option, other, advice.evaluation, lang) for other in _rivals(advice.shortlist, rank)]
    return [head, place, *sure, *rest, *rivals]


def _of_fitting(ev: Evaluation, row: int, option: Option, lang: str) -> list[str]:
    """Sentences on a stack that fits: criteria, bill, conditions, tails, evidence, assumptions."""
    lines = [stack_line(option, lang), _criteria(ev, row, lang)]
    lines += [_bill_text(line, lang) for line in option.bill]
    lines.append(sentence("report.bill_open", lang, hours=number(option.hours_per_month)))
    warned = [worded(ev, (reason,), "fails", lang) for reason in option.conditions]
    lines += [sentence("report.condition", lang, text=text) for text in warned]
    lines += _tails(ev, int(ev.found.run[row]), option, lang)
    lines.append(
        sentence(
            "report.evidence",
            lang,
            fidelity=sentence(f"fidelity.{option.fidelity}", lang),
            dated=ev.calibrated,
            price_date=option.price_date,
            source=", ".join(option.sources),
        )
    )
    lines += [sentence("report.assumption", lang, name=name, value=number(value)) for name, value in ev.asking.assumed]
    lines += [sentence(f"assumption.{code}", lang, **_whole(numbers)) for code, numbers in ev.asking.spec.assumptions]
    return lines


def _whole(numbers: tuple[tuple[str, float | str], ...]) -> dict[str, float | str]:
    """Numbers of an assumption, whole ones without a decimal point."""
    return {name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in numbers}


def _criteria(ev: Evaluation, row: int, lang: str) -> str:
    settings, weights = ev.knowledge.table("ranking"), ev.asking.asked.weights
    parts = []
    for name, weight in weights.items():
        criterion = ev.criteria[name]
        value = criterion.value[row if criterion.entry is None else criterion.entry[row]]
        useful = float(np.ravel(utility_of(name, np.asarray(value), settings))[0])
        words = sentence(f"criterion.{name}", lang)
        parts.append(sentence("report.score_part", lang, criterion=words, value=f"{useful:.2f}", weight=number(weight)))
    return sentence("report.score_line", lang, parts=sentence("report.joiner", lang).join(parts))


def _tails(ev: Evaluation, run: int, option: Option, lang: str) -> list[str]:
    """Utilisation, share of the network, and cold starts."""
    trip = ev.sized.trip[run]
    trips = (ev.trips.low_s, ev.trips.mid_s, ev.trips.high_s)
    low, mid, high = (number(float(end[trip]) * MS_PER_S) for end in trips)
    lines = [sentence("report.network", lang, low=low, mid=mid, high=high)]
    if np.isfinite(option.utilisation):
        lines.append(sentence("report.utilisation", lang, value=percent(option.utilisation)))
    functions = ev.sized.functions
    entry = None if functions is None else functions.at(run)
    if functions is not None and entry is not None:
        ends = [quantity_text(float(functions.start_s[end][entry]), "s", lang) for end in (LOW, HIGH)]
        share = percent(float(functions.cold_share[entry]))
        lines.append(sentence("report.cold", lang, share=share, low=ends[0], high=ends[1]))
    return lines


def _bill_text(line: BillLine, lang: str) -> str:
    return sentence(
        f"report.bill_{line.item}",
        lang,
        quantity=number(line.quantity),
        cost=money(line.usd_per_month, lang),
        dated=line.dated,
        basis=sentence(f"report.basis_{line.basis}", lang),
    )


def _rivals(shortlist: tuple[Option, ...], rank: int) -> list[Option]:
    """The next in rank, and the cheapest that is cheaper."""
    option, others = shortlist[rank], [other for other in shortlist if other is not shortlist[rank]]
    near = others[:_RIVALS]
    if option.usd_per_month is None:
        return near
    priced = [(other.usd_per_month, other) for other in others if other.usd_per_month is not None and other not in near]
    cheaper = [(usd, other) for usd, other in priced if usd < option.usd_per_month]
    return near + [other for _, other in sorted(cheaper, key=lambda pair: pair[0])[:1]]


def _against(option: Option, other: Option, ev: Evaluation, lang: str) -> str:
    p99 = interval_text(other.p99_ms, lang)
    text = sentence("report.slower", lang, p99=p99)
    if option.usd_per_month and other.usd_per_month:
        factor, cost = number(other.usd_per_month / option.usd_per_month), money(other.usd_per_month, lang)
        if other.usd_per_month >= option.usd_per_month:
            text = sentence("report.cheaper", lang, cost=cost, factor=factor, p99=p99)
        else:
            text = sentence("report.dearer", lang, cost=cost, factor=factor, reason=text)
    if abs(other.score - option.score) < ev.knowledge.table("ranking")["uncertainty"]["tie"]:
        text = sentence("report.joiner", lang).join([text, sentence("report.tie", lang)])
    if missing := tuple(reason for reason in other.conditions if reason not in option.conditions):
        joiner = sentence("report.joiner", lang)
        text = joiner.join([text, sentence("report.conditions", lang, text=worded(ev, missing, "fails", lang))])
    names = {part: label(other.names, part, lang) for part in ("system", "hardware")}
    return sentence("report.against", lang, text=text, **names)
