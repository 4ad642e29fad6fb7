"""An advice as it is handed on: numbers and codes that a report in any language, or JSON, is made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from advisor.errors import DocumentError
from advisor.results import Interval, Option, Reason

FORMAT: Literal["advisor/advice/2"] = "advisor/advice/2"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, every open wish filled."""

    model: str
    """Name of the model as it is shown."""
    family: str
    params: float
    macs: Interval | None
    """Multiply-accumulate operations of one inference, of one token for a language model; None where unknown."""
    p99_ms: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    qps: float
    """Mean arrivals a second and site, in active hours."""
    country: str
    assumed: tuple[tuple[str, float], ...]
    """Wishes that a default stands in for."""
    assumptions: tuple[tuple[str, tuple[tuple[str, float | str], ...]], ...]
    """What had to be assumed about the model: codes with their numbers."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One stack in short, whether it fits or not."""

    id: str
    names: Mapping[str, str]
    region: str
    precision: str
    fits: bool
    usd_per_month: float | None
    """None where what runs the model has no price, or where no number of replicas keeps the objective."""
    p99_ms: Interval | None
    """None where the stack does not fit."""
    reasons: tuple[Reason, ...]
    """Conditions of a stack that fits, else the rules that stop it."""
    usd_per_month_known: bool = True
    """Whether every line of the bill has a price; else at least that much is paid."""
    price_dates: tuple[str, str] = ("", "")
    """Oldest and newest date of the lines of the bill."""


@dataclass(frozen=True, slots=True)
class FamilyVerdict:
    """Best stack of a family, or its nearest miss; None where the family has no candidate at all."""

    family: str
    best: Candidate | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The first choice if one requirement were another."""

    field: str
    was: int | float | str | bool | None
    value: int | float | str | bool
    searched: bool
    """Whether ``value`` is the point, found by halving, where the first choice changes; else the value was given."""
    same: bool
    """Whether the first choice stays what it is."""
    best: Candidate | None
    """First choice at ``value``; None where nothing fits."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where facts of one subject come from, or how they were estimated."""

    kind: Literal["price", "latency", "hardware", "system", "model", "table"]
    subject: str
    """Id of the provider for a price, name of the record for its facts, empty for tables and the latency model."""
    subject_zh: str | None
    facts: tuple[str, ...]
    basis: Literal["sourced", "estimate", "own"]
    title: str
    """Title of the source, or the method of the estimate."""
    url: str | None
    dated: str
    home: str
    """Record or table of the knowledge that holds the facts."""


@dataclass(frozen=True, slots=True)
class Document:
    """One advice, whole: the question, up to fifty kinds of stack, six families, what would change it, sources."""

    format: Literal["advisor/advice/2"]
    made: str
    """Date on which the question was answered, YYYY-MM-DD."""
    asked: Mapping[str, Any]
    """The requirements field by field, as they were given."""
    question: Asked
    calibrated: str
    """Date of the calibration of the latency model."""
    best: Option | None
    options: tuple[Option, ...]
    kinds: int
    """Kinds of stack that fit, of which ``options`` holds the first."""
    families: tuple[FamilyVerdict, ...]
    cost: Interval | None
    """Monthly cost of the first choice if its latency is at the low end, the middle, the high end.  [USD/month]"""
    cheaper: Candidate | None
    """Best of the cheaper stacks that one rule alone stops."""
    what_if: tuple[WhatIf, ...] | None
    """None where nobody asked; it takes some twenty questions more."""
    evidence: tuple[Evidence, ...]


@cache
def _adapter() -> TypeAdapter[Document]:
    return TypeAdapter(Document)


def to_json(document: Document) -> str:
    """Document as JSON; what is unknown is null, never 0."""
    return json.dumps(_adapter().dump_python(document, mode="json"), ensure_ascii=False, indent=2, allow_nan=False)


def from_json(text: str) -> Document:
    """Document that :func:`to_json` wrote.

    Raises
    ------
    DocumentError
        If the text is no such document.
    """
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "-"
        raise DocumentError("document", place=place, format=FORMAT) from None


def schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    made = _adapter().json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **made}
