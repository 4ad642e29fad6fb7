"""Live test: a small model at work, and the latency of any ONNX file on this very machine."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import ipywidgets as w

from advisor.errors import AdvisorError
from advisor.lab import Measurement, Run, zoo
from advisor.lab.keeping import keep
from advisor.text import sentence
from advisor.view import digits, markup, plots, run_words
from advisor.view.fields import Field, ModelField, NumberField
from advisor.view.uploads import Upload

_POLL_S = 0.2
_BINDER = ("BINDER_SERVICE_HOST", "BINDER_LAUNCH_HOST", "BINDER_REPO_URL")
_BEGIN = {"threads": 1, "seconds": 5}


class LiveTest(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Pictures with what the model reads, and a measurement that can be watched and cancelled.

    Parameters
    ----------
    lang : str
        Language to begin with.
    start : callable, optional
        Makes a measurement; for tests.
    """

    def __init__(self, lang: str, start: Callable[..., Measurement] = Measurement) -> None:
        self.lang = lang
        self._start = start
        self._page = 0
        self._measurement: Measurement | None = None
        self._saved: str | None = None
        self._not_saved: AdvisorError | None = None
        self._task: asyncio.Task[None] | None = None
        self.demo_heading, self.demo_text, self.pictures = w.HTML(), w.HTML(), w.HTML()
        self.more = w.Button(layout=w.Layout(width="auto", align_self="flex-start"))
        self.heading, self.text, self.place = w.HTML(), w.HTML(), w.HTML()
        self.fields: dict[str, Field] = {
            "model": ModelField("model", zoo.names()),
            "threads": NumberField("threads"),
            "seconds": NumberField("seconds"),
            "slo_ms": NumberField("slo_ms"),
        }
        self.upload = Upload(self._uploaded)
        self.begin = w.Button(button_style="primary", icon="play", layout=w.Layout(width="auto"))
        self.cancel = w.Button(icon="stop", disabled=True, layout=w.Layout(width="auto"))
        self.bar = w.FloatProgress(min=0, max=1, layout=w.Layout(width="16em"))
        self.status, self.result = w.HTML(), w.HTML()
        self.plot = w.Output(layout=w.Layout(width="100%"))
        self._lay_out()
        self.more.on_click(lambda _: self.next_pictures())
        self.begin.on_click(lambda _: self.measure())
        self.cancel.on_click(lambda _: self.stop())
        self.fields["slo_ms"].on_change(self._show_result)
        self.relabel(lang)

    def _lay_out(self) -> None:
        for name, field in self.fields.items():
            field.label_code = f"view.live.{name}"
            field.fill(_BEGIN.get(name))
        self.fields["model"].fill("digits")
        grid = w.GridBox(
            [field.box for field in self.fields.values()],
            layout=w.Layout(grid_template_columns="repeat(auto-fill, minmax(15em, 1fr))"),
        )
        grid.add_class("advisor-grid")
        buttons = w.HBox(
            [self.begin, self.cancel, self.bar], layout=w.Layout(flex_flow="row wrap", align_items="center")
        )
        super().__init__(
            [
                self.demo_heading,
                self.demo_text,
                self.pictures,
                self.more,
                self.heading,
                self.text,
                self.place,
                grid,
                self.upload,
                buttons,
                self.status,
                self.result,
                self.plot,
            ]
        )

    @property
    def slo_ms(self) -> float | None:
        """Objective that the run is judged by; None where the box holds no number above 0."""
        value = self.fields["slo_ms"].value
        return value if isinstance(value, int | float) and value > 0 else None

    def _uploaded(self, file: Path) -> None:
        self.fields["model"].fill(file)
        self.fields["model"].mark("")

    def first_pictures(self) -> None:
        """Show the first pictures; nothing is loaded before somebody looks."""
        if self._page == 0:
            self.next_pictures()

    def next_pictures(self) -> None:
        """Let the model read the next pictures."""
        self._page += 1
        self._show_pictures()

    def measure(self) -> None:
        """Begin a measurement of what the controls name."""
        if self._measurement is not None and self._measurement.state == "running":
            return
        wishes = {name: "" if self.fields[name].value is None else self.fields[name].value for name in _BEGIN}
        self._saved = self._not_saved = None
        self._measurement = self._start(self.fields["model"].value, **wishes)
        self._measurement.start()
        self._show_progress()
        self._task = asyncio.get_running_loop().create_task(self._follow(self._measurement))

    def stop(self) -> None:
        """Cancel the measurement; what was measured so far is shown."""
        if self._measurement is not None:
            self._measurement.cancel()

    def relabel(self, lang: str) -> None:
        """Put every word in a language."""
        self.lang = lang
        for part, code in ((self.demo_heading, "demo"), (self.heading, "title")):
            part.value = markup.heading(sentence(f"view.live.{code}", lang))
        for part, code in ((self.demo_text, "demo_text"), (self.text, "text")):
            part.value = markup.paragraph(sentence(f"view.live.{code}", lang))
        for button, code in ((self.more, "more"), (self.begin, "begin"), (self.cancel, "cancel")):
            button.description = sentence(f"view.live.{code}", lang)
        self.place.value = markup.badge(sentence("view.live.binder", lang)) if on_binder() else ""
        self.upload.relabel(lang)
        for field in self.fields.values():
            field.relabel(lang)
        if self._page:
            self._show_pictures()
        self._show_progress()
        self._show_result()

    async def _follow(self, measurement: Measurement) -> None:
        """Show a measurement while it runs, and its result when it is over."""
        while measurement.state == "running":
            self._show_progress()
            await asyncio.sleep(_POLL_S)
        if measurement.run is not None:
            self._save(measurement.run)
        self._show_progress()
        self._show_result()

    def _save(self, run: Run) -> None:
        """Keep what was measured, cancelled or not."""
        try:
            self._saved = keep(run)
        except AdvisorError as error:
            self._not_saved = error

    def _show_pictures(self) -> None:
        try:
            self.pictures.value = digits.page(self._page, self.lang)
        except AdvisorError as error:
            self.pictures.value = markup.status(error.in_language(self.lang), "error")

    def _show_progress(self) -> None:
        now = self._measurement
        running = now is not None and now.state == "running"
        self.begin.disabled, self.cancel.disabled = running, not running
        self._mark(None if now is None else now.error)
        if now is None:
            self.status.value = ""
            return
        self.bar.value = now.progress
        samples_s = now.samples_s
        self.status.value = markup.status(run_words.progress(now.state, now.stage, len(samples_s), self.lang))
        if running:
            self.result.value = run_words.so_far(samples_s, self.lang)
            self.plot.outputs = (
                plots.as_output(plots.latency_histogram(samples_s, self.slo_ms, self.lang)) if len(samples_s) else ()
            )

    def _show_result(self) -> None:
        run = None if self._measurement is None else self._measurement.run
        if run is None:
            self.result.value = ""
            return
        lost = markup.lost(self._not_saved, self.lang)
        self.result.value = lost + run_words.result(run, self.slo_ms, self._saved, self.lang)
        self.plot.outputs = plots.as_output(plots.latency_histogram(run.samples_s, self.slo_ms, self.lang))

    def _mark(self, error: AdvisorError | None) -> None:
        """Say what went wrong beside the control that it is about: the model, where it names none."""
        named = "" if error is None else str(error.values.get("field", "model"))
        for name, field in self.fields.items():
            hit = error is not None and (name == named or (name == "model" and named not in self.fields))
            field.mark(error.in_language(self.lang) if hit and error is not None else "")


def on_binder() -> bool:
    """Whether this runs on a shared machine of Binder."""
    return any(name in os.environ for name in _BINDER)
