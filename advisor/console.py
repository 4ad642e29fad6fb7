"""Answers as lines of a terminal."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from advisor.advice import Advice
from advisor.bill_table import COLUMNS, printed_bill
from advisor.knowledge import Knowledge
from advisor.money import Currency
from advisor.numbers import interval_text, number, percent
from advisor.plans import printed_plans
from advisor.report import finite, headline, options_table, stack_line, title
from advisor.results import Option, Prediction, Refusal
from advisor.text import sentence

if TYPE_CHECKING:
    import pandas as pd

    from advisor.score import Figures


_NARROW = {
    "table": (
        "rank",
        "system",
        "region",
        "hardware",
        "engine",
        "precision",
        "replicas",
        "cost",
        "p99",
        "ttft",
        "tpot",
        "p_best",
        "fidelity",
        "price_date",
        "verdict",
    ),
    "families": ("family", "verdict", "stack", "cost", "price_date", "p99"),
}

_BILL = ("what", "formula", "per_month", "per_1000", "basis", "dated")
"""Columns of a bill that a terminal shows."""


def advice_text(advice: Advice, *, rows: int, lang: str) -> str:
    """Title, first choice, ranked table, six families with their reasons, and why the first is first."""
    best = advice.best
    head = sentence("report.nothing", lang) if best is None else headline(best, lang)
    lines = [title(advice.question, lang), "", head, ""]
    if best is not None:
        table = options_table(advice.shortlist[:rows], lang)
        lines += [sentence("report.ranked", lang), *_aligned(_some(table, "table", lang)), ""]
    families = advice.families(lang)
    lines += [
        sentence("report.families", lang),
        *_aligned(_some(families, "families", lang)),
        *_reasons(families, lang),
    ]
    if best is not None:
        lines += ["", sentence("report.why_first", lang), *advice.explain(best.id, lang).splitlines()[1:]]
    changed = advice.before_and_after(rows, lang)
    if changed is not None:
        lines += ["", sentence("report.before_after", lang), *_aligned(changed)]
    return "\n".join(lines)


def bill_text(option: Option, knowledge: Knowledge, currency: Currency, lang: str) -> str:
    """Bill of a stack with how every line is worked out, its sources, and the same on other price plans."""
    bill, plans = printed_bill(option, currency, lang), printed_plans(option, knowledge, currency, lang)
    heads = {name: sentence(f"bill_column.{name}", lang, currency=currency.code) for name in COLUMNS}
    sources = dict.fromkeys(source for source in bill[heads["source"]] if source)
    lines = [stack_line(option, lang), "", *_aligned(bill[[heads[name] for name in _BILL]]), ""]
    lines += [sentence("bill.people", lang, hours=number(option.hours_per_month)), sentence("bill.open", lang)]
    lines += ["", heads["source"], *(f"- {source}" for source in sources)]
    if len(plans) > 1:
        lines += ["", sentence("bill.plans", lang), *_aligned(plans), sentence("bill.plans_note", lang)]
    return "\n".join(lines)


def _reasons(families: "pd.DataFrame", lang: str) -> list[str]:
    """What stands against each family, and what would let it in."""
    reason, flip, name = (sentence(f"column.{column}", lang) for column in ("reason", "flip", "family"))
    none = sentence("value.none", lang)
    lines = [""]
    for row in families.to_dict("records"):
        if row[reason] != none:
            lines.append(f"{row[name]}: {row[reason]}")
        if row[flip] != none:
            lines.append(f"  -> {sentence('report.flip', lang, text=row[flip])}")
    return lines


def _some(table: "pd.DataFrame", which: str, lang: str) -> "pd.DataFrame":
    names = [sentence(f"column.{column}", lang) for column in _NARROW[which]]
    return table[[name for name in names if name in table]]


def _aligned(table: "pd.DataFrame") -> list[str]:
    """Lines of a table whose columns stand under each other, wide signs counted twice."""
    rows = [list(map(str, table.columns)), *([str(value) for value in row] for row in table.itertuples(index=False))]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(table.columns))]
    return [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def prediction_text(result: Prediction | Refusal, lang: str) -> str:
    """Latency, throughput and tokens of a prediction, or why there is none."""
    if isinstance(result, Refusal):
        numbers = {name: number(value) if isinstance(value, float) else value for name, value in result.numbers}
        return sentence("cli.refused", lang, reason=sentence(f"refusal.{result.code}", lang, **numbers))
    lines = [
        sentence(f"cli.{code}", lang, value=interval_text(interval, lang))
        for code, interval in (("latency", result.latency_ms), ("ttft", result.ttft_ms), ("tpot", result.tpot_ms))
        if interval
    ]
    if result.throughput_per_s:
        lines.append(sentence("cli.throughput", lang, value=interval_text(result.throughput_per_s, lang, bare=True)))
    lines.append(
        sentence(
            "cli.sources" if result.sources else "cli.no_sources",
            lang,
            fidelity=sentence(f"fidelity.{result.fidelity}", lang),
            sources="; ".join(result.sources),
        )
    )
    return "\n".join(lines)


def prediction_json(result: Prediction | Refusal) -> str:
    """A prediction or a refusal as JSON."""
    kind = "refusal" if isinstance(result, Refusal) else "prediction"
    return json.dumps(
        {"format": f"advisor/{kind}/1", **finite(asdict(result))}, ensure_ascii=False, indent=2, allow_nan=False
    )


def score_text(found: Sequence["Figures"], lang: str) -> str:
    """Table of figures, one line a group, and why rows were refused."""
    import pandas as pd

    shares = ("ape_median", "ape_p90", "coverage80", "pairs_ordered")
    factors = ("factor_median", "factor_median_pairs")
    none = sentence("value.none", lang)
    lines = [
        {"group": one.group, "rows": f"{one.rows:,}", "refused": f"{one.refused:,}"}
        | {name: none if (value := getattr(one, name)) is None else percent(value) for name in shares}
        | {name: none if (value := getattr(one, name)) is None else f"{value:.2f}" for name in factors}
        for one in found
    ]
    columns = ["group", "rows", "refused", *shares[:2], *factors, *shares[2:]]
    table = pd.DataFrame(lines, columns=columns).rename(columns={c: sentence(f"score.{c}", lang) for c in columns})
    codes = dict.fromkeys(code for one in found for code in one.refusals)
    counts = {
        code: sum(one.refusals.get(code, 0) for one in found if ":" not in one.group.removeprefix("llm:"))
        for code in codes
    }
    reasons = [sentence(f"score.refusal.{code}", lang, count=f"{count:,}") for code, count in counts.items()]
    return "\n".join([*_aligned(table), *reasons])
