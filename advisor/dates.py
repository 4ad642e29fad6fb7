"""Dates of facts as sources state them: a year, a quarter, a month or a day."""

import re
from collections.abc import Iterable

_QUARTER = re.compile(r"Q([1-4])")


def day(dated: str) -> str:
    """What dates are ordered by: a quarter stands as its last month, a date without day or month after its days."""
    return _QUARTER.sub(lambda quarter: f"{3 * int(quarter[1]):02d}", dated) + "~"


def span(dates: Iterable[str]) -> tuple[str, str]:
    """Oldest and newest of some dates; empty where there are none."""
    known = [dated for dated in dates if dated]
    return min(known, key=day, default=""), max(known, key=day, default="")
