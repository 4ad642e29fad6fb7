"""Options, verdicts and questions -> tables and sentences."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.document import Asked, Candidate, FamilyVerdict
from advisor.knowledge import Knowledge, countries
from advisor.money import cost_cell, cost_text, dates_text
from advisor.numbers import interval_text, number, percent, quantity_text
from advisor.results import Option, Reason
from advisor.text import filled, sentence

if TYPE_CHECKING:
    import pandas as pd


def options_table(options: Sequence[Option], lang: str) -> "pd.DataFrame":
    """Ranked table with worded columns; one row an option."""
    import pandas as pd

    rows = [_table_row(rank, option, lang) for rank, option in enumerate(options, start=1)]
    columns = [
        "rank",
        "system",
        "region",
        "hardware",
        "engine",
        "precision",
        "replicas",
        "cost",
        "p99",
        "p_best",
        "fidelity",
        "verdict",
        "price_date",
        "family",
        "id",
    ]
    if any(option.ttft_ms for option in options):
        columns[9:9] = ["ttft", "tpot"]
    return pd.DataFrame(rows, columns=columns).rename(columns={c: sentence(f"column.{c}", lang) for c in columns})


def _table_row(rank: int, option: Option, lang: str) -> dict[str, Any]:
    return {
        "rank": rank,
        "system": label(option.names, "system", lang),
        "region": option.region or sentence("value.own_site", lang),
        "hardware": label(option.names, "hardware", lang),
        "engine": label(option.names, "engine", lang),
        "precision": option.precision,
        "replicas": option.replicas,
        "cost": cost_cell(option, lang),
        "p99": interval_text(option.p99_ms, lang, bare=True),
        "ttft": interval_text(option.ttft_ms, lang, bare=True),
        "tpot": interval_text(option.tpot_ms, lang, bare=True),
        "p_best": percent(option.p_best),
        "fidelity": sentence(f"fidelity.{option.fidelity}", lang),
        "verdict": sentence(f"verdict.{option.verdict}", lang),
        "price_date": dates_text(option.price_dates, lang),
        "family": ", ".join(sentence(f"family.{family}", lang) for family in option.families),
        "id": option.id,
    }


def families_table(verdicts: Sequence[FamilyVerdict], knowledge: Knowledge, lang: str) -> "pd.DataFrame":
    """Six rows: best stack, verdict, cost and p99 of every family, or its nearest miss with the rules that stop it."""
    import pandas as pd

    rows = [_family_row(verdict, knowledge, lang) for verdict in verdicts]
    return pd.DataFrame(rows).rename(columns={c: sentence(f"column.{c}", lang) for c in rows[0]})


def _family_row(verdict: FamilyVerdict, knowledge: Knowledge, lang: str) -> dict[str, Any]:
    none, best = sentence("value.none", lang), verdict.best
    cells = dict.fromkeys(("family", "verdict", "stack", "cost", "price_date", "p99", "reason", "flip", "id"), none)
    cells["family"] = sentence(f"family.{verdict.family}", lang)
    if best is None:
        return cells | {"verdict": sentence("verdict.none", lang)}
    cells |= {"id": best.id, "stack": stack_name(best, lang), "price_date": dates_text(best.price_dates, lang) or none}
    reason = worded(knowledge, best.reasons, "fails", lang)
    if not best.fits:
        flip = worded(knowledge, best.reasons, "flip", lang)
        return cells | {"verdict": sentence("verdict.no", lang), "reason": reason, "flip": flip}
    return cells | {
        "verdict": sentence(f"verdict.{'conditions' if best.reasons else 'fits'}", lang),
        "cost": cost_cell(best, lang),
        "p99": interval_text(best.p99_ms, lang, bare=True),
        "reason": reason or none,
    }


def stack_name(candidate: Candidate | Option, lang: str) -> str:
    """Name of a stack as people say it: system, region, hardware, engine, number format."""
    system, hardware, engine = (label(candidate.names, part, lang) for part in ("system", "hardware", "engine"))
    return " · ".join(part for part in (system, candidate.region, hardware, engine, candidate.precision) if part)


def label(names: Mapping[str, str], part: str, lang: str) -> str:
    """Name of a part of a stack in a language."""
    return names.get(f"{part}.{lang}", names[part])


def country_name(iso: str, lang: str) -> str:
    """Name of a country in a language; its code where it has no name there."""
    return str(getattr(countries()[iso], f"name_{lang}", iso))


def title(asked: Asked, lang: str) -> str:
    """What was asked, in one line."""
    if asked.p99_ms is not None:
        objective = sentence("report.objective_p99", lang, p99=number(asked.p99_ms))
    else:
        ttft, tpot = number(asked.ttft_ms or 0), number(asked.tpot_ms or 0)
        objective = sentence("report.objective_ttft", lang, ttft=ttft, tpot=tpot)
    return sentence(
        "report.title",
        lang,
        model=asked.model,
        qps=number(asked.qps),
        objective=objective,
        country=country_name(asked.country, lang),
    )


def worded(knowledge: Knowledge, stops: Sequence[Reason], part: str, lang: str) -> str:
    """Sentences of rules in a language: what ``fails``, or the ``flip`` that would let the stack in."""
    rules = knowledge.rules
    seen = dict.fromkeys(
        filled(
            getattr(getattr(rules[reason.rule], part), lang),
            {
                "need": quantity_text(reason.need, reason.unit, lang, up=True),
                "have": quantity_text(reason.have, reason.unit, lang),
                "name": reason.name,
            },
        )
        for reason in stops
    )
    return sentence("report.joiner", lang).join(seen)


def headline(option: Option, lang: str) -> str:
    """One sentence: the first choice, what it costs and how fast it is."""
    return sentence("report.first_choice", lang, text=stack_line(option, lang))


def stack_line(option: Option, lang: str) -> str:
    """One sentence on a stack, what it costs and how fast it is."""
    return sentence(
        "report.first",
        lang,
        system=label(option.names, "system", lang),
        region=option.region or sentence("value.own_site", lang),
        hardware=label(option.names, "hardware", lang),
        engine=label(option.names, "engine", lang),
        precision=option.precision,
        replicas=option.replicas,
        cost=cost_text(option, lang),
        p99=interval_text(option.p99_ms, lang),
    )


def finite(value: Any) -> Any:
    """Value with every number that JSON cannot hold turned into null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
