"""One stack in sentences: why it stands where it does, what it costs, what it rests on, and its rivals."""

from collections.abc import Iterator, Mapping, Sequence

from advisor.bill_table import bill_texts
from advisor.document import Asked, Candidate
from advisor.footprint_words import footprint_lines
from advisor.knowledge import HERE, Knowledge
from advisor.money import USD, cost_text, currency_of, dated_money, price_source
from advisor.numbers import interval_text, number, percent, quantity_text
from advisor.report import label, stack_line, worded
from advisor.results import ColdStarts, Option
from advisor.system_records import System
from advisor.systems import predecessors
from advisor.text import sentence
from advisor.units import MS_PER_S

_RIVALS = 2


def ranked_lines(options: Sequence[Option], rank: int, kinds: int, knowledge: Knowledge, lang: str) -> Iterator[str]:
    """Sentences on a ranked stack: its place, what decides it, and its rivals."""
    option = options[rank]
    yield stack_line(option, lang)
    yield sentence("report.rank_line", lang, rank=rank + 1, count=kinds, score=f"{option.score:.3f}")
    if rank == 0:
        yield sentence("report.first_share", lang, share=percent(option.p_best))
    yield from _about(option, knowledge, lang)
    for other in _rivals(options, rank):
        yield against(option, other, knowledge, lang)


def fitting_lines(option: Option, knowledge: Knowledge, lang: str) -> Iterator[str]:
    """Sentences on a stack that fits and is the best of no kind."""
    yield stack_line(option, lang)
    yield from _about(option, knowledge, lang)


def stopped_lines(candidate: Candidate, knowledge: Knowledge, lang: str) -> Iterator[str]:
    """What stops a stack, what it would cost, and what would let it in."""
    yield worded(knowledge, candidate.reasons, "fails", lang)
    if candidate.usd_per_month is not None:
        yield sentence("report.cost_line", lang, cost=cost_text(candidate, lang))
    yield sentence("report.flip", lang, text=worded(knowledge, candidate.reasons, "flip", lang))


def basis_lines(asked: Asked, calibrated: str, option: Option, lang: str) -> Iterator[str]:
    """What an answer rests on: evidence of the prediction, date of the price, what had to be assumed."""
    measured = sentence("report.joiner", lang).join(
        dict.fromkeys(_publisher(source, lang) for source in option.measured_by)
    )
    yield sentence(
        "report.evidence_measured" if measured else "report.evidence",
        lang,
        fidelity=sentence(f"fidelity.{option.fidelity}", lang),
        dated=option.price_date if option.device == HERE else calibrated,
        measured=measured,
        price_date=option.price_date,
        source=", ".join(price_source(source, lang) for source in option.sources),
    )
    yield from assumption_lines(asked, lang)


def _publisher(source: str, lang: str) -> str:
    """Repository or page of a measurement, and its date; the whole path is in the document."""
    address, _, date = source.rpartition(" ")
    if address == HERE:
        return f"{sentence('here.source', lang)} {date}"
    return f"{'/'.join(address.split('/')[:2]) if address.startswith('github:') else address} {date}"


def assumption_lines(asked: Asked, lang: str) -> Iterator[str]:
    """Wishes that a default stands in for, and what had to be assumed about the model."""
    for name, value in asked.assumed:
        words = sentence(f"requirement.{name}", lang)
        yield sentence("report.assumption", lang, name=words, value=number(value))
    for code, numbers in asked.assumptions:
        yield sentence(f"assumption.{code}", lang, **_whole(numbers))


def system_lines(option: Option, knowledge: Knowledge, lang: str) -> Iterator[str]:
    """Systems that a stack is made of, and the older names that they have succeeded."""
    systems = [knowledge.systems[name] for name in option.systems if name in knowledge.systems]
    if systems:
        names = sentence("report.joiner", lang).join(name_of(system, lang) for system in systems)
        yield sentence("report.systems", lang, names=names)
    old = predecessors(knowledge)
    for system in systems:
        for name in old.get(system.id, ()):
            yield sentence(
                "report.succeeds", lang, old=name_of(knowledge.systems[name], lang), new=name_of(system, lang)
            )
        heir = knowledge.systems.get(system.successor or "")
        if heir:
            yield sentence("report.succeeds", lang, old=name_of(system, lang), new=name_of(heir, lang))


def name_of(system: System, lang: str) -> str:
    """Name of a system in a language."""
    return getattr(system, f"name_{lang}", None) or system.name


