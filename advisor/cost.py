"""Replicas + prices -> money per month, one unit for every kind of operation."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from advisor.columns import FUNCTION, MID, Bill, BoolArray, Column, FloatArray, IntArray, Sized, Stacks
from advisor.function_bill import FunctionBill, function_bill
from advisor.knowledge import Knowledge
from advisor.machines import Machines
from advisor.question import Question
from advisor.requirements import Requirements
from advisor.system_records import Platform, System
from advisor.units import (
    DAYS_PER_MONTH,
    HOURS_PER_DAY,
    HOURS_PER_MONTH,
    MONTHS_PER_YEAR,
    SECONDS_PER_DAY,
    WATTS_PER_KW,
)

if TYPE_CHECKING:
    import pandas as pd

Numbers = float | FloatArray


class OwnTerms(NamedTuple):
    """What owning hardware costs besides its price."""

    life_months: Numbers
    maintenance_per_year: Numbers
    """Share of the price a year."""
    usd_per_kwh: Numbers
    pue: Numbers
    space_usd_per_kw_month: Numbers
    spare_share: Numbers
    """Spare machines kept for failures, as a share of the fleet."""
    install_usd: Numbers


def owned_usd_per_month(*, price_usd: Numbers, power_w: Numbers, terms: OwnTerms) -> FloatArray:
    r"""Monthly cost of one owned machine: its price over its life, maintenance, power and space.

    Parameters
    ----------
    price_usd : float or array
        Price of the machine; NaN = unknown, and so is the result.  [USD]
    power_w : float or array
        Power drawn, all hours.  [W]
    terms : OwnTerms

    Returns
    -------
    array
        [USD/month]

    Notes
    -----
    With the price p of the machine and its share of spares, and the installation i:

    .. math:: c = (p + i) / m + p \mu / 12 + 730 P \cdot PUE \cdot t + P s
    """
    price_usd, kilowatts = (
        np.asarray(price_usd, float) * (1 + np.asarray(terms.spare_share)),
        np.asarray(power_w, float) / WATTS_PER_KW,
    )
    energy = kilowatts * HOURS_PER_MONTH * terms.pue * terms.usd_per_kwh
    upkeep = price_usd * terms.maintenance_per_year / MONTHS_PER_YEAR
    return (
        (price_usd + terms.install_usd) / terms.life_months + upkeep + energy + kilowatts * terms.space_usd_per_kw_month
    )


def rented_usd_per_month(
    *, replicas: Numbers, usd_per_hour: Numbers, surcharge: Numbers, fixed_usd_per_hour: Numbers
) -> FloatArray:
    """Monthly cost of rented machines with surcharge and fixed fee; NaN where any part is unknown [USD/month]."""
    machines = np.asarray(replicas, float) * usd_per_hour * (1 + np.asarray(surcharge, float))
    return np.asarray((machines + fixed_usd_per_hour) * HOURS_PER_MONTH)


def requests_per_month(*, qps: Numbers, hours_per_day: float) -> FloatArray:
    """Requests of a month at a mean rate in the active hours [1/month]."""
    return np.asarray(qps, float) * SECONDS_PER_DAY * DAYS_PER_MONTH * (hours_per_day / HOURS_PER_DAY)


def mean_replicas(*, peak: Numbers, peak_factor: float, headroom: float, hours_share: float) -> FloatArray:
    """Replicas billed on average by an operation that follows the daily profile.

    Between mean and peak the fleet follows the load with ``headroom`` (its scaling lag); outside the active hours,
    and never below it, one replica stays.
    """
    peak = np.asarray(peak, float)
    active = np.minimum(peak, np.maximum(1.0, peak / peak_factor * headroom))
    return active * hours_share + np.minimum(1.0, peak) * (1 - hours_share)


def bill_of(asking: Question, found: Stacks, sized: Sized, knowledge: Knowledge, *, headroom: float) -> Bill:
    """Money and people's hours of every candidate.

    Virtual machines, own servers and boards hold the replicas of the peak all month; managed endpoints and Kubernetes
    follow the daily profile; functions pay by use.
    """
    rows, asked, places = found.machines, asking.asked, asking.asked.sites
    terms = [system.platform for system in found.platforms if system.platform]
    own = np.array([platform.site != "cloud" for platform in terms])
    replicas = np.where(np.isfinite(sized.replicas), sized.replicas, np.nan)
    following = mean_replicas(
        peak=replicas, peak_factor=asked.peak_factor, headroom=headroom, hours_share=asked.hours_per_day / HOURS_PER_DAY
    )
    rented = np.where(rows.age_days < age_of(asked.as_of), np.nan, rows.usd_per_hour) * HOURS_PER_MONTH
    machine_usd = np.where(rows.site == 0, rented, own_usd_per_month(knowledge, rows, asked))
    base = machine_usd[found.run_machine]
    held, followed = base * replicas, base * following
    use_runs = np.flatnonzero(found.run_traffic == FUNCTION)
    use_usd = np.zeros(0)
    if len(use_runs):
        lines = functions_usd_per_month(asking, found, sized, knowledge.serverless, use_runs)
        use_usd = lines.use_usd + lines.provisioned_usd
    held[use_runs] = followed[use_runs] = use_usd
    follows = np.array([p.follows_load and p.site == "cloud" for p in terms])
    share = np.array([1 + (np.nan if p.surcharge is None else p.surcharge) for p in terms]) * np.where(own, places, 1)
    fixed = (
        np.array([np.nan if p.fixed_usd_per_hour is None else p.fixed_usd_per_hour for p in terms]) * HOURS_PER_MONTH
    )
    machines = replicas * np.where(rows.site == 0, 1, places)[found.run_machine]
    usd = _either(found.run, found.platform, held, followed, follows) * np.take(
        share.astype(np.float32), found.platform
    )
    usd += np.take(fixed.astype(np.float32), found.platform)
    return Bill(
        usd_per_month=usd,
        hours_per_month=_hours_per_month(found, terms, machines, knowledge.table("ranking")),
        replicas_following=following.astype(np.float32),
        follows_load=follows,
        machine_usd=machine_usd,
        use_runs=use_runs,
        use_usd=use_usd,
        share=share,
        fixed_usd_per_month=fixed,
        upfront_usd=upfront_usd(knowledge, rows),
    )


def _either(run: IntArray, platform: IntArray, held: FloatArray, followed: FloatArray, follows: BoolArray) -> Column:
    """Money of runs whose platform holds its machines, or lets them follow the load."""
    both = np.concatenate([held, followed]).astype(np.float32)
    offset = (follows * len(held)).astype(np.int32)
    return np.take(both, run + np.take(offset, platform))


def usd_per_month_of(bill: Bill, found: Stacks, sized: Sized, rows: IntArray) -> FloatArray:
    """Monthly cost of some candidates in full precision; the column of the bill is what they are ranked by."""
    run, platform = found.run[rows], found.platform[rows]
    replicas = np.where(bill.follows_load[platform], bill.replicas_following[run], sized.replicas[run])
    base = bill.machine_usd[found.run_machine[run]] * np.where(np.isfinite(replicas), replicas, np.nan)
    by_use = found.run_traffic[run] == FUNCTION
    base[by_use] = bill.use_usd[np.searchsorted(bill.use_runs, run[by_use])]
    return np.asarray(base * bill.share[platform] + bill.fixed_usd_per_month[platform])


def _hours_per_month(
    found: Stacks, terms: Sequence[Platform], machines: FloatArray, settings: Mapping[str, Any]
) -> Column:
    """People's hours of every candidate: of the platform, of each machine, of the engine and the number format."""
    engines = {name: _engine_hours(system, settings) for name, system in found.engines.items()}
    extra = np.array([settings["precision_hours_month"][k.precision] + engines[k.engine] for k in found.classes])
    fixed = np.array([platform.hours_fixed_month for platform in terms])
    each = np.array([platform.hours_per_machine_month for platform in terms])
    fixed, each, machines = fixed.astype(np.float32), each.astype(np.float32), machines.astype(np.float32)
    of_run = extra.astype(np.float32)[found.run_class]
    hours = np.take(each, found.platform)
    hours *= np.take(machines, found.run)
    hours += np.take(fixed, found.platform)
    hours += np.take(of_run, found.run)
    return hours


