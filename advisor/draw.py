"""What machines draw, idle and at work, and what the grid behind them emits: every factor with its range."""

from collections.abc import Callable, Mapping, Sequence
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


class _Devices(NamedTuple):
    """The same of every device of the knowledge."""

    watts: FloatArray
    idle: Ends
    busy: Ends
    host: Ends


def factors(knowledge: Knowledge, found: Stacks, country: str, machine: IntArray) -> Factors:
    """Factors of some machines of an enumeration, for users in a country."""
    devices: _Devices = knowledge.kept("power of devices", lambda: _devices(knowledge))
    rows = found.machines
    cloud, device = rows.site[machine] == _CLOUD, rows.device[machine]
    return Factors(
        watts=np.where(cloud, devices.watts[device] * rows.units[machine], rows.power_w[machine]),
        idle=_picked(devices.idle, device),
        busy=_picked(devices.busy, device),
        host=_each(lambda end: np.where(cloud, end, 1.0), _picked(devices.host, device)),
        pue=_pue(knowledge, found, machine),
        grams_per_kwh=_grams_per_kwh(knowledge, found, country, machine),
    )


def _devices(knowledge: Knowledge) -> _Devices:
    table, devices = knowledge.table("energy"), knowledge.devices.values()
    kinds = [table["power"][device.kind] for device in devices]
    return _Devices(
        watts=np.array([device.power or np.nan for device in devices]),
        idle=_ends([kind["idle"] for kind in kinds]),
        busy=_ends([kind["busy"] for kind in kinds]),
        host=_ends([table["host"]["accelerator" if one.unit == "device" else "processor"] for one in devices]),
    )


def _ends(ranges: Sequence[Mapping[str, float]]) -> Ends:
    """Columns of ranges that a table states."""
    low, mid, high = (np.array([each[end] for each in ranges], float) for end in ("low", "mid", "high"))
    return low, mid, high


def _each(of: Callable[[FloatArray], FloatArray], ends: Ends) -> Ends:
    low, mid, high = (of(end) for end in ends)
    return low, mid, high


def _picked(ends: Ends, index: IntArray) -> Ends:
    return _each(lambda end: end[index], ends)


def pue_terms(table: Mapping[str, Any], provider: str) -> Mapping[str, Any]:
    """Published PUE of a provider, the average of clouds for one that publishes none."""
    terms: Mapping[str, Any] = table["pue"].get(provider, table["pue"]["default"])
    return terms


def _pue(knowledge: Knowledge, found: Stacks, machine: IntArray) -> Ends:
    import pandas as pd

    table, own = knowledge.table("energy"), knowledge.table("costs")["pue"]
    code, providers = pd.factorize(found.machines.provider[machine])
    site = found.machines.site[machine]
    overhead = np.where(site == _DEVICE, own["desk"], own["server_room"]) - 1
    clouds = _picked(_ends([pue_terms(table, provider) for provider in providers]), code)
    rooms = _each(lambda end: 1 + overhead * end, _ends([table["pue"]["own"]]))
    low, mid, high = (np.where(site == _CLOUD, *both) for both in zip(clouds, rooms, strict=True))
    return low, mid, high


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
    regions: Ends = knowledge.kept("grids", lambda: _grids(knowledge))
    site, place = found.machines.site[machine], found.machines.place[machine]
    named = _each(lambda end: np.where(place >= 0, end[place], np.nan), regions)
    home: float = knowledge.kept(("home grid", country), lambda: _home(knowledge, country))
    own = _each(lambda end: home * end, _ends([knowledge.table("energy")["intensity"][_OWN_SCOPE]]))
    low, mid, high = (np.where(site == _CLOUD, *both) for both in zip(named, own, strict=True))
    return low, mid, high


def _grids(knowledge: Knowledge) -> Ends:
    """Grid intensity of every region with its range, by what its figure stands for [g CO2e/kWh]."""
    spread, regions = knowledge.table("energy")["intensity"], knowledge.regions
    grams = regions["carbon_gco2_per_kwh"].to_numpy(float)
    unknown = dict.fromkeys(("low", "mid", "high"), np.nan)
    return _each(lambda end: grams * end, _ends([spread.get(scope, unknown) for scope in regions["carbon_scope"]]))


def _home(knowledge: Knowledge, country: str) -> float:
    """Grid intensity at the user's own site: the mean of the regions of the country [g CO2e/kWh]."""
    regions = knowledge.regions
    home = regions["carbon_gco2_per_kwh"].to_numpy(float)[regions["country"].to_numpy() == country]
    return float(np.nanmean(home)) if np.isfinite(home).any() else np.nan
