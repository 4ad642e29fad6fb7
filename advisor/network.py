"""Round trips and transfer: what the network adds to a response, by place."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from advisor.columns import Network
from advisor.knowledge import Country, Knowledge, countries
from advisor.units import BITS_PER_BYTE, BYTES_PER_KB, MILLION, MS_PER_S

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]

EARTH_RADIUS_KM = 6371.0088


def distance_km(lat: FloatArray, lon: FloatArray, country: Country) -> FloatArray:
    """Great-circle distance from positions in degrees to a country's largest city [km]."""
    phi, home = np.radians(lat), np.radians(country.lat)
    chord = np.sin((phi - home) / 2) ** 2
    chord = chord + np.cos(phi) * np.cos(home) * np.sin(np.radians(np.asarray(lon) - country.lon) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(chord)))


def network(knowledge: Knowledge, *, country: str, payload_kb: float, internet: str, local: bool) -> Network:
    """Time that requests from a country spend on the network, by region.

    Round trips are bands of distance marked as estimates (``data/network.toml``); a request of ``payload_kb`` travels
    at the
    uplink rate of that kind of internet.  Responses are taken to be small.  Where the traffic is ``local``, own
    servers are in the same building and devices at hand; otherwise users of the country reach them over the internet.
    """
    terms = knowledge.table("network")
    regions = knowledge.regions
    home = countries(knowledge.folder)[country]
    band = np.searchsorted([b["km_upto"] for b in terms["bands"]], _distances(regions, home))
    band = np.minimum(band, len(terms["bands"]) - 1)
    border = (regions["cn_mainland"].to_numpy() == "yes") != (country == "CN")
    uplink = terms["uplink"][internet if internet != "none" else "good"]
    payload_bits = payload_kb * BYTES_PER_KB * BITS_PER_BYTE
    home_band = int(np.searchsorted([b["km_upto"] for b in terms["bands"]], terms["home"]["km"]))
    ends = {}
    for end, rate in (("low", "high"), ("mid", "mid"), ("high", "low")):
        trip_ms = np.array([b[f"rtt_{end}_ms"] for b in terms["bands"]])[band]
        trip_ms = trip_ms + border * terms["mainland_border"][f"extra_{end}_ms"] + uplink[f"access_{end}_ms"]
        cloud_s = trip_ms / MS_PER_S + payload_bits / (uplink[f"{rate}_mbit_per_s"] * MILLION)
        lan = terms["lan"]
        lan_s = lan[f"rtt_{end}_ms"] / MS_PER_S + payload_bits / (lan[f"{rate}_mbit_per_s"] * MILLION)
        home_ms = terms["bands"][home_band][f"rtt_{end}_ms"] + 2 * uplink[f"access_{end}_ms"]
        home_s = home_ms / MS_PER_S + payload_bits / (uplink[f"{rate}_mbit_per_s"] * MILLION)
        own_s, device_s = (lan_s, 0.0) if local else (home_s, home_s)
        unplaced_ms = terms["unplaced"][f"rtt_{end}_ms"] + uplink[f"access_{end}_ms"]
        unplaced_s = unplaced_ms / MS_PER_S + payload_bits / (uplink[f"{rate}_mbit_per_s"] * MILLION)
        ends[end] = np.concatenate([cloud_s, [unplaced_s, own_s, device_s]])
    home_rows = regions["country"].to_numpy() == country
    return Network(
        ends["low"],
        ends["mid"],
        ends["high"],
        np.concatenate([border, [False] * 3]),
        np.concatenate([home_rows, [False, True, True]]),
    )


def _distances(regions: "pd.DataFrame", home: Country) -> FloatArray:
    lat, lon = regions["lat"].to_numpy(float), regions["lon"].to_numpy(float)
    same = regions["country"].to_numpy() == home.iso
    km = distance_km(lat, lon, home)
    return np.nan_to_num(np.where(np.isnan(km) & same, 0.0, km), nan=np.pi * EARTH_RADIUS_KM)
