"""The queue made visible: response against load, the knee, and what one replica more or fewer does."""

import ipywidgets as w

from advisor.load_curve import LoadCurves, load_curves
from advisor.load_words import load_lines, load_table
from advisor.text import sentence
from advisor.units import MS_PER_S
from advisor.view import markup, plots, queue_plots
from advisor.view.bounded import SliderField
from advisor.view.boxes import AnsweringBox
from advisor.view.fields import Field

_BEGIN = {
    "replicas": 3,
    "arrivals_per_s": 50,
    "response_ms": 150,
    "service_ms": 40,
    "service_cv": 0.4,
    "arrival_cv": 1,
    "workers": 1,
}


class QueueBox(AnsweringBox):
    """Sliders of a queue, its curves, and what they say.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.lead, self.said, self.plot, self.table = w.HTML(), w.HTML(), w.Output(), w.HTML()
        fields: dict[str, Field] = {
            "replicas": SliderField("replicas", 1, 1e3, whole=True),
            "arrivals_per_s": SliderField("arrivals_per_s", 0.01, 1e5),
            "response_ms": SliderField("response_ms", 0.1, 1e5),
            "service_ms": SliderField("service_ms", 0.01, 1e5),
            "service_cv": SliderField("service_cv", 0, 3, even=True),
            "arrival_cv": SliderField("arrival_cv", 0, 3, even=True),
            "workers": SliderField("workers", 1, 256, whole=True),
        }
        for name, value in _BEGIN.items():
            fields[name].fill(value)
        super().__init__("queue", lang, fields, self.lead, self.said, self.plot, self.table)

    @property
    def found(self) -> LoadCurves:
        """Curves of the queue that the controls describe."""
        value = {name: field.value for name, field in self.fields.items()}
        times = {name: value.pop(f"{name[:-1]}ms") / MS_PER_S for name in ("response_s", "service_s")}
        return load_curves(**value, **times)

    def answer(self) -> None:
        """Draw the curves and say what they mean."""
        found, lang = self.found, self.lang
        first, *others = load_lines(found, lang)
        self.lead.value = markup.paragraph(first, "lead")
        self.said.value = "".join(map(markup.paragraph, others))
        self.plot.outputs = plots.as_output(queue_plots.load_figure(found, lang))
        note = markup.paragraph(sentence("view.queue.note", lang), "note")
        self.table.value = markup.plain(markup.table(load_table(found, lang))) + note
