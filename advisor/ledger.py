"""The numbers behind every line of every bill of one question: what is billed, how much of it, at which price."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from advisor.columns import BoolArray, ClassColumns, Column, FloatArray, IntArray, Sized, Stacks
from advisor.cost import mean_replicas, requests_per_month
from advisor.knowledge import Knowledge
from advisor.machines import SITES
from advisor.owning import OwnTerms
from advisor.question import Question
from advisor.system_records import System
from advisor.tariffs import Tariffs, tariffs
from advisor.units import BYTES_PER_GB, BYTES_PER_KB, HOURS_PER_DAY

INCLUDED, SEVERAL, ALWAYS, ENDPOINT = range(4)
"""What is billed in front of the replicas: nothing, a load balancer from the second machine on, always one, or what
passes a managed endpoint."""
_FRONTS = {"included": INCLUDED, "several": SEVERAL, "always": ALWAYS, "endpoint": ENDPOINT}


class PlatformColumns(NamedTuple):
    """What the platforms bill, as columns of shape (platforms,)."""

    rents: BoolArray
    """Whether it stands on rented machines."""
    follows: BoolArray
    """Whether idle replicas are given back."""
    surcharge: FloatArray
    """Share of the price of a machine; NaN = unknown."""
    fee_usd_per_hour: FloatArray
    """NaN = unknown."""
    front: IntArray
    """INCLUDED, SEVERAL, ALWAYS or ENDPOINT."""
    disk_gb: FloatArray
    """Disk of a machine beside what is shipped and the model."""
    keeps_image: BoolArray
    keeps_model: BoolArray
    fixed_hours: FloatArray
    machine_hours: FloatArray
    """People's hours a month for the platform, and for each machine."""
    wage_usd_per_hour: FloatArray


@dataclass(frozen=True)
class Ledger:
    """The columns of a question that its bills are worked out of."""

    asking: Question
    found: Stacks
    sized: Sized
    columns: ClassColumns
    knowledge: Knowledge
    headroom: float
    """How far replicas that follow the load stay ahead of it."""

    @cached_property
    def peak(self) -> FloatArray:
        """Machines at the peak at one place, shape (runs,); NaN where no number suffices."""
        return np.where(np.isfinite(self.sized.replicas), self.sized.replicas, np.nan)

    def following(self, peak: Column) -> FloatArray:
        """Machines billed on average where they follow the load."""
        asked = self.asking.asked
        share = asked.hours_per_day / HOURS_PER_DAY
        return mean_replicas(peak=peak, peak_factor=asked.peak_factor, headroom=self.headroom, hours_share=share)

    @cached_property
    def tariffs(self) -> Tariffs:
        """Prices beside those of machines, by market."""
        return tariffs(self.knowledge)

    @cached_property
    def requests(self) -> float:
        """Requests of a month in a cloud."""
        asked = self.asking.asked
        return float(requests_per_month(qps=asked.qps * asked.sites, hours_per_day=asked.hours_per_day))

    @cached_property
    def response_bytes(self) -> float:
        """Size of one response."""
        sizes, family = self.knowledge.table("responses"), self.asking.spec.family
        body = sizes["kb"][family] * BYTES_PER_KB
        tokens = sizes["llm"]["bytes_per_token"] + sizes["llm"]["bytes_per_event"]
        return float(body + self.asking.output_tokens * tokens)

    @property
    def egress_gb(self) -> float:
        """What the responses of a month hold."""
        return self.requests * self.response_bytes / BYTES_PER_GB

    @property
    def traffic_gb(self) -> float:
        """What the requests and responses of a month hold."""
        return self.egress_gb + self.requests * self.asking.asked.payload_kb * BYTES_PER_KB / BYTES_PER_GB

    @cached_property
    def shipped_gb(self) -> FloatArray:
        """Size of engine and model, shape (classes,)."""
        return (self.columns.package_bytes + self.columns.weight_bytes) / BYTES_PER_GB

    @cached_property
    def model_gb(self) -> FloatArray:
        """Size of the model alone, shape (classes,)."""
        return self.columns.weight_bytes / BYTES_PER_GB

    @cached_property
    def usd_per_hour(self) -> FloatArray:
        """Price of a machine, shape (machines,); NaN where it was unknown on the date that is asked."""
        rows = self.found.machines
        return np.where(self.too_young, np.nan, rows.usd_per_hour)

    @cached_property
    def too_young(self) -> BoolArray:
        """Whether the price of a machine is younger than the date that is asked."""
        return np.asarray(self.found.machines.age_days < age_of(self.asking.asked.as_of))

    @cached_property
    def platforms(self) -> PlatformColumns:
        """What the platforms bill."""
        return platform_columns(self.found, self.knowledge)

    @cached_property
    def engine_hours(self) -> FloatArray:
        """People's hours a month for the engine and the number format, shape (classes,)."""
        settings = self.knowledge.table("ranking")
        engines = {name: _engine_hours(system, settings) for name, system in self.found.engines.items()}
        return np.array(
            [settings["precision_hours_month"][k.precision] + engines[k.engine] for k in self.found.classes]
        )

    @cached_property
    def engine_wage(self) -> FloatArray:
        """Wage of those who run the engine, shape (classes,) [USD/h]."""
        wages = self.knowledge.table("people")["skills"]
        return np.array([wages[skills]["usd_per_hour"] for skills in self.columns.skills])


