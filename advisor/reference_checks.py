"""What must hold between records: ids that exist, names that lead to one record, second sources that agree."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from advisor.claims import Record
from advisor.errors import Problem
from advisor.modelspec import plain
from advisor.record_checks import Raw, is_blank
from advisor.record_words import near, place_of, shown
from advisor.schema import Model, Provider
from advisor.system_records import Platform
from advisor.units import PERCENT

_REFERS = {
    "devices": (("successor", "devices"),),
    "systems": (("successor", "systems"), ("hardware.devices", "devices")),
    "servers": (("device", "devices"),),
    "presets": (("requirements.model", "models"),),
}
"""Fields that name records of a folder, by the folder that they stand in."""
_INSTANCES = re.compile(r"([^/@\s]+)/[^/@\s]+")


@dataclass(frozen=True)
class Reading:
    """A file of a record folder: what it states, and the record where it is a valid one."""

    path: Path
    folder: str
    raw: Raw
    record: Record | None
    problems: tuple[Problem, ...]
    """What TOML and its class say against it."""

    @property
    def id(self) -> str:
        """Id by which others refer to it."""
        return self.path.stem

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that people may call it."""
        aliases = self.raw.get("aliases")
        said = (self.id, self.raw.get("name"), *(aliases if isinstance(aliases, list) else ()))
        return tuple(name for name in said if isinstance(name, str) and not is_blank(name))


Shelf = Mapping[str, Mapping[str, Reading]]
"""Readings by folder and id."""


def unknown_ids(reading: Reading, shelf: Shelf) -> Iterator[Problem]:
    """What a record refers to exists."""
    for field, folder in _REFERS.get(reading.folder, ()):
        known = shelf[folder]
        for place, name in _named(reading.raw, field):
            spelled = {plain(each) for one in known.values() for each in one.names} if folder == "models" else known
            if (plain(name) if folder == "models" else name) not in spelled:
                yield Problem(place, "unknown_id", {"folder": f"{folder}/", **near(name, known)})


def _named(raw: Raw, field: str) -> Iterator[tuple[str, str]]:
    """Places and ids under a dotted field, be it one id or a list."""
    value: Any = raw
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    listed = value if isinstance(value, list) else [value]
    for number, name in enumerate(listed):
        if isinstance(name, str) and not is_blank(name):
            yield (place_of((field, number)) if isinstance(value, list) else field), name


def succession(reading: Reading, shelf: Shelf) -> Iterator[Problem]:
    """What is called legacy names a successor, and the successor is current."""
    successor = reading.raw.get("successor")
    heir = shelf[reading.folder].get(str(successor))
    if reading.raw.get("status") == "legacy" and successor is None:
        yield Problem("status", "legacy_alone", {})
    if successor == reading.id:
        yield Problem("successor", "own_successor", {"value": shown(successor)})
    elif heir and heir.raw.get("status") == "legacy":
        yield Problem("successor", "successor_legacy", {"value": shown(successor)})


def shared_names(shelf: Shelf, folder: str) -> dict[str, list[Problem]]:
    """Names that lead to more than one record of a folder, by the id of each."""
    spelled = plain if folder == "models" else str.casefold
    owners: dict[str, set[str]] = defaultdict(set)
    for reading in shelf[folder].values():
        for name in reading.names:
            owners[spelled(name)].add(reading.id)
    found: dict[str, list[Problem]] = defaultdict(list)
    for reading in shelf[folder].values():
        for name in dict.fromkeys(reading.names):
            if others := sorted(owners[spelled(name)] - {reading.id}):
                values = {"value": shown(name), "known": ", ".join(others)}
                found[reading.id].append(Problem("aliases", "shared_name", values))
    return found


def second_sources(reading: Reading, agreement: Mapping[str, float]) -> Iterator[Problem]:
    """What a second source says of a model is near what the record says."""
    if not isinstance(reading.record, Model):
        return
    for number, check in enumerate(reading.record.checks):
        place, own = place_of(("checks", number)), getattr(reading.record, check.field)
        if own is None:
            yield Problem(place, "check_alone", {"value": check.field})
        elif abs(check.value / own - 1) > (most := agreement[check.field]):
            stated = {"value": f"{check.value:.4g}", "own": f"{own:.4g}", "most": f"{most * PERCENT:g}"}
            apart = f"{abs(check.value / own - 1) * PERCENT:.1f}"
            yield Problem(f"{place}.value", "check_apart", {**stated, "apart": apart})


def patterns(reading: Reading) -> Iterator[Problem]:
    """Machine types of a device are given as provider/type."""
    listed = reading.raw.get("instances") if reading.folder == "devices" else None
    for number, pattern in enumerate(listed if isinstance(listed, list) else ()):
        match = _INSTANCES.fullmatch(str(pattern))
        if (match is None or match[1] not in get_args(Provider)) and not is_blank(pattern):
            values = {"value": shown(pattern), "known": ", ".join(get_args(Provider))}
            yield Problem(place_of(("instances", number)), "pattern", values)


def architectures(reading: Reading, known: Collection[str]) -> Iterator[Problem]:
    """An engine runs on architectures that devices have."""
    engine = reading.raw.get("engine") if reading.folder == "systems" else None
    named = engine.get("architectures") if isinstance(engine, Mapping) else None
    for name in named if isinstance(named, Mapping) else ():
        if name not in known:
            yield Problem(f"engine.architectures.{name}", "choice", near(name, known))


def services(platform: Platform, listed: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """The services of a platform are in the price lists or the table of functions of its provider."""
    known = listed.get(platform.provider or "", ())
    for number, service in enumerate(platform.services if platform.provider else ()):
        if service not in known:
            values = {"provider": platform.provider, **near(service, known)}
            yield Problem(place_of(("platform.services", number)), "unknown_service", values)
