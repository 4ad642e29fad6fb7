"""The same bill on other price plans: spot, and commitments of one and three years, where a price is published."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from advisor.bills import source_title
from advisor.dates import span
from advisor.knowledge import Knowledge
from advisor.money import Currency, dates_text, decimals_of, price_source
from advisor.numbers import percent
from advisor.results import BillLine, Option
from advisor.text import sentence
from advisor.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("plan", "per_month", "saving", "upfront", "source", "dated")
_ON_SPOT = ("vm", "containers", "kubernetes")
"""Operations whose machines may be taken away."""
_SPOT_COLUMNS = ("instance_type", "region", "usd_per_hour_spot", "spot_source", "spot_since")


class Plan(NamedTuple):
    """What an option costs on a price plan."""

    code: str
    """on-demand, spot, or the length of a commitment."""
    usd_per_month: float
    """The whole bill."""
    upfront_usd: float
    """What is paid on the first day of a commitment."""
    source: str
    dated: str
    """Of the price of the machine."""
    dates: tuple[str, str]
    """Oldest and newest date of the lines."""


def plans_of(option: Option, knowledge: Knowledge) -> tuple[Plan, ...]:
    """On-demand first, then every plan that is published for the machine of an option; none where it has no price.

    A commitment is paid for all hours of its term, used or not: it is worked out for the machines of the peak.  A
    discount on list prices is not taken off a price of the user's own.
    """
    if option.usd_per_month is None:
        return ()
    source = "; ".join(option.sources)
    listed = Plan("on-demand", option.usd_per_month, 0.0, source, option.price_date, option.price_dates)
    line = next((line for line in option.bill if line.item == "machines"), None)
    if line is None or line.unit_price_usd is None or line.quantity is None:
        return (listed,)
    return (listed, *_spot(option, line, knowledge), *_commitments(option, line, knowledge))


def plans_table(option: Option, knowledge: Knowledge, currency: Currency, lang: str) -> "pd.DataFrame":
    """Plans of an option with worded columns, amounts as numbers in a currency; one row a plan."""
    return _table(option, plans_of(option, knowledge), currency, lang, lambda value, _: value)


def printed_plans(option: Option, knowledge: Knowledge, currency: Currency, lang: str) -> "pd.DataFrame":
    """The same with its numbers as texts."""
    return _table(option, plans_of(option, knowledge), currency, lang, lambda value, places: f"{value:,.{places}f}")


def _table(
    option: Option, plans: Sequence[Plan], currency: Currency, lang: str, shown: Callable[[float, int], object]
) -> "pd.DataFrame":
    import pandas as pd

    rate, least = currency.per_usd, "" if option.usd_per_month_known else "_least"
    decimals = decimals_of(min((plan.usd_per_month * rate for plan in plans), default=0.0))
    rows = [
        [
            sentence(f"plan.{plan.code}{least}", lang),
            shown(round(plan.usd_per_month * rate, decimals), decimals),
            percent(1 - plan.usd_per_month / plans[0].usd_per_month) if place else "",
            shown(round(plan.upfront_usd * rate, decimals), decimals),
            price_source(plan.source, lang),
            dates_text(plan.dates, lang),
        ]
        for place, plan in enumerate(plans)
    ]
    heads = [sentence(f"plan_column.{name}", lang, currency=currency.code) for name in COLUMNS]
    return pd.DataFrame(rows, columns=heads, dtype=object)


def _spot(option: Option, line: BillLine, knowledge: Knowledge) -> Iterator[Plan]:
    prices = knowledge.kept(("spot", option.provider), lambda: _spot_prices(knowledge, option.provider))
    row = prices.get((option.hardware, option.region))
    if row is not None and option.operation in _ON_SPOT:
        usd, source, since = row
        yield _plan(option, line, "spot", usd * line.quantity, 0.0, source_title(knowledge, source), since)


def _spot_prices(knowledge: Knowledge, provider: str) -> Mapping[tuple[str, str], tuple[float, str, str]]:
    """Price on spot, its source and its date, by machine and region of a provider."""
    import pandas as pd

    path = knowledge.folder / "offers" / f"{provider}.csv.gz"
    table = pd.read_csv(path, usecols=lambda name: name in _SPOT_COLUMNS, dtype={"spot_since": str})
    if "usd_per_hour_spot" not in table:
        return {}
    priced = table[np.isfinite(table["usd_per_hour_spot"])]
    return {
        (machine, region): (float(usd), str(source), str(since))
        for machine, region, usd, source, since in priced[list(_SPOT_COLUMNS)].itertuples(index=False)
    }


def _commitments(option: Option, line: BillLine, knowledge: Knowledge) -> Iterator[Plan]:
    months, hours = knowledge.table("plans")["months"], option.replicas * HOURS_PER_MONTH
    for row in _held(option, knowledge.plans, list(months)):
        usd = row["usd_per_hour"]
        if np.isnan(usd):
            if line.basis == "own" or line.unit_price_usd is None:
                continue
            usd = line.unit_price_usd * (1 - row["discount"])
        first_day = usd * hours * months[row["plan"]] * row["upfront_share"]
        source = row["source"] if row["basis"] == "sourced" else "data/plans.csv"
        yield _plan(option, line, row["plan"], usd * hours, first_day, source, row["dated"])


def _held(option: Option, table: "pd.DataFrame", order: list[str]) -> list[Mapping[Any, Any]]:
    """Rows that hold for the machine of an option, one a plan and share paid on the first day, in the order of terms.

    One that names the region beats one that names none, then the one with the longest pattern.
    """
    near = table[(table["provider"] == option.provider) & table["region"].isin(["", option.region])]
    fits = [row for row in near.to_dict("records") if fnmatchcase(option.hardware, row["machine"])]
    fits.sort(key=lambda row: (bool(row["region"]), len(row["machine"])))
    best = {(row["plan"], row["upfront_share"]): row for row in fits}
    return [best[key] for key in sorted(best, key=lambda key: (order.index(key[0]), key[1]))]


def _plan(
    option: Option, line: BillLine, code: str, machines_usd: float, upfront_usd: float, source: str, dated: str
) -> Plan:
    """The bill of an option with its machines at another price; a surcharge on them goes with it."""
    listed = line.usd_per_month or 0.0
    scaled = sum(one.usd_per_month or 0.0 for one in option.bill if one.item in ("machines", "surcharge"))
    rest = (option.usd_per_month or 0.0) - scaled
    others = [one.dated for one in option.bill if one is not line]
    usd = rest + machines_usd * scaled / listed
    return Plan(code, usd, upfront_usd, source, dated, span([*others, dated]))
