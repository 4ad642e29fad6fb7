"""Records of the lab as JSON files: never written over, and refused with a sentence where they are something else."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeVar

from advisor.errors import MeasureError, why_not

T = TypeVar("T")

_LONGEST = 120
"""Characters of a file name that every system takes, with room for a number and an ending."""
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
"""What a record with missing, wrong or odd fields runs into."""


def written(record: Mapping[str, Any], folder: str | Path, name: str) -> Path:
    """New file that holds a record; a file that is there is never written over.

    Raises
    ------
    MeasureError
        If the folder cannot be written.
    """
    home = Path(folder).expanduser()
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    try:
        home.mkdir(parents=True, exist_ok=True)
        for path in (home / f"{name}{ending}.json" for ending in chain([""], (f"-{n}" for n in count(2)))):
            with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
                file.write(text)
                return path
        raise FileExistsError(name)
    except OSError as error:
        raise MeasureError("run_not_saved", folder=str(home), reason=why_not(error)) from None


def read(path: str | Path, kind: str, made: Callable[[Mapping[str, Any]], T]) -> T:
    """What a function makes of the record of one kind in a file.

    Raises
    ------
    MeasureError
        If the file cannot be read, or holds something else.
    """
    try:
        return made(json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise MeasureError("run_missing", file=str(path), reason=why_not(error)) from None
    except (ValueError, RecursionError, MeasureError):
        raise MeasureError("record_file", file=str(path), kind=kind) from None


def made_of(record: Mapping[str, Any], kind: str, version: int, made: Callable[[Mapping[str, Any]], T]) -> T:
    """What a function makes of a record of one kind and format.

    Raises
    ------
    MeasureError
        If it is of another kind or format, or a field is missing or wrong.
    """
    try:
        if (record["kind"], record["format"]) != (kind, version):
            raise ValueError(kind)
        return made(record)
    except (*_BROKEN, MeasureError):
        raise MeasureError("record_unreadable", kind=kind) from None


def file_name(started: str, *parts: str) -> str:
    """Name of a file from the moment when a run began, as ISO 8601, and what it was made of."""
    moment = re.sub(r"[^0-9TZ]", "", started.split(".", maxsplit=1)[0].split("+", maxsplit=1)[0])
    words = (re.sub(r"[^A-Za-z0-9_-]+", "-", part).strip("-") for part in parts)
    return "-".join([f"{moment}Z", *filter(None, words)])[:_LONGEST]
