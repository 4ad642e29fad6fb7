"""The page of capacity and cost: its controls drive what is shown, wrong ones are said, one language at a time."""

import asyncio
import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest
from english_words import CHINESE, english_words
from small_knowledge import KNOWLEDGE

from advisor import Knowledge, Requirements, advise
from advisor.own_prices import COLUMNS
from advisor.trace import example_csv
from advisor.view import capacity
from advisor.view.background import Work
from advisor.view.bounded import BoundedField, SliderField
from advisor.view.boxes import Box
from advisor.view.capacity_page import CapacityPage
from advisor.view.uploads import UploadField

HEADER = ",".join(COLUMNS) + "\n"
TABS = ("queue", "batch", "trace", "bill", "breakeven", "prices")
TAG = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)
NAMES = "SageMaker Knative hour since service instance type mine price list made for tests people data YYYY"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, small: Knowledge, tmp_path: Path) -> None:
    """The page answers from the small knowledge, and keeps files in a folder of the test."""

    def loaded(prices: Path | None = None) -> Knowledge:
        return small if prices is None else Knowledge(KNOWLEDGE, prices)

    def answer(asked: Requirements, knowledge: Knowledge = small) -> Any:
        return advise(asked, knowledge)

    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path))
    for module in ("capacity_page", "prices_box", "bill_box"):
        monkeypatch.setattr(f"advisor.view.{module}.load", loaded)
    for module in ("capacity_page", "prices_box"):
        monkeypatch.setattr(f"advisor.view.{module}.advise", answer)


@pytest.fixture
def page() -> CapacityPage:
    made = capacity(lang="en", preset="mobile-backend")
    made.form.fields["providers"].boxes["alibaba"].value = False
    return made


def seen(page: CapacityPage, code: str) -> Any:
    """Box of a tab after the reader chose that tab."""
    page.tabs.selected_index = TABS.index(code)
    return page.boxes[TABS.index(code)]


def handed_over(field: UploadField, text: str, name: str = "mine.csv") -> None:
    content = memoryview(text.encode())
    file = {"name": name, "type": "text/csv", "size": len(content), "content": content}
    field.control.value = ({**file, "last_modified": dt.datetime.now(dt.UTC)},)


def type_into(box: Box, name: str, text: str) -> None:
    box.fields[name].control.value = text


def words(widget: w.Widget) -> Iterator[str]:
    """Every text that a widget and what it holds put on the screen."""
    if getattr(widget, "layout", None) is not None and widget.layout.display == "none":
        return
    for name in ("description", "placeholder"):
        yield getattr(widget, name, "")
    if isinstance(widget, w.HTML):
        yield TAG.sub(" ", widget.value)
    if isinstance(widget, w.Dropdown):
        yield from (str(label) for label in widget._options_labels)
    if isinstance(widget, w.Output):
        for output in widget.outputs:
            yield from figure_words(output["data"]["application/vnd.plotly.v1+json"])
    yield from getattr(widget, "titles", ())
    for child in getattr(widget, "children", ()):
        yield from words(child)


def figure_words(figure: dict[str, Any]) -> Iterator[str]:
    for trace in figure["data"]:
        yield trace["name"]
        yield re.sub(r"%\{[^}]*\}|<[^>]*>", " ", trace["hovertemplate"])
    layout = figure["layout"]
    yield from (layout[axis]["title"]["text"] for axis in layout if re.fullmatch(r"[xy]axis\d?", axis))
    yield from (note["text"] for note in layout.get("annotations", ()))


def figure(box: Any) -> dict[str, Any]:
    return box.plot.outputs[0]["data"]["application/vnd.plotly.v1+json"]


def simulated(box: Any) -> None:
    async def over() -> None:
        box.begin.click()
        if box.work is not None and box._following is not None:
            await box._following

    asyncio.run(over())


def test_there_is_a_tab_for_each_subject_and_the_first_one_is_answered(page: CapacityPage) -> None:
    assert tuple(box.code for box in page.boxes) == TABS
    assert len({page.tabs.get_title(place) for place in range(len(TABS))}) == len(TABS)
    assert "Replicas needed" in page.queue.lead.value
    assert "First choice" in page.first.value
    assert page.bill.lead.value == ""


def test_the_queue_is_that_of_the_stack_until_a_slider_is_moved(page: CapacityPage) -> None:
    queue = page.queue
    assert "Numbers of" in queue.origin.value
    before = queue.lead.value
    queue.fields["arrivals_per_s"].slider.value += 0.5
    assert "Your own numbers" in queue.origin.value
    assert queue.lead.value != before
    page.stack.control.value = page.stack.control.options[1][1]
    assert "Numbers of" in queue.origin.value


