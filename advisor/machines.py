"""Everything that can be rented, owned or installed, brought into one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advisor.claims import Estimate, Record, Source
from advisor.function_sizes import sizes_of
from advisor.knowledge import HERE, Knowledge
from advisor.units import BYTES_PER_GB

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.integer[Any]]

SITES = ("cloud", "on-premises", "device")
_PRICES = {"usd_per_gb_s", "usd_per_vcpu_s", "usd_per_gib_s", "usd_per_gpu_s", "usd_per_million_requests"}
TRAITS = ("government", "burstable", "attachment", "fpga", "graphics-only")
OWN_SERVICE, EDGE_SERVICE = "own-server", "edge-device"


@dataclass(frozen=True)
class Machines:
    """Everything that can be rented, owned or installed, as columns of one length.

    ``usd_per_hour`` is NaN where unknown and for what is owned; ``units`` counts accelerators or virtual CPUs.
    """

    name: NDArray[np.object_]
    provider: NDArray[np.object_]
    service: NDArray[np.object_]
    region: NDArray[np.object_]
    traits: Mapping[str, BoolArray]
    """Offers that are no ordinary machine, by trait: government, burstable, attachment, fpga, graphics-only."""
    since: NDArray[np.object_]
    source: NDArray[np.object_]
    basis: NDArray[np.object_]
    """What the price is: sourced, estimate, or the user's own."""
    device: IntArray
    site: IntArray
    place: IntArray
    """Row of the region table; -1 for the user's own site."""
    units: FloatArray
    memory_bytes: FloatArray
    unit_memory_bytes: FloatArray
    """Memory of one accelerator; NaN where models live in the memory of the machine."""
    usd_per_hour: FloatArray
    upfront_usd: FloatArray
    power_w: FloatArray
    age_days: FloatArray
    terms: IntArray
    """Row of the serverless table; -1 for machines."""

    def __len__(self) -> int:
        return len(self.name)

    @cached_property
    def here(self) -> BoolArray:
        """Whether it is the machine in front of the user, which is owned already."""
        return np.asarray(self.service == HERE, bool)


def machines(knowledge: Knowledge) -> Machines:
    """Every machine of the price lists, every serverless size, every own server and every board."""
    found: Machines = knowledge.kept("machines", lambda: _machines(knowledge))
    return found


def _machines(knowledge: Knowledge) -> Machines:
    import pandas as pd

    parts = [_offered(knowledge), _functions(knowledge), _servers(knowledge), _boards(knowledge)]
    table = pd.concat(parts, ignore_index=True)
    text: dict[str, Any] = {
        c: _shared(table[c].fillna("")) for c in ("name", "provider", "service", "region", "since", "source", "basis")
    }
    numbers = {
        c: table[c].to_numpy(dtype=float)
        for c in ("units", "memory_bytes", "unit_memory_bytes", "usd_per_hour", "upfront_usd", "power_w", "age_days")
    }
    codes = {c: table[c].to_numpy(dtype=np.intp) for c in ("device", "site", "place", "terms")}
    traits = {name: (table["trait"] == name).to_numpy() for name in TRAITS}
    return Machines(**text, **numbers, **codes, traits=traits)


def _shared(column: "pd.Series[str]") -> Any:
    """Texts as objects, equal ones as one object: a tenth of the memory."""
    codes, names = column.factorize()
    return np.array(names, object)[codes]


def _codes(knowledge: Knowledge) -> dict[str, int]:
    return {device: index for index, device in enumerate(knowledge.devices)}


def _offered(knowledge: Knowledge) -> "pd.DataFrame":
    import pandas as pd

    from advisor.joins import age_days

    offers = knowledge.offers
    devices = tuple(knowledge.devices.values())
    code = _of_category(_codes(knowledge), offers["device"])
    per_vcpu = np.array([device.unit == "vCPU" for device in devices])
    unit_memory = np.array([device.memory or np.nan for device in devices])
    is_cpu = per_vcpu[code] & (code >= 0)
    place = np.full(len(offers), -1)
    for provider, regions in knowledge.regions.reset_index().groupby("provider"):
        there = (offers["provider"] == provider).to_numpy()
        place[there] = _of_category(
            dict(zip(regions["region"], regions["index"], strict=True)), offers["region"][there]
        )
    card = offers["accelerator_memory_gb"] * BYTES_PER_GB / offers["accelerator_count"]
    return pd.DataFrame(
        {
            "name": offers["instance_type"],
            "provider": offers["provider"],
            "service": offers["service"],
            "region": offers["region"],
            "trait": offers["trait"].astype(object),
            "since": offers["since"],
            "source": offers["source"],
            "basis": np.where(offers["own"], "own", "sourced"),
            "device": code,
            "site": 0,
            "place": place,
            "units": np.where(is_cpu, offers["vcpu"], offers["accelerator_count"]),
            "memory_bytes": offers["memory_gb"] * BYTES_PER_GB,
            "unit_memory_bytes": np.where(
                is_cpu, np.nan, np.where(np.isnan(unit_memory[code]), card, unit_memory[code])
            ),
            "usd_per_hour": offers["usd_per_hour"],
            "upfront_usd": 0.0,
            "power_w": 0.0,
            "age_days": age_days(offers["since"]),
            "terms": -1,
        }
    )


