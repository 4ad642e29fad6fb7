"""The bill of an option as a table: its lines, what is paid, what people's time comes to, each thousand inferences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

from advisor.dates import span
from advisor.knowledge import Knowledge
from advisor.money import USD, Currency, adding_up, currency_of, dates_text, decimals_of, price_source
from advisor.numbers import figure, number
from advisor.results import BillLine, Option
from advisor.text import sentence

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("what", "quantity", "unit", "unit_price", "formula", "per_month", "per_1000", "basis", "source", "dated")
_AMOUNTS = ("per_month", "per_1000")
_TOTALS = 3
"""Rows of totals at the end: paid, with people's time, for a thousand inferences."""


class Row(NamedTuple):
    """One row of a bill; None where a cell holds nothing."""

    what: str
    quantity: float | str | None = None
    unit: str | None = None
    unit_price: float | str | None = None
    formula: str | None = None
    per_month: float | str | None = None
    per_1000: float | str | None = None
    basis: str | None = None
    source: str | None = None
    dated: str | None = None


def bill_table(option: Option, currency: Currency, lang: str) -> "pd.DataFrame":
    """Bill with numbers in its cells, words where a price is unknown, and nothing where there is nothing to say.

    Parameters
    ----------
    option : Option
    currency : Currency
        What amounts are shown in.
    lang : str
        Language id.

    Returns
    -------
    DataFrame
        A row a line; then what is paid, the same with people's time, and what is paid for a thousand inferences.
        Amounts are in cents, finer where the total is below one, and so rounded that they add up.
    """
    return _table(bill_rows(option, currency, lang), currency, lang, lambda _, value: value)


def printed_bill(option: Option, currency: Currency, lang: str) -> "pd.DataFrame":
    """The same with its numbers as texts."""
    rows = bill_rows(option, currency, lang)
    decimals = _decimals(option, currency)

    def text(name: str, value: float) -> str:
        return f"{value:,.{decimals[name]}f}" if name in decimals else figure(value)

    return _table(rows, currency, lang, text)


def bill_texts(option: Option, currency: Currency, lang: str) -> Iterator[str]:
    """A sentence a line of a bill, then its totals, and what is in none of them."""
    rows, decimals = bill_rows(option, currency, lang), _decimals(option, currency)["per_month"]
    for row in rows[:-_TOTALS]:
        code = "line" if isinstance(row.per_month, float) else "unknown_line"
        said = {name: getattr(row, name) for name in ("what", "formula", "basis", "dated")}
        yield sentence(f"bill.{code}", lang, cost=_amount(row.per_month, decimals, currency), **said)
    yield from total_texts(option, currency, lang)
    yield sentence("bill.people", lang, hours=number(option.hours_per_month))
    yield sentence("bill.open", lang)


def total_texts(option: Option, currency: Currency, lang: str) -> Iterator[str]:
    """What is paid, the same with people's time, and what is paid for a thousand inferences, each with its dates."""
    decimals = _decimals(option, currency)
    for row in bill_rows(option, currency, lang)[-_TOTALS:]:
        name = "per_1000" if row.per_month is None else "per_month"
        cost = _amount(getattr(row, name), decimals[name], currency)
        yield sentence("bill.total", lang, what=row.what, cost=cost, dates=row.dated)


def in_own_currency(option: Option, knowledge: Knowledge, lang: str) -> Iterator[str]:
    """What is paid in the currency of the readers of a language, with its dated rate; nothing where that is USD."""
    currency = currency_of(knowledge, sentence("money.currency", lang))
    if currency.code != USD and option.usd_per_month is not None:
        row = bill_rows(option, currency, lang)[-_TOTALS]
        yield sentence(
            "bill.own_currency",
            lang,
            what=row.what,
            cost=_amount(row.per_month, _decimals(option, currency)["per_month"], currency),
            dates=row.dated,
            currency=currency.code,
            per_usd=figure(currency.per_usd),
            rate_dated=currency.dated,
        )


def bill_document(option: Option, currency: Currency) -> dict[str, Any]:
    """What ``advisor bill --json`` prints: lines and totals in USD, unrounded, and the rate of a currency."""
    return {
        "format": "advisor/bill/1",
        "option": option.id,
        "currency": currency._asdict(),
        "bill": [asdict(line) for line in option.bill],
        "people": [asdict(line) for line in option.people],
        "usd_per_month": option.usd_per_month,
        "usd_per_month_known": option.usd_per_month_known,
        "tco_usd_per_month": option.tco_usd_per_month,
        "usd_per_1000": option.usd_per_1000,
        "price_dates": option.price_dates,
    }


