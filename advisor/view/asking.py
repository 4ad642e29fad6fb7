"""Presets, a form and a language switch that ask one question, whatever shows its answer."""

import asyncio
from collections.abc import Sequence

import ipywidgets as w

from advisor.errors import AdvisorError
from advisor.full_advice import FullAdvice
from advisor.presets import preset as preset_of
from advisor.presets import presets
from advisor.requirements import Requirements
from advisor.text import languages, sentence
from advisor.view import markup
from advisor.view.form import Form

OWN = "own"
"""Stands in the list of presets for numbers that somebody typed in."""


class Asking(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Presets and form; every change of a control asks again.

    Parameters
    ----------
    lang : str
        Language to begin with.
    preset : str
        Id of the preset to begin with.
    parts : sequence of widgets
        What shows the answer.
    """

    def __init__(self, lang: str, preset: str, parts: Sequence[w.DOMWidget]) -> None:
        self.form = Form(self._edited)
        self.status = w.HTML()
        self.story = w.HTML()
        self.language = w.ToggleButtons(
            options=[(sentence("language.name", name), name) for name in sorted(languages(), reverse=True)],
            style={"button_width": "6em"},
            layout=w.Layout(width="auto"),
        )
        self.preset = w.Dropdown(options=[*presets(), OWN], layout=w.Layout(width="100%"))
        self._advice: FullAdvice | None = None
        self._error: AdvisorError | None = None
        self.language.value, self.preset.value = lang, preset
        self.form.fill(preset_of(preset).asked())
        self.language.observe(lambda _: self.relabel(), names="value")
        self.preset.observe(lambda _: self._preset_chosen(), names="value")
        choice = w.VBox([self.preset], layout=w.Layout(flex="1 1 18em", max_width="30em"))
        choice.add_class("advisor-field")
        layout = w.Layout(justify_content="space-between", flex_flow="row wrap", align_items="flex-end")
        bar = w.HBox([choice, self.language], layout=layout)
        super().__init__([w.HTML(markup.STYLE), bar, self.story, self.place_of_form(), self.status, *parts])
        self.add_class("advisor")

    def place_of_form(self) -> w.DOMWidget:
        """Where the form lies."""
        return self.form.widget

    def ask(self, asked: Requirements) -> FullAdvice:
        """Answer a question; raises an AdvisorError where it cannot be asked."""
        raise NotImplementedError

    def show(self, advice: FullAdvice) -> None:
        """Show an answer in the language of the switch."""
        raise NotImplementedError

    def mark_old(self, *, old: bool) -> None:
        """Fade the answer while it belongs to other numbers than the controls show."""
        raise NotImplementedError

    @property
    def lang(self) -> str:
        """Language that is shown."""
        return str(self.language.value)

    @property
    def advice(self) -> FullAdvice | None:
        """Answer to the latest question that could be asked."""
        if self._advice is None and self._error is None:
            self.refresh()
        return self._advice

    def begin(self) -> None:
        """Ask the first question: in a notebook as soon as the form is on the screen, elsewhere at once."""
        try:
            asyncio.get_running_loop().call_soon(lambda: self.advice)
        except RuntimeError:
            self.refresh()

    def refresh(self) -> None:
        """Ask what the controls say and show the answer, or say beside the control what is wrong."""
        self.status.value = markup.status(sentence("view.working", self.lang))
        self._error = None
        try:
            self._advice = self.ask(self.form.requirements())
            self.show(self._advice)
        except AdvisorError as error:
            self._error = error
        self._show_error()

    def relabel(self) -> None:
        """Put every word in the language of the switch."""
        lang = self.lang
        self.preset.description = sentence("view.preset", lang)
        with self.form.quiet():
            kept = self.preset.value
            named = [(getattr(preset.name, lang), name) for name, preset in presets().items()]
            self.preset.options = [*named, (sentence("view.own_numbers", lang), OWN)]
            self.preset.value = kept
        self.form.relabel(lang)
        self._tell_story()
        if self._advice is None and self._error is None:
            self.status.value = markup.status(sentence("view.working", lang))
            return
        if self._advice is not None:
            self.show(self._advice)
        self._show_error()

    def _edited(self) -> None:
        with self.form.quiet():
            self.preset.value = OWN
        self._tell_story()
        self.refresh()

    def _preset_chosen(self) -> None:
        if self.form.is_quiet or self.preset.value == OWN:
            return
        self.form.fill(preset_of(self.preset.value).asked())
        self._tell_story()
        self.refresh()

    def _tell_story(self) -> None:
        name = self.preset.value
        text = sentence("view.own_story", self.lang) if name == OWN else getattr(preset_of(name).story, self.lang)
        self.story.value = markup.paragraph(text)

    def _show_error(self) -> None:
        error, lang = self._error, self.lang
        beside = self.form.mark(error, lang)
        self.mark_old(old=error is not None)
        if error is None:
            self.status.value = ""
        else:
            self.status.value = markup.status(
                sentence("view.put_right", lang) if beside else error.in_language(lang), "error"
            )
