"""The live test shows samples while they come, judges only what it may, and can be ended at any time."""

import asyncio
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from view_samples import sample_advice

from advisor.errors import MeasureError
from advisor.lab import zoo
from advisor.lab.machine import Machine
from advisor.lab.runs import Run, WarmUp
from advisor.lab.store import Store
from advisor.view import app, digits
from advisor.view.live import LiveTest, on_binder

CHINESE = re.compile(r"[\u4e00-\u9fff]")
MACHINE = Machine("CPU", 2, 2, 2.0, 8_000_000_000, "Linux", "3.11.7", "1.32.0", 0.1, None)


def run(samples_s: Any, **changes: Any) -> Run:
    values: dict[str, Any] = {
        "model": "digits",
        "sha256": "0" * 64,
        "samples_s": np.asarray(samples_s),
        "batch": 1,
        "threads": 1,
        "providers": ("CPUExecutionProvider",),
        "inputs": (("image", (1, 1, 8, 8)),),
        "started": "2026-11-25T00:00:00+00:00",
        "machine": MACHINE,
        "versions": (("python", "3.11.7"), ("onnxruntime", "1.32.0")),
        "warm_up": WarmUp(10, 0.1, True),
        "delay_share": 0.0,
        "cancelled": False,
        "assumptions": (),
    }
    return Run(**(values | changes))


class StubMeasurement:
    """Measurement that ends when the test says so."""

    def __init__(self, result: Run | MeasureError, began: list[Any], model: str, **wishes: Any) -> None:
        self.result = result
        self.state = "ready"
        self.stage = "first_run"
        self.samples_s = np.empty(0)
        self.progress = 0.0
        self.error: MeasureError | None = None
        self.run: Run | None = None
        began.append((model, wishes))

    def start(self) -> None:
        self.state = "running"

    def end(self, state: str = "done") -> None:
        if isinstance(self.result, Run):
            self.run, self.samples_s, self.progress, self.state = self.result, self.result.samples_s, 1.0, state
        else:
            self.error, self.state = self.result, "failed"

    def cancel(self) -> None:
        self.end("cancelled")


def live(result: Run | MeasureError, lang: str = "en", slo_ms: str = "100") -> SimpleNamespace:
    began: list[Any] = []
    widget = LiveTest(lang, start=lambda model, **wishes: StubMeasurement(result, began, model, **wishes))
    widget.fields["slo_ms"].control.value = slo_ms
    return SimpleNamespace(widget=widget, began=began)


async def measured(widget: LiveTest) -> None:
    """Press the button, let the measurement end, wait until it is shown."""
    widget.begin.click()
    widget._measurement.end()
    await widget._task


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path))
    return


def test_what_is_asked_for_is_measured_and_kept_in_the_store() -> None:
    shown = [live(run(np.full(samples, 0.001))) for samples in (700, 701)]
    for one in shown:
        one.widget.fields["threads"].control.value = "2"
        asyncio.run(measured(one.widget))
        assert one.began == [("digits", {"threads": 2, "seconds": 5})]
    kept = Store().ids("run")
    assert len(kept) == 2
    assert [sum(name in one.widget.result.value for name in kept) for one in shown] == [1, 1]
    assert {len(Store().get(name).samples_s) for name in kept} == {700, 701}


def test_a_file_from_the_browser_is_kept_and_named_as_the_model(tmp_path: Path) -> None:
    widget = live(run(np.full(700, 0.001))).widget
    content = zoo.path("digits").read_bytes()
    widget.upload.take(({"name": "../../mine.onnx", "content": memoryview(content)},))
    file = Path(widget.fields["model"].value)
    assert file.name == "mine.onnx"
    assert tmp_path in file.parents
    assert file.read_bytes() == content
    widget.upload.take(({"name": "mine.onnx", "content": memoryview(content)},))
    assert [path.name for path in tmp_path.rglob("*.onnx")] == ["mine.onnx"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_file_that_cannot_be_kept_is_said_beside_the_button(
    lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "file"))
    widget = live(run(np.full(700, 0.001)), lang).widget
    widget.upload.take(({"name": "mine.onnx", "content": b"onnx"},))
    assert str(tmp_path / "file") in widget.upload.message.value
    assert bool(CHINESE.search(widget.upload.message.value)) == (lang == "zh")
    assert widget.fields["model"].value == "digits"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_p99_needs_662_samples_and_says_how_many_are_missing(lang: str) -> None:
    few = live(run(np.full(600, 0.001)), lang).widget
    asyncio.run(measured(few))
    assert "62" in few.result.value
    assert "662" in few.result.value
    assert bool(CHINESE.search(few.result.value)) == (lang == "zh")
    enough = live(run(np.full(662, 0.001)), lang).widget
    asyncio.run(measured(enough))
    assert "662" not in enough.result.value


