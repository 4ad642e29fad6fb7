"""Numbers as a person reads them: three digits, a unit, a language."""

import math
from typing import get_args

from advisor.results import Interval
from advisor.schema import Skills
from advisor.text import sentence
from advisor.units import BYTES_PER_GB, BYTES_PER_KB, MILLION, MS_PER_S, PERCENT

_DIGITS = 3
_FIGURE_DIGITS = 6
_SKILLS = get_args(Skills)
_SI_PER_UNIT = {
    "GB": BYTES_PER_GB,
    "KB": BYTES_PER_KB,
    "ms": 1 / MS_PER_S,
    "percent": 1 / PERCENT,
    "Mbit/s": MILLION,
}
_SCOPES = ("anywhere", "country", "on-premises", "on-device")


def number(value: float, *, up: bool = False) -> str:
    """Three significant digits with thousands separated, without an exponent; rounded up where asked."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if value == 0:
        return "0"
    decimals = max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))
    places = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    if up and rounded < value:
        rounded = round(rounded + 10.0**-places, places)
    text = f"{rounded:,.{min(decimals, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def figure(value: float) -> str:
    """Number as a formula takes it: six significant digits, thousands separated, no exponent."""
    if value == 0 or not math.isfinite(value):
        return number(value)
    decimals = _FIGURE_DIGITS - 1 - math.floor(math.log10(abs(value)))
    text = f"{round(value, decimals):,.{max(decimals, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """Share as a percentage."""
    return f"{share * PERCENT:.0f}%" if math.isfinite(share) else "–"


def money(usd_per_month: float | None, lang: str, *, bare: bool = False) -> str:
    """Monthly cost with its currency; the words for an unknown price, never 0."""
    if usd_per_month is None or math.isnan(usd_per_month):
        return sentence("value.unknown_price", lang)
    return number(usd_per_month) if bare else sentence("unit.usd_month", lang, value=number(usd_per_month))


def interval_text(interval: Interval | None, lang: str, *, bare: bool = False) -> str:
    """Middle and ends of an interval in milliseconds."""
    if interval is None:
        return sentence("value.none", lang)
    low, mid, high = number(interval.low), number(interval.mid), number(interval.high)
    return f"{mid} ({low}–{high})" if bare else sentence("unit.interval_ms", lang, low=low, mid=mid, high=high)


def per_unit(unit: str) -> float:
    """SI units in one unit of a rule."""
    return _SI_PER_UNIT.get(unit, 1.0)


def quantity_text(value: float, unit: str, lang: str, *, up: bool = False) -> str:
    """Quantity of a rule in its unit: SI inside, as printed outside; ``up`` never states less than it is."""
    if unit == "skill":
        return sentence(f"skill.{_SKILLS[int(value)]}", lang)
    if unit == "scope":
        return sentence(f"value.{_SCOPES[min(int(value), 3)]}", lang)
    if unit == "yes-no":
        return sentence("value.yes" if value else "value.no", lang)
    return sentence(f"unit.{unit}", lang, value=number(value / per_unit(unit), up=up))