def platform_columns(found: Stacks, knowledge: Knowledge) -> PlatformColumns:
    """What the platforms of an enumeration bill."""
    terms = [system.platform for system in found.platforms if system.platform]
    needs = [knowledge.table("billing")["operations"][platform.operation] for platform in terms]
    cloud = np.array([platform.site == "cloud" for platform in terms])
    wages = knowledge.table("people")["skills"]
    return PlatformColumns(
        rents=cloud & [platform.operation != "serverless" for platform in terms],
        follows=np.array([platform.follows_load for platform in terms]) & cloud,
        surcharge=_known(platform.surcharge for platform in terms),
        fee_usd_per_hour=_known(platform.fixed_usd_per_hour for platform in terms),
        front=np.where(cloud, [_FRONTS[need["load_balancer"]] for need in needs], INCLUDED),
        disk_gb=np.where(cloud, [float(need["disk_gb"]) for need in needs], 0.0),
        keeps_image=cloud & [need["kept"] == "container-registry" for need in needs],
        keeps_model=cloud & [need["kept"] == "object-storage" for need in needs],
        fixed_hours=np.array([float(platform.hours_fixed_month) for platform in terms]),
        machine_hours=np.array([float(platform.hours_per_machine_month) for platform in terms]),
        wage_usd_per_hour=np.array([float(wages[platform.skills]["usd_per_hour"]) for platform in terms]),
    )


def _known(shares: Iterable[float | None]) -> FloatArray:
    """Shares or fees; NaN where one is not stated."""
    return np.array([np.nan if share is None else float(share) for share in shares])


def _engine_hours(system: System, settings: Mapping[str, Any]) -> float:
    """People's hours a month that an engine asks for: by its skills, and for the server that a library lacks."""
    if system.engine is None:
        return float(settings["engine_hours_month"]["none"])
    own_server = 0.0 if system.engine.server else settings["own_server_hours_month"]
    return float(settings["engine_hours_month"][system.engine.skills] + own_server)


def own_terms(ledger: Ledger, machine: IntArray) -> OwnTerms:
    """What owning some machines costs besides their price; the machine that stands here already is installed."""
    costs, asked, rows = ledger.knowledge.table("costs"), ledger.asking.asked, ledger.found.machines
    edge = rows.site[machine] == SITES.index("device")
    return OwnTerms(
        life_months=np.where(edge, costs["life"]["edge_months"], costs["life"]["server_months"]),
        horizon_months=float(asked.horizon_months),
        maintenance_per_year=costs["maintenance"]["share_per_year"],
        usd_per_kwh=tariff_of(costs, asked.country)["usd_per_kwh"],
        pue=np.where(edge, costs["pue"]["desk"], costs["pue"]["server_room"]),
        space_usd_per_kw_month=np.where(edge, 0.0, costs["space"]["usd_per_kw_month"]),
        spare_share=costs["spare"]["share"],
        install_usd=install_usd(ledger, machine),
    )


def tariff_of(costs: Mapping[str, Any], country: str) -> Mapping[str, Any]:
    """Electricity tariff of a country, else the one that stands for all."""
    found: Mapping[str, Any] = costs["electricity"].get(country, costs["electricity"]["default"])
    return found


def install_usd(ledger: Ledger, machine: IntArray) -> FloatArray:
    """Installation of some machines; nothing for the one that stands here already [USD]."""
    install, rows = ledger.knowledge.table("costs")["install"], ledger.found.machines
    bought = np.where(rows.site[machine] == SITES.index("device"), install["edge_usd"], install["server_usd"])
    return np.where(rows.here[machine], 0.0, bought)


def age_of(as_of: str | None) -> float:
    """Days since a date; prices younger than it were not known then.  Minus infinity for no date."""
    if as_of is None:
        return float("-inf")
    return float((datetime.now(UTC).date() - date.fromisoformat(as_of)).days)
