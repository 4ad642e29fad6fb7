"""What must hold for tables: columns, keys, numbers, dates, names, sources of prices, the words of a language."""

import csv
import gzip
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, get_args

from advisor.errors import Problem
from advisor.machines import TRAITS
from advisor.record_checks import Raw, is_date, is_past
from advisor.record_words import near, shown
from advisor.rule_checks import placeholders
from advisor.schema import Provider

Rows = Sequence[Sequence[str]]
_TRAIT = re.compile(r"([^/@\s]+)/[^/@\s]+/[^/@\s]+(@[^/@\s]+)?")
_FIRST_LINE = 2


def rows_of(path: Path) -> Rows:
    """Lines of a table, plain or compressed; the first holds the names of its columns."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def columns(rows: Rows, rule: Mapping[str, Any]) -> Iterator[Problem]:
    """A table has its columns, and every row a cell for each."""
    head = list(rows[0]) if rows else []
    if head != rule["columns"]:
        missing = [name for name in rule["columns"] if name not in head]
        added = [name for name in head if name not in rule["columns"]]
        yield Problem("", "table_columns", {"missing": ", ".join(missing) or "-", "value": ", ".join(added) or "-"})
    for line, row in enumerate(rows[1:], _FIRST_LINE):
        if len(row) != len(head):
            yield Problem("", "table_cells", {"line": line, "value": len(row), "columns": len(head)})


def cells(rows: Rows, rule: Mapping[str, Any], today: date) -> Iterator[Problem]:
    """Cells hold what their column is for; each wrong value is told once, with its first line."""
    column = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
    for name in rule.get("filled", ()):
        yield from (Problem(name, "table_empty", {"line": line}) for line in _lines(column[name], [""]).values())
    yield from _repeated(rows, rule["key"])
    for name in rule.get("above_zero", ()):
        yield from _wrong(name, column[name], "table_number", _not_above_zero, {})
    for name, (low, high) in rule.get("between", {}).items():
        outside = [value for value in set(column[name]) if not _within(value, low, high)]
        yield from _told(name, column[name], outside, "table_between", {"low": low, "high": high})
    yield from _either(column, rule.get("either", ()))
    for name in rule.get("dates", ()):
        bad = [value for value in set(column[name]) - {""} if not (is_date(value) and is_past(value, today))]
        yield from _told(name, column[name], bad, "table_date", {})


def _either(column: Mapping[str, Sequence[str]], names: Sequence[str]) -> Iterator[Problem]:
    """Rows that state both or neither of two figures, each the other in another form."""
    for line, row in enumerate(zip(*(column[name] for name in names), strict=True), _FIRST_LINE):
        if sum(map(bool, row)) != 1:
            yield Problem(", ".join(names), "table_either", {"line": line})


def _wrong(name: str, column: Sequence[str], code: str, is_wrong: Any, values: Raw) -> Iterator[Problem]:
    return _told(name, column, [value for value in set(column) - {""} if is_wrong(value)], code, values)


def _told(name: str, column: Sequence[str], bad: Iterable[str], code: str, values: Raw) -> Iterator[Problem]:
    for value, line in _lines(column, bad).items():
        yield Problem(name, code, {"line": line, "value": shown(value), **values})


def _lines(column: Sequence[str], bad: Iterable[str]) -> dict[str, int]:
    """First line of each bad value that a column holds."""
    wanted = set(bad)
    found: dict[str, int] = {}
    for line, value in enumerate(column if wanted else (), _FIRST_LINE):
        if value in wanted:
            found.setdefault(value, line)
    return found


def _repeated(rows: Rows, key: Sequence[str]) -> Iterator[Problem]:
    places = [list(rows[0]).index(name) for name in key]
    seen: set[tuple[str, ...]] = set()
    for line, row in enumerate(rows[1:], _FIRST_LINE):
        name = tuple(row[place] for place in places)
        if name in seen:
            yield Problem(", ".join(key), "table_twice", {"line": line, "value": shown("/".join(name))})
        seen.add(name)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _not_above_zero(text: str) -> bool:
    return not 0 < _number(text) < float("inf")


def _within(text: str, low: float, high: float) -> bool:
    return not text or low <= _number(text) <= high


def references(rows: Rows, refers: Mapping[str, str], known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Names in a column exist in the folder or table that holds them."""
    for name, folder in refers.items():
        column = [row[list(rows[0]).index(name)] for row in rows[1:]]
        for value, line in _lines(column, set(column) - {""} - set(known[folder])).items():
            yield Problem(name, "table_unknown", {"line": line, "folder": folder, **near(value, known[folder])})


def offer_file(provider: str) -> Iterator[Problem]:
    """A price list is called after its provider."""
    if provider not in get_args(Provider):
        values = {"value": shown(provider), "known": ", ".join(get_args(Provider))}
        yield Problem("", "offer_file", values)


def regions(rows: Rows, placed: Collection[tuple[str, str]]) -> Iterator[Problem]:
    """Every region of a table has its place on the map, or a reason why not; none stands for all."""
    provider, region = (list(rows[0]).index(name) for name in ("provider", "region"))
    for line, row in enumerate(rows[1:], _FIRST_LINE):
        if row[region] and (row[provider], row[region]) not in placed:
            yield Problem("region", "offer_region", {"line": line, "value": shown(row[region])})


def offer_regions(rows: Rows, provider: str, placed: Collection[tuple[str, str]]) -> Iterator[Problem]:
    """Every region of a price list has its place on the map, or a reason why not."""
    column = [row[list(rows[0]).index("region")] for row in rows[1:]]
    lost = [region for region in set(column) - {""} if (provider, region) not in placed]
    return _told("region", column, lost, "offer_region", {})


def provenance(raw: Raw, fields: Sequence[str]) -> Iterator[Problem]:
    """A price list states title, date and licence."""
    lists = {key: entry for key, entry in raw.items() if isinstance(entry, Mapping)}
    for key, entry in lists.items():
        if missing := [name for name in fields if not entry.get(name)]:
            yield Problem(key, "provenance", {"value": ", ".join(missing)})


def traits(raw: Raw) -> Iterator[Problem]:
    """Traits are known; their patterns, and those of offers that join nothing, are provider/service/type@region."""
    for folder in ("traits", "unjoined"):
        for number, entry in enumerate(raw.get(folder, ()), 1):
            if entry.get("trait", TRAITS[0]) not in TRAITS:
                yield Problem(f"{folder} #{number}.trait", "choice", near(entry["trait"], TRAITS))
            for pattern in entry.get("match", ()):
                match = _TRAIT.fullmatch(pattern)
                if match is None or match[1] not in (*get_args(Provider), "*"):
                    values = {"value": shown(pattern), "known": ", ".join(get_args(Provider))}
                    yield Problem(f"{folder} #{number}.match", "trait_pattern", values)


def language(said: Mapping[str, str], pattern: Mapping[str, str], file: str) -> Iterator[Problem]:
    """A language has the sentences of the first one, with the same placeholders."""
    for code in sorted(pattern.keys() - said.keys()):
        yield Problem("", "words_missing", {"value": code, "known": file})
    for code in sorted(said.keys() - pattern.keys()):
        yield Problem("", "words_unknown", {"value": code, "known": file})
    for code in sorted(said.keys() & pattern.keys()):
        if placeholders(said[code]) != placeholders(pattern[code]):
            yield Problem(code, "words_placeholders", {"value": code, "known": file})
