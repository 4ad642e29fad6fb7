"""Prices of hosted language models for ``data/tokens.csv.gz``, out of the package genai-prices.

The package is no dependency: install it in a folder of its own, ``pip install --target FOLDER genai-prices==0.2.3``.

Usage: python tools/import_token_prices.py FOLDER [--out FILE]
"""

import argparse
import csv
import gzip
import importlib
import importlib.metadata
import io
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from advisor.knowledge import TOKEN_PRICES

DATA = Path(__file__).resolve().parent.parent / "data"
COLUMNS = [
    "provider",
    "model",
    *(f"{name}_usd_per_mtok" for name in TOKEN_PRICES),
    "from_date",
    "source",
    "dated",
    "note",
]
FIELDS = dict(zip(TOKEN_PRICES, ("input_mtok", "output_mtok", "cache_read_mtok"), strict=True))
"""How the package calls each price."""

Row = dict[str, str]


def rows_of(provider: Any, settings: Mapping[str, Any]) -> Iterator[Row]:
    """A row for every price of a chat model of a provider, one a day from which prices hold."""
    for model in provider.models:
        if any(word in model.id for word in settings["other_models"]):
            continue
        for start, price, hours in dated_prices(model.prices):
            known = {name: getattr(price, field, None) for name, field in FIELDS.items()}
            to_come = str(start)[: len(settings["dated"])] > settings["dated"]
            if to_come or not (base(known["input"]) and base(known["output"])):
                continue
            yield {
                "provider": settings["names"].get(provider.id, provider.id),
                "model": model.id,
                **{f"{name}_usd_per_mtok": printed(base(value)) for name, value in known.items()},
                "from_date": str(start),
                "source": (provider.pricing_urls or [""])[0],
                "dated": settings["dated"],
                "note": "; ".join((*tiers(known), *hours)),
            }


def dated_prices(prices: Any) -> list[tuple[date | str, Any, list[str]]]:
    """Prices with the day from which each holds, "" for the first; the last with what some hours of the day cost."""
    entries = prices if isinstance(prices, Sequence) else [SimpleNamespace(constraint=None, prices=prices)]
    hours = [entry for entry in entries if hasattr(entry.constraint, "start_time")]
    dated = [(getattr(one.constraint, "start_date", ""), one.prices, []) for one in entries if one not in hours]
    return [*dated[:-1], (*dated[-1][:2], [hour_note(entry) for entry in hours])]


def hour_note(entry: Any) -> str:
    start, end = (f"{getattr(entry.constraint, edge):%H:%M}" for edge in ("start_time", "end_time"))
    price = entry.prices
    return f"input {printed(price.input_mtok)} and output {printed(price.output_mtok)} from {start} to {end} UTC"


def base(price: Any) -> Any:
    """Price below the first tier; nothing where none is stated or all is free."""
    return getattr(price, "base", price) or None


def printed(price: Any) -> str:
    return "" if price is None else f"{price.normalize():f}"


def tiers(known: Mapping[str, Any]) -> Iterator[str]:
    """What long requests cost, which a row leaves out."""
    for name, price in known.items():
        for tier in getattr(price, "tiers", ()):
            yield f"{name} {printed(tier.price)} from {tier.start} tokens in"


def write(providers: Sequence[Any], out: Path) -> int:
    """The table, sorted, the same bytes wherever it is made; the number of its rows."""
    settings = tomllib.loads((DATA / "tokens.toml").read_text(encoding="utf-8"))["import"]
    chosen = [provider for provider in providers if provider.id in settings["providers"]]
    rows = [row for provider in chosen for row in rows_of(provider, settings)]
    rows.sort(key=lambda row: (row["provider"], row["model"], row["from_date"]))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    out.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder into which genai-prices was installed")
    parser.add_argument("--out", type=Path, default=DATA / "tokens.csv.gz")
    given = parser.parse_args()
    sys.path.insert(0, str(given.folder))
    package = importlib.import_module("genai_prices.data")
    version = next(iter(importlib.metadata.distributions(name="genai-prices", path=[str(given.folder)]))).version
    print(f"{write(package.providers, given.out)} prices of genai-prices {version}")


if __name__ == "__main__":
    main()
