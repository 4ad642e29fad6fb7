"""Prices of the reader's own: a file handed over, and what it changes."""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as w

from advisor.errors import AdvisorError
from advisor.full_advice import FullAdvice
from advisor.knowledge import load
from advisor.pipeline import advise
from advisor.price_changes import has_own_price, own_bill_table, own_price_lines, own_price_table, price_template
from advisor.report import stack_name
from advisor.text import sentence
from advisor.view import markup
from advisor.view.boxes import AdviceBox
from advisor.view.uploads import UploadField, by_its_name

_SHOWN = 8
"""Machines of the file that the reader may begin from."""


class PricesBox(AdviceBox):
    """Upload of a price file, the file to begin from, and first choice and bills before and after.

    Parameters
    ----------
    lang : str
        Language to begin with.
    priced : callable
        Makes the page answer by the prices of a file, by the listed ones where it is None; raises an AdvisorError
        where the file cannot be used.
    """

    def __init__(self, lang: str, priced: Callable[[Path | None], object]) -> None:
        self._priced = priced
        self._before: tuple[FullAdvice, FullAdvice] | None = None
        """An advice by prices of the reader's own, and the same by listed ones."""
        self._refused: AdvisorError | None = None
        """Why the latest file cannot be used."""
        self.lead, self.said, self.changes, self.template = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.back = w.Button(icon="undo", layout=w.Layout(width="auto", align_self="flex-start", display="none"))
        self.file = UploadField("file", "prices", self._example)
        super().__init__(
            "prices", lang, {"file": self.file}, self.lead, self.said, self.changes, self.back, self.template
        )
        self.back.on_click(lambda _: self._priced(None))

    def offer(self, advice: FullAdvice) -> None:  # noqa: ARG002  # the file is made of the advice that the box keeps
        """Offer a file with the machines of the best stacks to begin from."""
        self.file.relabel(self.lang)

    def answer_of(self, advice: FullAdvice) -> None:
        """Show what the prices of the reader's own change, and the file to begin from."""
        lang, own = self.lang, advice.knowledge.prices is not None
        self.back.layout.display = None if own else "none"
        self.lead.value = self.said.value = self.changes.value = ""
        if own:
            self._show_changes(advice)
        template = price_template(load(), advice.shortlist[:_SHOWN])
        self.template.value = (
            markup.heading(sentence("view.prices.template", lang))
            + markup.paragraph(sentence("view.prices.columns", lang))
            + markup.plain(markup.table(template))
        )

    def refresh(self) -> None:
        """Answer, and say what is wrong with the latest file."""
        super().refresh()
        if self._refused is not None:
            self.mark(self._refused)

    def relabel(self, lang: str) -> None:
        """Put every word in a language."""
        self.back.description = sentence("view.prices.back", lang)
        super().relabel(lang)

    def _changed(self) -> None:
        if self._quiet:
            return
        self.status.value, self._refused = markup.status(sentence("view.working", self.lang)), None
        try:
            with by_its_name(self.file.value):
                self._priced(self.file.value)
        except AdvisorError as error:
            self._refused = error
            self.refresh()

    def _show_changes(self, advice: FullAdvice) -> None:
        lang, before = self.lang, self._listed(advice)
        first, *others = own_price_lines(before, advice, lang)
        self.lead.value = markup.paragraph(first, "lead")
        self.said.value = "".join(map(markup.paragraph, others))
        self.changes.value = markup.plain(markup.table(own_price_table(before, advice, lang)))
        chosen = advice.option(self.chosen)
        seen = next((one for one in (chosen, *advice.shortlist) if has_own_price(one)), chosen)
        title = sentence("view.prices.bill", lang, name=stack_name(seen, lang))
        bill = markup.table(own_bill_table(before, advice, seen.id, lang))
        self.changes.value += markup.heading(title) + markup.totalled(bill)

    def _listed(self, advice: FullAdvice) -> FullAdvice:
        """The same question answered by listed prices."""
        if self._before is None or self._before[0] is not advice:
            self._before = (advice, advise(advice.asked))
        return self._before[1]

    def _example(self) -> str:
        if self.advice is None:
            return ""
        return price_template(load(), self.advice.shortlist[:_SHOWN]).to_csv(index=False)
