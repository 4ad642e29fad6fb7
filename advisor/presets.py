"""Questions that are ready to ask, for people who do not know their numbers yet: data/presets/ -> Preset."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from advisor.claims import Record, Words
from advisor.errors import AdvisorError, Problem, RecordError, UnknownIdError
from advisor.knowledge import read_record
from advisor.paths import DATA
from advisor.requirements import Requirements

_FOLDER = DATA / "presets"


class Preset(Record):
    """A situation that many people are in, with numbers to start from."""

    name: Words
    story: Words
    """One sentence: who asks, and for what."""
    order: int
    """Place in the list."""
    requirements: Mapping[str, Any]

    _unclaimed: ClassVar[frozenset[str]] = frozenset({"id", "name", "story", "order", "sources", "estimates"})

    def asked(self) -> Requirements:
        """Question of this situation."""
        return Requirements(**self.requirements)


@cache
def presets(folder: Path = _FOLDER) -> Mapping[str, Preset]:
    """Presets by id, in the order of the list.

    Raises
    ------
    RecordError
        If a file holds unknown keys or a question that cannot be asked.
    """
    found = [_preset(path) for path in folder.glob("*.toml")]
    return {preset.id: preset for preset in sorted(found, key=lambda preset: preset.order)}


def preset(name: str, folder: Path = _FOLDER) -> Preset:
    """Preset of that id.

    Raises
    ------
    UnknownIdError
        If there is none; the known ones are offered.
    """
    known = presets(folder)
    if name not in known:
        raise UnknownIdError("unknown_preset", value=name, known=", ".join(known))
    return known[name]


def _preset(path: Path) -> Preset:
    found = read_record(path, Preset)
    try:
        found.asked()
    except AdvisorError as error:
        raise RecordError(
            "record",
            file=path.name,
            field="requirements",
            reason=Problem("requirements", "question", {"reason": error}),
        ) from None
    return found
