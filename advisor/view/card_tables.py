"""Figures of the card as tables and sentences in a language."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from advisor.calibration import ANY, load_calibration
from advisor.card import (
    FORMATS,
    HeldOut,
    Source,
    fit_of,
    held_out,
    kinds,
    left_out,
    measurements,
    repository_of,
    sources,
    span_of,
)
from advisor.comparison import TOKENS, Asked, Comparison, Measured, counts_vcpu, first_of_each, intervals_of
from advisor.explain import name_of
from advisor.knowledge import Knowledge
from advisor.latency import FIDELITIES
from advisor.numbers import number, percent
from advisor.results import Interval
from advisor.text import catalogue, sentence

if TYPE_CHECKING:
    import pandas as pd

MOST = 40
"""Measurements that the table beside a prediction shows."""
TUNED = "-tuned"
"""Ending of the ids in ``data/calibrations/engines.toml`` that stand for what vendors tuned."""


def _frame(rows: Sequence[Mapping[str, object]], lang: str) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame(rows).astype(str)
    return frame.rename(columns={name: sentence(f"card.column.{name}", lang) for name in frame})


def kind_name(kind: str, lang: str) -> str:
    """Kind of device in words; as published where there are none."""
    return catalogue(lang).get(f"device_kind.{kind}", kind)


def lead(knowledge: Knowledge, lang: str) -> list[str]:
    """Answer to the first question of everybody: is this number real?"""
    once, step = (
        {line.hidden: line for line in held_out(knowledge, part) if line.kind == ANY} for part in ("once", "step")
    )
    lines = {"devices": once["devices"], "models": once["models"], "language": step["devices"]}
    said = [sentence(f"card.lead_{name}", lang, **_figures(line)) for name, line in lines.items()]
    return [*said, sentence("card.lead_dated", lang, dated=fit_of(knowledge)["dated"])]


def _figures(line: HeldOut) -> dict[str, str]:
    return {
        "median": f"{line.median_factor:.2f}",
        "p90": f"{line.p90_factor:.2f}",
        "inside": percent(line.coverage),
        "rows": f"{line.rows:,}",
        "devices": f"{line.devices:,}",
    }


def fitted_lines(knowledge: Knowledge, lang: str) -> list[str]:
    """What the fit stands on: counts, dates, method, checksums."""
    rows, fit, found = measurements(knowledge), fit_of(knowledge), sources(knowledge)
    counts = {
        "packed": len(rows),
        "sources": len(found),
        "devices": rows["device"].nunique(),
        "models": rows["model_key"].nunique(),
        "once": fit["rows_one_shot"],
        "language": fit["rows_language"],
    }
    span = {"since": min(one.since for one in found), "until": max(one.until for one in found), "dated": fit["dated"]}
    sums = {name: f"{fit[f'sha256_{name}'][:12]}…" for name in ("rows", "devices", "models")}
    return [
        sentence("card.fitted", lang, **{name: f"{count:,}" for name, count in counts.items()}, **span),
        sentence("card.uneven", lang, share=percent(found[0].rows / len(rows)), name=found[0].repositories[0]),
        sentence("card.method", lang),
        sentence("card.checksum", lang, **sums),
    ]


def sources_table(knowledge: Knowledge, lang: str) -> "pd.DataFrame":
    """One line a source, those with most measurements first."""
    return _frame([_source_line(source, lang) for source in sources(knowledge)], lang)


def _source_line(source: Source, lang: str) -> dict[str, object]:
    first, more = source.repositories[0], len(source.repositories) - 1
    words = catalogue(lang)
    licences = dict.fromkeys(words.get(f"card.licence.{licence}", licence) for licence in source.licences)
    return {
        "source": sentence("card.more", lang, name=first, count=more) if more else first,
        "rows": f"{source.rows:,}",
        "devices": source.devices,
        "models": f"{source.models:,}",
        "dates": _dates(source.since, source.until, lang),
        "licence": sentence("report.joiner", lang).join(licences),
        "file": source.file,
    }


def _dates(since: str, until: str, lang: str) -> str:
    return since if since == until else sentence("card.span", lang, since=since, until=until)


def errors_table(knowledge: Knowledge, part: str, lang: str) -> "pd.DataFrame":
    """Errors by what was hidden and kind of device, each with the date of the fit."""
    return _frame(
        [
            {
                "hidden": sentence(f"card.hidden.{line.hidden}", lang),
                "kind": kind_name(line.kind, lang),
                "median": f"{line.median_factor:.2f}",
                "p90": f"{line.p90_factor:.2f}",
                "inside": percent(line.coverage),
                "rows": f"{line.rows:,}",
                "devices": line.devices,
                "models": f"{line.models:,}",
                "dated": fit_of(knowledge)["dated"],
                "remark": sentence("card.thin", lang) if line.thin else "",
            }
            for line in held_out(knowledge, part)
        ],
        lang,
    )


def fidelity_table(knowledge: Knowledge, lang: str) -> "pd.DataFrame":
    """Four labels: what each means, and how wide the interval of an example is, asked now."""
    fit = load_calibration().settings
    least = {
        "rows": fit["fit"]["own_rows"],
        "models": fit["fit"]["own_models"],
        "language_rows": fit["fit"]["enough_rows"],
        "language": fit["language"]["enough_models"],
    }
    found, none = first_of_each(knowledge), sentence("value.none", lang)
    rows = []
    for label in FIDELITIES:
        asked, answer = found.get(label, (None, None))
        metric, interval = list(intervals_of(answer).items())[-1] if answer else ("", None)
        rows.append(
            {
                "fidelity": sentence(f"fidelity.{label}", lang),
                "meaning": sentence(f"card.meaning.{label}", lang, **least),
                "example": question(asked, knowledge, lang) if asked else none,
                "interval": _span(metric, interval) if interval else none,
                "width": f"× {number(interval.high / interval.low)}" if interval else none,
            }
        )
    return _frame(rows, lang)


def _span(metric: str, interval: Interval) -> str:
    """Ends of an interval, after the time that it is of where a model has several."""
    of = f"{metric.upper()} " if metric in TOKENS else ""
    return f"{of}{number(interval.mid)} ({number(interval.low)}–{number(interval.high)})"


def question(asked: Asked, knowledge: Knowledge, lang: str) -> str:
    """Question in a line: model, device and how it runs."""
    parts = [knowledge.models[asked.model].name, knowledge.devices[asked.device].name, asked.precision]
    if asked.engine:
        parts.append(name_of(knowledge.systems[asked.engine], lang))
    if asked.batch > 1:
        parts.append(sentence("card.batch", lang, count=asked.batch))
    if counts_vcpu(asked, knowledge):
        parts.append(sentence("card.vcpu", lang, count=asked.units))
    return " · ".join(parts)


def engine_name(one: Measured, knowledge: Knowledge, lang: str) -> str:
    """Name of the engine of a measurement: that of the catalogue, else that of the texts, else as published."""
    if system := knowledge.systems.get(one.engine_id):
        return name_of(system, lang)
    if one.engine_id:
        return sentence(f"card.engine.{one.engine_id}", lang)
    return one.engine or sentence("card.engine_unknown", lang)


def tuned_note(found: Comparison, lang: str) -> str | None:
    """What vendor-tuned means, where one of the measurements that the table shows is."""
    tuned = any(one.engine_id.endswith(TUNED) for one in found.measured[:MOST])
    return sentence("card.tuned", lang) if tuned else None


def measured_table(found: Comparison, knowledge: Knowledge, lang: str) -> "pd.DataFrame":
    """Measurements beside a prediction, those of its very setting first."""
    return _frame([_measured_line(one, knowledge, lang) for one in found.measured[:MOST]], lang)


def _measured_line(one: Measured, knowledge: Knowledge, lang: str) -> dict[str, object]:
    none = sentence("value.none", lang)
    line: dict[str, object] = {
        "ms": number(one.ms),
        "metric": sentence(f"card.metric.{one.metric}", lang),
        "same": sentence("value.yes" if one.same else "value.no", lang),
        "precision": one.precision,
        "engine": engine_name(one, knowledge, lang),
        "batch": none if one.batch is None else one.batch,
        "units": number(one.units) if one.devices == 1 else f"{one.devices} × {number(one.units / _shared(one))}",
    }
    if one.metric in TOKENS:
        line["tokens"] = none if one.input_tokens is None else one.input_tokens
    return line | {"date": _dates(*span_of(one.date), lang), "source": repository_of(one.source)}


def _shared(one: Measured) -> int:
    """Devices among which the units of a measurement are counted."""
    return one.devices if one.metric in TOKENS else 1


def kinds_table(knowledge: Knowledge, lang: str) -> "pd.DataFrame":
    """Measurements by kind of device and number format; an empty cell where there are none."""
    import pandas as pd

    columns = ("kind", "records", "calibrated")
    head = [sentence(f"card.column.{name}", lang) for name in (*columns, "language")]
    lines = [
        [
            kind_name(one.kind, lang), str(one.records), str(one.calibrated),
            *(f"{one.rows[name]:,}" if name in one.rows else "" for name in FORMATS),
            f"{one.language_rows:,}" if one.language_rows else "",
        ]
        for one in kinds(knowledge)
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=[*head[:-1], *FORMATS, head[-1]])


def metrics_table(knowledge: Knowledge, lang: str) -> "pd.DataFrame":
    """What is predicted, with the number of published measurements."""
    counts = measurements(knowledge)["metric"].value_counts()
    rows = [{"metric": sentence(f"card.metric.{name}", lang), "rows": f"{count:,}"} for name, count in counts.items()]
    return _frame(rows, lang)


def outside(knowledge: Knowledge, lang: str) -> list[str]:
    """What lies outside the fit: kinds of device, and number formats."""
    found, unused = kinds(knowledge), left_out(knowledge)
    names = {kind: kind_name(kind, lang) for kind in unused["device_class"]}
    formats = {"unknown": sentence("card.format.unknown", lang)}
    comma, same = sentence("page.comma", lang), load_calibration().settings["kinds"]["same_silicon"]
    said = {
        "kinds_none": comma.join(kind_name(one.kind, lang) for one in found if not one.rows),
        "kinds_language": comma.join(kind_name(one.kind, lang) for one in found if not one.language_rows),
        "kinds_same": comma.join(kind_name(kind, lang) for kind in same),
        "kinds_unused": comma.join(_counted(unused["device_class"], names, lang)),
        "formats_none": comma.join(name for name in FORMATS if not any(name in one.rows for one in found)),
        "formats_unused": comma.join(_counted(unused["precision_norm"], formats, lang)),
    }
    lines = [sentence(f"card.{code}", lang, what=what) for code, what in said.items() if what]
    return lines if said["kinds_none"] else [sentence("card.kinds_all", lang), *lines]


def _counted(counts: Mapping[str, int], names: Mapping[str, str], lang: str) -> list[str]:
    return [
        sentence("card.counted", lang, name=names.get(name, name), count=f"{count:,}") for name, count in counts.items()
    ]


def limits(lang: str) -> list[str]:
    """What the numbers do not say, in plain words."""
    repeats = load_calibration().settings["measured"]["repeats"]
    kind = max((name for name in repeats if name != "other"), key=lambda name: repeats[name][1] / repeats[name][0])
    low, high = repeats[kind]
    values = {"kind": kind_name(kind, lang), "low": low, "high": high}
    return [worded.format(**values) for code, worded in catalogue(lang).items() if code.startswith("card.limit.")]
