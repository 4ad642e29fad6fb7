"""Threads and batch: what they make of a model on this machine, as a heat map."""

import ipywidgets as w

from advisor.errors import MeasureError
from advisor.lab import zoo
from advisor.lab.kept_words import expected_text, step_text, sweep_text
from advisor.lab.store import Store
from advisor.lab.sweeps import Sweeping
from advisor.text import sentence
from advisor.view import lab_plots, markup, plots
from advisor.view.fields import Field, ModelField, NumberField
from advisor.view.tasks import Task

_BEGIN = {"model": "mobilenetv2", "threads": "1, 2", "batch": "1, 4, 8", "seconds": 30}


class NumbersField(Field):
    """Whole numbers, a comma between them."""

    def __init__(self, name: str) -> None:
        super().__init__(name, w.Text(continuous_update=False, layout=w.Layout(width="100%")))

    @property
    def value(self) -> tuple[int, ...]:
        """Numbers; raises MeasureError where there are others or none."""
        parts = [part.strip() for part in self.control.value.replace("，", ",").split(",") if part.strip()]
        if not parts or not all(part.isdecimal() for part in parts):
            raise MeasureError("field", field=self.name, value=self.control.value, must="1, 2, 4")
        return tuple(dict.fromkeys(map(int, parts)))


class SweepBox(Task):
    """Sweep over threads and batch with budget, progress and cancel; every run goes to the store.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.plot, self.said = w.Output(layout=w.Layout(width="100%")), w.HTML()
        fields: dict[str, Field] = {
            "model": ModelField("model", zoo.names()),
            "threads": NumbersField("threads"),
            "batch": NumbersField("batch"),
            "seconds": NumberField("seconds"),
            "slo_ms": NumberField("slo_ms"),
        }
        for name, value in _BEGIN.items():
            fields[name].fill(value)
        super().__init__("sweep", lang, fields, self.plot, self.said)
        self.fields["slo_ms"].on_change(self.show)

    def made(self) -> Sweeping:
        """Sweep that the controls describe."""
        wishes = {name: self.fields[name].value for name in ("threads", "batch", "seconds")}
        slo = self.fields["slo_ms"].value
        if slo is not None and not (isinstance(slo, int | float) and slo > 0):
            raise MeasureError("field", field="slo_ms", value=slo, must="> 0")
        return Sweeping(self.fields["model"].value, store=Store(), **wishes)

    def show(self) -> None:
        """Show the heat map as far as it is measured, and what the sweep says once it is over."""
        sweeping = self.work
        found = sweeping.sweep if isinstance(sweeping, Sweeping) else None
        if not isinstance(sweeping, Sweeping) or found is None:
            self.plot.outputs, self.said.value = (), ""
            return
        if any(cell.runs for cell in found.cells):
            self.plot.outputs = plots.as_output(lab_plots.heat_map(found, self.lang))
        if sweeping.state == "running":
            begun = any(cell.runs for cell in found.cells)
            left = sweeping.left_s or 0.0
            self.said.value = markup.paragraph((step_text if begun else expected_text)(found, left, self.lang))
            return
        slo = self.fields["slo_ms"].value
        said = sweep_text(found, slo if isinstance(slo, int | float) and slo > 0 else None, self.lang)
        kept = [] if found.not_saved else [sentence("view.sweep.kept", self.lang, name=found.plan.name)]
        self.said.value = markup.bullets([*said.splitlines(), *kept])