def test_the_language_changes_no_number(page: CapacityPage) -> None:
    type_into(page.queue, "replicas", "2")
    seen(page, "breakeven").axis.control.value = "hours"
    page.language.value = "zh"
    assert page.queue.fields["replicas"].control.value == "2"
    assert "您自己的数值" in page.queue.origin.value
    assert page.breakeven.axis.value == "hours"
    assert page.bill.lead.value == ""


def test_more_replicas_move_the_knee_in_the_figure(page: CapacityPage) -> None:
    def knee() -> float:
        (one,) = [trace for trace in figure(page.queue)["data"] if trace["name"].startswith("knee")]
        return float(one["x"][0])

    type_into(page.queue, "replicas", "2")
    first = knee()
    page.queue.fields["replicas"].slider.value = 0.48
    assert page.queue.fields["replicas"].control.value == "3"
    assert knee() > 1.2 * first
    assert [trace["name"] for trace in figure(page.queue)["data"]][:4] == [
        f"p{q}, replicas: 3" for q in (50, 90, 95, 99)
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [("replicas", "2.5"), ("replicas", "0"), ("service_ms", "fast"), ("service_cv", "-1"), ("response_ms", ""),
     ("arrivals_per_s", "1e99"), ("arrival_cv", "nan")],
)  # fmt: skip
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_is_wrong_is_said_beside_its_slider_alone(page: CapacityPage, name: str, text: str, lang: str) -> None:
    page.language.value = lang
    queue = page.queue
    kept = queue.lead.value
    type_into(queue, name, text)
    assert {other for other, field in queue.fields.items() if field.message.value} == {name}
    message = queue.fields[name].message.value
    assert queue.fields[name].control.description in message
    assert bool(CHINESE.search(message)) == (lang == "zh")
    assert "advisor-old" in queue.results._dom_classes
    assert queue.lead.value == kept
    queue.fields[name].fill(2)
    assert queue.fields[name].message.value == ""
    assert "advisor-old" not in queue.results._dom_classes


def test_a_slider_follows_the_box_and_leads_it() -> None:
    field = SliderField("x", 0.01, 1e5)
    field.fill(50)
    assert field.slider.value == pytest.approx(1.699, abs=0.001)
    field.slider.value = 1.7
    assert field.control.value == "50"
    field.slider.value = 2.5
    assert float(field.control.value) == pytest.approx(316, abs=1)
    even = SliderField("x", 0, 3, even=True)
    even.slider.value = 3
    assert even.control.value == "3"


def test_an_empty_box_is_none_only_where_it_may_be_empty() -> None:
    optional, needed = BoundedField("x", 0, 9, optional=True), BoundedField("x", 0, 9)
    for field in (optional, needed):
        field.label_code = "view.trace.idle_s"
    assert optional.value is None
    with pytest.raises(Exception, match="0 \\.\\.\\. 9"):
        _ = needed.value


def test_batching_moves_the_knee_and_a_delay_adds_a_curve(page: CapacityPage) -> None:
    box = seen(page, "batch")
    assert "more." in box.lead.value
    assert len({trace["name"] for trace in figure(box)["data"] if trace["mode"] == "lines"}) == 2
    type_into(box, "delay_ms", "2")
    assert len({trace["name"] for trace in figure(box)["data"] if trace["mode"] == "lines"}) == 3
    type_into(box, "batch", "0")
    assert "advisor-error" in box.fields["batch"].message.value


def short(box: Any) -> None:
    for name, text in {"rate_per_s": "2", "hours": "0.5", "service_ms": "300", "response_ms": "900"}.items():
        type_into(box, name, text)


@pytest.mark.parametrize("kind", ["daily", "bursts", "poisson"])
def test_a_trace_is_simulated_drawn_and_told(page: CapacityPage, kind: str) -> None:
    box = seen(page, "trace")
    short(box)
    box.fields["kind"].control.value = kind
    simulated(box)
    assert box.work.state == "done"
    assert "Replica-hours" in box.said.value
    assert {trace["yaxis"] for trace in figure(box)["data"]} == {"y", "y2", "y3"}
    page.language.value = "zh"
    assert "副本小时" in box.said.value


