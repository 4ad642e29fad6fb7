"""A run as HTML: progress, verdict, quantiles with their intervals, machine."""

import numpy as np
from numpy.typing import NDArray

from advisor.lab.runs import Run
from advisor.lab.words import facts, machine_text, notes, quantile_texts, verdict_text
from advisor.text import sentence
from advisor.view import markup


def progress(state: str, stage: str, samples: int, lang: str) -> str:
    """Where a measurement stands."""
    code = stage if state == "running" and not samples else state
    return sentence(f"view.live.state.{code}", lang, samples=f"{samples:,}")


def so_far(samples_s: NDArray[np.float64], lang: str) -> str:
    """HTML of the quantiles of a measurement that still runs."""
    return markup.bullets(quantile_texts(samples_s, lang)) if len(samples_s) else ""


def result(run: Run, slo_ms: float | None, saved: str | None, lang: str) -> str:
    """HTML of what a run says, how far that can be trusted, and where it is kept."""
    verdict = sentence("view.live.no_slo", lang) if slo_ms is None else verdict_text(run, slo_ms, lang)
    badges = markup.badge(sentence("view.live.interfered", lang)) if run.interfered else ""
    beside = [
        sentence("lab.interval_note", lang),
        sentence("view.live.only_here", lang),
        *facts(run, lang),
        machine_text(run, lang),
        *notes(run, lang),
    ]
    beside += [sentence("view.live.saved", lang, file=saved)] if saved else []
    return (
        markup.paragraph(verdict, "lead")
        + badges
        + markup.bullets(quantile_texts(run.samples_s, lang, run.sizes))
        + markup.bullets(beside)
    )