def _decimals(option: Option, currency: Currency) -> dict[str, int]:
    """Decimals of the columns of amounts: those that what is paid in all asks for."""
    paid = (option.usd_per_month, option.usd_per_1000)
    return {name: decimals_of((usd or 0.0) * currency.per_usd) for name, usd in zip(_AMOUNTS, paid, strict=True)}


def _amount(value: float | str | None, decimals: int, currency: Currency) -> str:
    return f"{currency.code} {value:,.{decimals}f}" if isinstance(value, float) else str(value)


def _table(rows: Sequence[Row], currency: Currency, lang: str, shown: Callable[[str, float], object]) -> "pd.DataFrame":
    import pandas as pd

    cells = [
        [shown(name, cell) if isinstance(cell, float) else cell or "" for name, cell in row._asdict().items()]
        for row in rows
    ]
    heads = [sentence(f"bill_column.{name}", lang, currency=currency.code) for name in COLUMNS]
    return pd.DataFrame(cells, columns=heads, dtype=object)


def bill_rows(option: Option, currency: Currency, lang: str) -> list[Row]:
    """Lines of a bill in a currency, those of people's time after them, then the totals."""
    per_1000 = None
    if option.usd_per_month and option.usd_per_1000 is not None:
        per_1000 = option.usd_per_1000 / option.usd_per_month * currency.per_usd
    decimals = _decimals(option, currency)
    months = _amounts(option, currency.per_usd, decimals["per_month"])
    thousands = _amounts(option, per_1000, decimals["per_1000"])
    unknown = sentence("value.unknown_price", lang)
    lines = [
        Row(
            what=sentence(f"bill.{line.item}", lang),
            quantity=line.quantity,
            unit=line.unit,
            unit_price=unknown if line.unit_price_usd is None else line.unit_price_usd * currency.per_usd,
            formula=formula_in(line, currency),
            per_month=unknown if month is None else month,
            per_1000=unknown if each is None else each,
            basis=sentence(f"report.basis_{line.basis}", lang) if line.dated else None,
            source=price_source(line.source, lang),
            dated=line.dated,
        )
        for line, month, each in zip((*option.bill, *option.people), months, thousands, strict=True)
    ]
    return [*lines, *_totals(option, months, thousands, decimals, lang)]


def _totals(
    option: Option,
    months: Sequence[float | None],
    thousands: Sequence[float | None],
    decimals: Mapping[str, int],
    lang: str,
) -> list[Row]:
    """What is paid, the same with people's time, and what is paid for a thousand inferences, with their dates."""
    unknown, dated = sentence("value.unknown_price", lang), dates_text(option.price_dates, lang)
    of_both = dates_text(span(line.dated for line in (*option.bill, *option.people)), lang)
    least, paid = "" if option.usd_per_month_known else "_least", len(option.bill)

    def total(amounts: Sequence[float | None], name: str) -> float | str:
        if option.usd_per_month is None:
            return unknown
        return round(fsum(amount for amount in amounts if amount is not None), decimals[name])

    month, each = total(months[:paid], "per_month"), total(thousands[:paid], "per_1000")
    all_months, all_thousands = total(months, "per_month"), total(thousands, "per_1000")
    return [
        Row(sentence(f"bill.paid{least}", lang), per_month=month, per_1000=each, dated=dated),
        Row(sentence(f"bill.with_people{least}", lang), per_month=all_months, per_1000=all_thousands, dated=of_both),
        Row(sentence(f"bill.per_1000{least}", lang), per_1000=each, dated=dated),
    ]


def formula_in(line: BillLine, currency: Currency) -> str:
    """How a line is worked out, in a currency."""
    return line.formula if currency.per_usd == 1 else f"{line.formula} × {figure(currency.per_usd)} {currency.code}/USD"


def _amounts(option: Option, factor: float | None, decimals: int) -> list[float | None]:
    """Amounts of the lines times a factor, so rounded that those of the bill, and those of people's time, add up."""
    if factor is None:
        return [None] * len((*option.bill, *option.people))
    return [*_rounded(option.bill, factor, decimals), *_rounded(option.people, factor, decimals)]


def _rounded(lines: Sequence[BillLine], factor: float, decimals: int) -> list[float | None]:
    known = {place: line.usd_per_month * factor for place, line in enumerate(lines) if line.usd_per_month is not None}
    shown: list[float | None] = [None] * len(lines)
    for place, amount in zip(known, adding_up(list(known.values()), decimals), strict=True):
        shown[place] = amount
    return shown