def test_only_the_controls_of_the_kind_are_shown(page: CapacityPage) -> None:
    box = seen(page, "trace")
    shown = {}
    for kind in ("daily", "bursts", "file"):
        box.fields["kind"].control.value = kind
        shown[kind] = {name for name, field in box.fields.items() if field.box.layout.display != "none"}
    assert {"peak_factor", "rate_per_s"} <= shown["daily"]
    assert {"burst_factor", "burst_percent", "burst_minutes"} <= shown["bursts"] - shown["daily"]
    assert shown["file"] - shown["daily"] == {"file"}


def test_a_file_of_ones_own_is_simulated_and_what_is_wrong_in_it_is_said_by_its_name(page: CapacityPage) -> None:
    box = seen(page, "trace")
    box.fields["kind"].control.value = "file"
    simulated(box)
    assert "is missing" in box.fields["file"].message.value
    handed_over(box.fields["file"], "time,count\n0,1\nlater,3\n", "week.csv")
    simulated(box)
    message = box.fields["file"].message.value
    assert message.startswith('<div role="status" class="advisor-error">week.csv, line 3')
    assert "later" in message
    lines = example_csv().splitlines()
    handed_over(box.fields["file"], "\n".join(lines[:4]), "day.csv")
    simulated(box)
    assert box.fields["file"].message.value == ""
    assert box.work.result.scaled.queue.arrivals_s.size == sum(int(line.split(",")[1]) for line in lines[1:4])
    assert "day.csv" in box.fields["file"].chosen.value


def test_traffic_beyond_what_can_be_simulated_is_said_beside_its_rate(page: CapacityPage) -> None:
    box = seen(page, "trace")
    type_into(box, "rate_per_s", "90000")
    simulated(box)
    assert "20,000,000" in box.fields["rate_per_s"].message.value
    assert box.work.state == "failed"


def test_a_trace_can_be_cancelled(page: CapacityPage, monkeypatch: pytest.MonkeyPatch) -> None:
    box = seen(page, "trace")
    short(box)
    simulation = Work(lambda _, cancel: cancel.wait(10))
    monkeypatch.setattr(box, "made", lambda: simulation)

    async def cancelled() -> None:
        box.begin.click()
        assert box.busy
        box.cancel.click()
        await box._following

    asyncio.run(cancelled())
    assert simulation.state == "cancelled"
    assert "Cancelled" in box.status.value


def test_the_bill_is_that_of_the_stack_in_the_currency(page: CapacityPage) -> None:
    box = seen(page, "bill")
    option = page.advice.option(page.stack.value)
    assert f"USD {option.usd_per_month:,.2f}" in box.lead.value
    assert option.price_dates[1] in box.lead.value
    assert all(line.formula.split(" ")[0] in TAG.sub(" ", box.table.value) for line in option.bill)
    type_into(box, "currency", "CNY")
    rate = page.advice.knowledge.table("currency")["CNY"]
    assert f"CNY {option.usd_per_month * rate['per_usd']:,.2f}" in box.lead.value
    assert str(rate["dated"]) in box.notes.value
    page.stack.control.value = page.stack.control.options[1][1]
    other = page.advice.option(page.stack.value)
    assert f"CNY {other.usd_per_month * rate['per_usd']:,.2f}" in box.lead.value


def test_a_break_even_is_drawn_once_for_both_languages(page: CapacityPage, monkeypatch: pytest.MonkeyPatch) -> None:
    box = seen(page, "breakeven")
    assert page.stack.value == box.first.value
    found = box._found
    assert next(trace["name"] for trace in figure(box)["data"]) in TAG.sub("", box.lead.value + box.said.value)
    monkeypatch.setattr(type(page.advice), "break_even", lambda *_, **__: pytest.fail("worked out twice"))
    page.language.value = "zh"
    assert box._found is found
    assert CHINESE.search(box.lead.value)


def test_axes_and_apis_are_those_of_the_model(page: CapacityPage) -> None:
    box = seen(page, "breakeven")
    assert "tokens" not in dict(box.axis.control.options).values()
    for axis in ("hours", "months", "sites"):
        box.axis.control.value = axis
        assert box.fields["axis"].message.value == ""
        assert len(box.plot.outputs) == 1
    page.form.fields["model"].control.value = "llama-3-8b"
    page.form.fields["p99_ms"].control.value = ""
    assert "tokens" in dict(box.axis.control.options).values()
    api = next(value for _, value in box.second.control.options if value.startswith("api:"))
    box.second.control.value = api
    box.axis.control.value = "tokens"
    assert [field.message.value for field in box.fields.values()] == ["", "", ""]
    assert (box.status.value, len(box.plot.outputs)) == ("", 1)


