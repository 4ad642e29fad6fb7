"""Load tests in words, and as JSON."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.lab.load_runs import LoadRun
from advisor.lab.omission import Shown
from advisor.lab.ramps import Point, Ramp
from advisor.lab.runs import quantile_of
from advisor.lab.words import QUANTILES, quantile_texts
from advisor.numbers import interval_text, number
from advisor.results import Interval
from advisor.text import preferred_language, sentence
from advisor.units import MS_PER_S, PERCENT

FloatArray = NDArray[np.float64]

_TAIL = ("p90", "p99")
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
    return "\n".join([*lines, *interference_texts(run, lang)])


def interference_texts(run: LoadRun, lang: str) -> list[str]:
    """What a reader has to know of want of processors, and of an early end."""
    said = [sentence("load.disturbance_unknown", lang)]
    if run.delay_share is not None:
        shares = {"client": run.client_delay_share, "target": run.target_delay_share, "host": run.stolen_share}
        known = {name: f"{share * PERCENT:.1f}" for name, share in shares.items() if share is not None}
        told = (sentence(f"load.delay_{name}", lang, share=share) for name, share in known.items())
        what = sentence("load.joint", lang).join(told)
        said = [sentence("load.interfered" if run.interfered else "load.undisturbed", lang, shares=what)]
    return [*said, sentence("lab.cancelled", lang)] if run.cancelled else said


def shown_text(shown: Shown, lang: str | None = None) -> str:
    """Lines about the same server under both loops: what each says, and what that hides."""
    lang = lang or preferred_language()
    lines = [sentence("omission.title", lang, stall=number(shown.stall_s), rate=number(shown.rate_per_s))]
    for run in (shown.open, shown.closed):
        late = int((run.response_s > shown.late_s).sum())
        quantiles = {name: _rough_ms(run, q) for name, q in QUANTILES.items()}
        counts = {"count": f"{len(run.failures):,}", "late": f"{late:,}", "limit": number(shown.late_s * MS_PER_S)}
        lines.append(sentence(f"omission.{run.loop}", lang, **quantiles, **counts))
    return "\n".join([*lines, sentence("omission.rough", lang), sentence("omission.why", lang)])


def ramp_text(ramped: Ramp, lang: str | None = None) -> str:
    """Lines about a search for the highest rate: each step, and the rate."""
    lang = lang or preferred_language()
    slo = number(ramped.slo_s * MS_PER_S)
    lines = [sentence("load.ramp", lang, target=ramped.runs[0].target, slo=slo)]
    for run in ramped.runs:
        p99 = _rough_ms(run, QUANTILES["p99"])
        verdict = sentence(f"load.step_{run.verdict()}", lang)
        rate = number(run.rate_per_s or 0.0)
        lines.append(sentence("load.step", lang, rate=rate, count=f"{len(run.failures):,}", p99=p99, verdict=verdict))
    lines += [sentence("load.curve", lang), *(_point_text(point, lang) for point in ramped.curve)]
    if any(point.interfered for point in ramped.curve):
        lines.append(sentence("load.curve_interfered", lang))
    if ramped.cancelled:
        lines.append(sentence("lab.cancelled", lang))
    if ramped.rate_per_s is None:
        return "\n".join([*lines, sentence("load.no_rate", lang)])
    lines.append(sentence("load.highest", lang, rate=number(ramped.rate_per_s)))
    if ramped.missed_per_s is not None:
        lines.append(sentence("load.not_at", lang, rate=number(ramped.missed_per_s)))
    return "\n".join(lines)


def _point_text(point: Point, lang: str) -> str:
    said = {}
    for name in QUANTILES:
        measured, predicted = point.measured_s[name], point.predicted_s[name]
        text = sentence("load.not_given", lang) if measured is None else interval_text(_in_ms(measured), lang)
        theory = sentence("load.theory", lang, value=_predicted_ms(predicted)) if name in _TAIL else ""
        said[name] = text + theory
    load = "–" if point.utilisation is None else f"{point.utilisation * PERCENT:.0f}"
    return sentence("load.point", lang, rate=number(point.rate_per_s), utilisation=load, **said)


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
        "client_delay_share": run.client_delay_share,
        "target_delay_share": run.target_delay_share,
        "interfered": run.interfered,
        "response_ms": _quantiles_ms(run.response_s),
        "service_ms": _quantiles_ms(_known(run.service_s)),
        "ttft_ms": _quantiles_ms(_known(run.ttft_s)),
        "tpot_ms": _quantiles_ms(_known(run.tpot_s)),
        "send_lag_ms": _quantiles_ms(run.lag_s),
        "predicted_ms": {name: _ms(run.predicted_s(QUANTILES[name])) for name in _TAIL},
    }


def ramp_json(ramped: Ramp) -> dict[str, Any]:
    """The search with each of its load tests, ready for JSON."""
    return {
        **ramped.record(),
        "rate_per_s": ramped.rate_per_s,
        "missed_per_s": ramped.missed_per_s,
        "curve": [_point_json(point) for point in ramped.curve],
        "runs": [load_json(run) for run in ramped.runs],
    }


def _point_json(point: Point) -> dict[str, Any]:
    return {
        "rate_per_s": point.rate_per_s,
        "utilisation": point.utilisation,
        "measured_ms": {name: _bounds_ms(interval) for name, interval in point.measured_s.items()},
        "predicted_ms": {name: _ms(point.predicted_s[name]) for name in _TAIL},
        "interfered": point.interfered,
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
        **{name: _predicted_ms(run.predicted_s(QUANTILES[name])) for name in _TAIL},
    )


def _predicted_ms(time_s: float | None) -> str:
    return "–" if time_s is None else number(time_s * MS_PER_S)


def _rough_ms(run: LoadRun, q: float) -> str:
    """Quantile whatever the number of requests."""
    return number(float(np.quantile(run.response_s, q, method="higher")) * MS_PER_S)


def _in_ms(interval: Interval) -> Interval:
    return Interval(*(getattr(interval, name) * MS_PER_S for name in ("low", "mid", "high")))


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
