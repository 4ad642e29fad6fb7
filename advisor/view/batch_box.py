"""Batching made visible: p99 and throughput with and without it."""

import ipywidgets as w

from advisor.batch_curve import BatchCurves, batch_curves
from advisor.batch_words import batch_lines, batch_table
from advisor.text import sentence
from advisor.units import MS_PER_S
from advisor.view import batch_plots, markup, plots
from advisor.view.bounded import sliders
from advisor.view.boxes import AnsweringBox

_TIMES = ("response", "fixed", "item", "delay")


class BatchBox(AnsweringBox):
    """Sliders of a batcher, its curves, and what they say.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.lead, self.said, self.table = w.HTML(), w.HTML(), w.HTML()
        self.plot = w.Output(layout=w.Layout(width="100%"))
        fields = sliders("batch")
        super().__init__("batch", lang, fields, self.lead, self.said, self.plot, self.table)

    @property
    def found(self) -> BatchCurves:
        """Curves of the batcher that the controls describe."""
        value = {name: field.value for name, field in self.fields.items()}
        times = {f"{name}_s": value.pop(f"{name}_ms") / MS_PER_S for name in _TIMES}
        return batch_curves(**value, **times)

    def answer(self) -> None:
        """Draw the curves and say what they mean."""
        lang = self.lang
        found = self.found
        first, *others = batch_lines(found, lang)
        self.lead.value = markup.paragraph(first, "lead")
        self.said.value = "".join(map(markup.paragraph, others))
        self.plot.outputs = plots.as_output(batch_plots.batch_figure(found, lang))
        note = markup.paragraph(sentence("view.batch.note", lang), "note")
        self.table.value = markup.plain(markup.table(batch_table(found, lang))) + note
