"""The widgets ask what the controls say, show the answer, and speak one language at a time."""

import re
from collections.abc import Iterator
from typing import Any

import ipywidgets as w
import numpy as np
import pytest
from view_samples import SampleAdvice, option, sample_advice

from advisor.presets import presets
from advisor.requirements import Requirements
from advisor.results import Interval
from advisor.view import panel, plots
from advisor.view.advising import Panel
from advisor.view.asking import OWN
from advisor.view.form import Form

# Names of products and formats, units and terms of the field that are the same in every language, and ids.
SAME_IN_EVERY_LANGUAGE = {
    "AI",
    "QPS",
    "p99",
    "SLO",
    "TTFT",
    "TPOT",
    "US",
    "KB",
    "ms",
    "W",
    "YYYY",
    "MM",
    "DD",
    "onnx",
    "ONNX",
    "Runtime",
    "Kubernetes",
    "Serverless",
    "English",
    "CN",
    "GB",
    "USD",
    "AWS",
    "EC2",
    "Azure",
    "Google",
    "Cloud",
    "Lambda",
    "Labs",
    "Hugging",
    "Face",
    "fp32",
    "fp16",
    "int8",
    "fp8",
    "int4",
    "P",
    "resnet50",
    "mobilenetv2",
    "m7i",
    "xlarge",
    "us",
    "east",
    "stack",
    "sites",
    "price",
    "list",
    "of",
    "the",
    "cloud",
    "MB",
    "s",
}
LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(autouse=True)
def _answered_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.view.advising.advise", sample_advice)


def shown(widget: w.Widget) -> Iterator[str]:
    """Every text that a widget and what it holds put on the screen, without tags and style."""
    for name in ("description", "placeholder"):
        yield getattr(widget, name, "")
    if isinstance(widget, w.HTML):
        yield re.sub(r"<style>.*?</style>|<[^>]*>", " ", widget.value, flags=re.DOTALL)
    if isinstance(widget, w.Dropdown | w.ToggleButtons):
        yield from (label if isinstance(label, str) else "" for label in widget._options_labels)
    if isinstance(widget, w.Output):
        for output in widget.outputs:
            yield from figure_texts(output["data"]["application/vnd.plotly.v1+json"])
    yield from getattr(widget, "titles", ())
    for child in getattr(widget, "children", ()):
        if child.layout.display != "none":
            yield from shown(child)


def figure_texts(figure: dict[str, Any]) -> Iterator[str]:
    yield from (trace["name"] for trace in figure["data"])
    yield from (text.replace("<br>", " ") for trace in figure["data"] for text in trace.get("text", ()))
    layout = figure["layout"]
    yield from (layout[axis]["title"]["text"] for axis in ("xaxis", "yaxis"))
    yield from (note["text"] for note in layout.get("annotations", ()))


def type_into(shown_panel: Panel, name: str, text: str) -> None:
    shown_panel.form.fields[name].control.value = text


def test_every_wish_has_a_control() -> None:
    assert set(Form(lambda: None).fields) == set(Requirements.model_fields)


@pytest.mark.parametrize("name", presets())
def test_a_preset_goes_through_the_controls_unchanged(name: str) -> None:
    asked = presets()[name].asked()
    form = Form(lambda: None)
    form.fill(asked)
    assert form.requirements() == asked.model_copy(update={"priorities": asked.weights})


def test_the_first_answer_is_there_and_belongs_to_the_preset() -> None:
    shown_panel = panel(lang="en", preset="mobile-backend")
    assert shown_panel.advice is not None
    assert shown_panel.advice.asked.model == "resnet50"
    assert "resnet50 50 US" in shown_panel.answer.ranked.value
    assert shown_panel.status.value == ""


def test_changing_a_number_asks_again_and_the_preset_becomes_ones_own() -> None:
    shown_panel = panel(lang="en", preset="mobile-backend")
    type_into(shown_panel, "qps", "75")
    assert "resnet50 75 US" in shown_panel.answer.ranked.value
    assert shown_panel.preset.value == OWN


