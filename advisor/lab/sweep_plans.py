"""The plan of a sweep, and the configurations that could not be measured."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from advisor.errors import Coded, MeasureError
from advisor.lab.machine import Machine
from advisor.text import languages

_FORMAT = 1


class Place(NamedTuple):
    """One measurement of a sweep."""

    turn: int
    """Pass, from 0."""
    threads: int
    batch: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep measures, and how it is recognised when it goes on."""

    name: str
    model: str
    sha256: str
    threads: tuple[int, ...]
    batch: tuple[int, ...]
    seconds: float
    """Budget of all measurements together; loading comes on top."""
    passes: int
    seed: int
    """Seed of the order within each pass."""
    started: str
    """UTC, ISO 8601."""
    machine: Machine

    @property
    def grid(self) -> list[tuple[int, int]]:
        """Threads and batch of every configuration."""
        return [(threads, batch) for threads in self.threads for batch in self.batch]

    @property
    def share_s(self) -> float:
        """Length of one measurement.  [s]."""
        return self.seconds / (len(self.grid) * self.passes)

    def places(self) -> list[Place]:
        """Measurements in their order: pass after pass, each in an order of its own."""
        random = np.random.default_rng(self.seed)
        grid = self.grid
        return [Place(turn, *grid[place]) for turn in range(self.passes) for place in random.permutation(len(grid))]

    def record(self) -> dict[str, Any]:
        """Every field, ready for JSON."""
        return {"format": _FORMAT, **asdict(self), "threads": [*self.threads], "batch": [*self.batch]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Plan":
        """Plan that ``record`` wrote; raises ValueError, KeyError or TypeError for anything else."""
        values = _values(record)
        lists = {name: tuple(values[name]) for name in ("threads", "batch")}
        return cls(**values | lists | {"machine": Machine.from_record(values["machine"])})


@dataclass(frozen=True, slots=True)
class Refused:
    """A configuration that could not be measured, with the sentence that says why."""

    model: str
    threads: int
    batch: int
    started: str
    """When that was known.  UTC, ISO 8601."""
    code: str
    values: Mapping[str, str | int | float | tuple[str]]
    """Values of the sentence; one in brackets is a code of the catalogue itself."""

    @classmethod
    def by(cls, error: MeasureError, model: str, threads: int, batch: int, started: str) -> "Refused":
        """Refusal for an error."""
        kept = {name: _kept(value) for name, value in error.values.items()}
        return cls(model, threads, batch, started, error.code, kept)

    @property
    def error(self) -> MeasureError:
        """Sentence, in any language."""
        values = {name: Coded(value[0]) if isinstance(value, tuple) else value for name, value in self.values.items()}
        return MeasureError(self.code, **values)

    def record(self) -> dict[str, Any]:
        """Every field, ready for JSON."""
        values = {name: [*value] if isinstance(value, tuple) else value for name, value in self.values.items()}
        return {"format": _FORMAT, **asdict(self), "values": values}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Refused":
        """Refusal that ``record`` wrote; raises ValueError, KeyError or TypeError for anything else."""
        fields_of = _values(record)
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in fields_of["values"].items()}
        refused = cls(**fields_of | {"values": values})
        for lang in languages():
            refused.error.in_language(lang)
        return refused


def _kept(value: object) -> str | int | float | tuple[str]:
    if isinstance(value, Coded):
        return (str(value),)
    return value if isinstance(value, str | int | float) else str(value)


def _values(record: Mapping[str, Any]) -> dict[str, Any]:
    if record["format"] != _FORMAT:
        raise ValueError(record["format"])
    return {name: value for name, value in record.items() if name != "format"}
