"""What a validator or the TOML reader says of a record, as problems whose sentences need no programmer."""

import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from tomllib import TOMLDecodeError
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from advisor.errors import Problem
from advisor.text import DEFAULT_LANGUAGE, catalogue

BLANK = "…"
"""What a template has in place of a value that a person fills in."""
_LONGEST = 80
_CODES = {
    "missing": "missing",
    "string": "text",
    "int": "whole",
    "float": "number",
    "finite": "number",
    "bool": "yes_no",
    "tuple": "list",
    "dict": "table",
    "mapping": "table",
    "model": "table",
    "date": "date",
    "greater": "bound_below",
}
"""First word of a type of error -> code of its sentence."""


def problems_of(error: ValidationError, kind: type[BaseModel]) -> list[Problem]:
    """Every problem that pydantic found in a record of a class."""
    return [_problem(one, kind) for one in error.errors()]


def _problem(error: ErrorDetails, kind: type[BaseModel]) -> Problem:
    loc = tuple(part for part in error["loc"] if part != "[key]")
    name, context = str(loc[-1]) if loc else "", error.get("ctx", {})
    place, value = place_of(loc), shown(error["input"])
    if error["type"] in ("extra_forbidden", "literal_error") and len(loc) > 1 and name in kind.model_fields:
        return Problem(place, "misplaced", {"value": name})
    if error["type"] == "extra_forbidden":
        return Problem(place, "unknown_field", near(name, _model_at(kind, loc[:-1]).model_fields))
    if error["type"] == "literal_error":
        return Problem(place, "choice", near(error["input"], re.findall(r"'([^']*)'", context["expected"])))
    if error["type"] == "missing" and name in ("en", "zh"):
        return Problem(place_of(loc[:-1]), f"missing_{name}", {})
    if error["type"] == "string_pattern_mismatch":
        return Problem(place, "id_form", {"value": value})
    if f"check.{error['type']}" in catalogue(DEFAULT_LANGUAGE):
        return Problem(place, error["type"], {"value": value, "name": name, **context})
    code = _CODES.get(error["type"].split("_")[0], "other")
    return Problem(place, code, {"value": value, "name": name, "bound": context.get("gt", context.get("ge", ""))})


def near(name: object, known: Iterable[str]) -> dict[str, object]:
    """A name that is not known, with the nearest known ones: all of them where none is like it."""
    names = sorted(known)
    folded = {each.casefold(): each for each in names}
    close = [folded[each] for each in get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.5)]
    return {"value": shown(name), "known": ", ".join(close or names)}


def shown(value: object) -> str:
    """A value as a record writes it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}{BLANK}"


def place_of(loc: Sequence[int | str]) -> str:
    """Where a value stands, entries of a list counted from 1: ``sources #2.title``."""
    place = ""
    for part in loc:
        place += f" #{part + 1}" if isinstance(part, int) else f".{part}" if place else part
    return place


def choices(kind: type[BaseModel], place: str) -> tuple[str, ...]:
    """Names that a field takes, by its dotted place; none where any text will do."""
    *above, name = place.split(".")
    return _literals(_model_at(kind, above).model_fields[name].annotation)


def _literals(annotation: Any) -> tuple[str, ...]:
    """Names of the first set of names in an annotation."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for inner in get_args(annotation) if (found := _literals(inner))), ())


def _model_at(kind: type[BaseModel], loc: Iterable[int | str]) -> type[BaseModel]:
    """Class of the table that stands at a place of a record."""
    for part in loc:
        if isinstance(part, str) and part in kind.model_fields:
            kind = _model_in(kind.model_fields[part].annotation) or kind
    return kind


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)


def toml_problem(text: str, error: TOMLDecodeError) -> Problem:
    """Line of a file that is no TOML, and what is usually wrong with such a line."""
    said = str(error)
    at = re.search(r"at line (\d+)", said)
    lines = text.splitlines() or [""]
    number = int(at[1]) if at else len(lines)
    twice = re.search("overwrite|twice|already|mutate|redefine", said)
    line = lines[min(number, len(lines)) - 1].strip()
    return Problem("", "toml_twice" if twice else "toml", {"line": number, "value": shown(line)})
