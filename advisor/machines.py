"""Everything that can be rented, owned or installed, brought into one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advisor.function_sizes import sizes_of
from advisor.knowledge import HERE, Knowledge
from advisor.own_machines import boards, servers
from advisor.units import BYTES_PER_GB

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.integer[Any]]

SITES = ("cloud", "on-premises", "device")
_PRICES = {"usd_per_gb_s", "usd_per_vcpu_s", "usd_per_gib_s", "usd_per_gpu_s", "usd_per_million_requests"}
TRAITS = ("government", "burstable", "attachment", "fpga", "graphics-only")


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
    market: IntArray
    """Provider and region, by their place in :func:`markets`; -1 for the user's own site."""
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
    return _kept(knowledge)[0]


def markets(knowledge: Knowledge) -> Sequence[tuple[str, str]]:
    """Provider and region of every place where something is for rent."""
    return _kept(knowledge)[1]


def _kept(knowledge: Knowledge) -> tuple[Machines, Sequence[tuple[str, str]]]:
    made: tuple[Machines, Sequence[tuple[str, str]]] = knowledge.kept("machines", lambda: _machines(knowledge))
    return made


def _machines(knowledge: Knowledge) -> tuple[Machines, Sequence[tuple[str, str]]]:
    import pandas as pd

    codes = {device: index for index, device in enumerate(knowledge.devices)}
    own = [servers(knowledge, codes), boards(knowledge, codes)]
    table = pd.concat([_offered(knowledge), _functions(knowledge), *own], ignore_index=True)
    market, names = pd.factorize((table["provider"] + "/" + table["region"].astype(str)).where(table["site"] == 0))
    text: dict[str, Any] = {
        c: _shared(table[c].fillna("")) for c in ("name", "provider", "service", "region", "since", "source", "basis")
    }
    numbers = {
        c: table[c].to_numpy(dtype=float)
        for c in ("units", "memory_bytes", "unit_memory_bytes", "usd_per_hour", "upfront_usd", "power_w", "age_days")
    }
    indices = {c: table[c].to_numpy(dtype=np.intp) for c in ("device", "site", "place", "terms")}
    traits = {name: (table["trait"] == name).to_numpy() for name in TRAITS}
    places = [(provider, region) for provider, _, region in (name.partition("/") for name in names)]
    return Machines(**text, **numbers, **indices, market=market, traits=traits), places


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
