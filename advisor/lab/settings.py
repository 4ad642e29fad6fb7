"""Settings of the lab, from ``data/lab/settings.toml``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from advisor.paths import DATA


@cache
def settings() -> Mapping[str, Any]:
    """Tables of the file by name."""
    with (DATA / "lab" / "settings.toml").open("rb") as file:
        return tomllib.load(file)
