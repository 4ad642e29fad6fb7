"""Open loop and closed loop against the same server that freezes once: what a waiting client does not see."""

import threading
from typing import NamedTuple

import ipywidgets as w

from advisor.errors import AdvisorError
from advisor.lab.keeping import Keeper
from advisor.lab.load_words import shown_text
from advisor.lab.omission import Shown, shown
from advisor.view import lab_plots, markup, plots
from advisor.view.background import Report, Work
from advisor.view.fields import Field, NumberField
from advisor.view.tasks import Task

_BEGIN = {"rate_per_s": 50, "seconds": 4, "stall_s": 1.2}


class Loaded(NamedTuple):
    """Both load tests, and whether they were kept."""

    shown: Shown
    lost: AdvisorError | None
    """Why they could not be kept."""


class OmissionBox(Task):
    """Two load tests of the digit classifier on a server that freezes.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.plot, self.said = w.Output(layout=w.Layout(width="100%")), w.HTML()
        fields: dict[str, Field] = {name: NumberField(name) for name in _BEGIN}
        for name, value in _BEGIN.items():
            fields[name].fill(value)
        super().__init__("omission", lang, fields, self.plot, self.said)

    def made(self) -> Work:
        """Both load tests that the controls describe."""
        wishes = {name: field.value for name, field in self.fields.items()}

        def work(report: Report, cancel: threading.Event) -> Loaded:
            found = shown(**wishes, on_progress=report, cancel=cancel)
            keep = Keeper()
            for run in (found.open, found.closed):
                keep(run)
            return Loaded(found, keep.error)

        return Work(work)

    def show(self) -> None:
        """Show the response of every request as either client tells it."""
        found = self.work.result if isinstance(self.work, Work) else None
        if not isinstance(found, Loaded):
            self.plot.outputs, self.said.value = (), ""
            return
        self.plot.outputs = plots.as_output(lab_plots.both_loops(found.shown.open, found.shown.closed, self.lang))
        said = markup.bullets(shown_text(found.shown, self.lang).splitlines())
        self.said.value = markup.lost(found.lost, self.lang) + said