def test_one_question_is_asked_when_a_preset_fills_many_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_panel = panel(lang="en", preset="mobile-backend")
    asked: list[Requirements] = []
    monkeypatch.setattr(
        "advisor.view.advising.advise", lambda question: (asked.append(question), sample_advice(question))[1]
    )
    shown_panel.preset.value = "document-chat"
    assert [question.model for question in asked] == ["llama-3.1-8b"]


def test_other_models_and_paths_are_taken_as_they_are_typed() -> None:
    shown_panel = panel(lang="en")
    type_into(shown_panel, "model", " ResNet-50 v1.5 ")
    assert shown_panel.advice.asked.model == "ResNet-50 v1.5"
    type_into(shown_panel, "model", "folder/my model.onnx")
    assert shown_panel.advice.asked.model == "folder/my model.onnx"


def test_an_empty_box_is_no_wish_where_there_is_no_default_and_an_error_where_there_is_one() -> None:
    shown_panel = panel(lang="en", preset="campus-demo")
    type_into(shown_panel, "budget_usd_month", "")
    assert shown_panel.advice.asked.budget_usd_month is None
    type_into(shown_panel, "peak_factor", "")
    assert "peak_factor" in shown_panel.form.fields["peak_factor"].message.value


def test_all_clouds_ticked_leaves_the_wish_open_and_some_name_them() -> None:
    shown_panel = panel(lang="en")
    assert shown_panel.advice.asked.providers is None
    shown_panel.form.fields["providers"].boxes["aws"].value = False
    assert set(shown_panel.advice.asked.providers) == {
        "azure",
        "gcp",
        "alibaba",
        "tencent",
        "huawei",
        "lambda-labs",
        "huggingface",
    }


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    ("field", "text"),
    [("qps", "-5"), ("qps", ""), ("qps", "many"), ("qps", "nan"), ("p99_ms", "0"), ("hours_per_day", "25"),
     ("sites", "1.5"), ("model", ""), ("as_of", "yesterday"), ("horizon_months", "1e9")],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_control_alone(lang: str, field: str, text: str) -> None:
    shown_panel = panel(lang=lang, preset="mobile-backend")
    type_into(shown_panel, field, text)
    marked = {name for name, one in shown_panel.form.fields.items() if one.message.value}
    assert marked == {field}
    message = shown_panel.form.fields[field].message.value
    assert field in message
    assert bool(CHINESE.search(message)) == (lang == "zh")
    assert "Traceback" not in message
    assert "advisor-wrong" in shown_panel.form.fields[field].box._dom_classes
    assert "advisor-old" in shown_panel.answer._dom_classes


def test_a_contradiction_is_said_beside_both_controls() -> None:
    shown_panel = panel(lang="en")
    shown_panel.form.fields["providers"].boxes["aws"].value = False
    shown_panel.form.fields["offline"].control.value = True
    assert {name for name, one in shown_panel.form.fields.items() if one.message.value} == {"offline", "providers"}


def test_putting_it_right_takes_the_marks_away() -> None:
    shown_panel = panel(lang="en", preset="mobile-backend")
    type_into(shown_panel, "qps", "-5")
    type_into(shown_panel, "qps", "60")
    assert [name for name, one in shown_panel.form.fields.items() if one.message.value] == []
    assert "advisor-old" not in shown_panel.answer._dom_classes
    assert "resnet50 60 US" in shown_panel.answer.ranked.value


def test_a_control_that_is_folded_away_is_unfolded_when_it_is_wrong() -> None:
    shown_panel = panel(lang="en")
    assert shown_panel.form.more.selected_index is None
    shown_panel.form.fields["tpot_ms"].control.value = "-1"
    assert (shown_panel.form.more.selected_index, shown_panel.form.sections.selected_index) == (0, 1)


