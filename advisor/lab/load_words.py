"""A load test in words, and as JSON."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.lab.load_runs import LoadRun
from advisor.lab.ramps import Ramp
from advisor.lab.runs import quantile_of
from advisor.lab.words import QUANTILES, quantile_texts
from advisor.numbers import number
from advisor.results import Interval
from advisor.text import preferred_language, sentence
from advisor.units import MS_PER_S, PERCENT

FloatArray = NDArray[np.float64]

_PREDICTED = {"p90": 0.9, "p99": 0.99}
"""Quantiles that the formula of the queue is made for; at the median it is up to 40 % too long."""


def load_text(run: LoadRun, lang: str | None = None) -> str:
    """Lines about a load test: what was sent, what came back and when, what theory predicts, what to think of it.

    Parameters
    ----------
    run : LoadRun
    lang : str, optional
        Language id; by default the preferred one.
    """
    lang = lang or preferred_language()
    lines = [
        sentence(f"load.{run.loop}", lang, target=run.target),
        sentence(
            "load.requests",
            lang,
            sent=f"{len(run.failures):,}",
            seconds=number(run.seconds),
            offered=number(run.offered_per_s),
            answered=number(run.answered_per_s),
            waiting=f"{run.unanswered_at_end:,}",
        ),
        *(sentence("load.failed", lang, count=f"{n:,}", failure=failure) for failure, n in run.failed.items()),
        *quantile_texts(run.response_s, lang),
        *_token_texts(run, lang),
        sentence(f"load.{run.loop}_note", lang),
    ]
    if run.slo_s is not None:
        lines.append(sentence(f"lab.verdict_{run.verdict()}", lang, slo=number(run.slo_s * MS_PER_S)))
    if run.loop == "open":
        lines += [_prediction_text(run, lang), *_lag_texts(run, lang)]
    return "\n".join(lines)


def ramp_text(ramped: Ramp, lang: str | None = None) -> str:
    """Lines about a search for the highest rate: each step, and the rate."""
    lang = lang or preferred_language()
    slo = number(ramped.slo_s * MS_PER_S)
    lines = [sentence("load.ramp", lang, target=ramped.runs[0].target, slo=slo)]
    for run in ramped.runs:
        p99 = number(float(np.quantile(run.response_s, 0.99, method="higher")) * MS_PER_S)
        verdict = sentence(f"load.step_{run.verdict()}", lang)
        rate = number(run.rate_per_s or 0.0)
        lines.append(sentence("load.step", lang, rate=rate, count=f"{len(run.failures):,}", p99=p99, verdict=verdict))
    if ramped.rate_per_s is None:
        return "\n".join([*lines, sentence("load.no_rate", lang)])
    lines.append(sentence("load.highest", lang, rate=number(ramped.rate_per_s)))
    if ramped.missed_per_s is not None:
        lines.append(sentence("load.not_at", lang, rate=number(ramped.missed_per_s)))
    return "\n".join(lines)


def load_json(run: LoadRun) -> dict[str, Any]:
    """The load test with its quantiles in milliseconds, ready for JSON; what is infinite or not known is None."""
    return {
        **run.record(),
        "failed": run.failed,
        "offered_per_s": run.offered_per_s,
        "answered_per_s": run.answered_per_s,
        "unanswered_at_end": run.unanswered_at_end,
        "utilisation": run.utilisation,
        "verdict": None if run.slo_s is None else run.verdict(),
        "client_late": run.client_late,
        "response_ms": _quantiles_ms(run.response_s),
        "service_ms": _quantiles_ms(_known(run.service_s)),
        "ttft_ms": _quantiles_ms(_known(run.ttft_s)),
        "tpot_ms": _quantiles_ms(_known(run.tpot_s)),
        "send_lag_ms": _quantiles_ms(run.lag_s),
        "predicted_ms": {name: _ms(run.predicted_s(q)) for name, q in _PREDICTED.items()},
    }


def ramp_json(ramped: Ramp) -> dict[str, Any]:
    """The search with each of its load tests, ready for JSON."""
    return {
        "format": "advisor/ramp/1",
        "slo_s": ramped.slo_s,
        "rate_per_s": ramped.rate_per_s,
        "missed_per_s": ramped.missed_per_s,
        "runs": [load_json(run) for run in ramped.runs],
    }


def _token_texts(run: LoadRun, lang: str) -> list[str]:
    said = []
    for name, times_s in (("TTFT", run.ttft_s), ("TPOT", run.tpot_s)):
        if len(known_s := _known(times_s)):
            said += [f"{name} {text}" for text in quantile_texts(known_s, lang)]
    return said


def _prediction_text(run: LoadRun, lang: str) -> str:
    if run.utilisation is None:
        return sentence("load.no_prediction", lang)
    served_s = _known(run.service_s)
    return sentence(
        "load.predicted",
        lang,
        service=number(float(served_s.mean()) * MS_PER_S),
        workers=run.workers,
        utilisation=f"{run.utilisation * PERCENT:.0f}",
        **{name: number((run.predicted_s(q) or 0.0) * MS_PER_S) for name, q in _PREDICTED.items()},
    )


def _lag_texts(run: LoadRun, lang: str) -> list[str]:
    p50, p99 = (number(float(np.quantile(run.lag_s, q)) * MS_PER_S) for q in (0.5, 0.99))
    said = [sentence("load.lag", lang, p50=p50, p99=p99)]
    return [*said, sentence("load.client_late", lang)] if run.client_late else said


def _known(times_s: FloatArray) -> FloatArray:
    return times_s[np.isfinite(times_s)]


def _quantiles_ms(times_s: FloatArray) -> dict[str, dict[str, float | None] | None]:
    ordered = np.sort(times_s)
    return {name: _bounds_ms(quantile_of(ordered, q)) for name, q in QUANTILES.items()}


def _bounds_ms(interval: Interval | None) -> dict[str, float | None] | None:
    if interval is None:
        return None
    return {name: _ms(getattr(interval, name)) for name in ("low", "mid", "high")}


def _ms(time_s: float | None) -> float | None:
    return None if time_s is None or not math.isfinite(time_s) else time_s * MS_PER_S
