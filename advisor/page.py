"""A report as sections, whatever it is written in: the question, five answers, tables, reasons, systems, evidence."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from advisor.answers import five_answers
from advisor.bill_table import in_own_currency, printed_bill
from advisor.document import Document, Evidence
from advisor.explain import assumption_lines, basis_lines, name_of, ranked_lines
from advisor.knowledge import Knowledge
from advisor.money import USD, currency_of
from advisor.numbers import number
from advisor.plans import printed_plans
from advisor.report import families_table, options_table, title
from advisor.results import Option
from advisor.system_records import System
from advisor.text import sentence

if TYPE_CHECKING:
    import pandas as pd

EXPLAINED = 3
_APPENDIX = ("id", "family")


@dataclass(frozen=True)
class Row:
    """One line of the evidence: its cells, and the address of its source."""

    cells: tuple[str, ...]
    url: str | None
    estimate: bool


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it: sentences, a table, or parts of its own."""

    code: str
    heading: str
    lines: tuple[str, ...] = ()
    table: "pd.DataFrame | None" = None
    parts: tuple["Section", ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Page:
    """A whole report in one language."""

    lang: str
    title: str
    subtitle: str
    note: str
    answers: tuple[Section, ...]
    sections: tuple[Section, ...] = field(default=())


def page(document: Document, knowledge: Knowledge, lang: str, *, note: str = "") -> Page:
    """Report of an advice in a language; ``note`` is a remark of the person who hands it on."""
    answers = five_answers(document, knowledge, lang)
    return Page(
        lang=lang,
        title=title(document.question, lang),
        subtitle=sentence("page.subtitle", lang, made=document.made, calibrated=document.calibrated),
        note=note,
        answers=tuple(
            Section(code, sentence(f"question.{code}", lang), tuple(lines)) for code, lines in answers.items()
        ),
        sections=tuple(_sections(document, knowledge, lang)),
    )


def _sections(document: Document, knowledge: Knowledge, lang: str) -> Iterator[Section]:
    if document.options:
        yield from _bill(document.options[0], knowledge, lang)
        table = options_table(document.options, lang)
        table = table.drop(columns=[sentence(f"column.{name}", lang) for name in _APPENDIX])
        count = sentence("page.ranked", lang, shown=len(document.options), count=document.kinds)
        yield Section("ranked", sentence("report.ranked", lang), (count,), table)
    families = families_table(document.families, knowledge, lang).drop(columns=sentence("column.id", lang))
    yield Section("families", sentence("report.families", lang), table=families)
    if document.options:
        yield Section("reasons", sentence("page.reasons", lang), parts=tuple(_reasons(document, knowledge, lang)))
        yield Section("systems", sentence("page.systems", lang), parts=tuple(_systems(document, knowledge, lang)))
    yield Section("assumed", sentence("page.assumed", lang), tuple(_assumed(document, lang)))
    yield _evidence(document, lang)


def _bill(option: Option, knowledge: Knowledge, lang: str) -> Iterator[Section]:
    """The first choice, line by line, and the same on other price plans; their sources are with the evidence."""
    usd = currency_of(knowledge, USD)
    people = sentence("bill.people", lang, hours=number(option.hours_per_month))
    said = (*in_own_currency(option, knowledge, lang), people, sentence("bill.open", lang))
    bill = printed_bill(option, usd, lang).drop(columns=sentence("bill_column.source", lang))
    yield Section("bill", sentence("bill.heading", lang), said, bill)
    plans = printed_plans(option, knowledge, usd, lang).drop(columns=sentence("plan_column.source", lang))
    if len(plans) > 1:
        yield Section("plans", sentence("bill.plans", lang), (sentence("bill.plans_note", lang),), plans)


def _reasons(document: Document, knowledge: Knowledge, lang: str) -> Iterator[Section]:
    for rank in range(min(EXPLAINED, len(document.options))):
        head, *lines = ranked_lines(document.options, rank, document.kinds, knowledge, lang)
        basis = list(basis_lines(document.question, document.calibrated, document.options[rank], lang))[:1]
        yield Section("reason", f"{rank + 1}. {head}", (*lines, *basis))


def _systems(document: Document, knowledge: Knowledge, lang: str) -> Iterator[Section]:
    """What is known of the systems of the first choice."""
    for name in document.options[0].systems:
        if system := knowledge.systems.get(name):
            yield Section("system", name_of(system, lang), tuple(system_facts(system, lang)))


def system_facts(system: System, lang: str) -> Iterator[str]:
    """Summary, strengths, weaknesses, scenarios and limits of a system."""
    yield getattr(system.summary, lang)
    for kind in ("strengths", "weaknesses", "scenarios"):
        for point in getattr(system, kind):
            yield sentence(f"page.{kind}", lang, text=getattr(point, lang))
    for bound in system.limits:
        yield sentence("page.limit", lang, name=getattr(bound, lang), value=bound.value)


def _assumed(document: Document, lang: str) -> Iterator[str]:
    yield from assumption_lines(document.question, lang)
    yield sentence("view.interval_note", lang)
    yield sentence("page.network", lang)


def _evidence(document: Document, lang: str) -> Section:
    columns = ("subject", "facts", "basis", "title", "dated", "home")
    head = tuple(sentence(f"evidence.{column}", lang) for column in columns)
    estimates = sum(line.basis == "estimate" for line in document.evidence)
    count = sentence("page.evidence_count", lang, count=len(document.evidence), estimates=estimates)
    rows = tuple(_row(line, lang) for line in document.evidence)
    return Section("evidence", sentence("page.evidence", lang), (count,), head=head, rows=rows)


def _row(line: Evidence, lang: str) -> Row:
    facts = sentence("page.comma", lang).join(sentence(f"fact.{fact}", lang) for fact in line.facts)
    method = line.basis == "estimate" and lang != "en"
    name = sentence("page.method_in_record", lang) if method else line.title
    cells = (_subject(line, lang), facts, sentence(f"report.basis_{line.basis}", lang), name, line.dated, line.home)
    return Row(cells, line.url, line.basis == "estimate")


def _subject(line: Evidence, lang: str) -> str:
    if line.kind == "price":
        return sentence(f"view.provider.{line.subject}", lang)
    if not line.subject:
        return sentence(f"evidence.{line.kind}", lang)
    return line.subject_zh if lang == "zh" and line.subject_zh else line.subject
