"""The monthly bill of a candidate, line by line, and where its prices come from."""

from dataclasses import replace

import numpy as np

from advisor import fleet
from advisor.columns import HIGH, LOW, MID, Sized
from advisor.cost import functions_usd_per_month, usd_per_month_of
from advisor.evaluation import Evaluation
from advisor.function_bill import PROVISIONED
from advisor.knowledge import HERE, Knowledge
from advisor.results import BillLine, Interval, Option


def bill_lines(evaluation: Evaluation, row: int) -> tuple[BillLine, ...]:
    """Lines of the monthly bill of a candidate; they add up to its cost."""
    ev, found = evaluation, evaluation.found
    run = int(found.run[row])
    machine = int(found.run_machine[run])
    rows = found.machines
    platform = found.platforms[int(found.platform[row])].platform
    total = float(usd_per_month_of(ev.bill, found, ev.sized, np.array([row]))[0])
    basis = rows.basis[machine]
    if platform is None or np.isnan(total):
        return (
            BillLine(
                "machines",
                None,
                _billed(ev, row),
                "machines",
                str(rows.since[machine]),
                source_title(ev.knowledge, str(rows.source[machine])),
                basis,
            ),
        )
    fixed = ev.bill.fixed_usd_per_month[int(found.platform[row])]
    item = "functions" if rows.terms[machine] >= 0 else "machines" if rows.site[machine] == 0 else "owned"
    kept = _kept_warm(ev, row, run)
    lines = [
        BillLine(
            item,
            total - float(fixed) - sum(line.usd_per_month or 0.0 for line in kept),
            _billed(ev, row),
            "machines",
            str(rows.since[machine]),
            source_title(ev.knowledge, str(rows.source[machine])),
            basis,
        ),
        *kept,
    ]
    if fixed:
        system = found.platforms[int(found.platform[row])]
        lines.append(
            BillLine("platform", float(fixed), 1.0, "clusters", str(system.estimates[0].dated), system.id, "estimate")
        )
    return tuple(lines)


def _kept_warm(ev: Evaluation, row: int, run: int) -> list[BillLine]:
    """Line of the instances of a function that are kept warm; none where none is."""
    functions, machine = ev.sized.functions, int(ev.found.run_machine[run])
    entry = None if functions is None else functions.at(run)
    if functions is None or entry is None or not functions.provisioned[entry]:
        return []
    terms = ev.knowledge.serverless.iloc[int(ev.found.machines.terms[machine])]
    usd = functions_usd_per_month(ev.asking, ev.found, ev.sized, ev.knowledge.serverless, np.array([run]))
    estimated = set(PROVISIONED) & set(str(terms["estimated_fields"]).split(";"))
    return [
        BillLine(
            "provisioned",
            float(usd.provisioned_usd[0] * ev.bill.share[ev.found.platform[row]]),
            float(functions.provisioned[entry]),
            "machines",
            str(ev.found.machines.since[machine]),
            source_title(ev.knowledge, str(ev.found.machines.source[machine])),
            "estimate" if estimated else "sourced",
        )
    ]


def usd_without_warm(ev: Evaluation, row: int) -> float | None:
    """Monthly cost of a function that keeps instances warm if it kept none; None where a price is unknown."""
    functions = ev.sized.functions
    bare = replace(ev.sized, functions=None if functions is None else functions.without)
    usd = _usd_by_use(ev, row, bare, MID)
    return None if np.isnan(usd) else usd


def cost_interval(evaluation: Evaluation, row: int, option: Option) -> Interval | None:
    """Monthly cost if the latency is at the low end, in the middle, at the high end; None where it is unknown."""
    ev, usd = evaluation, option.usd_per_month
    if usd is None:
        return None
    run = int(ev.found.run[row])
    if option.cold is not None:
        return _cost_by_use(ev, row)
    sized = float(ev.sized.replicas[run])
    fewer = fleet.machines_needed(ev.asking, ev.trips, ev.sized, run)
    low, mid = (min(replicas, sized) for replicas in fewer)
    return Interval(usd * min(low, mid) / sized, usd * mid / sized, usd)


def _cost_by_use(ev: Evaluation, row: int) -> Interval:
    low, mid, high = (_usd_by_use(ev, row, ev.sized, end) for end in (LOW, MID, HIGH))
    return Interval(low, mid, high)


def _usd_by_use(ev: Evaluation, row: int, sized: Sized, end: int) -> float:
    platform, runs = ev.found.platform[row], ev.found.run[row : row + 1]
    bill = functions_usd_per_month(ev.asking, ev.found, sized, ev.knowledge.serverless, runs, end=end)
    used = float(bill.use_usd[0] + bill.provisioned_usd[0])
    return used * float(ev.bill.share[platform]) + float(ev.bill.fixed_usd_per_month[platform])


def _billed(evaluation: Evaluation, row: int) -> float:
    """Machines billed on average."""
    ev, run = evaluation, int(evaluation.found.run[row])
    follows = ev.bill.follows_load[ev.found.platform[row]]
    return float(ev.bill.replicas_following[run] if follows else ev.sized.replicas[run])


def source_title(knowledge: Knowledge, source: str) -> str:
    """Title behind a source id of the price lists; the record that states the price of hardware to buy."""
    if source == HERE:
        return HERE
    for folder, records in (("servers", knowledge.servers), ("devices", knowledge.devices)):
        if source in records:
            return f"data/{folder}/{source}.toml"
    listed = knowledge.table("offers/sources").get(source)
    return source if listed is None else str(listed["title"])
