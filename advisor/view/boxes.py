"""A box of a page: heading, explanation, controls, and what comes of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import ipywidgets as w

from advisor.errors import AdvisorError, Coded
from advisor.full_advice import FullAdvice
from advisor.text import sentence
from advisor.view import markup
from advisor.view.fields import Field

_COLUMNS = "repeat(auto-fill, minmax(15em, 1fr))"


class Box(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Heading, explanation, controls, and parts below them.

    Parameters
    ----------
    code : str
        Table of its sentences under ``view``: title, text, and a label for each field.
    lang : str
        Language to begin with.
    fields : mapping of str to Field
        Controls by name.
    buttons : sequence of widgets
        What lies between the controls and the line that says how it stands.
    results : sequence of widgets
        What lies below that line.
    """

    def __init__(
        self,
        code: str,
        lang: str,
        fields: Mapping[str, Field],
        buttons: Sequence[w.DOMWidget],
        results: Sequence[w.DOMWidget],
    ) -> None:
        self.code, self.lang, self.fields = code, lang, dict(fields)
        self.heading, self.text, self.status = w.HTML(), w.HTML(), w.HTML()
        self._wrong: tuple[AdvisorError | None, str] = (None, "")
        for name, field in self.fields.items():
            field.label_code = f"view.{code}.{name}"
        grid = controls(list(self.fields.values()))
        super().__init__([self.heading, self.text, grid, *buttons, self.status, *results])

    def relabel(self, lang: str) -> None:
        """Put every word in a language."""
        self.lang = lang
        self.heading.value = markup.heading(sentence(f"view.{self.code}.title", lang))
        self.text.value = markup.paragraph(sentence(f"view.{self.code}.text", lang))
        for field in self.fields.values():
            field.relabel(lang)
        error, otherwise = self._wrong
        self.mark(error, otherwise=otherwise)

    def take(self, advice: FullAdvice, chosen: str | None) -> None:
        """Follow an advice and the stack in it that the reader looks at; nothing, unless a box says what."""

    def mark(self, error: AdvisorError | None, *, otherwise: str = "") -> None:
        """Say what went wrong beside the control that it is about, else beside another one, else below the controls."""
        self._wrong = (error, otherwise)
        named = ("" if error is None else self._named(error)) or otherwise
        for name, field in self.fields.items():
            field.mark(error.in_language(self.lang) if error is not None and name == named else "")
        if error is not None and named not in self.fields:
            self.status.value = markup.status(error.in_language(self.lang), "error")

    def _named(self, error: AdvisorError) -> str:
        """Control that an error is about, which it calls as the page does from then on; empty where it names none."""
        said = error.values.get("field", "file" if "file" in error.values else "")
        named = next((name for name, field in self.fields.items() if said in (name, field.label_code)), "")
        if "field" in error.values and named:
            error.values["field"] = Coded(self.fields[named].label_code)
        return named


class AnsweringBox(Box):
    """Box that answers every change of its controls at once.

    Parameters
    ----------
    code, lang, fields
        As of :class:`Box`.
    results : sequence of widgets
        What shows the answer; faded while a control is wrong.
    """

    def __init__(self, code: str, lang: str, fields: Mapping[str, Field], *results: w.DOMWidget) -> None:
        self.results = w.VBox(list(results))
        self._quiet = False
        super().__init__(code, lang, fields, [], [self.results])
        for field in self.fields.values():
            field.on_change(self._changed)
        self.relabel(lang)

    def answer(self) -> None:
        """Work out what the controls ask and show it; raises an AdvisorError where they ask nothing that can be."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Answer, or say what is wrong beside the control that it is about."""
        self.status.value = ""
        error = None
        try:
            self.answer()
        except AdvisorError as wrong:
            error, self.status.value = wrong, ""
        self.mark(error)
        if error is None:
            self.results.remove_class("advisor-old")
        else:
            self.results.add_class("advisor-old")

    def relabel(self, lang: str) -> None:
        """Put every word in a language."""
        with self.quiet():
            super().relabel(lang)
        self.refresh()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While this lasts, changes of the controls are the box's own."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _changed(self) -> None:
        if not self._quiet:
            self.refresh()


class AdviceBox(AnsweringBox):
    """Box about an advice: it offers what the advice holds, and answers from it.

    Parameters
    ----------
    code, lang, fields, results
        As of :class:`AnsweringBox`.
    """

    def __init__(self, code: str, lang: str, fields: Mapping[str, Field], *results: w.DOMWidget) -> None:
        self.advice: FullAdvice | None = None
        self.chosen: str | None = None
        """Id of the stack that the reader looks at."""
        super().__init__(code, lang, fields, *results)

    def offer(self, advice: FullAdvice) -> None:
        """Offer in the controls what an advice holds; nothing, unless a box says what."""

    def answer_of(self, advice: FullAdvice) -> None:
        """Work out what the controls ask of an advice and show it."""
        raise NotImplementedError

    def take(self, advice: FullAdvice, chosen: str | None) -> None:
        """Answer from an advice from now on."""
        self.advice, self.chosen = advice, chosen
        with self.quiet():
            self.offer(advice)
        self.refresh()

    def answer(self) -> None:
        """Answer from the advice, once there is one in which something fits."""
        fits = self.advice is not None and bool(self.advice.shortlist)
        self.results.layout.display = None if fits else "none"
        if self.advice is not None and fits:
            self.answer_of(self.advice)
        elif self.advice is not None:
            self.status.value = markup.status(sentence("view.capacity.nothing", self.lang))

    def relabel(self, lang: str) -> None:
        """Put every word in a language."""
        self.lang = lang
        if self.advice is not None:
            with self.quiet():
                self.offer(self.advice)
        super().relabel(lang)


def controls(fields: Sequence[Field]) -> w.GridBox:
    """Controls beside each other as far as there is room."""
    grid = w.GridBox([field.box for field in fields], layout=w.Layout(grid_template_columns=_COLUMNS))
    grid.add_class("advisor-grid")
    return grid
