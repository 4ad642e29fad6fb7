"""Amounts as people read them: in a currency, with the dates of the prices behind them, so rounded that they add up."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from advisor.errors import RequirementError
from advisor.knowledge import HERE, Knowledge
from advisor.numbers import money, number
from advisor.text import sentence

USD = "USD"
"""Code of the currency that amounts are kept in."""
_CENTS = 2
_SITE = re.compile(r"https?://(?:www\.)?([^/\s]+)")
_DIGITS = 3
"""Digits that the smallest of totals still shows."""


class Priced(Protocol):
    """Anything with a monthly cost."""

    @property
    def usd_per_month(self) -> float | None:
        """None where it is unknown."""

    @property
    def usd_per_month_known(self) -> bool:
        """Whether it is whole; else it is the least."""

    @property
    def price_dates(self) -> tuple[str, str]:
        """Oldest and newest date of the prices behind it."""


class Currency(NamedTuple):
    """What amounts are shown in."""

    code: str
    per_usd: float
    source: str
    dated: str


def currency_of(knowledge: Knowledge, code: str) -> Currency:
    """A currency with its dated rate.

    Raises
    ------
    RequirementError
        If the table of currencies holds no rate of it.
    """
    table = knowledge.table("currency")
    entry = table.get(str(code).upper())
    if entry is None:
        raise RequirementError("currency", field="currency", value=code, known=", ".join(table))
    return Currency(str(code).upper(), float(entry["per_usd"]), str(entry["source"]), str(entry["dated"]))


def decimals_of(total: float) -> int:
    """Decimals that amounts of a total are shown with: cents, and finer where the total is below one."""
    return max(_CENTS, _DIGITS - 1 - math.floor(math.log10(abs(total)))) if total and abs(total) < 1 else _CENTS


def adding_up(amounts: Sequence[float], decimals: int) -> list[float]:
    """Amounts rounded so that they add up to their rounded sum.

    Each is rounded down, and what then lacks to the sum is given to those that lost most: none is further off than
    one unit of the last decimal.

    Examples
    --------
    >>> adding_up([0.333, 0.333, 0.334], 2)
    [0.33, 0.33, 0.34]
    """
    scale = 10**decimals
    whole = [math.floor(amount * scale) for amount in amounts]
    lost = sorted(range(len(amounts)), key=lambda place: whole[place] - amounts[place] * scale)
    for place in lost[: round(math.fsum(amounts) * scale) - sum(whole)]:
        whole[place] += 1
    return [units / scale for units in whole]


def cost_text(one: Priced, lang: str) -> str:
    """Monthly cost with its currency and the dates of its prices; at least so much where a part is unknown."""
    if one.usd_per_month is None or math.isnan(one.usd_per_month):
        return money(None, lang)
    code = "money.dated" if one.usd_per_month_known else "money.least_dated"
    return sentence(code, lang, cost=money(one.usd_per_month, lang), dates=dates_text(one.price_dates, lang))


def dated_money(usd: float | None, dates: tuple[str, str], lang: str) -> str:
    """Monthly cost with the dates of its prices; unknown where it is."""
    if usd is None:
        return money(None, lang)
    return sentence("money.dated", lang, cost=money(usd, lang), dates=dates_text(dates, lang))


def cost_cell(one: Priced, lang: str) -> str:
    """Monthly cost in USD as a cell of a table that names the dates in another."""
    if one.usd_per_month is None or math.isnan(one.usd_per_month):
        return money(None, lang)
    value = number(one.usd_per_month)
    return value if one.usd_per_month_known else sentence("money.least", lang, cost=value)


def dated_cell(one: Priced, lang: str) -> str:
    """The same with the dates in the cell."""
    if one.usd_per_month is None or math.isnan(one.usd_per_month):
        return money(None, lang)
    return sentence("money.dated", lang, cost=cost_cell(one, lang), dates=dates_text(one.price_dates, lang))


def dates_text(dates: tuple[str, str], lang: str) -> str:
    """Oldest and newest of the dates of some prices."""
    oldest, newest = dates
    return oldest if oldest == newest else sentence("money.dates", lang, oldest=oldest, newest=newest)


def price_sites(source: str, lang: str) -> str:
    """Source of a price in short: the sites that it names, else the source itself."""
    sites = dict.fromkeys(_SITE.findall(source))
    return ", ".join(sites) if sites else price_source(source, lang)


def price_source(source: str, lang: str) -> str:
    """Source of a price; words for a machine that is there already."""
    return "; ".join(sentence("here.owned", lang) if part == HERE else part for part in source.split("; "))
