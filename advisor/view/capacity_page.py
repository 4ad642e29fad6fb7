"""Capacity and money on one page: the queue, batching, a trace, the bill, the break-even, prices of one's own."""

from collections.abc import Sequence
from pathlib import Path

import ipywidgets as w

from advisor.full_advice import FullAdvice
from advisor.knowledge import load
from advisor.pipeline import advise
from advisor.presets import preset as preset_of
from advisor.report import headline
from advisor.requirements import Requirements
from advisor.text import preferred_language, sentence
from advisor.view import markup
from advisor.view.answer import ranked_name
from advisor.view.asking import Asking
from advisor.view.batch_box import BatchBox
from advisor.view.bill_box import BillBox
from advisor.view.boxes import Box
from advisor.view.breakeven_box import BreakEvenBox
from advisor.view.fields import ListField
from advisor.view.prices_box import PricesBox
from advisor.view.queue_box import QueueBox
from advisor.view.trace_box import TraceBox

_PRESET = "mobile-backend"


class CapacityPage(Asking):
    """A question, the stack that one looks at, and a tab for each subject, under one language switch.

    Parameters
    ----------
    lang : str
        Language to begin with.
    preset : str
        Id of the preset to begin with.
    """

    def __init__(self, lang: str, preset: str) -> None:
        self.question = w.Accordion()
        self.first = w.HTML()
        self.stack = ListField("stack")
        self.knowledge = load()
        self.queue, self.batch, self.trace = QueueBox(lang), BatchBox(lang), TraceBox(lang)
        self.bill, self.breakeven, self.prices = BillBox(lang), BreakEvenBox(lang), PricesBox(lang, self.take_prices)
        self.boxes: Sequence[Box] = (self.queue, self.batch, self.trace, self.bill, self.breakeven, self.prices)
        self._stale: set[Box] = set()
        """Boxes that have not been shown since the advice or the stack has changed."""
        self._looked_at: tuple[FullAdvice | None, str | None] = (None, None)
        self.tabs = w.Tab(list(self.boxes))
        self.tabs.observe(lambda _: self._show_what_is_seen(), names="selected_index")
        self.stack.on_change(self._stack_chosen)
        super().__init__(lang, preset, [self.first, self.stack.box, self.tabs])
        self.relabel()

    def place_of_form(self) -> w.DOMWidget:
        """Folded, so that the tabs have room; a wrong field unfolds it."""
        self.question.children = (self.form.widget,)
        return self.question

    def ask(self, asked: Requirements) -> FullAdvice:
        """Answer a question by the prices that are listed, or by those of the reader's own."""
        return advise(asked, self.knowledge)

    def take_prices(self, file: Path | None) -> None:
        """Answer by the prices of a file from now on, by the listed ones where it is None.

        Raises
        ------
        PriceFileError
            If the file cannot be used; the prices stay as they are.
        """
        knowledge = load() if file is None else load(file)
        if len(knowledge.offers):
            self.knowledge = knowledge
            self.refresh()

    def show(self, advice: FullAdvice) -> None:
        """Show the first choice, offer the ranked stacks, and show the tab that is seen."""
        lang = self.lang
        text = headline(advice.best, lang) if advice.best else sentence("view.capacity.nothing", lang)
        self.first.value = markup.paragraph(text, "lead")
        names = [(ranked_name(rank, one, lang), one.id) for rank, one in enumerate(advice.shortlist, start=1)]
        with self.form.quiet():
            self.stack.offer(names)
        self.stack.box.layout.display = None if names else "none"
        self._stack_chosen()

    def mark_old(self, *, old: bool) -> None:
        """Fade the first choice while it belongs to other numbers than the controls show."""
        for part in (self.first, self.stack.box):
            (part.add_class if old else part.remove_class)("advisor-old")
        if old:
            self.question.selected_index = 0

    def relabel(self) -> None:
        """Put every word in the language of the switch."""
        lang = self.lang
        self.question.set_title(0, sentence("view.capacity.question", lang))
        self.stack.relabel(lang)
        for place, box in enumerate(self.boxes):
            self.tabs.set_title(place, sentence(f"view.tab.{box.code}", lang))
            box.relabel(lang)
        super().relabel()

    def _stack_chosen(self) -> None:
        looked_at = (self._advice, self.stack.value)
        if not self.form.is_quiet and looked_at != self._looked_at:
            self._looked_at, self._stale = looked_at, set(self.boxes)
            self._show_what_is_seen()

    def _show_what_is_seen(self) -> None:
        """Let the box that is seen take the advice, unless it has it."""
        seen = self.boxes[self.tabs.selected_index or 0]
        if seen in self._stale and self._advice is not None:
            self._stale.discard(seen)
            seen.take(self._advice, self.stack.value)


def capacity(lang: str | None = None, preset: str | None = None) -> CapacityPage:
    """Replicas that hold the objective, and what they cost.

    Parameters
    ----------
    lang : str, optional
        Language to begin with; by default ``ADVISOR_LANG``, else English.
    preset : str, optional
        Preset to begin with; that of a service with several replicas by default.

    Raises
    ------
    UnknownIdError
        If there is no such preset.
    """
    made = CapacityPage(lang or preferred_language(), preset_of(preset or _PRESET).id)
    made.begin()
    return made
