"""Lines of the bills of some stacks, and what they come to."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from advisor.columns import CLOUD, FUNCTION, MID, PLACE, BoolArray, FloatArray, IntArray
from advisor.cost import (
    FrontTerms,
    egress_lines,
    front_lines,
    machine_line,
    platform_lines,
    storage_lines,
)
from advisor.function_bill import lines_of_functions
from advisor.ledger import ALWAYS, ENDPOINT, SEVERAL, Ledger, own_terms
from advisor.lines import Line, known_total
from advisor.owning import PeopleTerms, owned_lines, people_lines

Lines = tuple[Line, ...]


def lines_of(
    ledger: Ledger, run: IntArray, platform: IntArray, *, machines: FloatArray | None = None, end: int = MID
) -> Lines:
    """Lines of stacks that are all rented, all paid by use, or all owned.

    Parameters
    ----------
    run, platform : int array
        Runs of the stacks, and the platforms that they stand on.
    machines : array, optional
        Machines at the peak at one place; by default those that the fleets were sized at.
    end : int
        End of the latency interval that functions run for.
    """
    peak = ledger.peak[run] if machines is None else machines
    terms, none = ledger.platforms, np.zeros(len(run))
    around: Lines = ()
    if ledger.found.run_traffic[run[0]] == FUNCTION:
        running = _used(ledger, run, end)
        around = (*_storage(ledger, run, platform, none), *egress_of(ledger, _market(ledger, run)))
    elif ledger.found.machines.site[ledger.found.run_machine[run[0]]] == 0:
        billed = np.where(terms.follows[platform], ledger.following(peak), peak)
        usd_per_hour = ledger.usd_per_hour[ledger.found.run_machine[run]]
        running = (machine_line(machines=billed, usd_per_hour=usd_per_hour),)
        around = (
            *_front(ledger, run, platform, peak),
            *_storage(ledger, run, platform, billed),
            *egress_of(ledger, _market(ledger, run)),
        )
    else:
        running = _owned(ledger, run, peak)
    fees = platform_lines(
        usd=np.sum([line.usd for line in running], axis=0),
        surcharge=terms.surcharge[platform],
        fee_usd_per_hour=terms.fee_usd_per_hour[platform],
    )
    return (*running, *fees, *around)


def usd_per_month_of(ledger: Ledger, run: IntArray, platform: IntArray) -> tuple[FloatArray, BoolArray]:
    """What some stacks cost, in full precision, and whether every line of their bills is known.

    Returns
    -------
    usd : array
        Sum of the known lines; NaN where the price of what runs the model is unknown.  [USD/month]
    whole : bool array
    """
    usd, whole = np.full(len(run), np.nan), np.zeros(len(run), bool)
    rows = ledger.found.machines.site[ledger.found.run_machine[run]]
    kind = np.where(ledger.found.run_traffic[run] == FUNCTION, FUNCTION, np.where(rows == 0, CLOUD, PLACE))
    for one in np.unique(kind):
        some = np.flatnonzero(kind == one)
        usd[some], whole[some] = known_total(lines_of(ledger, run[some], platform[some]))
    return usd, whole


def _front(ledger: Ledger, run: IntArray, platform: IntArray, peak: FloatArray) -> Lines:
    front, market = ledger.platforms.front[platform], _market(ledger, run)
    prices = (ledger.tariffs.usd(item)[market] for item in ("load-balancer", "load-balancer-gb", "endpoint-gb"))
    return front_lines(
        balancers=np.where((front == ALWAYS) | ((front == SEVERAL) & (peak > 1)), 1.0, 0.0),
        endpoints=np.where(front == ENDPOINT, 1.0, 0.0),
        gb=ledger.traffic_gb,
        terms=FrontTerms(*prices),
    )


def _market(ledger: Ledger, run: IntArray) -> IntArray:
    return ledger.found.machines.market[ledger.found.run_machine[run]]


def _storage(ledger: Ledger, run: IntArray, platform: IntArray, billed: FloatArray) -> Lines:
    terms, market, klass = ledger.platforms, _market(ledger, run), ledger.found.run_class[run]
    usd = {item: ledger.tariffs.usd(item)[market] for item in ("disk", "container-registry", "object-storage")}
    return storage_lines(
        machines=billed,
        disk_gb=terms.disk_gb[platform] + ledger.shipped_gb[klass],
        disk_usd_per_gb=usd["disk"],
        image_gb=np.where(terms.keeps_image[platform], ledger.shipped_gb[klass], 0.0),
        image_usd_per_gb=usd["container-registry"],
        model_gb=np.where(terms.keeps_model[platform], ledger.model_gb[klass], 0.0),
        model_usd_per_gb=usd["object-storage"],
    )


def egress_of(ledger: Ledger, market: IntArray) -> Lines:
    """Responses of a month that leave the cloud in some markets, a line a tier."""
    tiers = [ledger.tariffs.tier(tier) for tier in range(len(ledger.tariffs.tiers))]
    from_gb, to_gb, usd = ([columns[part][market] for columns in tiers] for part in range(3))
    return egress_lines(gb=ledger.egress_gb, from_gb=from_gb, to_gb=to_gb, usd_per_gb=usd)


def _used(ledger: Ledger, run: IntArray, end: int) -> Lines:
    return lines_of_functions(
        ledger.found,
        ledger.sized,
        ledger.knowledge.serverless,
        run,
        requests=ledger.requests,
        hours_per_day=ledger.asking.asked.hours_per_day,
        end=end,
        unknown=ledger.too_young[ledger.found.run_machine[run]],
    )


def _owned(ledger: Ledger, run: IntArray, peak: FloatArray) -> Lines:
    rows, machine = ledger.found.machines, ledger.found.run_machine[run]
    return owned_lines(
        machines=peak,
        places=float(ledger.asking.asked.sites),
        price_usd=rows.upfront_usd[machine],
        power_w=rows.power_w[machine],
        terms=own_terms(ledger, machine),
    )


def people_of(ledger: Ledger, run: IntArray, platform: IntArray) -> Lines:
    """Time of the people who run some stacks."""
    terms, klass, people = ledger.platforms, ledger.found.run_class[run], ledger.knowledge.table("people")
    places = np.where(ledger.found.machines.site[ledger.found.run_machine[run]] == 0, 1, ledger.asking.asked.sites)
    return people_lines(
        platform_hours=terms.fixed_hours[platform] + terms.machine_hours[platform] * ledger.peak[run] * places,
        engine_hours=ledger.engine_hours[klass],
        terms=PeopleTerms(
            platform_usd_per_hour=terms.wage_usd_per_hour[platform],
            engine_usd_per_hour=ledger.engine_wage[klass],
            overhead=people["overhead"]["factor"],
            country=country_of(people, ledger.asking.asked.country)["factor"],
        ),
    )


def country_of(people: Mapping[str, Any], country: str) -> Mapping[str, Any]:
    """Entry of a country in the table of wages, else the one that stands for those without."""
    found: Mapping[str, Any] = people["countries"].get(country, people["countries"]["default"])
    return found
