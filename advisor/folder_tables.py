"""Tables of a data folder: which there are, what each is held to, and what is wrong with it."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from advisor import record_checks, table_checks
from advisor.errors import Problem, RecordError
from advisor.knowledge import read_table, toml_of
from advisor.paths import DATA
from advisor.reference_checks import Shelf, shared_names
from advisor.schema import Provider
from advisor.shelves import KINDS
from advisor.table_checks import Rows, rows_of
from advisor.text import DEFAULT_LANGUAGE, sentences

_NO_TABLES = (*KINDS, "text", "templates")
_LISTS = "offers/*.csv.gz"


@dataclass(frozen=True)
class Tables:
    """Tables of a folder, each read once; those that come along stand in where the folder has none of a name."""

    folder: Path
    shelf: Shelf
    settings: Mapping[str, Any]
    today: date
    _kept: dict[Path, Rows | None] = field(default_factory=dict, repr=False)

    def paths(self) -> list[Path]:
        """Files of the folder that are tables or languages."""
        tables = [path for pattern in self.settings["tables"] for path in self.folder.glob(pattern)]
        plain = [
            path for path in self.folder.rglob("*.toml") if path.relative_to(self.folder).parts[0] not in _NO_TABLES
        ]
        words = self.folder.glob("text/*.toml")
        return sorted({*tables, *plain, *words, *self.folder.glob("offers/*.csv")})

    def problems(self, path: Path) -> Iterator[Problem]:
        """What is wrong with a table."""
        where = path.relative_to(self.folder)
        if where.parts[0] == "text":
            yield from self._language(path)
        elif path.suffix == ".toml":
            yield from self._plain(path)
        elif where.match("offers/*.csv"):
            yield Problem("", "offer_plain", {"value": f"{path.name}.gz"})
        else:
            pattern = next(pattern for pattern in self.settings["tables"] if where.match(pattern))
            yield from self._columns(path, pattern)

    def shared_names(self, folder: str) -> Mapping[str, list[Problem]]:
        """Names of a record folder that lead to more than one record, by the id of each."""
        return self._shared[folder]

    @cached_property
    def _shared(self) -> Mapping[str, Mapping[str, list[Problem]]]:
        return {folder: shared_names(self.shelf, folder) for folder in KINDS}

    @cached_property
    def services(self) -> Mapping[str, set[str]]:
        """Services of the price lists and of the functions, by provider."""
        listed: dict[str, set[str]] = {provider: set() for provider in get_args(Provider)}
        for path in self._found(_LISTS):
            listed.setdefault(_provider(path), set()).update(self._column(path, "service"))
        for path in self._found("serverless.csv"):
            for provider, service in zip(self._column(path, "provider"), self._column(path, "service"), strict=True):
                listed.setdefault(provider, set()).add(service)
        return listed

    def _found(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern)) or sorted(DATA.glob(pattern))

    def _rows(self, path: Path) -> Rows | None:
        """Lines of a table; none where it cannot be read."""
        if path not in self._kept:
            try:
                self._kept[path] = rows_of(path)
            except (OSError, EOFError, ValueError, csv.Error):
                self._kept[path] = None
        return self._kept[path]

    def _column(self, path: Path, name: str) -> list[str]:
        rows = self._rows(path) or [[]]
        place = list(rows[0]).index(name) if name in rows[0] else None
        return [] if place is None else [row[place] for row in rows[1:] if len(row) > place]

    @cached_property
    def _known(self) -> Mapping[str, set[str]]:
        """Names by the folder or table that holds them."""
        sources = {key for path in self._found("offers/sources.toml") for key in read_table(path)}
        countries = {iso for path in self._found("countries.csv") for iso in self._column(path, "iso")}
        items = {item for path in self._found("services.toml") for item in read_table(path)["units"]}
        return {
            **{name: set(known) for name, known in self.settings["names"].items()},
            "devices": set(self.shelf["devices"]),
            "providers": set(get_args(Provider)),
            "countries.csv": countries,
            "offers/sources.toml": sources,
            "services.toml": items,
        }

    @cached_property
    def _placed(self) -> set[tuple[str, str]]:
        """Provider and region of every place on the map, or with a reason why not."""
        placed: set[tuple[str, str]] = set()
        for path in self._found("regions.csv"):
            placed |= set(zip(self._column(path, "provider"), self._column(path, "region"), strict=True))
        for path in self._found("offers/unplaced.toml"):
            placed |= {
                (entry["provider"], region) for entry in read_table(path)["unplaced"] for region in entry["regions"]
            }
        return placed

    def _columns(self, path: Path, pattern: str) -> Iterator[Problem]:
        rule, rows = self.settings["tables"][pattern], self._rows(path)
        if pattern == _LISTS:
            yield from table_checks.offer_file(_provider(path))
        if rows is None:
            yield Problem("", "table_unreadable", {})
            return
        shape = list(table_checks.columns(rows, rule))
        yield from shape
        if not shape:
            yield from table_checks.cells(rows, rule, self.today)
            yield from table_checks.references(rows, rule.get("refers", {}), self._known)
        if not shape and rule.get("placed"):
            yield from table_checks.regions(rows, self._placed)
        if not shape and pattern == _LISTS:
            yield from table_checks.offer_regions(rows, _provider(path), self._placed)

    def _plain(self, path: Path) -> Iterator[Problem]:
        """What is wrong with a table in TOML."""
        try:
            raw = toml_of(path)
        except RecordError as error:
            yield error.values["reason"]  # type: ignore[misc]
            return
        yield from record_checks.words(raw)
        yield from record_checks.dates_to_come(raw, self.today)
        if path.parent.name == "offers":
            yield from table_checks.traits(raw)
        if path.relative_to(self.folder).as_posix() == "offers/sources.toml":
            yield from table_checks.provenance(raw, self.settings["provenance"]["fields"])
        else:
            yield from record_checks.sources(raw, self.settings["title"])

    def _language(self, path: Path) -> Iterator[Problem]:
        first = self._found(f"text/{DEFAULT_LANGUAGE}.toml")[0]
        try:
            toml_of(path)
        except RecordError as error:
            yield error.values["reason"]  # type: ignore[misc]
            return
        yield from table_checks.language(sentences(path), sentences(first), first.name)


def _provider(path: Path) -> str:
    return path.name.removesuffix(".csv.gz")
