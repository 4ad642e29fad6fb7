"""Everything that is wrong with data folders, or with single files of them: behind ``advisor check``."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from advisor import reference_checks, rule_checks
from advisor.errors import CheckError, Coded, Problem
from advisor.findings import Checked, Finding
from advisor.folder_tables import Tables
from advisor.knowledge import read_table
from advisor.paths import DATA
from advisor.record_words import choices
from advisor.reference_checks import Reading
from advisor.schema import Device, Rule
from advisor.shelves import KINDS, own_problems, shelf_of
from advisor.system_records import System


def check(paths: Sequence[str | Path] = ()) -> Checked:
    """Everything that is wrong with the files or data folders given, by default with the knowledge that comes along.

    Parameters
    ----------
    paths : sequence of str or Path
        Records, tables, folders of records, or data folders.

    Returns
    -------
    Checked
        Problems in the order of the files.

    Raises
    ------
    CheckError
        If a path does not exist, or lies in no data folder.

    Examples
    --------
    >>> check().findings
    ()
    """
    parts = [_part(Path(path)) for path in paths or (DATA,)]
    findings = tuple(finding for part in parts for finding in part.findings)
    return Checked(sum(part.records for part in parts), sum(part.tables for part in parts), findings)


def _part(path: Path) -> Checked:
    """What is wrong with one file or folder; everything around it is read to know what it refers to."""
    if not path.exists():
        raise CheckError("check_path", value=str(path), reason=Coded("cause.missing"))
    part = path.resolve()
    home = next((place for place in (part, *part.parents) if any((place / kind).is_dir() for kind in KINDS)), None)
    found = None if home is None else _checked(home, part)
    if found is None or not found.records + found.tables + len(found.findings):
        raise CheckError("check_place", value=str(path), known=", ".join(f"data/{kind}/" for kind in KINDS))
    return found


def _checked(home: Path, part: Path) -> Checked:
    """What is wrong with a part of a data folder."""
    settings, today = read_table(DATA / "checks.toml"), latest_date()
    shelf = shelf_of(home)
    tables = Tables(home, shelf, settings, today)
    readings = [reading for kind in KINDS for reading in shelf[kind].values() if reading.path.is_relative_to(part)]
    paths = [path for path in tables.paths() if path.is_relative_to(part)]
    found = [
        *((path, Problem("", "ending", {})) for path in _strays(home) if path.is_relative_to(part)),
        *((one.path, problem) for one in readings for problem in own_problems(one, settings, today)),
        *((one.path, problem) for one in readings for problem in _between(one, tables)),
        *((path, problem) for path in paths for problem in tables.problems(path)),
    ]
    findings = [Finding(path.relative_to(home.parent).as_posix(), problem) for path, problem in found]
    return Checked(len(readings), len(paths), tuple(sorted(findings, key=lambda finding: finding.file)))


def latest_date() -> date:
    """Date of today where on Earth the day begins first."""
    return datetime.now(tz=timezone(timedelta(hours=14))).date()


def _strays(home: Path) -> Iterator[Path]:
    """Files of record folders that nobody reads."""
    for kind in KINDS:
        yield from (path for path in (home / kind).glob("[!.]*") if path.suffix != ".toml")


def _between(reading: Reading, tables: Tables) -> Iterator[Problem]:
    """What is wrong with a record beside others."""
    yield from reference_checks.unknown_ids(reading, tables.shelf)
    yield from reference_checks.succession(reading, tables.shelf)
    yield from tables.shared_names(reading.folder).get(reading.id, ())
    yield from reference_checks.second_sources(reading, tables.settings["agreement"])
    yield from reference_checks.patterns(reading)
    yield from reference_checks.architectures(reading, _architectures())
    if isinstance(reading.record, System) and reading.record.platform:
        yield from reference_checks.services(reading.record.platform, tables.services)
    if isinstance(reading.record, Rule):
        yield from rule_checks.rule_placeholders(reading.record)
        yield from rule_checks.rule_unit(reading.record)
        yield from rule_checks.rule_idle(reading.record, tables.shelf["rules"])


@cache
def _architectures() -> tuple[str, ...]:
    return choices(Device, "architecture")
