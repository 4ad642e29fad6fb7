"""The lab's page: each task measures for real, shows what came out, and speaks one language at a time."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest
from english_words import CHINESE, english_words

from advisor.errors import MeasureError
from advisor.knowledge import HERE
from advisor.lab import zoo
from advisor.lab.settings import settings
from advisor.lab.store import Store
from advisor.lab.sweeps import Sweeping
from advisor.machine_calibration import MachineCalibration
from advisor.view import lab
from advisor.view.background import Work
from advisor.view.machine_box import Asked, MachineBox
from advisor.view.omission_box import OmissionBox
from advisor.view.precision_box import Made, PrecisionBox
from advisor.view.sweep_box import SweepBox
from advisor.view.tasks import Task

NAMES = (
    "Intel Xeon Processor CPUExecutionProvider Linux glibc onnxruntime digits mobilenetv advisor tune runs resume "
    "ONNX Runtime logits channel advise predict calibration"
)
TAG = re.compile(r"<[^>]*>")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path))
    return


def done(task: Task, **controls: Any) -> Task:
    """Task after its button was pressed and its work is over."""
    for name, value in controls.items():
        task.fields[name].control.value = value

    async def over() -> None:
        task.begin.click()
        await task._following

    asyncio.run(over())
    return task


def words(task: Task) -> str:
    return " ".join(child.value for child in task.children if isinstance(child, w.HTML))


def spoken(task: Task) -> list[str]:
    """English words on the Chinese page that are no names."""
    task.relabel("zh")
    said = TAG.sub(" ", words(task))
    assert CHINESE.search(said)
    known = {word.lower() for word in NAMES.replace("-", " ").split()}
    paths = [part for part in said.split() if "/" in part]
    for part in paths:
        said = said.replace(part, " ")
    return [word for word in english_words(said) if word.lower() not in known]


def test_a_sweep_is_drawn_kept_and_told() -> None:
    task = done(SweepBox("en"), model="digits", threads="1", batch="1, 2", seconds="1.2", slo_ms="50")
    assert isinstance(task.work, Sweeping)
    assert task.work.state == "done"
    assert len(task.plot.outputs) == 1
    assert len(Store().ids("run")) == 6
    assert "Highest throughput" in task.said.value or "50 ms" in task.said.value
    assert task.bar.value == 1.0
    assert (task.begin.disabled, task.cancel.disabled) == (False, True)
    assert spoken(task) == []


@pytest.mark.parametrize(("text", "lang"), [("one, two", "en"), ("", "zh"), ("0.5", "en"), ("-1", "zh")])
def test_numbers_that_are_none_are_said_beside_their_control(text: str, lang: str) -> None:
    task = SweepBox(lang)
    task.fields["threads"].control.value = text
    task.begin.click()
    assert task.work is None
    assert "advisor-error" in task.fields["threads"].message.value
    assert task.fields["batch"].message.value == ""


def test_a_sweep_of_an_unknown_model_says_so_and_the_button_can_be_pressed_again() -> None:
    task = done(SweepBox("en"), model="no-such-net", seconds="1")
    assert task.work is not None
    assert task.work.state == "failed"
    assert "no-such-net" in task.fields["model"].message.value
    assert not task.begin.disabled


def test_a_variant_is_made_compared_and_told() -> None:
    task = done(PrecisionBox("en"), model="digits", precision="int8", seconds="1.5")
    assert isinstance(task.work, Work)
    found = task.work.result
    assert isinstance(found, Made)
    assert found.variant.agreement is not None
    assert "98.7" in task.said.value
    assert "times as long as" in task.said.value
    assert spoken(task) == []


def test_the_client_that_waits_sees_one_late_answer_and_the_other_many() -> None:
    task = done(OmissionBox("en"), rate_per_s="60", seconds="1.5", stall_s="0.5")
    assert isinstance(task.work, Work)
    result: Any = task.work.result
    found = result.shown
    late = [int((run.response_s > found.late_s).sum()) for run in (found.open, found.closed)]
    assert late[1] <= 2 < late[0]
    assert len(task.plot.outputs) == 1
    assert spoken(task) == []


def test_what_could_not_be_kept_is_shown_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "file"))
    task = done(OmissionBox("en"), rate_per_s="60", seconds="0.5", stall_s="0.2")
    assert task.work is not None
    assert task.work.state == "done"
    assert len(task.plot.outputs) == 1
    assert str(tmp_path / "file") in task.said.value


def test_a_number_out_of_bounds_is_said_beside_its_control() -> None:
    task = done(OmissionBox("zh"), rate_per_s="1000000")
    assert task.work is not None
    assert task.work.state == "failed"
    assert CHINESE.search(task.fields["rate_per_s"].message.value)


def test_the_machine_is_calibrated_and_stands_in_the_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {**settings(), "calibration": {**settings()["calibration"], "models": ["digits", "mlperf-tiny-ic"]}}
    for module in ("advisor.lab.here", "advisor.view.machine_box"):
        monkeypatch.setattr(f"{module}.settings", lambda: few)
    task = done(MachineBox("en"), model="mobilenetv2", qps="1", seconds="2")
    assert isinstance(task.work, Work)
    found = task.work.result
    assert isinstance(found, Asked)
    assert set(found.machine.models) == {"digits", "mlperf-tiny-ic", "mobilenetv2"}
    assert len(Store().ids("run")) == 3
    assert found.record is not None
    assert MachineCalibration.from_toml(found.record.read_text(encoding="utf-8")) == found.machine
    assert any(option.system == HERE for option in found.advice.shortlist)
    assert found.machine.cpu in task.said.value
    assert spoken(task) == []


def test_a_question_that_cannot_be_asked_is_said_before_anything_is_measured() -> None:
    task = MachineBox("en")
    task.fields["qps"].control.value = "-1"
    task.begin.click()
    assert task.work is None
    assert "-1" in task.fields["qps"].message.value


def test_one_tab_waits_for_the_other() -> None:
    page = lab(lang="en")
    first, second = page.tasks[2], page.tasks[0]
    first.work = Work(lambda _, cancel: cancel.wait(10))
    first.work.start()
    second.begin.click()
    assert second.work is None
    assert "Another tab" in second.status.value
    first.stop()


def test_work_that_is_cancelled_ends_and_is_no_failure() -> None:
    def work(report: Any, cancel: Any) -> str:
        report(0.5)
        cancel.wait(10)
        raise MeasureError("measure_no_samples", model="x")

    async def stopped() -> Work:
        one = Work(work)
        one.start()
        while one.progress < 0.5:
            await asyncio.sleep(0.01)
        one.cancel()
        while one.state == "running":
            await asyncio.sleep(0.01)
        return one

    one = asyncio.run(stopped())
    assert (one.state, one.error, one.result) == ("cancelled", None, None)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_a_tab_for_each_task_in_its_language(lang: str) -> None:
    page = lab(lang=lang)
    titles = [page.tabs.get_title(place) for place in range(len(page.tabs.children))]
    assert len(set(titles)) == 5
    assert all(bool(CHINESE.search(title)) == (lang == "zh") for title in titles)
    other = "zh" if lang == "en" else "en"
    page.language.value = other
    assert [task.lang for task in page.tasks] == [other] * 4
    assert page.live.lang == other
    assert set(zoo.names()) <= set(page.tasks[0].fields["model"].control.options)
