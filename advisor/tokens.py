"""Hosted language models that bill tokens: their prices by date, and what a month of requests costs there."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import NamedTuple

from advisor.errors import UnknownIdError
from advisor.knowledge import Knowledge
from advisor.modelspec import plain
from advisor.schema import Model
from advisor.units import MILLION

API = "api:"
_NEAREST = 3


class TokenPrice(NamedTuple):
    """Price list entry of a hosted model."""

    provider: str
    model: str
    """Name under which the provider sells it."""
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    from_date: str
    """First day of the price, YYYY-MM-DD; empty where it is as old as the list knows."""
    source: str
    dated: str
    """Of the list."""

    @property
    def id(self) -> str:
        """Name of the API beside the ids of stacks."""
        return f"{API}{self.provider}/{self.model}"


def api_usd_per_month(price: TokenPrice, requests: float, input_tokens: float, output_tokens: float) -> float:
    """Monthly cost of requests that a provider bills by the token [USD/month].

    Parameters
    ----------
    price : TokenPrice
    requests : float
        [1/month]
    input_tokens, output_tokens : float
        Read and written for a request; nothing is taken to be cached.

    Examples
    --------
    >>> api_usd_per_month(TokenPrice("a", "b", 0.5, 1.5, "", "list", "2026"), 1e6, 1000, 200)
    800.0
    """
    per_request = input_tokens * price.input_usd_per_mtok + output_tokens * price.output_usd_per_mtok
    return requests * per_request / MILLION


def token_prices(knowledge: Knowledge) -> Sequence[TokenPrice]:
    """Every entry of the price list, later ones of a model beside earlier ones."""
    rows = knowledge.tokens[list(TokenPrice._fields)].itertuples(index=False, name=None)
    made: Sequence[TokenPrice] = knowledge.kept("tokens", lambda: [TokenPrice(*row) for row in rows])
    return made


def in_force(prices: Sequence[TokenPrice], as_of: str | None) -> Mapping[str, TokenPrice]:
    """By id, the latest entry that had begun on a day, today where none is named; an entry without a day was always."""
    day = as_of or datetime.now(UTC).date().isoformat()
    begun = sorted((price for price in prices if price.from_date <= day), key=lambda price: price.from_date)
    return {price.id: price for price in begun}


def hosted(knowledge: Knowledge, model: Model, as_of: str | None = None) -> list[TokenPrice]:
    """Hosted offers of a model of the catalogue at a day, the cheapest first by the sum of both prices.

    Names are matched by the model's own names, without what a provider puts before and behind them.
    """
    dropped = knowledge.table("breakeven")["hosted"]["endings"]
    names = {_bare(name, dropped) for name in (model.id, model.name, *model.aliases)}
    found = [
        price for price in in_force(token_prices(knowledge), as_of).values() if _bare(price.model, dropped) in names
    ]
    return sorted(found, key=lambda price: (price.input_usd_per_mtok + price.output_usd_per_mtok, price.id))


def _bare(name: str, endings: Sequence[str]) -> str:
    """Name without the maker's path before it and the endings that providers add."""
    words = re.split("[-_:]", name.rsplit("/", 1)[-1].lower())
    while len(words) > 1 and words[-1] in endings:
        words.pop()
    return plain("".join(words))


def api_named(knowledge: Knowledge, option_id: str, as_of: str | None) -> TokenPrice:
    """Price in force of an API that an id such as ``api:openai/gpt-4o-mini`` names.

    Raises
    ------
    UnknownIdError
        If the list holds no such model of that provider at that day.
    """
    prices = in_force(token_prices(knowledge), as_of)
    if option_id not in prices:
        near = get_close_matches(option_id, prices, n=_NEAREST, cutoff=0.0)
        raise UnknownIdError("unknown_api", value=option_id, known=", ".join(near))
    return prices[option_id]
