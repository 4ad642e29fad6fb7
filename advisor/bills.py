"""The monthly bill of a candidate, line by line, and where its prices come from."""

import numpy as np

from advisor import fleet
from advisor.columns import HIGH, LOW, MID
from advisor.cost import functions_usd_per_month, usd_per_month_of
from advisor.evaluation import Evaluation
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
    lines = [
        BillLine(
            item,
            total - float(fixed),
            _billed(ev, row),
            "machines",
            str(rows.since[machine]),
            source_title(ev.knowledge, str(rows.source[machine])),
            basis,
        )
    ]
    if fixed:
        system = found.platforms[int(found.platform[row])]
        lines.append(
            BillLine("platform", float(fixed), 1.0, "clusters", str(system.estimates[0].dated), system.id, "estimate")
        )
    return tuple(lines)


def cost_interval(evaluation: Evaluation, row: int, option: Option) -> Interval | None:
    """Monthly cost if the latency is at the low end, in the middle, at the high end; None where it is unknown."""
    ev, usd = evaluation, option.usd_per_month
    if usd is None:
        return None
    run = int(ev.found.run[row])
    if option.cold is not None:
        return _cost_by_use(ev, row, run)
    sized = float(ev.sized.replicas[run])
    fewer = fleet.machines_needed(ev.asking, ev.trips, ev.sized, run)
    low, mid = (min(replicas, sized) for replicas in fewer)
    return Interval(usd * min(low, mid) / sized, usd * mid / sized, usd)


def _cost_by_use(ev: Evaluation, row: int, run: int) -> Interval:
    platform, terms = ev.found.platform[row], ev.knowledge.serverless
    share, fixed = ev.bill.share[platform], ev.bill.fixed_usd_per_month[platform]
    used = (
        functions_usd_per_month(ev.asking, ev.found, ev.sized, terms, np.array([run]), end=end)
        for end in (LOW, MID, HIGH)
    )
    low, mid, high = (float(usd[0] * share + fixed) for usd in used)
    return Interval(low, mid, high)


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
