"""Unit factors, and quantities as a source prints them.

Every factor of the product lives here: inside, numbers are SI (seconds, bytes, FLOP, watts) and money is US dollars.
"""

import re

from advisor.errors import QuantityError

THOUSAND = 1_000.0
MILLION = 1e6
BILLION = 1e9
KIB = 1024.0
BITS_PER_BYTE = 8.0
FLOP_PER_MAC = 2.0
MS_PER_S = 1_000.0
US_PER_S = 1e6
NS_PER_S = 1e9
SECONDS_PER_MINUTE = 60.0
SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86_400.0
HOURS_PER_DAY = 24.0
HOURS_PER_MONTH = 730.0
HOURS_PER_YEAR = 8760.0
MONTHS_PER_YEAR = 12.0
DAYS_PER_MONTH = HOURS_PER_MONTH / HOURS_PER_DAY
SECONDS_PER_MONTH = HOURS_PER_MONTH * SECONDS_PER_HOUR
WATTS_PER_KW = 1_000.0
GRAMS_PER_KG = 1_000.0
BYTES_PER_KB = 1e3
BYTES_PER_MB = 1e6
BYTES_PER_GB = 1e9
BYTES_PER_MIB = 1024.0**2
BYTES_PER_GIB = 1024.0**3
PERCENT = 100.0

_PREFIX = {
    "": 1.0,
    "k": 1e3,
    "K": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "Ki": KIB,
    "Mi": KIB**2,
    "Gi": KIB**3,
    "m": 1e-3,
    "u": 1e-6,
}
_SYMBOL = {
    "size": ("B",),
    "bandwidth": ("B/s",),
    "rate": ("FLOP/s", "OP/s"),
    "work": ("MAC",),
    "count": ("",),
    "power": ("W",),
    "time": ("s",),
    "money": ("USD",),
}
_EXAMPLE = {
    "size": "'24 GB'",
    "bandwidth": "'300 GB/s'",
    "rate": "'65 TFLOP/s'",
    "work": "'4.1 GMAC'",
    "count": "'25.6 M'",
    "power": "'72 W'",
    "time": "'15 ms'",
    "money": "'2500 USD'",
}
QUANTITIES = tuple(_SYMBOL)
"""Kinds of quantity."""
_LONG_TIME = {"min": SECONDS_PER_MINUTE, "h": SECONDS_PER_HOUR, "d": SECONDS_PER_DAY}


def printed(kind: str) -> str:
    """Quantity of a kind as a source might print it."""
    return _EXAMPLE[kind].strip("'")


def quantity(text: str, kind: str) -> float:
    """Number in SI units that a printed quantity stands for.

    Parameters
    ----------
    text : str
        Number and unit as printed in the source, such as ``"24 GB"`` or ``"4.1 GMAC"``.
    kind : str
        One of size, bandwidth, rate, work, count, power, time, money.

    Returns
    -------
    float
        Bytes, bytes/s, FLOP/s, MAC, a count, watts, seconds or US dollars.

    Raises
    ------
    QuantityError
        If the text is no number with a unit of that kind.

    Examples
    --------
    >>> quantity("24 GB", "size")
    24000000000.0
    >>> quantity("4 TOP/s", "rate")
    4000000000000.0
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s*([A-Za-z/]*)\s*", str(text))
    if match:
        number, unit = float(match[1]), match[2]
        if kind == "time" and unit in _LONG_TIME:
            return number * _LONG_TIME[unit]
        for symbol in _SYMBOL[kind]:
            prefix = unit[: len(unit) - len(symbol)] if symbol else unit
            if unit.endswith(symbol) and prefix in _PREFIX:
                return number * _PREFIX[prefix]
    raise QuantityError(text, kind, _EXAMPLE[kind])