def _of_category(values: Mapping[str, int], column: "pd.Series[str]") -> NDArray[np.intp]:
    """Value of the category of every entry; -1 where it has none."""
    of = [*(values.get(name, -1) for name in column.cat.categories), -1]
    return np.array(of, np.intp)[column.cat.codes.to_numpy()]


def _functions(knowledge: Knowledge) -> "pd.DataFrame":
    """Serverless terms at the sizes of ``data/serverless.toml``, in every region where their price holds."""
    import pandas as pd

    from advisor.joins import age_days

    tried = knowledge.table("serverless")
    rows: list[dict[str, Any]] = []
    for term, terms in enumerate(knowledge.serverless.to_dict("records")):
        places = _places_of_terms(knowledge.regions, terms["provider"], terms["region"])
        for size in sizes_of(terms, tried, knowledge.devices):
            rows.extend({**size, **_named(terms), "place": place, "terms": term} for place in places)
    table = pd.DataFrame(rows)
    codes = table["device"].map(_codes(knowledge))
    unit_memory = np.array([device.memory or np.nan for device in knowledge.devices.values()])
    return table.assign(
        device=codes,
        region=knowledge.regions["region"].to_numpy()[table["place"]],
        trait="",
        site=0,
        unit_memory_bytes=unit_memory[codes],
        usd_per_hour=np.nan,
        upfront_usd=0.0,
        power_w=0.0,
        age_days=age_days(table["since"]),
    )


def _named(terms: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "provider": terms["provider"],
        "service": terms["service"],
        "since": str(terms["dated"]),
        "source": terms["source"],
        "basis": "estimate" if _PRICES & set(str(terms["estimated_fields"]).split(";")) else "sourced",
    }


def _places_of_terms(regions: "pd.DataFrame", provider: str, region: str) -> list[int]:
    """Rows of the region table where serverless terms hold: the named region, else all that the name covers."""
    own = (regions["provider"] == provider).to_numpy()
    named = own & (regions["region"] == region).to_numpy()
    if named.any():
        return [int(row) for row in np.flatnonzero(named)]
    mainland = "mainland" in region.lower()
    return [int(row) for row in np.flatnonzero(own & ((regions["cn_mainland"] == "yes").to_numpy() == mainland))]


def _servers(knowledge: Knowledge) -> "pd.DataFrame":
    import pandas as pd

    codes, devices = _codes(knowledge), knowledge.devices
    return pd.DataFrame(
        [
            {
                "name": server.name,
                "provider": "",
                "service": HERE if server.id == HERE else OWN_SERVICE,
                "region": "",
                "trait": "",
                "since": _claimed(server, "price"),
                "source": server.id,
                "basis": _basis(server, "power" if server.id == HERE else "price"),
                "device": codes[server.device],
                "site": 1,
                "place": -1,
                "units": float(server.count),
                "memory_bytes": server.memory,
                "unit_memory_bytes": devices[server.device].memory or np.nan,
                "usd_per_hour": np.nan,
                "upfront_usd": server.price,
                "power_w": server.power,
                "age_days": 0.0,
                "terms": -1,
            }
            for server in knowledge.servers.values()
        ]
    )


def _boards(knowledge: Knowledge) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "name": device.name,
                "provider": "",
                "service": EDGE_SERVICE,
                "region": "",
                "trait": "",
                "since": _claimed(device, "board.price"),
                "source": device.id,
                "basis": _basis(device, "board.price"),
                "device": code,
                "site": 2,
                "place": -1,
                "units": 1.0,
                "memory_bytes": device.board.memory,
                "unit_memory_bytes": np.nan,
                "usd_per_hour": np.nan,
                "upfront_usd": np.nan if device.board.price is None else device.board.price,
                "power_w": device.board.power,
                "age_days": 0.0,
                "terms": -1,
            }
            for code, device in enumerate(knowledge.devices.values())
            if device.board
        ]
    )


def _claim(record: Record, fact: str) -> Source | Estimate | None:
    """Source or estimate that claims a fact."""
    claims = (c for c in record.claims if any(fact == name or fact.startswith(f"{name}.") for name in c.fields))
    return next(claims, None)


def _claimed(record: Record, fact: str) -> str:
    claim = _claim(record, fact)
    return "" if claim is None else str(claim.dated)


def _basis(record: Record, fact: str) -> str:
    return "sourced" if isinstance(_claim(record, fact), Source) else "estimate"