def test_the_verdict_follows_the_objective_of_the_box() -> None:
    widget = live(run(np.full(700, 0.050)), slo_ms="100").widget
    asyncio.run(measured(widget))
    met = widget.result.value
    widget.fields["slo_ms"].control.value = "10"
    missed = widget.result.value
    widget.fields["slo_ms"].control.value = ""
    assert len({met, missed, widget.result.value}) == 3
    assert "No SLO given" in widget.result.value


def test_samples_are_shown_while_they_come() -> None:
    async def watched() -> None:
        widget = live(run(np.full(700, 0.001))).widget
        widget.begin.click()
        assert (widget.begin.disabled, widget.cancel.disabled) == (True, False)
        widget._measurement.samples_s, widget._measurement.progress = np.full(120, 0.001), 0.4
        while "120" not in widget.status.value:
            await asyncio.sleep(0.01)
        assert widget.bar.value == 0.4
        assert sum(widget.plot.outputs[0]["data"]["application/vnd.plotly.v1+json"]["data"][0]["y"]) == 120
        widget._measurement.end()
        await widget._task
        assert (widget.begin.disabled, widget.cancel.disabled) == (False, True)

    asyncio.run(watched())


def test_a_cancelled_measurement_shows_and_keeps_what_it_has() -> None:
    async def cancelled() -> LiveTest:
        widget = live(run(np.full(70, 0.001), cancelled=True)).widget
        widget.begin.click()
        widget.cancel.click()
        await widget._task
        return widget

    widget = asyncio.run(cancelled())
    assert "Cancelled after 70 samples" in widget.status.value
    assert "p50" in widget.result.value
    assert len(Store().ids("run")) == 1


def test_a_second_press_does_not_begin_a_second_measurement() -> None:
    async def pressed_twice() -> list[Any]:
        one = live(run(np.full(700, 0.001)))
        one.widget.begin.click()
        one.widget.begin.click()
        one.widget._measurement.end()
        await one.widget._task
        return one.began

    assert len(asyncio.run(pressed_twice())) == 1


@pytest.mark.parametrize(
    ("field", "beside"), [("threads", "threads"), ("seconds", "seconds"), ("model", "model"), ("batch", "model")]
)
def test_an_error_is_said_beside_the_control_it_is_about(field: str, beside: str) -> None:
    widget = live(MeasureError("field", field=field, value="abc", must="1, 2, ...")).widget
    asyncio.run(measured(widget))
    assert [name for name, one in widget.fields.items() if one.message.value] == [beside]
    assert "Not measured" in widget.status.value


def test_interference_and_binder_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    disturbed = live(run(np.full(700, 0.001), delay_share=0.5)).widget
    asyncio.run(measured(disturbed))
    assert "advisor-badge" in disturbed.result.value
    quiet = live(run(np.full(700, 0.001))).widget
    asyncio.run(measured(quiet))
    assert "advisor-badge" not in quiet.result.value
    assert not on_binder()
    monkeypatch.setenv("BINDER_SERVICE_HOST", "hub")
    assert "not your hardware" in LiveTest("en").place.value


def test_the_digits_are_classified_when_somebody_looks_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.view.advising.advise", sample_advice)
    shown = app(lang="zh")
    assert shown.live.pictures.value == ""
    shown.tabs.selected_index = 1
    first = shown.live.pictures.value
    assert first.count("<img") == digits.SHOWN
    assert first.count("识别为") == digits.SHOWN
    shown.live.more.click()
    assert shown.live.pictures.value != first


def test_the_switch_and_the_objective_of_the_panel_reach_the_live_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.view.advising.advise", sample_advice)
    shown = app(lang="zh", preset="mobile-backend")
    assert shown.live.slo_ms == 150
    shown.panel.form.fields["p99_ms"].control.value = "80"
    shown.panel.language.value = "en"
    assert (shown.live.slo_ms, shown.live.begin.description, shown.tabs.titles[0]) == (80, "Measure", "Advice")


def test_a_picture_is_a_png_with_the_levels_of_the_image() -> None:
    image = np.array([[0.0, 1.0], [0.5, 0.2]])
    content = digits.png(image)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    packed = content.index(b"IDAT")
    length = int.from_bytes(content[packed - 4 : packed], "big")
    assert zlib.decompress(content[packed + 4 : packed + 4 + length]) == bytes([0, 0, 255, 0, 128, 51])
