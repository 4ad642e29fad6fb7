"""The same model in two precisions: how much faster, and what it costs in accuracy."""

import threading
from typing import NamedTuple

import ipywidgets as w

from advisor.errors import AdvisorError
from advisor.lab import zoo
from advisor.lab.comparing import compare
from advisor.lab.comparison_words import comparison_text
from advisor.lab.comparisons import Comparison
from advisor.lab.jobs import within_bounds
from advisor.lab.keeping import Keeper
from advisor.lab.variant_records import Variant
from advisor.lab.variant_words import variant_text
from advisor.lab.variants import variant
from advisor.text import sentence
from advisor.view import markup
from advisor.view.background import Report, Work
from advisor.view.fields import ChoiceField, Field, ModelField, NumberField
from advisor.view.tasks import Task

_WISHES = ("int8", "int8-static", "int8-dynamic", "fp16")
_BEGIN = {"model": "mobilenetv2", "precision": "int8", "seconds": 10}


class Made(NamedTuple):
    """A variant beside the model that it was made from."""

    variant: Variant
    compared: Comparison
    lost: AdvisorError | None
    """Why the comparison could not be kept."""


class PrecisionBox(Task):
    """Make a variant of a model, and measure both in turn.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.said = w.HTML()
        fields: dict[str, Field] = {
            "model": ModelField("model", zoo.names()),
            "precision": ChoiceField("precision", _WISHES, lambda name, lang: sentence(f"view.precision.{name}", lang)),
            "seconds": NumberField("seconds"),
        }
        for name, value in _BEGIN.items():
            fields[name].fill(value)
        super().__init__("precision", lang, fields, self.said)

    def made(self) -> Work:
        """Making and measuring what the controls describe."""
        model, wish, seconds = (self.fields[name].value for name in _BEGIN)
        within_bounds("seconds", seconds)

        def work(report: Report, cancel: threading.Event) -> Made:
            found = variant(model, wish)
            file = zoo.path(model) if model in zoo.names() else model
            compared = compare(file, found.path, seconds=seconds, on_progress=report, cancel=cancel)
            keep = Keeper()
            keep(compared)
            return Made(found, compared, keep.error)

        return Work(work)

    def show(self) -> None:
        """Show how far the answers agree, and the ratio of the times."""
        found = self.work.result if isinstance(self.work, Work) else None
        if not isinstance(found, Made):
            self.said.value = ""
            return
        self.said.value = (
            markup.lost(found.lost, self.lang)
            + markup.bullets(variant_text(found.variant, self.lang).splitlines())
            + markup.bullets(comparison_text(found.compared, self.lang).splitlines())
        )