def test_errors_of_the_real_engine_find_their_control(monkeypatch: pytest.MonkeyPatch) -> None:
    from advisor.pipeline import advise

    monkeypatch.setattr("advisor.view.advising.advise", advise)
    shown_panel = panel(lang="zh", preset="mobile-backend")
    for field, text in (("model", "no-such-model-xyz"), ("model", "no/such/file.onnx")):
        type_into(shown_panel, field, text)
        assert CHINESE.search(shown_panel.form.fields[field].message.value)
    type_into(shown_panel, "model", "resnet50")
    type_into(shown_panel, "p99_ms", "")
    assert "p99_ms" in shown_panel.form.fields["p99_ms"].message.value


def test_the_switch_changes_every_word_and_keeps_question_and_choice() -> None:
    shown_panel = panel(lang="en", preset="mobile-backend")
    shown_panel.answer.stack.value = "stack-3"
    before = shown_panel.form.requirements()
    shown_panel.language.value = "zh"
    assert (shown_panel.form.requirements(), shown_panel.answer.stack.value, shown_panel.preset.value) == (
        before,
        "stack-3",
        "mobile-backend",
    )
    shown_panel.language.value = "en"
    texts = [text for text in shown(shown_panel) if CHINESE.search(text)]
    assert texts == ["中文"]


@pytest.mark.parametrize("began", ["zh", "en"])
def test_a_chinese_panel_has_no_english_words(began: str) -> None:
    shown_panel = panel(lang=began, preset="mobile-backend")
    shown_panel.language.value = "zh"
    countries = {label for label, _ in shown_panel.form.fields["country"].control.options}
    words = {word for text in shown(shown_panel) if text not in countries for word in LATIN_WORD.findall(text)}
    assert words - SAME_IN_EVERY_LANGUAGE == set()


def test_an_unknown_price_is_words_and_never_zero() -> None:
    for lang, words in (("en", "price unknown"), ("zh", "价格未知")):
        assert f">{words}</td>" in panel(lang=lang).answer.ranked.value


def test_nothing_fits_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.view.advising.advise", lambda asked: SampleAdvice(asked, ()))
    shown_panel = panel(lang="en")
    assert "Nothing fits" in shown_panel.answer.first.value
    assert "Edge device" in shown_panel.answer.families.value
    assert (
        shown_panel.answer.plot.outputs,
        shown_panel.answer.plot.layout.display,
        shown_panel.answer.reasons.value,
    ) == ((), "none", "")


def test_the_plot_draws_each_priced_option_with_its_interval_and_the_objective() -> None:
    options = (option(1), option(2), option(3, usd_per_month=None))
    figure = plots.cost_latency(options, 100, "en")
    drawn = {
        x: (y, up, down)
        for trace in figure.data
        for x, y, up, down in zip(trace.x, trace.y, trace.error_y.array, trace.error_y.arrayminus, strict=True)
    }
    assert drawn == {100.0: (15.0, 15.0, 5.0), 200.0: (30.0, 30.0, 10.0)}
    assert [shape.y0 for shape in figure.layout.shapes] == [100]
    assert figure.layout.xaxis.title.text == "Cost, USD a month"


def test_options_that_cannot_be_drawn_are_left_out() -> None:
    endless = option(2, p99_ms=Interval(1.0, 2.0, float("inf")))
    assert plots.drawable((option(1), endless, option(3, usd_per_month=None))) == [option(1)]


def test_the_histogram_counts_every_sample() -> None:
    figure = plots.latency_histogram(np.array([0.001, 0.002, 0.002, 0.5]), 10, "zh")
    assert sum(figure.data[0].y) == 4
    assert figure.layout.xaxis.title.text == "单次推理延迟，毫秒"


def test_equal_samples_have_a_histogram_too() -> None:
    assert sum(plots.latency_histogram(np.full(10, 0.001), None, "en").data[0].y) == 10


def test_no_figure_offers_to_send_data_away() -> None:
    for figure in (plots.cost_latency((option(1),), None, "en"), plots.latency_histogram([0.001], None, "en")):
        assert {"sendChartToCloud", "sendDataToCloud"} <= set(figure.layout.modebar.remove)


def test_a_figure_for_the_screen_is_small() -> None:
    (output,) = plots.as_output(plots.cost_latency([option(number) for number in range(1, 61)], 100, "en"))
    assert len(str(output)) < 60_000
