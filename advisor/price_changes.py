"""What prices of the user's own change, and a file to begin from."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from advisor.bill_table import bill_rows
from advisor.errors import UnknownIdError
from advisor.full_advice import FullAdvice
from advisor.knowledge import Knowledge
from advisor.money import USD, cost_text, currency_of, dated_cell
from advisor.numbers import figure
from advisor.own_prices import COLUMNS
from advisor.report import stack_name
from advisor.results import Option
from advisor.text import sentence

if TYPE_CHECKING:
    import pandas as pd


def price_template(knowledge: Knowledge, options: Iterable[Option]) -> "pd.DataFrame":
    """Listed prices of the machines of some options, in the columns of a price file.

    Parameters
    ----------
    knowledge : Knowledge
    options : iterable of Option
        Those that rent no machine by the hour have no row.
    """
    offers = knowledge.offers
    named = {(option.provider, option.hardware, option.region): None for option in options if option.site == "cloud"}
    rows = [
        offers[(offers["provider"] == provider) & (offers["instance_type"] == machine) & (offers["region"] == region)]
        for provider, machine, region in named
    ]
    table = _joined(rows) if rows else offers.iloc[:0]
    return table.dropna(subset=["usd_per_hour"])[list(COLUMNS)].astype(str)


def _joined(rows: "Sequence[pd.DataFrame]") -> "pd.DataFrame":
    import pandas as pd

    return pd.concat(rows, ignore_index=True)


def own_price_lines(before: FullAdvice, after: FullAdvice, lang: str) -> Iterator[str]:
    """First choice before and after, with what each costs then, and how many of the ranked stacks have a price of own.

    Parameters
    ----------
    before, after : FullAdvice
        Of one question, by listed prices and by the user's own.
    lang : str
        Language id.
    """
    stays = before.best and after.best and before.best.id == after.best.id
    told = {"before": _first(before, lang), "after": _first(after, lang)}
    if before.best and stays:
        told["before"] = cost_text(before.best, lang)
    yield sentence("price_changes.same" if stays else "price_changes.changed", lang, **told)
    count = sum(has_own_price(option) for option in after.shortlist)
    yield sentence("price_changes.count", lang, count=count, all=len(after.shortlist))


def own_price_table(before: FullAdvice, after: FullAdvice, lang: str) -> "pd.DataFrame":
    """Both first choices and every ranked stack with a price of the user's own: rank and cost before and after."""
    import pandas as pd

    firsts = [advice.best.id for advice in (before, after) if advice.best]
    ids = dict.fromkeys([*firsts, *(option.id for option in after.shortlist if has_own_price(option))])
    rows = []
    for one in ids:
        told = {
            f"{part}_{when}": text
            for when, advice in (("before", before), ("after", after))
            for part, text in _told(advice, one, lang).items()
        }
        rows.append({"option": _name(before, after, one, lang), **told})
    parts = [f"{part}_{when}" for part in ("rank", "cost") for when in ("before", "after")]
    table = pd.DataFrame(rows, columns=["option", *parts])
    return table.rename(columns=lambda name: sentence(f"price_changes.column.{name}", lang))


def own_bill_table(before: FullAdvice, after: FullAdvice, option_id: str, lang: str) -> "pd.DataFrame":
    """Lines and totals of the bill of a stack by listed prices and by the user's own, each with its dates.

    Parameters
    ----------
    before, after : FullAdvice
        Of one question, by listed prices and by the user's own.
    option_id : str
        A stack that fits by the user's prices.
    lang : str
        Language id.
    """
    import pandas as pd

    bills = [_bill(advice, option_id, lang) for advice in (before, after)]
    heads = [sentence(f"price_changes.column.{name}", lang) for name in ("what", "bill_before", "bill_after")]
    rows = [[what, *(bill.get((what, place), "") for bill in bills)] for what, place in {**bills[0], **bills[1]}]
    return pd.DataFrame(rows, columns=heads)


def _bill(advice: FullAdvice, option_id: str, lang: str) -> dict[tuple[str, int], str]:
    """Amount and date of every line of a bill, by its name and how often that name came before."""
    option = _option(advice, option_id)
    lines: dict[tuple[str, int], str] = {}
    for row in bill_rows(option, currency_of(advice.knowledge, USD), lang) if option else []:
        place = sum(what == row.what for what, _ in lines)
        amount = row.per_1000 if row.per_month is None else row.per_month
        cost = (
            amount if isinstance(amount, str) else f"{amount or 0.0:,.2f}" if row.per_month else figure(amount or 0.0)
        )
        lines[row.what, place] = sentence("money.dated", lang, cost=cost, dates=row.dated) if row.dated else cost
    return lines


def has_own_price(option: Option) -> bool:
    """Whether a line of the bill rests on a price of the user's own."""
    return any(line.basis == "own" for line in option.bill)


def _option(advice: FullAdvice, option_id: str) -> Option | None:
    """A stack of an advice; None where it does not fit there."""
    try:
        return advice.option(option_id)
    except UnknownIdError:
        return None


def _told(advice: FullAdvice, option_id: str, lang: str) -> dict[str, str]:
    """Rank and cost of a stack; that it is not ranked, or does not fit."""
    ranks = [one.id for one in advice.shortlist]
    option = _option(advice, option_id)
    rank = str(ranks.index(option_id) + 1) if option_id in ranks else sentence("price_changes.unranked", lang)
    return {"rank": rank, "cost": dated_cell(option, lang) if option else sentence("value.none", lang)}


def _name(before: FullAdvice, after: FullAdvice, option_id: str, lang: str) -> str:
    option = _option(after, option_id) or _option(before, option_id)
    return stack_name(option, lang) if option else option_id


def _first(advice: FullAdvice, lang: str) -> str:
    """Name and cost of a first choice."""
    if advice.best is None:
        return sentence("report.nothing", lang)
    return sentence("price_changes.first", lang, name=stack_name(advice.best, lang), cost=cost_text(advice.best, lang))
