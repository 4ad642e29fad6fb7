"""Settings of the simulation of queues (``data/simulation.toml``), and the bounds of what it is told."""

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from advisor.errors import TrafficError
from advisor.paths import DATA


@cache
def settings() -> Mapping[str, Any]:
    """Tables of ``simulation.toml`` by name."""
    return tomllib.loads((DATA / "simulation.toml").read_text(encoding="utf-8"))


def above(field: str, value: float, least: float) -> float:
    """The value, where it is finite and above a bound.

    Raises
    ------
    TrafficError
        If it is not.
    """
    if not least < value < float("inf"):
        raise TrafficError("field", field=field, value=value, must=f"> {least:g}")
    return float(value)


def at_least(field: str, value: float, least: float, most: float = float("inf")) -> float:
    """The value, where it lies within bounds, both of which may be met.

    Raises
    ------
    TrafficError
        If it does not.
    """
    if not least <= value <= most:
        raise TrafficError("field", field=field, value=value, must=f"{least:g} ... {most:g}")
    return float(value)


def count(field: str, value: float, least: int) -> int:
    """The value, where it is a whole number from a bound on.

    Raises
    ------
    TrafficError
        If it is not.
    """
    if not least <= value < float("inf") or value != int(value):
        raise TrafficError("field", field=field, value=value, must=f"{least}, {least + 1}, {least + 2} ...")
    return int(value)
