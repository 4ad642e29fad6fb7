"""What machines draw, idle and at work, and what the grid behind them emits: every factor with its range."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from advisor.columns import Ends, FloatArray, IntArray, Stacks
from advisor.knowledge import Knowledge

_CLOUD, _DEVICE = 0, 2
_OWN_SCOPE = "country"


class Factors(NamedTuple):
    """Factors of the energy and carbon of some machines."""

    watts: FloatArray
    """Power that the records state: of the devices, of the whole machine where it is the user's own; NaN for none."""
    idle: Ends
    busy: Ends
    """Shares of that which a machine draws while it waits, and while it works."""
    host: Ends
    """Power of the whole machine over that of its devices."""
    pue: Ends
    """Energy of the building over that of the machine."""
    grams_per_kwh: Ends
    """Carbon of the grid; NaN where the region is not named or states none."""


def factors(knowledge: Knowledge, found: Stacks, country: str, machine: IntArray) -> Factors:
    """Factors of some machines of an enumeration, for users in a country."""
    rows, table = found.machines, knowledge.table("energy")
    cloud, device = rows.site[machine] == _CLOUD, rows.device[machine]
    stated = np.array([one.power or np.nan for one in found.devices])[device] * rows.units[machine]
    kinds = [table["power"][one.kind] for one in found.devices]
    hosts = [table["host"]["accelerator" if one.unit == "device" else "processor"] for one in found.devices]
    return Factors(
        watts=np.where(cloud, stated, rows.power_w[machine]),
        idle=_ends(lambda end: np.array([kind["idle"][end] for kind in kinds])[device]),
        busy=_ends(lambda end: np.array([kind["busy"][end] for kind in kinds])[device]),
        host=_ends(lambda end: np.where(cloud, np.array([host[end] for host in hosts])[device], 1.0)),
        pue=_pue(knowledge, found, machine),
        grams_per_kwh=_grams_per_kwh(knowledge, found, country, machine),
    )


def _ends(of: Callable[[str], FloatArray]) -> Ends:
    return of("low"), of("mid"), of("high")


def pue_terms(table: Mapping[str, Any], provider: str) -> Mapping[str, Any]:
    """Published PUE of a provider, the average of clouds for one that publishes none."""
    terms: Mapping[str, Any] = table["pue"].get(provider, table["pue"]["default"])
    return terms


def _pue(knowledge: Knowledge, found: Stacks, machine: IntArray) -> Ends:
    import pandas as pd

    table, own = knowledge.table("energy"), knowledge.table("costs")["pue"]
    code, providers = pd.factorize(found.machines.provider[machine])
    site = found.machines.site[machine]
    room = np.where(site == _DEVICE, own["desk"], own["server_room"])

    def of(end: str) -> FloatArray:
        clouds = np.array([pue_terms(table, provider)[end] for provider in providers])[code]
        return np.where(site == _CLOUD, clouds, 1 + (room - 1) * table["pue"]["own"][end])

    return _ends(of)


def carbon_sources(knowledge: Knowledge, found: Stacks, country: str, machine: int) -> tuple[str, ...]:
    """Who states the grid intensity and the PUE of a machine, and when."""
    rows, regions = found.machines, knowledge.regions
    if rows.site[machine] != _CLOUD:
        grids = sorted(set(regions.loc[regions["country"] == country, "carbon_source"]) - {""})
        return (*grids, f"data/costs.toml {knowledge.table('costs')['pue']['dated']}")
    place, terms = int(rows.place[machine]), pue_terms(knowledge.table("energy"), str(rows.provider[machine]))
    grids = [str(regions["carbon_source"].iloc[place])] if place >= 0 else []
    return (*grids, f"{terms['by']} {terms['dated']}")


def _grams_per_kwh(knowledge: Knowledge, found: Stacks, country: str, machine: IntArray) -> Ends:
    regions, spread = knowledge.regions, knowledge.table("energy")["intensity"]
    intensity = regions["carbon_gco2_per_kwh"].to_numpy(float)
    home = intensity[regions["country"].to_numpy() == country]
    own = float(np.nanmean(home)) if np.isfinite(home).any() else np.nan
    site, place = found.machines.site[machine], found.machines.place[machine]
    named = intensity[place]
    grams = np.where(site != _CLOUD, own, np.where(place >= 0, named, np.nan))
    scopes = [str(scope) for scope in regions["carbon_scope"]]

    def of(end: str) -> FloatArray:
        by_place = np.array([spread[scope][end] if scope else np.nan for scope in scopes])[place]
        return grams * np.where(site == _CLOUD, by_place, spread[_OWN_SCOPE][end])

    return _ends(of)
