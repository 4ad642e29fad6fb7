"""The card of the predictions: its tables are the data, a question is asked live, both languages have every word."""

import csv
import lzma
import re
import tomllib
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any, get_args

import ipywidgets as w
import pytest
from english_words import CHINESE, english_words

from advisor import load, predict
from advisor.calibration import load_calibration
from advisor.card import HIDDEN, PARTS, address_of, held_out, kinds, left_out, repository_of, sources, span_of
from advisor.comparison import Asked, compare, examples, first_of_each
from advisor.latency import FIDELITIES
from advisor.measured import LANGUAGE, ONE_SHOT, published_engines
from advisor.results import Prediction, Refusal
from advisor.schema import DeviceKind
from advisor.text import catalogue, languages
from advisor.view import accuracy, card_plots, card_tables
from advisor.view.card import Card

DATA = Path(__file__).resolve().parent.parent / "data"
FIT: dict[str, Any] = tomllib.loads((DATA / "calibrations" / "latency.toml").read_text(encoding="utf-8"))
TAG = re.compile(r"<style>.*?</style>|<a [^>]*>.*?</a>|<[^>]*>", re.DOTALL)
CODE = re.compile(r"\S*(?:[/_]\S*|\.(?:xz|md|toml))")
NAMES = {"apache", "clause", "exllama", "mips", "pplnn"}
every_language = pytest.mark.parametrize("lang", languages())
every_part = pytest.mark.parametrize("part", PARTS)