def _engine_hours(system: System, settings: Mapping[str, Any]) -> float:
    """People's hours a month that an engine asks for: by its skills, and for the server that a library lacks."""
    if system.engine is None:
        return float(settings["engine_hours_month"]["none"])
    own_server = 0.0 if system.engine.server else settings["own_server_hours_month"]
    return float(settings["engine_hours_month"][system.engine.skills] + own_server)


def own_usd_per_month(knowledge: Knowledge, rows: Machines, asked: Requirements) -> FloatArray:
    """Monthly cost of every owned machine; the life is the horizon, at most what the hardware lasts [USD/month]."""
    costs = knowledge.table("costs")
    tariff = costs["electricity"].get(asked.country, costs["electricity"]["default"])["usd_per_kwh"]
    edge = rows.site == 2
    life = np.where(edge, costs["life"]["edge_months"], costs["life"]["server_months"])
    terms = OwnTerms(
        life_months=np.minimum(life, asked.horizon_months),
        maintenance_per_year=costs["maintenance"]["share_per_year"],
        usd_per_kwh=tariff,
        pue=np.where(edge, costs["pue"]["desk"], costs["pue"]["server_room"]),
        space_usd_per_kw_month=np.where(edge, 0.0, costs["space"]["usd_per_kw_month"]),
        spare_share=costs["spare"]["share"],
        install_usd=_install_usd(costs, rows),
    )
    return owned_usd_per_month(price_usd=rows.upfront_usd, power_w=rows.power_w, terms=terms)


def _install_usd(costs: Mapping[str, Any], rows: Machines) -> FloatArray:
    """Installation of a machine; nothing for the one that stands here already [USD]."""
    bought = np.where(rows.site == 2, costs["install"]["edge_usd"], costs["install"]["server_usd"])
    return np.where(rows.here, 0.0, bought)


def age_of(as_of: str | None) -> float:
    """Days since a date; prices younger than it were not known then.  Minus infinity for no date."""
    if as_of is None:
        return float("-inf")
    return float((datetime.now(UTC).date() - date.fromisoformat(as_of)).days)


def upfront_usd(knowledge: Knowledge, rows: Machines) -> FloatArray:
    """Money before the start for one machine: its price with its share of spares, and its installation [USD]."""
    costs = knowledge.table("costs")
    whole = rows.upfront_usd * (1 + costs["spare"]["share"]) + _install_usd(costs, rows)
    return np.where(rows.site == 0, 0.0, whole)


def functions_usd_per_month(
    asking: Question, found: Stacks, sized: Sized, terms: "pd.DataFrame", runs: IntArray, *, end: int = MID
) -> FunctionBill:
    """Monthly bill of runs on functions, at one end of the latency interval; NaN where a price was not known then."""
    asked = asking.asked
    bill = function_bill(
        found,
        sized,
        terms,
        runs,
        requests=float(requests_per_month(qps=asked.qps * asked.sites, hours_per_day=asked.hours_per_day)),
        hours_per_day=asked.hours_per_day,
        end=end,
    )
    unknown = found.machines.age_days[found.run_machine[runs]] < age_of(asked.as_of)
    return FunctionBill(*(np.where(unknown, np.nan, usd) for usd in bill))