def _about(option: Option, knowledge: Knowledge, lang: str) -> Iterator[str]:
    """Criteria, bill, conditions and tails of a stack that fits."""
    yield from system_lines(option, knowledge, lang)
    yield score_line(option, lang)
    yield from bill_texts(option, currency_of(knowledge, USD), lang)
    yield from footprint_lines(option, lang)
    for reason in option.conditions:
        yield sentence("report.condition", lang, text=worded(knowledge, (reason,), "fails", lang))
    yield from _tails(option, lang)


def _whole(numbers: tuple[tuple[str, float | str], ...]) -> Mapping[str, float | str]:
    """Numbers of an assumption, whole ones without a decimal point."""
    return {name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in numbers}


def score_line(option: Option, lang: str) -> str:
    """What every criterion makes of a stack."""
    parts = [
        sentence(
            "report.score_part",
            lang,
            criterion=sentence(f"criterion.{one.criterion}", lang),
            value=f"{one.utility:.2f}",
            weight=number(one.weight),
        )
        for one in option.scores
    ]
    return sentence("report.score_line", lang, parts=sentence("report.joiner", lang).join(parts))


def _tails(option: Option, lang: str) -> Iterator[str]:
    """Quantiles, share of the network, utilisation with headroom, and cold starts."""
    yield sentence(
        "report.quantiles",
        lang,
        p50=interval_text(option.p50_ms, lang),
        p90=interval_text(option.p90_ms, lang),
        p95=interval_text(option.p95_ms, lang),
        p99=interval_text(option.p99_ms, lang),
    )
    trip = option.network_ms
    yield sentence("report.network", lang, low=number(trip.low), mid=number(trip.mid), high=number(trip.high))
    if option.utilisation is not None and option.headroom is not None:
        more = percent(option.headroom)
        yield sentence("report.utilisation", lang, value=percent(option.utilisation), headroom=more)
    if option.cold:
        yield from _cold_starts(option, option.cold, lang)


def _cold_starts(option: Option, cold: ColdStarts, lang: str) -> Iterator[str]:
    """Share and length of cold starts, and what the instances that are kept warm are good for."""
    low, high = (quantity_text(seconds, "s", lang) for seconds in (cold.low_s, cold.high_s))
    yield sentence("report.cold", lang, share=percent(cold.share), low=low, high=high)
    if cold.share_without is not None and cold.p99_without_ms is not None:
        yield sentence(
            "report.kept_warm",
            lang,
            count=number(cold.provisioned),
            share=percent(cold.share_without),
            p99=quantity_text(cold.p99_without_ms / MS_PER_S, "ms", lang),
            cost=dated_money(cold.usd_without, option.price_dates, lang),
        )


def _rivals(options: Sequence[Option], rank: int) -> list[Option]:
    """The next in rank, and the cheapest that is cheaper."""
    option, others = options[rank], [other for other in options if other is not options[rank]]
    near = others[:_RIVALS]
    cheaper = cheapest_below(option, [other for other in others if other not in near])
    return near + ([cheaper] if cheaper else [])


def cheapest_below(option: Option, others: Sequence[Option]) -> Option | None:
    """Cheapest of some stacks that costs less than one; None where none does or its own price is unknown."""
    if option.usd_per_month is None:
        return None
    whole = [other for other in others if other.usd_per_month_known]
    priced = [(other.usd_per_month, other) for other in whole if other.usd_per_month is not None]
    cheaper = [pair for pair in priced if pair[0] < option.usd_per_month]
    return min(cheaper, key=lambda pair: pair[0])[1] if cheaper else None


def against(option: Option, other: Option, knowledge: Knowledge, lang: str) -> str:
    """What speaks for one stack rather than another."""
    p99 = interval_text(other.p99_ms, lang)
    text = sentence("report.slower", lang, p99=p99)
    if option.usd_per_month and other.usd_per_month:
        factor, cost = number(other.usd_per_month / option.usd_per_month), cost_text(other, lang)
        if other.usd_per_month >= option.usd_per_month:
            text = sentence("report.cheaper", lang, cost=cost, factor=factor, p99=p99)
        else:
            text = sentence("report.dearer", lang, cost=cost, factor=factor, reason=text)
    joiner = sentence("report.joiner", lang)
    if abs(other.score - option.score) < knowledge.table("ranking")["uncertainty"]["tie"]:
        text = joiner.join([text, sentence("report.tie", lang)])
    if missing := tuple(reason for reason in other.conditions if reason not in option.conditions):
        text = joiner.join([text, sentence("report.conditions", lang, text=worded(knowledge, missing, "fails", lang))])
    names = {part: label(other.names, part, lang) for part in ("system", "hardware")}
    return sentence("report.against", lang, text=text, **names)
