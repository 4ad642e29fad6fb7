"""The models of the zoo: one file of ``data/lab/zoo`` each."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from advisor.knowledge import load
from advisor.paths import DATA

Kind = Literal["trained", "generated", "package"]

_FOLDER = DATA / "lab" / "zoo"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where a model of the zoo comes from, or how it is made."""

    id: str
    kind: Kind
    licence: str
    source: str
    url: str
    name: str | None = None
    """What people call it; that of the catalogue where the catalogue has it."""
    name_zh: str | None = None
    """Chinese name, where it differs."""
    params: int | None = None
    """Parameters of a generated model that the catalogue does not have."""
    architecture: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    decodes: bool = False
    """Whether it is one decoding step of a language model."""
    package: str = ""
    """Distribution that brings it."""
    file: str = ""
    """Its place in that distribution; a * stands for what changes from release to release."""
    input: str = ""
    output: str = ""
    dated: object = None
    held_out_pictures: int = 0
    held_out_accuracy: float = 0.0
    """Share of the held-out pictures that it reads as their label, of a trained model."""

    def title(self, lang: str) -> str:
        """What people call it."""
        own = self.name_zh if lang == "zh" and self.name_zh else self.name
        return own or load().models[self.id].name

    @property
    def size(self) -> float:
        """Parameters, as published: what a list of models goes by."""
        return self.params or load().models[self.id].params


@cache
def recipes() -> Mapping[str, Recipe]:
    """Every model of the zoo by id, in alphabetic order."""
    return {path.stem: _recipe(path) for path in sorted(_FOLDER.glob("*.toml"), key=lambda path: path.stem)}


def _recipe(path: Path) -> Recipe:
    with path.open("rb") as file:
        return Recipe(id=path.stem, **tomllib.load(file))
