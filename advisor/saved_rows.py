"""Rows of the tables of an advice that was saved, where no columns of the stages are at hand."""

from typing import Any

from advisor.document import Candidate
from advisor.knowledge import Knowledge
from advisor.numbers import per_unit
from advisor.report import worded
from advisor.results import Option

COLUMNS = (
    "id",
    "family",
    "provider",
    "region",
    "site",
    "operation",
    "engine",
    "hardware",
    "precision",
    "replicas",
    "usd_per_month",
    "usd_per_month_known",
    "p99_low_ms",
    "p99_ms",
    "p99_high_ms",
    "score",
    "fidelity",
    "price_date",
)


def option_row(option: Option) -> dict[str, Any]:
    """Row of a stack that fits."""
    p99 = {"p99_low_ms": option.p99_ms.low, "p99_ms": option.p99_ms.mid, "p99_high_ms": option.p99_ms.high}
    usd = float("nan") if option.usd_per_month is None else option.usd_per_month
    same = {name: getattr(option, name) for name in COLUMNS if name not in p99}
    return same | p99 | {"usd_per_month": usd}


def rejected_row(miss: Candidate, knowledge: Knowledge, lang: str) -> dict[str, Any]:
    """Row of a stack that does not fit, with its first rule."""
    first = miss.reasons[0]
    factor = per_unit(first.unit)
    return {
        "id": miss.id,
        "rule": first.rule,
        "need": first.need / factor,
        "have": first.have / factor,
        "unit": first.unit,
        "margin": first.margin,
        "flip": worded(knowledge, miss.reasons, "flip", lang),
    }
