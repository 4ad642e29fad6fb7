"""The five questions that the first page of a report answers, each in a few sentences."""

from collections.abc import Iterator, Mapping, Sequence

from advisor.bill_table import in_own_currency, total_texts
from advisor.document import Candidate, Document, WhatIf
from advisor.explain import against, cheapest_below, name_of, system_lines
from advisor.knowledge import HERE, Knowledge
from advisor.money import USD, cost_text, currency_of, dates_text, price_sites
from advisor.numbers import money, number, percent
from advisor.report import label, stack_line, stack_name, worded
from advisor.results import Option
from advisor.text import sentence

QUESTIONS = ("use", "cost", "cheaper", "change", "next")


def five_answers(document: Document, knowledge: Knowledge, lang: str) -> Mapping[str, list[str]]:
    """Sentences by question, in the order in which a reader asks them."""
    best = document.best
    if best is None:
        use = [sentence("report.nothing", lang), *_nearest(document, knowledge, lang)]
        return {
            "use": use,
            "change": _changes(document, knowledge, lang),
            "next": [sentence("answer.next_nothing", lang)],
        }
    return {
        "use": list(_use(best, knowledge, lang)),
        "cost": list(_cost(document, best, knowledge, lang)),
        "cheaper": list(_cheaper(document, best, knowledge, lang)),
        "change": _changes(document, knowledge, lang),
        "next": list(_next(document, best, knowledge, lang)),
    }


def _nearest(document: Document, knowledge: Knowledge, lang: str) -> Iterator[str]:
    for verdict in document.families:
        if verdict.best is not None:
            yield _miss(verdict.best, knowledge, lang)


def _use(best: Option, knowledge: Knowledge, lang: str) -> Iterator[str]:
    yield stack_line(best, lang)
    yield sentence(
        "answer.parts",
        lang,
        site=sentence(f"site.{best.site}", lang),
        operation=sentence(f"operation.{best.operation}", lang),
        families=sentence("report.joiner", lang).join(sentence(f"family.{name}", lang) for name in best.families),
    )
    yield from system_lines(best, knowledge, lang)
    for name in best.systems:
        system = knowledge.systems.get(name)
        if system and system.strengths:
            text = getattr(system.strengths[0], lang)
            yield sentence("answer.strength", lang, system=name_of(system, lang), text=text)
    for name in best.systems[:1]:
        system = knowledge.systems.get(name)
        if system and system.weaknesses:
            text = getattr(system.weaknesses[0], lang)
            yield sentence("answer.weakness", lang, system=name_of(system, lang), text=text)


def _cost(document: Document, best: Option, knowledge: Knowledge, lang: str) -> Iterator[str]:
    if not best.usd_per_month_known:
        yield sentence("answer.cost_unknown", lang)
    yield from total_texts(best, currency_of(knowledge, USD), lang)
    yield from in_own_currency(best, knowledge, lang)
    sources = "; ".join(price_sites(source, lang) for source in best.sources)
    yield sentence("answer.cost_source", lang, source=sources, dated=best.price_date)
    cost = document.cost
    if cost is not None and cost.low < cost.high:
        code = "answer.cost_by_use" if best.cold else "answer.cost_range"
        low, mid, high = (money(usd, lang) for usd in (cost.low, cost.mid, cost.high))
        yield sentence(code, lang, low=low, mid=mid, high=high, dates=dates_text(best.price_dates, lang))
    elif cost is not None:
        yield sentence("answer.cost_steady", lang, cost=cost_text(best, lang))
    yield sentence("report.first_share", lang, share=percent(best.p_best))


def _cheaper(document: Document, best: Option, knowledge: Knowledge, lang: str) -> Iterator[str]:
    fits = cheapest_below(best, document.options)
    if fits is None:
        yield sentence("answer.none_cheaper" if best.usd_per_month is not None else "answer.cost_unknown", lang)
    else:
        yield against(best, fits, knowledge, lang)
        yield from _lost_on(best, fits, lang)
    if document.cheaper is not None:
        yield _miss(document.cheaper, knowledge, lang)


