"""Use this machine in the advice: calibrate it, then ask with it among the stacks, before and after."""

import threading
from pathlib import Path
from typing import NamedTuple

import ipywidgets as w

from advisor.errors import AdvisorError
from advisor.full_advice import FullAdvice
from advisor.knowledge import load
from advisor.lab import zoo
from advisor.lab.calibration_words import calibration_text
from advisor.lab.folders import data_folder, made
from advisor.lab.here import calibrate_here
from advisor.lab.keeping import Keeper
from advisor.lab.settings import settings
from advisor.machine_calibration import MachineCalibration
from advisor.modelspec import resolve
from advisor.pipeline import advise
from advisor.report import headline
from advisor.requirements import Requirements
from advisor.text import sentence
from advisor.view import markup
from advisor.view.background import Report, Work
from advisor.view.fields import CountryField, Field, ModelField, NumberField
from advisor.view.tasks import Task

_BEGIN = {"model": "mobilenetv2", "qps": 2, "p99_ms": 100, "country": "CN", "seconds": None}
_ROWS = 8
_MOMENT = len("20261125T040000")


class Asked(NamedTuple):
    """A question to which the machine is an answer too."""

    machine: MachineCalibration
    advice: FullAdvice
    record: Path | None
    """File of the calibration, for ``advisor advise --calibration``; None where nothing can be kept."""
    lost: AdvisorError | None
    """Why what was measured could not be kept."""


class MachineBox(Task):
    """Calibration of this machine, and the advice with it.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.said = w.HTML()
        fields: dict[str, Field] = {
            "model": ModelField("model", [*zoo.names(), *load().models]),
            "qps": NumberField("qps"),
            "p99_ms": NumberField("p99_ms"),
            "country": CountryField("country"),
            "seconds": NumberField("seconds"),
        }
        for name, value in {**_BEGIN, "seconds": settings()["calibration"]["seconds"]}.items():
            fields[name].fill(value)
        super().__init__("machine", lang, fields, self.said)

    def made(self) -> Work:
        """Calibration and question that the controls describe; every run is kept."""
        model, qps, p99_ms, country, seconds = (self.fields[name].value for name in _BEGIN)
        asked = Requirements(model=_known(model), qps=qps, p99_ms=p99_ms, country=country)
        resolve(asked.model, load().models)

        def work(report: Report, cancel: threading.Event) -> Asked:
            models = [*([model] if _is_file_or_of_the_zoo(model) else []), *settings()["calibration"]["models"]]
            keep = Keeper()
            machine = calibrate_here(models, seconds=seconds, on_run=keep, on_progress=report, cancel=cancel)
            advice = advise(asked, calibration=machine)
            advice.before_and_after(_ROWS)
            return Asked(machine, advice, None if keep.error else kept_record(machine), keep.error)

        return Work(work)

    def show(self) -> None:
        """Show what was learnt of the machine, and the advice before and after."""
        found = self.work.result if isinstance(self.work, Work) else None
        if not isinstance(found, Asked):
            self.said.value = ""
            return
        table = found.advice.before_and_after(_ROWS, self.lang)
        best = found.advice.best
        first = sentence("report.nothing", self.lang) if best is None else headline(best, self.lang)
        self.said.value = (
            markup.lost(found.lost, self.lang)
            + markup.paragraph(calibration_text(found.machine, self.lang))
            + (
                markup.paragraph(sentence("view.machine.record", self.lang, file=found.record), "note")
                if found.record
                else ""
            )
            + markup.paragraph(first, "lead")
            + ("" if table is None else markup.table(table))
        )


def kept_record(machine: MachineCalibration) -> Path:
    """File with the record of a machine in the reader's data folder."""
    moment = "".join(sign for sign in machine.dated if sign.isdigit() or sign == "T")
    path = data_folder() / "machines" / f"{moment[:_MOMENT]}.toml"

    def write(draft: Path) -> None:
        draft.write_text(machine.to_toml(), encoding="utf-8")

    return made(path, write)


def _is_file_or_of_the_zoo(model: str) -> bool:
    return model in zoo.names() or Path(model).suffix.lower() == ".onnx"


def _known(model: str) -> str:
    """Model as a question names it: the catalogue first, else the file of a model of the zoo."""
    return str(zoo.path(model)) if model in zoo.names() and model not in load().models else model
