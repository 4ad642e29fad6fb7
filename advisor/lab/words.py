"""A run in words, and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from advisor.lab.remarks import remarks
from advisor.lab.runs import FloatArray, Run, missing_samples, needed_samples, quantile_of
from advisor.numbers import interval_text, number
from advisor.results import Interval
from advisor.text import preferred_language, sentence
from advisor.units import BYTES_PER_GB, BYTES_PER_MB, MS_PER_S

_MINUTES = len("2026-11-25T04:00")
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def run_text(run: Run, p99_ms: float | None = None, lang: str | None = None) -> str:
    """Lines about a run: what was measured, p50, p90 and p99 with their intervals, what to think of them.

    Parameters
    ----------
    run : Run
    p99_ms : float, optional
        Objective for the p99.  [ms]
    lang : str, optional
        Language id; by default the preferred one.
    """
    lang = lang or preferred_language()
    lines = [
        title_text(run, lang),
        sentence("lab.samples", lang, count=f"{len(run.samples_s):,}", runs=f"{run.warm_up.runs:,}"),
        *quantile_texts(run.samples_s, lang, run.sizes),
    ]
    if any(run.quantile(q) for q in QUANTILES.values()):
        lines.append(sentence("lab.interval_note", lang))
    if p99_ms is not None:
        lines.append(verdict_text(run, p99_ms, lang))
    return "\n".join([*lines, *facts(run, lang), machine_text(run, lang), *notes(run, lang)])


def title_text(run: Run, lang: str) -> str:
    """What was measured, how and when."""
    return sentence(
        "lab.title",
        lang,
        model=run.model,
        precision=run.variant or run.precision,
        batch=run.batch,
        inputs=", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in run.inputs),
        threads=run.threads,
        providers=", ".join(run.providers),
        started=run.started[:_MINUTES].replace("T", " "),
    )


def quantile_texts(samples_s: FloatArray, lang: str, sizes: Sequence[int] = ()) -> list[str]:
    """p50, p90 and p99 of samples in bursts of given sizes with their intervals, or how many samples they lack."""
    return [_quantile_text(samples_s, sizes, name, lang) for name in QUANTILES]


def _quantile_text(samples_s: FloatArray, sizes: Sequence[int], name: str, lang: str) -> str:
    q = QUANTILES[name]
    interval = quantile_of(samples_s, q, sizes)
    if interval is not None:
        return sentence("lab.quantile", lang, name=name, value=interval_text(_in_ms(interval), lang))
    missing = missing_samples(len(samples_s), q)
    return sentence("lab.too_few", lang, name=name, missing=missing, needed=needed_samples(q))


def verdict_text(run: Run, p99_ms: float, lang: str) -> str:
    """Whether the p99 meets an objective."""
    return sentence(f"lab.verdict_{run.verdict(p99_ms / MS_PER_S)}", lang, slo=number(p99_ms))


def facts(run: Run, lang: str) -> tuple[str, ...]:
    """Bursts, cold start and memory, where the run holds them."""
    said = []
    if run.throttling is not None:
        span = number(run.throttling.span_s)
        said.append(sentence("lab.bursts", lang, count=f"{len(run.sizes):,}", span=span))
    if run.cold_start is not None:
        cold = run.cold_start
        times = {"total": cold.total_s, "runtime": cold.import_s, "load": cold.load_s, "first": cold.first_run_s}
        said.append(sentence("lab.cold_start", lang, **{name: number(s * MS_PER_S) for name, s in times.items()}))
    if run.memory is not None:
        peak = run.memory.peak_bytes
        sizes = {"peak": peak, "model": max(0, peak - run.memory.imported_bytes)}
        said.append(sentence("lab.memory", lang, **{name: number(size / BYTES_PER_MB) for name, size in sizes.items()}))
    return tuple(said)


def machine_text(run: Run, lang: str) -> str:
    """Machine that the run was made on."""
    machine = run.machine
    return sentence(
        "lab.machine",
        lang,
        cpu=machine.cpu,
        usable=number(machine.usable_cpus),
        logical=machine.logical_cpus,
        memory_gb=number(machine.memory_bytes / BYTES_PER_GB),
        system=machine.system,
        runtime=dict(run.versions)["onnxruntime"],
    )


def notes(run: Run, lang: str) -> tuple[str, ...]:
    """What a reader of the numbers has to know: interference, drift, warm-up, cancellation, assumptions."""
    said = [sentence(f"lab.{code}", lang, **dict(values)) for code, values in remarks(run, tuple(QUANTILES.items()))]
    worded = (sentence(f"assumption.{code}", lang, **dict(values)) for code, values in run.assumptions)
    return (*said, *(sentence("lab.assumed", lang, text=text) for text in worded))


def run_json(run: Run) -> dict[str, Any]:
    """The run with its quantiles in milliseconds and its drift, ready for JSON."""
    drift = run.drift
    return {
        **run.record(),
        "interfered": run.interfered,
        "drift": None if drift is None else {**asdict(drift), "cause": drift.cause},
        "quantiles_ms": {name: _bounds(run.quantile(q)) for name, q in QUANTILES.items()},
        "missing_samples": {name: missing_samples(len(run.samples_s), q) for name, q in QUANTILES.items()},
    }


def _bounds(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    scaled = _in_ms(interval)
    return {"low": scaled.low, "mid": scaled.mid, "high": scaled.high}


def _in_ms(interval: Interval) -> Interval:
    return Interval(interval.low * MS_PER_S, interval.mid * MS_PER_S, interval.high * MS_PER_S)
