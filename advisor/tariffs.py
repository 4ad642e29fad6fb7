"""Prices of what a cloud bills beside the machine, by market: the provider and region in which they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advisor.knowledge import Knowledge
from advisor.machines import markets

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.integer]

Place = tuple[str, str]
"""Provider and region."""
ITEMS = ("load-balancer", "load-balancer-gb", "endpoint-gb", "disk", "container-registry", "object-storage")


@dataclass(frozen=True)
class Tariffs:
    """Rows of the tables of services and egress that hold in each market; the last entry is the user's own site.

    A row that names the region beats one that names none.
    """

    places: Sequence[Place]
    services: "pd.DataFrame"
    egress: "pd.DataFrame"

    @cached_property
    def rows(self) -> dict[str, IntArray]:
        """Row of the services, by item, for every market; -1 where no row states a price."""
        of_items = {item: self.services[self.services["item"] == item] for item in ITEMS}
        return {item: _rows(table, _stated(self.places, table)) for item, table in of_items.items()}

    @cached_property
    def tiers(self) -> tuple[IntArray, ...]:
        """Row of the egress table, tier by tier, for every market; -1 where it has no such tier."""
        stated = _stated(self.places, self.egress)
        table = self.egress.sort_values("from_gb", kind="stable")
        tier = table.groupby(["provider", "region"]).cumcount()
        return tuple(_rows(table[tier == number], stated) for number in range(int(tier.max()) + 1))

    def usd(self, item: str) -> FloatArray:
        """Price of an item in every market; NaN where unknown [USD per unit of the item]."""
        return _picked(self.services["usd"], self.rows[item])

    def row(self, item: str, tier: int, market: int) -> "Mapping[Any, Any] | None":
        """Row of an item, or of a tier of egress, that holds in a market; None where nobody states a price."""
        egress = item == "egress"
        entry = int((self.tiers[tier] if egress else self.rows[item])[market])
        return None if entry < 0 else (self.egress if egress else self.services).loc[entry].to_dict()

    def tier(self, tier: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Where a tier of traffic begins and ends, and its price, in every market.

        Returns
        -------
        from_gb, to_gb, usd_per_gb : array, shape (markets + 1,)
            A market of unknown prices has one tier from 0 on, of unknown price; other tiers that it lacks begin and
            end nowhere.  [GB, GB, USD/GB]
        """
        rows = self.tiers[tier]
        low, high, usd = (_picked(self.egress[name], rows) for name in ("from_gb", "to_gb", "usd_per_gb"))
        lacks = rows < 0
        return np.where(lacks, 0.0, low), np.where(lacks & (tier > 0), 0.0, high), usd


def tariffs(knowledge: Knowledge) -> Tariffs:
    """Prices beside those of machines, in every market."""
    made: Tariffs = knowledge.kept("tariffs", lambda: Tariffs(markets(knowledge), knowledge.services, knowledge.egress))
    return made


def _stated(places: Sequence[Place], table: "pd.DataFrame") -> Sequence[Place]:
    """How a table names each place: by its region, else by its provider alone."""
    named = set(zip(table["provider"], table["region"], strict=True))
    return [place if place in named else (place[0], "") for place in places]


def _rows(table: "pd.DataFrame", stated: Sequence[Place]) -> IntArray:
    """Label of the row of each place; -1 where there is none, and for the user's own site after them."""
    held = {(provider, region): row for row, provider, region in table[["provider", "region"]].itertuples()}
    return np.array([*(held.get(place, -1) for place in stated), -1], np.intp)


def _picked(column: "pd.Series[float]", rows: IntArray) -> FloatArray:
    """Values at some rows of a column; NaN at row -1."""
    return np.append(column.to_numpy(float), np.nan)[rows]
