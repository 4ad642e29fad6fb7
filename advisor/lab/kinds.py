"""The kinds of record that are kept: how each is read back, and what makes it sound."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from math import isfinite
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from advisor.errors import MeasureError
from advisor.lab.files import Entry
from advisor.lab.settings import settings
from advisor.text import languages

KINDS: Mapping[str, tuple[str, str]] = {
    "run": ("runs", "Run"),
    "sweep": ("sweep_plans", "Plan"),
    "refusal": ("sweep_plans", "Refused"),
    "load": ("load_runs", "LoadRun"),
    "ramp": ("ramps", "Ramp"),
    "comparison": ("comparisons", "Comparison"),
}
"""Module and class of each kind; the class has ``record()`` and ``from_record()``."""

_SAID = {"run": ("words", "run_text")}
"""What words are put around the values of a kind."""
_PART_OF = {"sweep": str, "pass": int}


def kind_of(result: object) -> str:
    """Kind of something measured.

    Raises
    ------
    MeasureError
        If it is of no kind that is kept.
    """
    home = type(result).__module__.rpartition(".")[2]
    for kind, place in KINDS.items():
        if place == (home, type(result).__name__):
            return kind
    raise MeasureError("store_kind", value=type(result).__name__, known=", ".join(name for _, name in KINDS.values()))


def restored(entry: Entry) -> Any:
    """What a record holds.

    Raises
    ------
    MeasureError, ValueError, KeyError, TypeError
        If it is not of its kind.
    """
    cls = _class(entry.kind)
    if entry.part_of is not None and {key: type(value) for key, value in entry.part_of.items()} != _PART_OF:
        raise ValueError(entry.kind)
    return cls.from_record(entry.record)


def check(entry: Entry) -> None:
    """Raise for a record of somebody else that is not sound, cannot be shown, or would do harm on a terminal.

    Raises
    ------
    MeasureError, ValueError, KeyError, TypeError
        If a field is not of its type, a time is not above 0, or a text is long or holds signs that steer a terminal.
    """
    if not _printable(entry.record) or not _printable(entry.part_of):
        raise ValueError(entry.kind)
    result = restored(entry)
    samples_s = getattr(result, "samples_s", np.ones(1))
    if not fits(result, _class(entry.kind)) or not len(samples_s) or not (samples_s > 0).all():
        raise ValueError(entry.kind)
    if entry.kind in _SAID:
        home, name = _SAID[entry.kind]
        say = getattr(import_module(f"advisor.lab.{home}"), name)
        for lang in languages():
            say(result, lang=lang)


def _class(kind: str) -> Any:
    home, name = KINDS[kind]
    return getattr(import_module(f"advisor.lab.{home}"), name)


def _printable(value: object) -> bool:
    """Whether every text in a JSON value is short and free of signs that steer a terminal."""
    if isinstance(value, str):
        return value.isprintable() and len(value) <= settings()["store"]["most_signs"]
    if isinstance(value, Mapping):
        return all(map(_printable, value.keys())) and all(map(_printable, value.values()))
    return all(map(_printable, value)) if isinstance(value, list | tuple) else True


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type, all the way down; numbers are finite, arrays have one axis of floats.

    An array may hold NaN for what was not told, never infinity.
    """
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.ndim == 1 and not np.isinf(value).any()
    if origin in (tuple, dict, Mapping):
        return _members_fit(value, origin, parts)
    if is_dataclass(hint):
        return type(value) is hint and _fields_fit(value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return hint is Any or type(value) is (type(None) if hint is None else hint)


def _members_fit(value: Any, origin: Any, parts: tuple[Any, ...]) -> bool:
    if origin is not tuple:
        return isinstance(value, Mapping) and all(fits(k, parts[0]) and fits(v, parts[1]) for k, v in value.items())
    if not isinstance(value, tuple):
        return False
    if parts[1:] == (Ellipsis,):
        return all(fits(member, parts[0]) for member in value)
    return len(value) == len(parts) and all(map(fits, value, parts))


def _fields_fit(value: Any) -> bool:
    hints = get_type_hints(type(value))
    return all(fits(getattr(value, field.name), hints[field.name]) for field in fields(value))