def _lost_on(best: Option, other: Option, lang: str) -> Iterator[str]:
    """Criterion that costs another stack most against the first."""
    gaps = [
        (one.weight * (one.utility - two.utility), one, two) for one, two in zip(best.scores, other.scores, strict=True)
    ]
    gap, one, two = max(gaps, key=lambda entry: entry[0])
    if gap > 0:
        yield sentence(
            "answer.lost_on",
            lang,
            criterion=sentence(f"criterion.{one.criterion}", lang),
            first=f"{one.utility:.2f}",
            other=f"{two.utility:.2f}",
            weight=number(one.weight),
        )


def _miss(candidate: Candidate, knowledge: Knowledge, lang: str) -> str:
    return sentence(
        "answer.miss",
        lang,
        stack=stack_name(candidate, lang),
        cost=cost_text(candidate, lang),
        fails=worded(knowledge, candidate.reasons, "fails", lang),
        flip=worded(knowledge, candidate.reasons, "flip", lang),
    )


def _changes(document: Document, knowledge: Knowledge, lang: str) -> list[str]:
    """What would change the first choice, and what would not; what would let families in where nobody asked."""
    if document.what_if is None:
        stopped = [verdict.best for verdict in document.families if verdict.best and not verdict.best.fits]
        return [_miss(candidate, knowledge, lang) for candidate in stopped]
    flips = [*_flips([one for one in document.what_if if not one.same], lang)]
    same = [
        sentence("answer.same_part", lang, field=_field(one, lang), value=_value(one.field, one.value, lang))
        for one in document.what_if
        if one.same
    ]
    steady = [sentence("answer.same", lang, parts=sentence("report.joiner", lang).join(same))] if same else []
    return flips + steady


def _flips(changes: Sequence[WhatIf], lang: str) -> Iterator[str]:
    """Other first choices, each with all that leads to it; then what lets nothing fit."""
    leads_to: dict[str, list[str]] = {}
    nothing = []
    for one in changes:
        code = "nothing" if one.best is None else "found" if one.searched else "given"
        text = sentence(
            f"answer.change_{code}",
            lang,
            field=_field(one, lang),
            value=_value(one.field, one.value, lang),
            was=_value(one.field, one.was, lang),
            cost="" if one.best is None else cost_text(one.best, lang),
        )
        if one.best is None:
            nothing.append(text)
        else:
            leads_to.setdefault(stack_name(one.best, lang), []).append(text)
    joiner = sentence("report.joiner", lang)
    for stack, parts in leads_to.items():
        yield sentence("answer.change_to", lang, stack=stack, parts=joiner.join(parts))
    yield from nothing


def _field(one: WhatIf, lang: str) -> str:
    return sentence(f"field.{one.field}", lang)


def _value(field: str, value: object, lang: str) -> str:
    """Value of a requirement in words."""
    if isinstance(value, bool):
        return sentence("value.yes" if value else "value.no", lang)
    if isinstance(value, int | float):
        return number(float(value))
    return sentence({"skills": f"skill.{value}", "data": f"value.{value}"}[field], lang)


def _next(document: Document, best: Option, knowledge: Knowledge, lang: str) -> Iterator[str]:
    if best.fidelity != "measured":
        hardware, engine = (label(best.names, part, lang) for part in ("hardware", "engine"))
        how = "tokens" if document.question.family == "llm" else "here" if best.device == HERE else best.site
        yield sentence(f"answer.next_measure_{how}", lang, hardware=hardware, engine=engine)
    if not best.usd_per_month_known:
        yield sentence("answer.next_price_unknown", lang)
    else:
        yield sentence("answer.next_price", lang, dated=best.price_date)
    for reason in best.conditions:
        yield sentence("report.condition", lang, text=worded(knowledge, (reason,), "fails", lang))
    days = number(best.launch_days)
    yield sentence("answer.next_launch", lang, days=days, hours=number(best.hours_per_month))
    yield sentence("answer.next_again", lang)
