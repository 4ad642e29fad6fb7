"""Advice -> tables and sentences."""

import json
from dataclasses import asdict
from difflib import get_close_matches
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.errors import UnknownIdError
from advisor.evaluation import Answer, Evaluation
from advisor.numbers import interval_text, money, number, percent, quantity_text
from advisor.options import option_at, option_ids, reasons
from advisor.results import Option, Reason
from advisor.text import sentence
from advisor.units import MS_PER_S

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
        "system": option.system,
        "region": option.region or sentence("value.own_site", lang),
        "hardware": option.hardware,
        "engine": option.engine,
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
    name = sentence(f"family.{family}", lang)
    if row is None:
        none = sentence("value.none", lang)
        return {
            "family": name,
            "verdict": sentence("verdict.none", lang),
            "stack": none,
            "cost": none,
            "p99": none,
            "reason": none,
            "flip": none,
        }
    stack = str(option_ids(evaluation.found, np.array([row]))[0])
    if evaluation.mask[row]:
        stops = reasons(evaluation, evaluation.limits, row)
        return {
            "family": name,
            "verdict": sentence("verdict.no", lang),
            "stack": stack,
            "cost": sentence("value.none", lang),
            "p99": sentence("value.none", lang),
            "reason": worded(evaluation, stops, "fails", lang),
            "flip": worded(evaluation, stops, "flip", lang),
        }
    option = option_at(evaluation, row, p_best=0.0)
    return {
        "family": name,
        "verdict": sentence(f"verdict.{option.verdict}", lang),
        "stack": stack,
        "cost": money(option.usd_per_month, lang, bare=True),
        "p99": interval_text(option.p99_ms, lang, bare=True),
        "reason": worded(evaluation, option.conditions, "fails", lang) or sentence("value.none", lang),
        "flip": sentence("value.none", lang),
    }


def worded(evaluation: Evaluation, stops: tuple[Reason, ...], part: str, lang: str) -> str:
    """Sentences of rules in a language: what ``fails``, or the ``flip`` that would let the stack in."""
    rules = evaluation.knowledge.rules
    seen = dict.fromkeys(
        getattr(getattr(rules[reason.rule], part), lang).format(
            need=quantity_text(reason.need, reason.unit, lang), have=quantity_text(reason.have, reason.unit, lang)
        )
        for reason in stops
    )
    return sentence("report.joiner", lang).join(seen)


def explanation(advice: Answer, option_id: str, lang: str) -> str:
    """Sentences on one stack: its place, its bill, what it rests on, and the rivals above and below."""
    ranked = {option.id: (rank, option) for rank, option in enumerate(advice.shortlist, start=1)}
    if option_id not in ranked:
        return _explained_by_id(advice, option_id, lang)
    rank, option = ranked[option_id]
    ev = advice.evaluation
    lines = [
        headline(option, lang),
        sentence("report.rank_line", lang, rank=rank, count=len(ranked), score=f"{option.score:.3f}"),
    ]
    lines += [sentence("report.first_share", lang, share=percent(option.p_best))] if rank == 1 else []
    lines += [_bill_text(line, lang) for line in option.bill]
    lines.append(sentence("report.bill_open", lang, hours=number(option.hours_per_month)))
    lines += [
        sentence("report.condition", lang, text=worded(ev, (reason,), "fails", lang)) for reason in option.conditions
    ]
    lines += (
        [sentence("report.utilisation", lang, value=percent(option.utilisation))]
        if np.isfinite(option.utilisation)
        else []
    )
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
    rivals = [other for other in advice.shortlist if other.id != option.id][:_RIVALS]
    return "\n".join(lines + [_against(option, other, lang) for other in rivals])


def _explained_by_id(advice: Answer, option_id: str, lang: str) -> str:
    ev = advice.evaluation
    ids = option_ids(ev.found, np.arange(len(ev.found)))
    rows = np.flatnonzero(ids == option_id)
    if not len(rows):
        near = get_close_matches(option_id, [option.id for option in advice.shortlist], n=3, cutoff=0.3)
        raise UnknownIdError(
            "unknown_option", value=option_id, known=", ".join(near) or sentence("value.none_possible", lang)
        )
    row = int(rows[0])
    if not ev.mask[row]:
        option = option_at(ev, row, p_best=0.0)
        return "\n".join([headline(option, lang), *(_bill_text(line, lang) for line in option.bill)])
    stops = reasons(ev, ev.limits, row)
    return "\n".join(
        [worded(ev, stops, "fails", lang), sentence("report.flip", lang, text=worded(ev, stops, "flip", lang))]
    )


def headline(option: Option, lang: str) -> str:
    """One sentence: the stack, what it costs and how fast it is."""
    return sentence(
        "report.first",
        lang,
        system=option.system,
        region=option.region or sentence("value.own_site", lang),
        hardware=option.hardware,
        engine=option.engine,
        precision=option.precision,
        replicas=option.replicas,
        cost=money(option.usd_per_month, lang),
        p99=interval_text(option.p99_ms, lang),
    )


def _bill_text(line: Any, lang: str) -> str:
    cost = money(line.usd_per_month, lang)
    return sentence(
        f"report.bill_{line.item}",
        lang,
        quantity=number(line.quantity),
        cost=cost,
        dated=line.dated,
        basis=sentence(f"report.basis_{line.basis}", lang),
    )


def _against(option: Option, other: Option, lang: str) -> str:
    slower = sentence(
        "report.slower",
        lang,
        p99=interval_text(other.p99_ms, lang),
        high=quantity_text(other.p99_ms.high / MS_PER_S, "ms", lang),
    )
    if option.usd_per_month and other.usd_per_month:
        factor = number(other.usd_per_month / option.usd_per_month)
        code = "report.cheaper" if other.usd_per_month >= option.usd_per_month else "report.dearer"
        text = sentence(code, lang, cost=money(other.usd_per_month, lang), factor=factor, reason=slower)
    else:
        text = slower
    return sentence("report.against", lang, system=other.system, hardware=other.hardware, text=text)


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
