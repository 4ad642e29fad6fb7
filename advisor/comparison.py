"""A prediction beside the measurements that somebody published of the same model and device."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.calibration import load_calibration
from advisor.card import in_product_terms
from advisor.knowledge import Knowledge
from advisor.measured import ONE_SHOT
from advisor.modelspec import of_record, plain
from advisor.prediction import predict
from advisor.published import SAME_WORK
from advisor.requirements import settings
from advisor.results import Interval, Prediction, Refusal
from advisor.schema import Precision
from advisor.units import BILLION, MS_PER_S

if TYPE_CHECKING:
    pass

TOKENS = ("ttft", "tpot")
"""Times of a language model."""


@dataclass(frozen=True)
class Asked:
    """One model on one device of the catalogue."""

    model: str
    device: str
    precision: Precision
    engine: str | None = None
    batch: int = 1
    """Inferences served as one; language models: requests decoded together."""
    units: int = 1
    """Virtual CPUs of a processor; language models: devices that share it."""
    input_tokens: int | None = None
    """Language models: length of the prompt; the documented default otherwise."""


@dataclass(frozen=True)
class Measured:
    """One published figure of the model and device."""

    metric: str
    ms: float
    precision: Precision
    engine: str
    """As published."""
    engine_id: str
    batch: int | None
    units: float
    """Of each device; language models: of all devices."""
    devices: int
    input_tokens: int | None
    source: str
    date: str
    same: bool
    """Whether it was measured in the very setting that was asked; any engine where none was named."""


@dataclass(frozen=True)
class Comparison:
    """Answer to a question and what was measured."""

    asked: Asked
    answer: Prediction | Refusal
    formula: Prediction | None
    """What the formula alone says, where a measurement answers."""
    measured: tuple[Measured, ...]
    """Those of the very setting first."""

    def intervals(self) -> Mapping[str, Interval]:
        """Predicted times by metric  [ms]."""
        return {} if isinstance(self.answer, Refusal) else intervals_of(self.answer)


def intervals_of(said: Prediction) -> Mapping[str, Interval]:
    """Times of a prediction that measurements can stand beside, by metric  [ms]."""
    found = {"ttft": said.ttft_ms, "tpot": said.tpot_ms} if said.tpot_ms else {"latency": said.latency_ms}
    return {metric: interval for metric, interval in found.items() if interval}


def examples(knowledge: Knowledge) -> list[Asked]:
    """Questions to begin with, of ``data/card.toml``."""
    return [Asked(**example) for example in knowledge.table("card")["examples"]]


def first_of_each(knowledge: Knowledge) -> Mapping[str, tuple[Asked, Prediction]]:
    """First example of each fidelity, with its answer."""
    found: dict[str, tuple[Asked, Prediction]] = {}
    for asked in examples(knowledge):
        answer = answer_to(asked, knowledge)
        if isinstance(answer, Prediction):
            found.setdefault(answer.fidelity, (asked, answer))
    return found


def generates(asked: Asked, knowledge: Knowledge) -> bool:
    """Whether the model answers token by token."""
    return knowledge.models[asked.model].family == "llm"


def counts_units(asked: Asked, knowledge: Knowledge) -> bool:
    """Whether the answer depends on how many units work together."""
    return generates(asked, knowledge) or counts_vcpu(asked, knowledge)


def counts_vcpu(asked: Asked, knowledge: Knowledge) -> bool:
    """Whether the units of the device are virtual CPUs."""
    return knowledge.devices[asked.device].kind in load_calibration().settings["kinds"]["per_vcpu"]


def answer_to(asked: Asked, knowledge: Knowledge) -> Prediction | Refusal:
    """What ``predict`` says.

    Raises
    ------
    RequirementError
        If a number of the question is below 1.
    """
    wishes: dict[str, Any] = {"precision": asked.precision, "engine": asked.engine}
    if generates(asked, knowledge):
        wishes |= {"concurrency": asked.batch, "input_tokens": asked.input_tokens}
    else:
        wishes |= {"batch": asked.batch}
    if counts_units(asked, knowledge):
        wishes |= {"threads" if counts_vcpu(asked, knowledge) else "devices": asked.units}
    return predict(asked.model, asked.device, **wishes)


def compare(asked: Asked, knowledge: Knowledge) -> Comparison:
    """Prediction and measurements of a model on a device.

    Raises
    ------
    RequirementError
        If a number of the question is below 1.
    """
    answer = answer_to(asked, knowledge)
    looked_up = isinstance(answer, Prediction) and answer.fidelity == "measured"
    formula = answer_to(replace(asked, engine=None), knowledge) if looked_up else None
    measured = sorted(_measured(asked, knowledge), key=lambda one: _nearness(one, asked))
    return Comparison(asked, answer, formula if isinstance(formula, Prediction) else None, tuple(measured))


def _nearness(one: Measured, asked: Asked) -> tuple[bool, str, bool, Precision, float]:
    """Order of measurements: the very setting, then each metric with the number format that was asked first."""
    return not one.same, one.metric, one.precision != asked.precision, one.precision, one.ms


def _measured(asked: Asked, knowledge: Knowledge) -> list[Measured]:
    rows = in_product_terms(knowledge)
    record = knowledge.models[asked.model]
    language = generates(asked, knowledge)
    names = {plain(name) for name in (record.id, record.name, *record.aliases)}
    here = rows[rows["id"].eq(asked.device) & rows["metric"].isin(TOKENS if language else ONE_SHOT)]
    here = here[here["model_key"].astype(str).map(plain).isin(names) & here["format"].notna()]
    macs = of_record(record).macs
    if not language and macs:
        here = here[np.abs(here["gmacs"] * BILLION / macs - 1) <= SAME_WORK]
    return [_one(row, asked, language) for row in here.to_dict("records")]


def _one(row: Mapping[Any, Any], asked: Asked, language: bool) -> Measured:
    batch, tokens, devices = (_count(row[name]) for name in ("batch_size", "input_tokens", "device_count"))
    devices = devices or 1
    units = float(f"{row['units'] * (devices if language else 1):.3g}")
    prompt = asked.input_tokens or settings()["defaults"]["llm"]["input_tokens"]
    same = (
        row["format"] == asked.precision
        and (batch or 1) == asked.batch
        and units == float(f"{asked.units:.3g}")
        and asked.engine in (None, row["engine_id"])
        and row["metric"] != "throughput"
        and (language or devices == 1)
        and (not language or row["metric"] == "tpot" or tokens == prompt)
    )
    return Measured(
        row["metric"], row["measured_s"] * MS_PER_S, row["format"], row["engine"].strip(" ,"), row["engine_id"], batch,
        units, devices, tokens, row["source"], str(row["date"]), same,
    )  # fmt: skip


def _count(value: float) -> int | None:
    return None if value != value else round(value)