def lines_of(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".xz":
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def published() -> dict[str, list[dict[str, str]]]:
    """Published rows by file, read without the product."""
    return {path.name: lines_of(path) for path in sorted((DATA / "measured").glob("*.csv.xz"))}


@pytest.fixture(scope="module")
def shown() -> Card:
    return accuracy("en")


def words_of(box: w.Box) -> list[str]:
    """Everything that a widget says, source names aside."""
    found = []
    for part in box.children:
        if isinstance(part, w.Box):
            found += words_of(part)
            continue
        said = [part.value] if isinstance(getattr(part, "value", None), str) else []
        said += [str(label) for label, _ in getattr(part, "options", ())] + [getattr(part, "description", "")]
        found += [CODE.sub(" ", unescape(TAG.sub(" ", text))) for text in said]
    return found


# The tables are the data


def test_a_source_is_a_file_with_its_counts_dates_and_licences(published: dict[str, list[dict[str, str]]]) -> None:
    found = {source.file: source for source in sources(load())}
    assert set(found) == set(published)
    for name, rows in published.items():
        source = found[name]
        counts = (len(rows), len({row["device"] for row in rows}), len({row["model_key"] for row in rows}))
        assert (source.rows, source.devices, source.models) == counts, name
        assert set(source.licences) == {row["licence"] for row in rows}, name
        assert source.since == min(row["date"][: len(source.since)] for row in rows), name
        assert source.until == max(span_of(row["date"])[1] for row in rows), name
        assert all(any(repository in row["source"] for row in rows) for repository in source.repositories), name


@pytest.mark.parametrize(
    ("date", "span"),
    [("2024-05", ("2024-05", "2024-05")), ("2021-2023", ("2021", "2023")), ("2021-12..2022", ("2021-12", "2022")),
     ("2026-07-22", ("2026-07-22", "2026-07-22"))],
)  # fmt: skip
def test_a_date_as_published_is_a_span(date: str, span: tuple[str, str]) -> None:
    assert span_of(date) == span


@pytest.mark.parametrize(
    ("source", "repository", "address"),
    [
        ("github:o/r/a b/R.md@12ab", "o/r", "https://github.com/o/r/blob/12ab/a%20b/R.md"),
        ("github:o/r", "o/r", "https://github.com/o/r"),
        ("github:o/r/x@1 https://github.com/p/q/tree/y", "o/r", "https://github.com/p/q/tree/y"),
        ("a book, page 3", "a book, page 3", None),
    ],
)
def test_a_source_leads_to_its_page(source: str, repository: str, address: str | None) -> None:
    assert (repository_of(source), address_of(source)) == (repository, address)


@every_part
@every_language
def test_the_errors_are_those_of_the_fit(part: str, lang: str) -> None:
    stated = [line | {"hidden": hidden} for hidden in HIDDEN for line in FIT[f"held_out_{hidden}{PARTS[part]}"]]
    table = card_tables.errors_table(load(), part, lang).to_numpy().tolist()
    assert len(table) == len(stated)
    for line, row in zip(stated, table, strict=True):
        numbers = [f"{line['median_factor']:.2f}", f"{line['p90_factor']:.2f}", f"{line['coverage'] * 100:.0f}%"]
        assert row[2:5] == numbers
        assert row[5:9] == [f"{line['rows']:,}", str(line["devices"]), f"{line['models']:,}", FIT["dated"]]
        assert row[0] == catalogue(lang)[f"card.hidden.{line['hidden']}"]
        assert row[1] == catalogue(lang)[f"device_kind.{line['kind']}"]


@every_part
def test_few_devices_are_called_thin_and_only_they(part: str) -> None:
    enough = load_calibration().settings["fit"]["enough_groups"]
    remarks = card_tables.errors_table(load(), part, "en").to_numpy()[:, -1]
    for line, remark in zip(held_out(load(), part), remarks, strict=True):
        assert line.thin == (line.kind != "*" and line.devices < enough)
        assert remark == ("thin" if line.thin else "")


def test_the_counts_of_the_fit_are_said_and_the_checksums_are_its_own() -> None:
    said = "\n".join(card_tables.fitted_lines(load(), "en"))
    for name in ("rows_one_shot", "rows_language"):
        assert f"{FIT[name]:,}" in said
    for name in ("rows", "devices", "models"):
        assert FIT[f"sha256_{name}"][:12] in said
    assert FIT["dated"] in said


@every_language
def test_the_first_sentence_has_the_figures_of_all_kinds_together(lang: str) -> None:
    said = card_tables.lead(load(), lang)
    tables = ("held_out_devices", "held_out_models", "held_out_devices_step")
    for text, table in zip(said, tables, strict=False):
        line = next(line for line in FIT[table] if line["kind"] == "*")
        assert {f"{line['median_factor']:.2f}", f"{line['p90_factor']:.2f}"} <= set(re.findall(r"\d+\.\d+", text))
        assert f"{line['rows']:,}" in text


def test_kinds_count_what_the_coefficients_state() -> None:
    once, language = (lines_of(DATA / "calibrations" / name) for name in ("latency.csv", "llm.csv"))
    same = load_calibration().settings["kinds"]["same_silicon"]
    assert [one.kind for one in kinds(load())] == [*get_args(DeviceKind)]
    for one in kinds(load()):
        kind = same.get(one.kind, one.kind)
        of_kind = {line["precision"]: line["rows"] for line in once if (line["kind"], line["device"]) == (kind, "*")}
        assert {**one.rows} == {name: int(rows) for name, rows in of_kind.items() if name != "*"}
        assert one.language_rows == sum(int(x["rows"]) for x in language if (x["kind"], x["device"]) == (kind, "*"))
        records = {device.id for device in load().devices.values() if device.kind == one.kind}
        assert (one.records, one.calibrated) == (len(records), len(records & {line["device"] for line in once}))


def test_what_is_left_out_is_in_no_kind_and_no_format(published: dict[str, list[dict[str, str]]]) -> None:
    rows = [row for rows in published.values() for row in rows]
    counts = {name: Counter(row[name] for row in rows) for name in ("device_class", "precision_norm")}
    out = left_out(load())
    assert not set(out["device_class"]) & set(get_args(DeviceKind))
    assert not set(out["precision_norm"]) & set(load_calibration().settings["precision"])
    for name, found in out.items():
        assert found == {value: counts[name][value] for value in found}
        assert found


@every_language
def test_every_metric_licence_and_kind_of_the_data_has_words(
    published: dict[str, list[dict[str, str]]], lang: str
) -> None:
    words, rows = catalogue(lang), [row for rows in published.values() for row in rows]
    assert {row["metric"] for row in rows} <= {*ONE_SHOT, *LANGUAGE}
    assert all(f"card.metric.{name}" in words for name in (*ONE_SHOT, *LANGUAGE))
    kinds_there = {*get_args(DeviceKind), *(row["device_class"] for row in rows)}
    assert [kind for kind in kinds_there if f"device_kind.{kind}" not in words] == []
    explained = {row["licence"] for row in rows if re.search(r"[ ;(]", row["licence"])}
    assert [licence for licence in explained if f"card.licence.{licence}" not in words] == []


# A question asked live


def test_every_label_has_an_example_that_predict_answers_with_it() -> None:
    found = first_of_each(load())
    assert set(found) == set(FIDELITIES)
    for label, (asked, answer) in found.items():
        assert answer.fidelity == label
        assert asked in examples(load())


@every_language
def test_the_table_of_labels_shows_the_interval_of_each_example(lang: str) -> None:
    table = card_tables.fidelity_table(load(), lang).to_numpy().tolist()
    assert [row[0] for row in table] == [catalogue(lang)[f"fidelity.{label}"] for label in FIDELITIES]
    for row, (_, answer) in zip(table, (first_of_each(load())[label] for label in FIDELITIES), strict=True):
        shown = answer.tpot_ms or answer.latency_ms
        assert shown is not None
        assert float(row[4].removeprefix("× ").replace(",", "")) == pytest.approx(shown.high / shown.low, rel=0.01)


def test_the_answer_is_that_of_predict() -> None:
    asked = Asked("resnet50", "raspberry-pi-4", "fp32", batch=2)
    assert compare(asked, load()).answer == predict("resnet50", "raspberry-pi-4", precision="fp32", batch=2)
    asked = Asked("llama-2-7b", "nvidia-rtx-4090", "int4", batch=3, units=2, input_tokens=100)
    said = predict("llama-2-7b", "nvidia-rtx-4090", precision="int4", concurrency=3, devices=2, input_tokens=100)
    assert compare(asked, load()).answer == said
    asked = Asked("resnet50", "intel-xeon-sapphire-rapids", "fp32", units=8)
    said = predict("resnet50", "intel-xeon-sapphire-rapids", precision="fp32", threads=8)
    assert compare(asked, load()).answer == said


def test_a_measured_pair_shows_its_measurements(published: dict[str, list[dict[str, str]]]) -> None:
    asked = Asked("resnet50", "nvidia-t4", "fp16", batch=8)
    found = compare(asked, load())
    stated = {
        (round(float(row["measured_s"]) * 1e3, 6), row["source"], row["date"])
        for rows in published.values()
        for row in rows
        if (row["model_key"], row["device"], row["metric"], row["precision_norm"])
        == ("resnet50", "NVIDIA T4", "latency", "fp16")
        and float(row["batch_size"]) == 8
    }
    same = {(round(one.ms, 6), one.source, one.date) for one in found.measured if one.same}
    assert same
    assert same <= stated
    assert {one.precision for one in found.measured if not one.same} > {"fp16"}
    assert [one.same for one in found.measured] == sorted((one.same for one in found.measured), reverse=True)
    latencies = [one.precision == "fp16" for one in found.measured if one.metric == "latency" and not one.same]
    assert latencies == sorted(latencies, reverse=True)
    assert set(latencies) == {True, False}


def test_only_the_engine_that_was_named_is_the_same_setting() -> None:
    asked = Asked("resnet50", "nvidia-t4", "fp16", "onnxruntime", 8)
    assert not [one for one in compare(asked, load()).measured if one.same and one.engine_id != "onnxruntime"]
    anything = compare(replace(asked, engine=None), load()).measured
    assert {one.engine_id for one in anything if one.same} - {"onnxruntime"}


def test_a_measurement_that_answers_stands_beside_the_formula_alone() -> None:
    asked, answer = first_of_each(load())["measured"]
    found = compare(asked, load())
    assert found.formula == predict(asked.model, asked.device, precision=asked.precision, batch=asked.batch)
    assert found.formula.fidelity != "measured"
    assert answer.latency_ms is not None
    assert any(answer.latency_ms.low <= one.ms <= answer.latency_ms.high for one in found.measured if one.same)


def test_another_input_size_of_the_model_is_not_its_measurement() -> None:
    found = compare(Asked("bert-base", "nvidia-v100-32gb", "fp16"), load())
    rows = len([one for one in found.measured if one.metric == "latency"])
    assert rows < len([r for r in lines_of(DATA / "measured" / "fastertransformer.csv.xz") if "V100" in r["device"]])


@every_language
def test_every_engine_of_the_measurements_is_named_and_never_by_its_id(lang: str) -> None:
    one, systems, words = compare(Asked("resnet50", "nvidia-t4", "int8"), load()).measured[0], load().systems, []
    for engine in dict.fromkeys(entry["id"] for entry in published_engines()):
        words.append(card_tables.engine_name(replace(one, engine_id=engine), load(), lang))
        assert engine in systems or words[-1] == catalogue(lang)[f"card.engine.{engine}"]
        assert card_tables.TUNED not in engine or words[-1] != engine
    assert len(words) == len(set(words))
    assert card_tables.engine_name(replace(one, engine_id="", engine="ONNC"), load(), lang) == "ONNC"


@every_language
def test_what_a_vendor_tuned_is_explained_where_it_is_shown_and_only_there(lang: str) -> None:
    card, said = accuracy(lang), catalogue(lang)["card.tuned"]
    for asked, tuned in (
        (Asked("resnet50", "nvidia-t4", "int8"), True),
        (Asked("resnet50", "raspberry-pi-4", "int8"), False),
    ):
        card.example.fill(asked)
        assert (said in card.example.beside.value) == tuned
        assert (catalogue(lang)["card.engine.tensorrt-tuned"] in card.example.beside.value) == tuned
        assert not re.search("(openvino|pytorch|tensorrt)-tuned", card.example.beside.value)


def test_what_a_vendor_tuned_answers_for_no_engine_that_can_be_chosen() -> None:
    found = compare(Asked("resnet50", "nvidia-t4", "int8", "tensorrt"), load())
    assert isinstance(found.answer, Prediction)
    same = [one for one in found.measured if one.same]
    assert {one.engine_id for one in same} == {"tensorrt"}
    assert not [one for one in same if "mlperf" in one.source or "inference_results" in one.source]
    assert found.answer.fidelity == "measured"


# The pictures


@every_part
@every_language
def test_the_chart_has_a_dot_for_every_line_and_leaves_nothing_out(part: str, lang: str) -> None:
    lines = held_out(load(), part)
    figure = card_plots.errors(lines, lang)
    ends = [(x, x + up) for trace in figure.data for x, up in zip(trace.x, trace.error_x.array, strict=True)]
    drawn, stated = sorted(ends), sorted((line.median_factor, line.p90_factor) for line in lines)
    assert [x for x, _ in drawn] == [x for x, _ in stated]
    assert [x for _, x in drawn] == pytest.approx([x for _, x in stated])
    hollow = sum(colour == "#fff" for trace in figure.data for colour in trace.marker.color)
    assert hollow == sum(line.thin for line in lines)
    assert len(figure.layout.yaxis.ticktext) == len({line.kind for line in lines})
    assert figure.layout.yaxis.automargin


def test_the_picture_of_a_question_holds_the_interval_and_every_measurement_of_its_setting() -> None:
    found = compare(Asked("llama-2-7b", "nvidia-rtx-4090", "int4"), load())
    figure = card_plots.comparison(found, load(), "en")
    assert isinstance(found.answer, Prediction)
    assert [trace.x[0] for trace in figure.data[:2]] == [found.answer.ttft_ms.mid, found.answer.tpot_ms.mid]
    dots = sorted(x for trace in figure.data[2:] for x in trace.x)
    assert dots == sorted(one.ms for one in found.measured if one.same)
    texts = "<br>".join(text for trace in figure.data[2:] for text in trace.text)
    for one in found.measured:
        assert not one.same or {one.date, repository_of(one.source), one.engine} <= set(texts.split("<br>")), one


# The widget


@every_language
def test_every_example_is_shown_without_a_word_of_the_other_language(lang: str) -> None:
    card = accuracy(lang)
    for place in range(len(examples(load()))):
        card.example.start.value = place
        said = "\n".join(words_of(card))
        if lang == "zh":
            assert {word for word in english_words(said) if word.lower() not in NAMES} <= engines(card)
        else:
            assert not CHINESE.search(said.replace("中文", "")), CHINESE.findall(said)


def engines(card: Card) -> set[str]:
    """Words of the engines that measurements name by their short ids."""
    found = card.example.found
    assert found is not None
    return {word for one in found.measured for word in re.findall("[A-Za-z]{4,}", f"{one.engine_id} {one.engine}")}


def test_the_language_switch_keeps_the_question(shown: Card) -> None:
    shown.example.fill(Asked("bert-base", "nvidia-l4", "fp16", batch=4))
    shown.language.value = "zh"
    assert CHINESE.search(shown.fidelity.value)
    assert CHINESE.search(shown.example.answer.value)
    assert shown.example.asked == Asked("bert-base", "nvidia-l4", "fp16", batch=4, input_tokens=512)
    shown.language.value = "en"
    assert not CHINESE.search(shown.example.answer.value)


@every_language
def test_a_refusal_is_its_sentence(lang: str) -> None:
    card = accuracy(lang)
    card.example.fill(Asked("qwen2.5-7b", "raspberry-pi-4", "fp16"))
    assert card.example.found is not None
    assert isinstance(card.example.found.answer, Refusal)
    assert "15.2 GB" in card.example.answer.value
    assert card.example.plot.outputs == ()
    card.example.controls["model"].value = "resnet50"
    assert card.example.plot.outputs


def test_a_number_that_is_none_is_a_sentence_and_goes_away_again(shown: Card) -> None:
    shown.example.fill(examples(load())[0])
    shown.example.controls["batch"].value = 0
    assert "batch = 0" in shown.example.answer.value
    assert shown.example.plot.outputs == ()
    shown.example.controls["batch"].value = 1
    assert shown.example.plot.outputs


def test_a_measured_setting_fills_the_controls_and_has_its_dots(shown: Card) -> None:
    example = shown.example
    example.fill(Asked("resnet50", "nvidia-t4", "int8"))
    label, one = next((label, one) for label, one in example.setting.options if one and one.batch == 16)
    assert "16" in label
    example.setting.value = one
    assert (example.asked.precision, example.asked.batch) == (one.precision, 16)
    assert example.found is not None
    assert one.ms in {other.ms for other in example.found.measured if other.same}
    assert example.start.value == ""


def test_units_and_tokens_are_asked_where_they_count(shown: Card) -> None:
    example = shown.example
    for asked, seen in (
        (Asked("resnet50", "nvidia-t4", "fp16"), (False, False)),
        (Asked("resnet50", "intel-xeon-sapphire-rapids", "fp32"), (True, False)),
        (Asked("llama-2-7b", "nvidia-rtx-4090", "int4"), (True, True)),
    ):
        example.fill(asked)
        assert tuple(example.boxes[name].layout.display != "none" for name in ("units", "input_tokens")) == seen


def test_every_measurement_in_the_table_leads_to_its_page(shown: Card) -> None:
    shown.example.fill(Asked("resnet50", "nvidia-t4", "fp16", batch=8))
    found = shown.example.found
    assert found is not None
    for one in found.measured[: card_tables.MOST]:
        assert f'href="{address_of(one.source)}"' in unescape(shown.example.beside.value)
