"""Names of three worlds brought together: price lists, hardware records, regions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from fnmatch import translate

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from advisor.schema import Device


def device_of_offers(offers: pd.DataFrame, devices: Mapping[str, Device]) -> pd.Categorical:
    """Device id of every offer: by the accelerator's alias, else by the CPU generation that drives the type.

    Parameters
    ----------
    offers : DataFrame
        Columns provider, instance_type and accelerator.
    devices : mapping of str to Device

    Returns
    -------
    Categorical
        One id a row; missing where no record claims the offer.
    """
    types = offers[["provider", "instance_type", "accelerator"]].drop_duplicates()
    by_alias = {alias: device.id for device in devices.values() for alias in (device.id, device.name, *device.aliases)}
    drivers = {provider: _any_of(patterns) for provider, patterns in _patterns_by_provider(devices.values()).items()}
    found = [
        by_alias.get(accelerator) if accelerator else _matching(drivers.get(provider), instance_type)
        for provider, instance_type, accelerator in types.itertuples(index=False)
    ]
    joined = offers[["provider", "instance_type", "accelerator"]].merge(
        types.assign(device=np.array(found, object)), how="left"
    )
    return pd.Categorical(joined["device"], categories=sorted(devices))


def _patterns_by_provider(devices: Iterable[Device]) -> dict[str, list[tuple[str, str]]]:
    grouped: dict[str, list[tuple[str, str]]] = {}
    for device in devices:
        for pattern in device.instances:
            provider, kind = pattern.split("/", 1)
            grouped.setdefault(provider, []).append((kind, device.id))
    return grouped


def _any_of(patterns: Sequence[tuple[str, str]]) -> tuple[re.Pattern[str], Sequence[str]]:
    alternatives = "|".join(f"({translate(pattern)})" for pattern, _ in patterns)
    return re.compile(alternatives), [device for _, device in patterns]


def _matching(driver: tuple[re.Pattern[str], Sequence[str]] | None, instance_type: str) -> str | None:
    if driver is None:
        return None
    match = driver[0].match(instance_type)
    return driver[1][match.lastindex - 1] if match and match.lastindex else None


def trait_of_offers(offers: pd.DataFrame, traits: Sequence[Mapping[str, object]]) -> pd.Categorical:
    """Trait of every offer that is no ordinary machine (burstable, government, attachment, …); missing for the others.

    Parameters
    ----------
    offers : DataFrame
        Columns provider, service, instance_type and region.
    traits : sequence of mapping
        Entries with ``match`` (patterns "provider/service/type@region") and ``trait``; the first that matches counts.
    """
    kinds = (
        offers["provider"].astype(str) + "/" + offers["service"].astype(str) + "/" + offers["instance_type"].astype(str)
    )
    kind_codes, kind_names = pd.factorize(kinds)
    region_codes, region_names = pd.factorize(offers["region"].astype(str))
    found = np.full(len(offers), -1)
    names: list[str] = []
    for entry in traits:
        names.append(str(entry["trait"]))
        for pattern in entry["match"]:  # type: ignore[attr-defined]
            kind, _, region = pattern.partition("@")
            hit = _hits(kind_names, kind)[kind_codes]
            if region not in ("", "*"):
                hit &= _hits(region_names, region)[region_codes]
            found[hit & (found < 0)] = len(names) - 1
    return pd.Categorical([names[code] if code >= 0 else None for code in found], categories=sorted(set(names)))


def _hits(names: Iterable[str], pattern: str) -> np.ndarray:
    match = re.compile(translate(pattern)).match
    return np.fromiter((match(name) is not None for name in names), bool)


def age_days(since: "pd.Series[str]") -> NDArray[np.float64]:
    """Age of a dated price today; a date without day or month counts from its end."""
    today = datetime.now(UTC).date()
    ages = {text: _days_since(text, today) for text in since.unique()}
    return np.asarray(since.map(ages), float)


def _days_since(text: str, today: date) -> float:
    parts = [int(part) for part in text.split("-") if part.isdigit()]
    if not parts:
        return float("nan")
    day = date(parts[0], parts[1] if len(parts) > 1 else 12, parts[2] if len(parts) > 2 else 28)
    return float(max((today - day).days, 0))
