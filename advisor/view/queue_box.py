"""The queue made visible: response against load, the knee, and what one replica more or fewer does."""

from collections.abc import Mapping

import ipywidgets as w

from advisor.full_advice import FullAdvice
from advisor.load_curve import LoadCurves, load_curves
from advisor.load_words import load_lines, load_table
from advisor.option_queue import OptionQueue, Shown, origin_lines, shown_queue
from advisor.text import sentence
from advisor.units import MS_PER_S
from advisor.view import markup, plots, queue_plots
from advisor.view.bounded import sliders
from advisor.view.boxes import AnsweringBox

_DIGITS = 4
"""Digits of the numbers that a stack fills the controls with."""


class QueueBox(AnsweringBox):
    """Sliders of a queue, its curves, and what they say.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.origin, self.lead, self.said, self.table = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.plot = w.Output(layout=w.Layout(width="100%"))
        self.shown: Shown | None = None
        """Whose numbers the controls hold; None where somebody typed them in."""
        fields = sliders("queue")
        super().__init__("queue", lang, fields, self.origin, self.lead, self.said, self.plot, self.table)

    def take(self, advice: FullAdvice, chosen: str | None) -> None:
        """Fill the controls with the numbers of the stack, or of the best one that has such a queue."""
        if not advice.shortlist:
            return
        self.shown = shown_queue(advice, chosen)
        with self.quiet():
            for name, value in numbers_of(self.shown.queue).items():
                self.fields[name].fill(value)
        self.refresh()

    @property
    def found(self) -> LoadCurves:
        """Curves of the queue that the controls describe."""
        value = {name: field.value for name, field in self.fields.items()}
        times = {f"{name}_s": value.pop(f"{name}_ms") / MS_PER_S for name in ("response", "service")}
        return load_curves(**value, **times)

    def answer(self) -> None:
        """Draw the curves and say what they mean."""
        found, lang = self.found, self.lang
        origin = [sentence("option_queue.own", lang)] if self.shown is None else origin_lines(self.shown, lang)
        self.origin.value = "".join(markup.paragraph(line, "note") for line in origin)
        first, *others = load_lines(found, lang)
        self.lead.value = markup.paragraph(first, "lead")
        self.said.value = "".join(map(markup.paragraph, others))
        self.plot.outputs = plots.as_output(queue_plots.load_figure(found, lang))
        note = markup.paragraph(sentence("view.queue.note", lang), "note")
        self.table.value = markup.plain(markup.table(load_table(found, lang))) + note

    def _changed(self) -> None:
        if not self._quiet:
            self.shown = None
        super()._changed()


def numbers_of(queue: OptionQueue | None) -> Mapping[str, float]:
    """What the controls of a queue hold for a stack; those that it says nothing of stay as they are."""
    if queue is None:
        return {}
    values = {
        "replicas": queue.replicas,
        "workers": queue.workers,
        "arrivals_per_s": queue.arrivals_per_s,
        "service_ms": queue.sized_s * MS_PER_S,
        "service_cv": queue.service_cv,
        "arrival_cv": queue.arrival_cv,
    }
    if queue.response_s is not None:
        values["response_ms"] = queue.response_s * MS_PER_S
    return {name: float(f"{value:.{_DIGITS}g}") for name, value in values.items()}
