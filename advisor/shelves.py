"""Records of a data folder as they stand, valid or not, with everything that is wrong with each by itself."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from advisor import record_checks
from advisor.claims import CLAIMS_ASIDE, Record
from advisor.errors import AdvisorError, Problem, RecordError
from advisor.knowledge import toml_of
from advisor.paths import DATA
from advisor.presets import Preset
from advisor.record_words import problems_of
from advisor.reference_checks import Reading, Shelf
from advisor.schema import Device, Model, Rule, Server
from advisor.system_records import Family, System

KINDS: Mapping[str, type[Record]] = {
    "devices": Device,
    "families": Family,
    "models": Model,
    "presets": Preset,
    "rules": Rule,
    "servers": Server,
    "systems": System,
}
"""Class of the records of a folder."""


def shelf_of(folder: Path) -> Shelf:
    """Readings of every record folder; those that come along stand in where a folder is only a part."""
    own = {kind: _readings(folder / kind, kind) for kind in KINDS}
    if all(own[kind] for kind in KINDS if (DATA / kind).is_dir()):
        return own
    return {kind: _readings(DATA / kind, kind) | own[kind] for kind in KINDS}


def _readings(folder: Path, kind: str) -> dict[str, Reading]:
    return {path.stem: _reading(path, kind) for path in sorted(folder.glob("*.toml"))}


def _reading(path: Path, kind: str) -> Reading:
    """A file with its problems of form: what TOML and its class say."""
    try:
        raw = toml_of(path)
    except RecordError as error:
        return Reading(path, kind, {}, None, (error.values["reason"],))  # type: ignore[arg-type]
    try:
        return Reading(path, kind, raw, KINDS[kind].model_validate(raw, context=CLAIMS_ASIDE), ())
    except ValidationError as error:
        return Reading(path, kind, raw, None, tuple(problems_of(error, KINDS[kind])))


def own_problems(reading: Reading, settings: Mapping[str, Any], today: date) -> Iterator[Problem]:
    """What is wrong with a record by itself."""
    yield from reading.problems
    if not reading.raw:
        return
    empty = list(record_checks.blanks(reading.raw))
    told = {problem.field for problem in reading.problems}
    yield from (problem for problem in empty if problem.field not in told)
    yield from record_checks.named_after_file(reading.raw, reading.id)
    yield from record_checks.words(reading.raw)
    yield from record_checks.date_forms(reading.raw)
    yield from record_checks.dates_to_come(reading.raw, today)
    yield from record_checks.sources(reading.raw, settings["title"])
    yield from record_checks.claims(reading.raw, KINDS[reading.folder])
    if isinstance(reading.record, Preset) and not empty:
        yield from _question(reading.record)


def _question(preset: Preset) -> Iterator[Problem]:
    try:
        preset.asked()
    except AdvisorError as error:
        yield Problem("requirements", "question", {"reason": error})
