"""What must hold in one record by itself, beyond its class: blanks, both languages, dates, sources, claims."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from advisor.claims import Record, claim_problems
from advisor.errors import Problem
from advisor.record_words import BLANK, place_of, shown

Raw = Mapping[str, Any]
"""A record or a table as TOML states it."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_DATED = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?|-Q[1-4])?")
_WORD = re.compile(r"[A-Za-z0-9][\w.'/-]*|[\u4e00-\u9fff]{2}")


def named_after_file(raw: Raw, stem: str) -> Iterator[Problem]:
    """The id of a record is the name of its file."""
    if isinstance(raw.get("id"), str) and raw["id"] != stem:
        yield Problem("id", "named", {"value": shown(raw["id"]), "file": f"{stem}.toml"})


def blanks(raw: Raw) -> Iterator[Problem]:
    """Blanks of the template that nobody has filled in."""
    return (Problem(place, "blank", {}) for place, value in _leaves(raw) if is_blank(value))


def is_blank(value: object) -> bool:
    """Whether a value is the blank of a template."""
    return isinstance(value, str) and value.strip() in (BLANK, "...")


def words(raw: Raw) -> Iterator[Problem]:
    """Text in two languages is written in both, each in its own script."""
    for place, value in _leaves(raw):
        lang = place.rpartition(".")[2]
        if lang in ("en", "zh") or place == "name_zh":
            yield from _script(place, value, "en" if lang == "en" else "zh")


def _script(place: str, value: object, lang: str) -> Iterator[Problem]:
    if not isinstance(value, str) or is_blank(value):
        return
    if not value.strip():
        yield Problem(place, "empty", {})
    elif bool(_CHINESE.search(value)) != (lang == "zh"):
        yield Problem(place, "zh_not_chinese" if lang == "zh" else "en_not_english", {"value": shown(value)})


def date_forms(raw: Raw) -> Iterator[Problem]:
    """Dates of sources and checks are written as a year, a quarter, a month or a day."""
    for place, value in _dates(raw):
        if isinstance(value, str) and not is_blank(value) and not is_date(value):
            yield Problem(place, "date_form", {"value": shown(value)})


def dates_to_come(raw: Raw, today: date) -> Iterator[Problem]:
    """No fact is from the future."""
    for place, value in _dates(raw):
        if is_date(str(value)) and not is_past(str(value), today):
            yield Problem(place, "date_future", {"value": shown(value)})


def is_date(text: str) -> bool:
    """Whether a text is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-Qn, and such a day exists."""
    if not _DATED.fullmatch(text):
        return False
    try:
        return len(text) < len("YYYY-MM-DD") or bool(date.fromisoformat(text))
    except ValueError:
        return False


def is_past(text: str, today: date) -> bool:
    """Whether a date of any form begins today or earlier."""
    year, _, rest = text.partition("-")
    if rest.startswith("Q"):
        rest = f"{int(rest[1]) * 3 - 2:02d}"
    return f"{year}-{rest}".rstrip("-") <= today.isoformat()


def sources(raw: Raw, title: Mapping[str, Any]) -> Iterator[Problem]:
    """A source has an address, or a title that says where its facts stand; what is from memory is an estimate."""
    for number, source in enumerate(_tables(raw.get("sources"))):
        url, said = source.get("url"), source.get("title")
        place = place_of(("sources", number))
        if isinstance(url, str) and not is_blank(url) and not re.match(r"https?://[^\s/]+\.", url):
            yield Problem(f"{place}.url", "url_form", {"value": shown(url)})
        if not isinstance(said, str) or is_blank(said):
            continue
        if any(word in said.casefold() for word in title["recalled"]):
            yield Problem(f"{place}.title", "source_recalled", {"value": shown(said)})
        elif not url and len(_WORD.findall(said)) < title["least_words"]:
            yield Problem(f"{place}.title", "source_where", {"value": shown(said)})


def claims(raw: Raw, kind: type[Record]) -> list[Problem]:
    """Every fact is claimed, and nothing else is."""
    entries = [*_tables(raw.get("sources")), *_tables(raw.get("estimates"))]
    fields = [field for entry in entries if isinstance(entry.get("fields"), list) for field in entry["fields"]]
    return claim_problems(kind.facts_of(raw), [str(field) for field in fields if not is_blank(field)])


def _tables(value: object) -> list[Raw]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _dates(raw: Raw) -> Iterator[tuple[str, object]]:
    return ((place, value) for place, value in _leaves(raw) if place.rpartition(".")[2] == "dated")


def _leaves(value: object, loc: tuple[int | str, ...] = ()) -> Iterator[tuple[str, object]]:
    """Places and values of everything that is no table and no list."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*loc, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*loc, number))
    else:
        yield place_of(loc), value
