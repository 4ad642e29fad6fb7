"""Sweeps and kept runs in words, and as JSON."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from advisor.lab.archives import Imported
from advisor.lab.comparison_words import comparison_text
from advisor.lab.load_words import load_text, ramp_text
from advisor.lab.sweep_plans import Plan
from advisor.lab.sweep_results import Best, Cell, Sweep
from advisor.numbers import interval_text, number
from advisor.results import Interval
from advisor.text import preferred_language, sentence
from advisor.units import MS_PER_S, PERCENT, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = "advisor/sweep/1"


def sweep_text(sweep: Sweep, slo_ms: float | None = None, lang: str | None = None) -> str:
    """Lines about a sweep: each configuration, drift and noise, which is best and how sure that is.

    Parameters
    ----------
    sweep : Sweep
    slo_ms : float, optional
        Objective for the p99 of one inference.  [ms]
    lang : str, optional
        Language id; by default the preferred one.
    """
    lang = lang or preferred_language()
    plan = sweep.plan
    facts = {"count": len(sweep.cells), "passes": plan.passes, "seconds": number(plan.seconds)}
    lines = [sentence("sweep.title", lang, name=plan.name, model=plan.model, **facts)]
    lines += [_cell_text(cell, lang) for cell in sweep.cells]
    lines += [*_noise_texts(sweep, lang), *_best_texts(sweep, slo_ms, lang)]
    if not sweep.complete:
        lines.append(sentence("sweep.incomplete", lang, model=plan.model, name=plan.name))
    if sweep.not_saved is not None:
        lines.append(sentence("sweep.not_saved", lang, reason=sweep.not_saved.in_language(lang)))
    return "\n".join(lines)


def expected_text(sweep: Sweep, left_s: float, lang: str) -> str:
    """How long a sweep will take, before it begins."""
    count = sweep.plan.passes * len(sweep.cells)
    facts = {"minutes": _minutes(left_s), "seconds": number(sweep.plan.seconds), "count": count}
    return sentence("sweep.expected", lang, **facts)


def step_text(sweep: Sweep, left_s: float, lang: str) -> str:
    """How far a sweep is."""
    done = sum(len(cell.runs) for cell in sweep.cells)
    facts = {"done": done, "count": sweep.plan.passes * len(sweep.cells), "minutes": _minutes(left_s)}
    return sentence("sweep.step", lang, **facts)


def sweep_json(sweep: Sweep, slo_ms: float | None = None) -> dict[str, Any]:
    """The sweep with quantiles and the best configurations, ready for JSON; the samples are in its runs."""
    slo_s = None if slo_ms is None else slo_ms / MS_PER_S
    rows = sweep.table().to_dict("records")
    refusals = [None if cell.refusal is None else cell.refusal.in_language("en") for cell in sweep.cells]
    return {
        "format": _FORMAT,
        "id": sweep.id,
        "plan": sweep.plan.record(),
        "complete": sweep.complete,
        "cells": [{**row, "refusal": refusal} for row, refusal in zip(rows, refusals, strict=True)],
        "drift": sweep.drift(),
        "noise": sweep.noise(),
        "best_throughput": _best_json(sweep.best("throughput", slo_s)),
        "best_latency": _best_json(sweep.best("latency", slo_s)),
        "not_saved": None if sweep.not_saved is None else sweep.not_saved.in_language("en"),
    }


SHOWN: Mapping[str, Callable[[Any, str], str]] = {
    "load": load_text, "ramp": ramp_text, "comparison": comparison_text,
}  # fmt: skip
"""What is said of a record by its kind, besides runs and sweeps."""


def runs_text(
    table: "pd.DataFrame",
    plans: Sequence[Plan],
    others: Mapping[str, str],
    folder: str,
    damaged: Mapping[str, object],
    lang: str,
) -> str:
    """One line for each run of ``Store.runs``, each sweep, each other record by its kind, and what cannot be read."""
    rows = table.to_dict("records")
    lines = [
        sentence(
            "kept.run",
            lang,
            id=row["id"],
            model=row["model"],
            threads=row["threads"],
            batch=row["batch"],
            precision=row["precision"],
            count=f"{row['n']:,}",
            p50=_quantile_text(row, "p50", lang),
            p99=_quantile_text(row, "p99", lang),
            machine=row["machine"],
        )
        for row in rows
    ]
    lines += [sentence("kept.sweep", lang, name=plan.name, model=plan.model, started=plan.started) for plan in plans]
    lines += [sentence(f"kept.{kind}", lang, id=record_id) for record_id, kind in others.items()]
    if not lines:
        lines.append(sentence("kept.none", lang, folder=folder))
    if damaged:
        lines.append(sentence("kept.unreadable", lang, count=len(damaged), files=", ".join(damaged)))
    return "\n".join(lines)


def ratios_text(table: "pd.DataFrame", lang: str) -> str:
    """One line for each run of ``Store.compare``, and what to think of it."""
    lines: list[str] = []
    for row in table.to_dict("records"):
        facts = {name: row[name] for name in ("id", "threads", "batch")}
        factors = {name: _factor_text(row, name, lang) for name in ("p50", "p99")}
        lines.append(sentence("kept.ratio", lang, **facts, **factors))
        lines += [
            sentence(f"kept.ratio_other_{what}", lang, id=row["id"])
            for what in ("model", "machine")
            if not row[f"same_{what}"]
        ]
    return "\n".join([*lines, sentence("kept.apart", lang)])


def imported_text(imported: Imported, lang: str) -> str:
    """What became of the records of a file."""
    counts = {"added": len(imported.added), "duplicates": imported.duplicates, "refused": len(imported.refused)}
    return "\n".join(
        [sentence("kept.imported", lang, **counts), *(error.in_language(lang) for error in imported.refused)]
    )


def _cell_text(cell: Cell, lang: str) -> str:
    place = {"threads": cell.threads, "batch": cell.batch}
    if cell.refusal is not None:
        return sentence("sweep.refused", lang, **place, reason=cell.refusal.in_language(lang))
    if not cell.runs:
        return sentence("sweep.open", lang, **place)
    quantiles = {name: interval_text(_in_ms(cell.quantile(q)), lang) for name, q in (("p50", 0.5), ("p99", 0.99))}
    return sentence("sweep.cell", lang, **place, **quantiles, rate=number(cell.value("throughput") or math.nan))


def _noise_texts(sweep: Sweep, lang: str) -> list[str]:
    drift, noise = sweep.drift(), sweep.noise()
    lines = [] if drift is None else [sentence("sweep.drift", lang, drift=number(drift))]
    if noise is None:
        return [*lines, sentence("sweep.noise_unknown", lang)]
    return [*lines, sentence("sweep.noise", lang, noise=_share(noise))]


def _best_texts(sweep: Sweep, slo_ms: float | None, lang: str) -> list[str]:
    if not any(cell.runs for cell in sweep.cells):
        return []
    if slo_ms is None:
        return [*_best_lines(sweep.best("latency"), "latency", lang), *_best_lines(sweep.best(), "throughput", lang)]
    objective = {"quantile": "p99", "slo": number(slo_ms)}
    best = sweep.best("throughput", slo_ms / MS_PER_S)
    return (
        [sentence("sweep.best_none", lang, **objective)]
        if best is None
        else _best_lines(best, "slo", lang, **objective)
    )


def _best_lines(best: Best | None, code: str, lang: str, **objective: str) -> list[str]:
    if best is None:
        return []
    value = best.cell.value("latency" if code == "latency" else "throughput") or math.nan
    shown = number(value * MS_PER_S if code == "latency" else value)
    place = {"threads": best.cell.threads, "batch": best.cell.batch}
    lines = [sentence(f"sweep.best_{code}", lang, **place, **objective, value=shown)]
    if best.runner_up is not None and best.ratio is not None and best.within_noise is not None:
        verdict = "sweep.within_noise" if best.within_noise else "sweep.beyond_noise"
        place = {"threads": best.runner_up.threads, "batch": best.runner_up.batch}
        lines.append(sentence(verdict, lang, **place, difference=_share(max(best.ratio, 1 / best.ratio) - 1)))
    if best.undecided:
        lines.append(sentence("sweep.undecided", lang, count=len(best.undecided)))
    return lines


def _best_json(best: Best | None) -> dict[str, Any] | None:
    if best is None:
        return None
    cells = {"cell": best.cell, "runner_up": best.runner_up}
    places = {name: cell and {"threads": cell.threads, "batch": cell.batch} for name, cell in cells.items()}
    return {**places, "ratio": best.ratio, "within_noise": best.within_noise, "undecided": len(best.undecided)}


def _quantile_text(row: Mapping[Any, Any], name: str, lang: str) -> str:
    sides = [row[f"{name}{side}_s"] for side in ("_low", "", "_high")]
    return interval_text(None if None in sides else _in_ms(Interval(*sides)), lang)


def _factor_text(row: Mapping[Any, Any], name: str, lang: str) -> str:
    sides = [row[f"{name}{side}"] for side in ("_low", "", "_high")]
    return interval_text(None if None in sides else Interval(*sides), lang, bare=True)


def _in_ms(interval: Interval | None) -> Interval | None:
    if interval is None:
        return None
    return Interval(interval.low * MS_PER_S, interval.mid * MS_PER_S, interval.high * MS_PER_S)


def _share(value: float) -> str:
    return f"{value * PERCENT:.1f} %"


def _minutes(seconds: float) -> str:
    return f"{max(seconds, 1) / SECONDS_PER_MINUTE:.1f}"
