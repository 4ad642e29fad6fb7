"""Settings of the lab and names of hardware, from ``data/lab``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from advisor.paths import DATA


@cache
def settings() -> Mapping[str, Any]:
    """Tables of ``settings.toml`` by name."""
    return _table("settings")


@cache
def hardware_names() -> Mapping[str, Any]:
    """What the identifiers mean by which systems name hardware: ``hardware.toml``."""
    return _table("hardware")


@cache
def identities() -> Mapping[str, Any]:
    """How a machine is known to be a device of the catalogue: ``identities.toml``."""
    return _table("identities")


def _table(name: str) -> Mapping[str, Any]:
    with (DATA / "lab" / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)
