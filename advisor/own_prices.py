"""A user's own prices: a CSV file that fills or overrides those of machines, and of what is billed beside them.

Columns provider, service, instance_type, region ("*" = every region), usd_per_hour, since.  A row without instance_type
whose service is an item of ``data/services.toml``, or "egress", gives the price of that item in its own unit.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from advisor.errors import PriceFileError, why_not

if TYPE_CHECKING:
    import pandas as pd

_MACHINE_COLUMNS = ("provider", "service", "instance_type", "region")
COLUMNS = (*_MACHINE_COLUMNS, "usd_per_hour", "since")
_DATED = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_EGRESS = "egress"


class OwnPrice(NamedTuple):
    """One row of the file."""

    file: Path
    line: int
    provider: str
    service: str
    instance_type: str
    region: str
    usd: float
    since: str
    beside: bool
    """Whether it is the price of something beside the machine."""

    @property
    def region_or_all(self) -> str:
        """Region as the tables write it: empty = those without a row of their own."""
        return "" if self.region == "*" else self.region


def read(path: Path, items: Collection[str]) -> Sequence[OwnPrice]:
    """Rows of a user's price file; ``items`` are those that are billed beside machines.

    Raises
    ------
    PriceFileError
        If the file cannot be read, lacks a column, or holds a price that is no positive number or a date that is none.
    """
    import pandas as pd

    try:
        own = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        reason = why_not(error) if isinstance(error, OSError) else " ".join(str(error).split())
        raise PriceFileError("price_file", file=str(path), columns=", ".join(COLUMNS), reason=reason) from None
    if missing := [column for column in COLUMNS if column not in own]:
        raise PriceFileError("price_column", file=str(path), column=", ".join(missing), columns=", ".join(COLUMNS))
    return [_row(path, line, row, items) for line, row in enumerate(own.to_dict("records"), start=2)]


def _row(path: Path, line: int, row: Any, items: Collection[str]) -> OwnPrice:
    import pandas as pd

    value = float(pd.to_numeric(row["usd_per_hour"], errors="coerce"))
    if not 0 < value < float("inf"):
        raise PriceFileError("price_value", file=str(path), row=line, value=row["usd_per_hour"])
    if not _DATED.fullmatch(row["since"]):
        raise PriceFileError("price_date", file=str(path), row=line, value=row["since"])
    beside = not row["instance_type"] and row["service"] in (*items, _EGRESS)
    return OwnPrice(
        file=path,
        line=line,
        provider=row["provider"],
        service=row["service"],
        instance_type=row["instance_type"],
        region=row["region"],
        usd=value,
        since=row["since"],
        beside=beside,
    )


def machines(offers: "pd.DataFrame", own: Sequence[OwnPrice]) -> "pd.DataFrame":
    """Offers with the user's prices in place of, or beside, the listed ones.

    Raises
    ------
    PriceFileError
        If a row names a machine that no price list holds.
    """
    price, since = offers["usd_per_hour"].to_numpy(copy=True), offers["since"].to_numpy(dtype=object, copy=True)
    source, mine = offers["source"].to_numpy(dtype=object, copy=True), offers["own"].to_numpy(copy=True)
    for row in (row for row in own if not row.beside):
        named = [name for name in _MACHINE_COLUMNS if not (name == "region" and row.region == "*")]
        hit = np.logical_and.reduce([(offers[name] == getattr(row, name)).to_numpy() for name in named])
        if not hit.any():
            machine = "/".join(str(getattr(row, name)) for name in _MACHINE_COLUMNS)
            raise PriceFileError("price_machine", file=str(row.file), row=row.line, value=machine)
        price[hit], since[hit], source[hit], mine[hit] = row.usd, row.since, row.file.name, True
    return offers.assign(usd_per_hour=price, since=since, source=source, own=mine)


def services(listed: "pd.DataFrame", own: Sequence[OwnPrice]) -> "pd.DataFrame":
    """Prices beside the machine with the user's in place of the listed ones."""
    for row in (row for row in own if row.beside and row.service != _EGRESS):
        same = (listed["provider"] == row.provider) & (listed["item"] == row.service)
        stated = {"item": row.service, "usd": row.usd, "basis": "own"}
        listed = _with(listed, same, row, stated)
    return listed


def egress(listed: "pd.DataFrame", own: Sequence[OwnPrice]) -> "pd.DataFrame":
    """Tiers of traffic with the user's price, one for all of it, in place of the listed ones."""
    for row in (row for row in own if row.beside and row.service == _EGRESS):
        stated = {"from_gb": 0.0, "usd_per_gb": row.usd, "provenance": "own"}
        listed = _with(listed, listed["provider"] == row.provider, row, stated)
    return listed


def _with(listed: "pd.DataFrame", same: "pd.Series[bool]", row: OwnPrice, stated: dict[str, Any]) -> "pd.DataFrame":
    """Table with a row of the user's own in place of those of the same kind that it overrides: of a region, or all."""
    import pandas as pd

    gone = same if row.region == "*" else same & (listed["region"] == row.region)
    known = {"provider": row.provider, "region": row.region_or_all, "source": row.file.name, "dated": row.since}
    return pd.concat([listed[~gone], pd.DataFrame([known | stated])], ignore_index=True)
