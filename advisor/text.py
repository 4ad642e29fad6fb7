"""(code, language, values) -> sentence.  The words live in ``data/text/<language>.toml``, one file a language."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from advisor.paths import DATA

DEFAULT_LANGUAGE = "en"
_SPACE_BETWEEN_HAN = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
"""Chinese sets no space between its own signs; a value put into a sentence may leave one."""


@cache
def languages() -> tuple[str, ...]:
    """Languages that have a catalogue, in alphabetic order."""
    return tuple(sorted(path.stem for path in (DATA / "text").glob("*.toml")))


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """Every sentence of a language, by dotted code."""
    return sentences(DATA / "text" / f"{lang}.toml")


def sentences(path: Path) -> dict[str, str]:
    """Every sentence of a catalogue's file, by dotted code."""
    with path.open("rb") as file:
        return dict(_flat("", tomllib.load(file)))


def preferred_language() -> str:
    """Language named by the environment variable ``ADVISOR_LANG``, else English."""
    wanted = os.environ.get("ADVISOR_LANG", DEFAULT_LANGUAGE)
    return wanted if wanted in languages() else DEFAULT_LANGUAGE


def sentence(code: str, lang: str | None = None, **values: object) -> str:
    """Sentence for a code, with its placeholders filled.

    Parameters
    ----------
    code : str
        Dotted key of the catalogue, such as ``"error.quantity"``.
    lang : str, optional
        Language id; by default the preferred one.
    **values
        Placeholders of the sentence.

    Raises
    ------
    KeyError
        If the catalogue of that language has no such code.
    """
    return worded(code, lang or preferred_language(), values)


def worded(code: str, lang: str, values: Mapping[str, object]) -> str:
    """``sentence`` with its placeholders as a mapping."""
    return filled(catalogue(lang)[code], values)


def filled(template: str, values: Mapping[str, object]) -> str:
    """Template with its placeholders filled, set as its language sets them."""
    return _SPACE_BETWEEN_HAN.sub("", template.format(**values))


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", str(value)