def test_two_of_the_same_are_no_break_even(page: CapacityPage) -> None:
    box = seen(page, "breakeven")
    box.second.control.value = box.first.value
    assert "advisor-error" in box.second.message.value
    assert "advisor-old" in box.results._dom_classes


def test_own_prices_count_on_the_whole_page_and_can_be_taken_back(page: CapacityPage) -> None:
    box = seen(page, "prices")
    assert "g4dn.xlarge" in box.template.value
    rented = next(one for one in page.advice.shortlist if one.hardware == "g6.xlarge" and one.system == "aws-ec2")
    handed_over(box.file, HEADER + "aws,ec2,g6.xlarge,us-east-1,0.001,2026-11-02\n")
    assert box.file.message.value == ""
    assert "of the" in box.said.value
    assert "2026-11-02" in box.changes.value
    assert page.advice.option(rented.id).usd_per_month < rented.usd_per_month
    page.stack.control.value = rented.id
    assert "mine.csv" in seen(page, "bill").table.value
    seen(page, "prices").back.click()
    assert page.knowledge.prices is None
    assert page.advice.option(rented.id).usd_per_month == rented.usd_per_month
    assert box.changes.value == ""


@pytest.mark.parametrize(
    ("row", "parts"),
    [("aws,ec2,g6.xlarge,us-east-1,cheap,2026-11-02", ("mine.csv", "2", "cheap")),
     ("aws,ec2,g6.xlarge,us-east-1,1,soon", ("mine.csv", "2", "soon")),
     ("aws,ec2,none,us-east-1,1,2026", ("mine.csv", "2", "none"))],
)  # fmt: skip
def test_a_wrong_price_names_row_and_value_and_changes_nothing(
    page: CapacityPage, row: str, parts: tuple[str, ...]
) -> None:
    box = seen(page, "prices")
    before = page.advice
    handed_over(box.file, HEADER + row + "\n")
    message = box.file.message.value
    assert all(part in message for part in parts)
    assert str(KNOWLEDGE.parent) not in message
    assert "/" not in message.split("line")[0].replace("</", "")
    assert page.advice is before
    page.language.value = "zh"
    assert CHINESE.search(box.file.message.value)
    assert "cheap" in box.file.message.value or "cheap" not in parts


def test_a_wrong_question_unfolds_the_form(page: CapacityPage) -> None:
    page.form.fields["qps"].control.value = "-5"
    assert page.question.selected_index == 0
    assert "advisor-old" in page.first._dom_classes
    assert "-5" in page.form.fields["qps"].message.value
    page.form.fields["qps"].control.value = "5"
    assert "advisor-old" not in page.first._dom_classes


def test_a_question_that_nothing_fits_is_said_on_every_tab(page: CapacityPage) -> None:
    page.form.fields["p99_ms"].control.value = "0.001"
    assert "No stack fits" in page.first.value
    for code in ("bill", "breakeven", "prices"):
        box = seen(page, code)
        assert "No stack fits" in box.status.value
        assert box.results.layout.display == "none"
    assert "Replicas needed" in page.queue.lead.value


def test_a_box_works_only_when_it_is_seen(page: CapacityPage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for box in page.boxes:
        monkeypatch.setattr(type(box), "take", _noted(asked, box.code))
    page.form.fields["qps"].control.value = "40"
    seen(page, "bill")
    seen(page, "queue")
    seen(page, "bill")
    assert asked == ["queue", "bill"]


def _noted(asked: list[str], code: str) -> Callable[..., None]:
    return lambda *_: asked.append(code)


@pytest.mark.parametrize("code", TABS)
def test_no_english_word_is_left_on_the_chinese_page(page: CapacityPage, code: str) -> None:
    page.language.value = "zh"
    box = seen(page, code)
    if code == "trace":
        short(box)
        simulated(box)
    if code == "prices":
        handed_over(box.file, HEADER + "aws,ec2,g6.xlarge,us-east-1,0.001,2026-11-02\n")
    known = {word.lower() for word in NAMES.split()} | {
        word.lower()
        for one in page.advice.shortlist
        for text in (*one.names.values(), *one.sources)
        for word in re.findall(r"\w+", text)
    }
    said = " ".join(text for part in (box, page.first, page.stack.box) for text in words(part))
    assert CHINESE.search(said)
    assert [word for word in english_words(said) if word.lower() not in known] == []
    assert all(CHINESE.search(title) for title in page.tabs.titles)
