"""Break-even: where, along traffic, hours, time, sites or tokens, one way of serving becomes the cheaper one."""

import ipywidgets as w

from advisor.axes import AXES
from advisor.breakeven import BreakEven
from advisor.breakeven_words import break_even_lines
from advisor.full_advice import FullAdvice
from advisor.hosted_models import apis_of
from advisor.text import sentence
from advisor.view import breakeven_plots, markup, plots
from advisor.view.answer import ranked_name
from advisor.view.boxes import AdviceBox
from advisor.view.fields import Field, ListField

_OF_LANGUAGE_MODELS = "tokens"
_RIVAL = ""
"""Stands for the best stack that is run otherwise than the first."""


class BreakEvenBox(AdviceBox):
    """Two ways of serving, an axis, and the chart of what they cost.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.lead, self.said, self.plot = w.HTML(), w.HTML(), w.Output(layout=w.Layout(width="100%"))
        self._asked: tuple[object, ...] = ()
        self._found: BreakEven | None = None
        self.first, self.second, self.axis = (ListField(name) for name in ("first", "second", "axis"))
        for field in (self.first, self.second, self.axis):
            field.box.add_class("advisor-broad")
        fields: dict[str, Field] = {"first": self.first, "second": self.second, "axis": self.axis}
        super().__init__("breakeven", lang, fields, self.lead, self.plot, self.said)

    def take(self, advice: FullAdvice, chosen: str | None) -> None:
        """Answer from an advice from now on; the first way of serving is the stack that the reader looks at."""
        with self.quiet():
            self.first.control.value = None
        super().take(advice, chosen)

    def offer(self, advice: FullAdvice) -> None:
        """Offer the ranked stacks, the hosted APIs of the model, and the axes that go with it."""
        lang = self.lang
        stacks = [(ranked_name(rank, one, lang), one.id) for rank, one in enumerate(advice.shortlist, start=1)]
        apis = [(sentence("view.breakeven.api", lang, provider=api.provider, model=api.model), api.id)
                for api in apis_of(advice.evaluation)]  # fmt: skip
        axes = [name for name in AXES if name != _OF_LANGUAGE_MODELS or advice.evaluation.asking.generates]
        self.first.offer([*stacks, *apis], self.chosen)
        self.second.offer([(sentence("view.breakeven.rival", lang), _RIVAL), *apis, *stacks], _RIVAL)
        self.axis.offer([(sentence(f"view.breakeven.axes.{name}", lang), name) for name in axes])

    def answer_of(self, advice: FullAdvice) -> None:
        """Draw both curves and say where they cross."""
        lang, asked = self.lang, (advice, self.first.value, self.second.value or None, self.axis.value)
        if asked != self._asked:
            self.status.value = markup.status(sentence("view.working", lang))
            self._found = advice.break_even(asked[1], asked[2], axis=self.axis.value, lang=lang)
            self._asked = asked
            self.status.value = ""
        if self._found is not None:
            first, *others = break_even_lines(self._found, advice.knowledge, lang)
            self.lead.value = markup.paragraph(first, "lead")
            self.said.value = markup.bullets(others)
            self.plot.outputs = plots.as_output(breakeven_plots.break_even_figure(self._found, lang))
