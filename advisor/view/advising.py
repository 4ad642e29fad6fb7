"""The panel: controls, one question, its answer."""

import asyncio

import ipywidgets as w

from advisor.advice import Advice
from advisor.errors import AdvisorError
from advisor.pipeline import advise
from advisor.presets import preset as preset_of
from advisor.presets import presets
from advisor.text import languages, preferred_language, sentence
from advisor.view import markup
from advisor.view.answer import Answer
from advisor.view.form import Form

OWN = "own"
"""Stands in the list of presets for numbers that somebody typed in."""


class Panel(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Form and answer; every change of a control asks again.

    Parameters
    ----------
    lang : str
        Language to begin with.
    preset : str
        Id of the preset to begin with.
    """

    def __init__(self, lang: str, preset: str) -> None:
        self.form = Form(self._edited)
        self.answer = Answer()
        self.status = w.HTML()
        self.story = w.HTML()
        self.language = w.ToggleButtons(
            options=[(sentence("language.name", name), name) for name in sorted(languages(), reverse=True)],
            style={"button_width": "6em"},
            layout=w.Layout(width="auto"),
        )
        self.preset = w.Dropdown(options=[*presets(), OWN], layout=w.Layout(width="100%"))
        self._advice: Advice | None = None
        self._error: AdvisorError | None = None
        self.language.value, self.preset.value = lang, preset
        self.form.fill(preset_of(preset).asked())
        self.language.observe(lambda _: self.relabel(), names="value")
        self.preset.observe(lambda _: self._preset_chosen(), names="value")
        choice = w.VBox([self.preset], layout=w.Layout(flex="1 1 18em", max_width="30em"))
        choice.add_class("advisor-field")
        layout = w.Layout(justify_content="space-between", flex_flow="row wrap", align_items="flex-end")
        bar = w.HBox([choice, self.language], layout=layout)
        super().__init__([w.HTML(markup.STYLE), bar, self.story, self.form.widget, self.status, self.answer])
        self.add_class("advisor")
        self.relabel()

    @property
    def lang(self) -> str:
        """Language that is shown."""
        return str(self.language.value)

    @property
    def advice(self) -> Advice | None:
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
            self._advice = advise(self.form.requirements())
            self.answer.show(self._advice, self.lang)
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
            self.answer.show(self._advice, lang)
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
        self.answer.mark_old(old=error is not None)
        if error is None:
            self.status.value = ""
        else:
            self.status.value = markup.status(
                sentence("view.put_right", lang) if beside else error.in_language(lang), "error"
            )


def panel(lang: str | None = None, preset: str | None = None) -> Panel:
    """Form with presets that answers every change.

    Parameters
    ----------
    lang : str, optional
        Language to begin with; by default ``ADVISOR_LANG``, else English.
    preset : str, optional
        Preset to begin with; the first by default.

    Raises
    ------
    UnknownIdError
        If there is no such preset.
    """
    made = Panel(lang or preferred_language(), preset_of(preset or next(iter(presets()))).id)
    made.begin()
    return made
