"""Advice -> tables and sentences."""

import json
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.evaluation import Answer, Evaluation
from advisor.numbers import interval_text, money, percent, quantity_text
from advisor.options import label, names_of, option_at, option_ids, reasons
from advisor.results import Option, Reason
from advisor.text import filled, sentence

if TYPE_CHECKING:
    import pandas as pd


_SHOWN_IN_JSON = 50
_RIVALS = 3


def options_table(options: tuple[Option, ...], lang: str) -> "pd.DataFrame":
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
        "cost": money(option.usd_per_month, lang, bare=True),
        "p99": interval_text(option.p99_ms, lang, bare=True),
        "ttft": interval_text(option.ttft_ms, lang, bare=True),
        "tpot": interval_text(option.tpot_ms, lang, bare=True),
        "p_best": percent(option.p_best),
        "fidelity": sentence(f"fidelity.{option.fidelity}", lang),
        "verdict": sentence(f"verdict.{option.verdict}", lang),
        "price_date": option.price_date,
        "family": ", ".join(sentence(f"family.{family}", lang) for family in option.families),
        "id": option.id,
    }


def families_table(advice: Answer, lang: str) -> "pd.DataFrame":
    """Six rows: best stack, verdict, cost and p99 of every family, or its nearest miss with the rules that stop it."""
    import pandas as pd

    rows = [_family_row(advice.evaluation, family, row, lang) for family, row in advice.family_rows.items()]
    return pd.DataFrame(rows).rename(columns={c: sentence(f"column.{c}", lang) for c in rows[0]})


def _family_row(evaluation: Evaluation, family: str, row: int | None, lang: str) -> dict[str, Any]:
    none = sentence("value.none", lang)
    cells = dict.fromkeys(("family", "verdict", "stack", "cost", "p99", "reason", "flip", "id"), none)
    cells["family"] = sentence(f"family.{family}", lang)
    if row is None:
        return cells | {"verdict": sentence("verdict.none", lang)}
    cells["id"] = str(option_ids(evaluation.found, np.array([row]))[0])
    cells["stack"] = stack_name(evaluation, row, lang)
    if evaluation.mask[row]:
        stops = reasons(evaluation, evaluation.limits, row)
        reason, flip = worded(evaluation, stops, "fails", lang), worded(evaluation, stops, "flip", lang)
        return cells | {"verdict": sentence("verdict.no", lang), "reason": reason, "flip": flip}
    option = option_at(evaluation, row, p_best=0.0)
    return cells | {
        "verdict": sentence(f"verdict.{option.verdict}", lang),
        "cost": money(option.usd_per_month, lang, bare=True),
        "p99": interval_text(option.p99_ms, lang, bare=True),
        "reason": worded(evaluation, option.conditions, "fails", lang) or none,
    }


def stack_name(evaluation: Evaluation, row: int, lang: str) -> str:
    """Name of a candidate as people say it: system, region, hardware, engine, number format."""
    found = evaluation.found
    run = int(found.run[row])
    names = names_of(evaluation, row)
    region = str(found.machines.region[found.run_machine[run]])
    system, hardware, engine = (label(names, part, lang) for part in ("system", "hardware", "engine"))
    parts = [system, region, hardware, engine, found.classes[int(found.run_class[run])].precision]
    return " · ".join(part for part in parts if part)


def worded(evaluation: Evaluation, stops: tuple[Reason, ...], part: str, lang: str) -> str:
    """Sentences of rules in a language: what ``fails``, or the ``flip`` that would let the stack in."""
    rules = evaluation.knowledge.rules
    seen = dict.fromkeys(
        filled(
            getattr(getattr(rules[reason.rule], part), lang),
            {
                "need": quantity_text(reason.need, reason.unit, lang, up=True),
                "have": quantity_text(reason.have, reason.unit, lang),
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
        cost=money(option.usd_per_month, lang),
        p99=interval_text(option.p99_ms, lang),
    )


def as_json(advice: Answer) -> str:
    """Question, first fifty kinds of stack and six families; unknown prices are null, never 0."""
    asked = advice.asked.model_dump(mode="json")
    families = [
        {
            "family": family,
            "id": None if row is None else str(option_ids(advice.evaluation.found, np.array([row]))[0]),
            "fits": row is not None and not advice.evaluation.mask[row],
        }
        for family, row in advice.family_rows.items()
    ]
    options = [finite(asdict(option)) for option in advice.shortlist[:_SHOWN_IN_JSON]]
    document = {
        "format": "advisor/advice/1",
        "asked": asked,
        "assumed": dict(advice.evaluation.asking.assumed),
        "best": options[0] if options else None,
        "options": options,
        "families": families,
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def finite(value: Any) -> Any:
    """Value with every number that JSON cannot hold turned into null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def advice_html(advice: Answer, lang: str) -> str:
    """Short HTML for a notebook cell: the headline and both tables."""
    head = headline(advice.best, lang) if advice.best else sentence("report.nothing", lang)
    return "".join(
        [
            f"<p><strong>{escape(head)}</strong></p>",
            advice.table(lang=lang).to_html(index=False, escape=True),
            f"<p>{escape(sentence('report.families', lang))}</p>",
            advice.families(lang=lang).to_html(index=False, escape=True),
        ]
    )
