"""Errors that a user can cause; each is one sentence with the field, the value and the way out."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass

from advisor.text import preferred_language, worded


class AdvisorError(Exception):
    """Anything that a user can put right; its text is a sentence in the user's language."""

    def __init__(self, code: str, **values: object) -> None:
        self.code = code
        self.values = values
        super().__init__(code, values)

    def __str__(self) -> str:
        return self.in_language(preferred_language())

    def in_language(self, lang: str) -> str:
        """Sentence in the given language."""
        return _spoken(f"error.{self.code}", lang, self.values)


class Coded(str):
    """Code of the catalogue, worded in the language of the sentence that holds it."""

    __slots__ = ()


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a record or a table; its sentence is in the table [check] of the catalogues."""

    field: str
    code: str
    values: Mapping[str, object]

    def in_language(self, lang: str) -> str:
        """Sentence in the given language, with the value and the way out."""
        return _spoken(f"check.{self.code}", lang, {**self.values, "field": self.field})


def _spoken(code: str, lang: str, values: Mapping[str, object]) -> str:
    """Sentence whose values may be sentences themselves."""
    return worded(code, lang, {name: _said(value, lang) for name, value in values.items()})


def _said(value: object, lang: str) -> object:
    if isinstance(value, Coded):
        return worded(value, lang, {})
    return value.in_language(lang) if isinstance(value, AdvisorError | Problem) else value


def why_not(error: OSError) -> Coded:
    """Why a file or folder could not be used."""
    kinds = (
        (FileNotFoundError, "missing"), (PermissionError, "denied"), (IsADirectoryError, "folder"),
        (NotADirectoryError, "no_folder"), (FileExistsError, "no_folder"),
    )  # fmt: skip
    numbers = {errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EROFS: "read_only"}
    by_kind = next((code for kind, code in kinds if isinstance(error, kind)), "other")
    return Coded(f"cause.{numbers.get(error.errno or 0, by_kind)}")


class RequirementError(AdvisorError):
    """A wish that is wrong in itself or contradicts another; ``values`` hold ``field`` and ``value``."""


class UnknownIdError(AdvisorError):
    """An id that the knowledge does not hold; ``values`` hold the nearest known ones."""


class ModelFileError(AdvisorError):
    """A model file that cannot be read."""


class RecordError(AdvisorError):
    """A record of the knowledge that breaks its schema; ``values`` hold file, field and reason."""


class DocumentError(AdvisorError):
    """A saved advice that cannot be read; ``values`` hold the place and the format that is needed."""


class CheckError(AdvisorError):
    """A place that cannot be checked, or a record that cannot be added."""


class PriceFileError(AdvisorError):
    """A user's price file that cannot be used; ``values`` hold row, column and reason."""


class RowsError(AdvisorError):
    """A table of measured rows that cannot be used; ``values`` hold file, column and reason."""


class TrafficError(AdvisorError):
    """Arrivals, a service or an autoscaler that cannot be simulated; ``values`` say what is wrong."""


class MeasureError(AdvisorError):
    """A measurement that could not be made; ``values`` say why."""


class MissingExtraError(AdvisorError):
    """A part of the product whose optional libraries are not installed."""


class QuantityError(AdvisorError):
    """A quantity that is no number with a unit of the asked kind."""

    def __init__(self, text: object, kind: str, example: str) -> None:
        super().__init__("quantity", value=str(text), kind=kind, example=example)
