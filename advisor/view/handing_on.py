"""The report of an advice to take along: made when asked for, offered as files to download."""

import ipywidgets as w

from advisor.advice import Advice
from advisor.text import sentence
from advisor.view import markup

_KINDS = (("html", "text/html"), ("md", "text/markdown"), ("json", "application/json"))


class HandingOn(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Button that makes the report, and the links to its files."""

    def __init__(self) -> None:
        self.button = w.Button(icon="file-text", layout=w.Layout(width="auto", align_self="flex-start"))
        self.links = w.HTML()
        self._advice: Advice | None = None
        self._lang = ""
        self.button.on_click(lambda _: self.make())
        super().__init__([self.button, self.links])

    def show(self, advice: Advice, lang: str) -> None:
        """Offer the report of an advice; one that was made of another advice or language goes away."""
        if (advice, lang) != (self._advice, self._lang):
            self.links.value = ""
        self._advice, self._lang = advice, lang
        self.button.description = sentence("view.report.make", lang)

    def make(self) -> None:
        """Make the report in every format."""
        if self._advice is None:
            return
        lang = self._lang
        self.links.value = markup.status(sentence("view.working", lang))
        texts = {
            "html": self._advice.to_html(lang=lang),
            "md": self._advice.to_markdown(lang),
            "json": self._advice.to_json(what_if=True),
        }
        files = [
            (sentence(f"view.report.{kind}", lang), f"advisor-report.{kind}", markup.data_address(texts[kind], mime))
            for kind, mime in _KINDS
        ]
        self.links.value = markup.downloads(sentence("view.report.ready", lang), files)
