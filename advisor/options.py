"""Candidates -> options: the rows that somebody looks at."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from advisor import feasibility, under_load
from advisor.bills import bill_lines, people_lines, source_title, total_of, usd_without_warm
from advisor.carbon import Footprint, footprint
from advisor.columns import HIGH, LOW, MID, SHAPES, IntArray, Stacks
from advisor.dates import span
from advisor.evaluation import Evaluation
from advisor.machines import SITES
from advisor.queues import per_token_s
from advisor.ranking import utility_of
from advisor.results import ColdStarts, Interval, Option, Reason, Score
from advisor.schema import FAMILIES
from advisor.systems import families_of_platform, systems_of
from advisor.units import MS_PER_S, THOUSAND

_SERVER_ACCELERATORS = ("gpu-datacenter", "gpu-workstation", "gpu-consumer", "accelerator-datacenter")


def option_ids(found: Stacks, rows: IntArray) -> NDArray[np.object_]:
    """Ids that name a stack by what it is, so that they hold across questions."""
    machines = found.machines
    run = found.run[rows]
    machine = found.run_machine[run]
    systems = np.array([system.id for system in found.platforms], object)
    classes = np.array([f"{klass.engine}/{klass.precision}" for klass in found.classes], object)
    own = machines.site[machine] > 0
    place = np.where(own, "-", machines.region[machine])
    name = np.where(own, machines.source[machine], machines.name[machine])
    return np.asarray(
        systems[found.platform[rows]] + "/" + place + "/" + name + "/" + classes[found.run_class[run]], object
    )


def families_of(evaluation: Evaluation, row: int) -> tuple[str, ...]:
    """The article's families that a stack belongs to, by what it is."""
    found = evaluation.found
    run = int(found.run[row])
    platform = found.platforms[int(found.platform[row])].platform
    klass = found.classes[int(found.run_class[run])]
    engine = found.engines[klass.engine].engine
    site = SITES[int(found.machines.site[found.run_machine[run]])]
    kind = evaluation.columns.kind[found.run_class[run]]
    of_platform = families_of_platform(platform.operation, site) if platform else ()
    inference = engine is not None and engine.dedicated and site != "device" and kind in _SERVER_ACCELERATORS
    return tuple(f for f in FAMILIES if f in of_platform or (f == "inference-platform" and inference))


def option_at(evaluation: Evaluation, row: int, *, p_best: float) -> Option:
    """Option of one candidate that fits."""
    ev, found, sized = evaluation, evaluation.found, evaluation.sized
    run = int(found.run[row])
    machine, klass, cell = int(found.run_machine[run]), int(found.run_class[run]), int(sized.cell[run])
    system = found.platforms[int(found.platform[row])]
    platform = system.platform
    if platform is None:
        raise ValueError(f"{system.id} is no platform")
    rows, terms = found.machines, found.classes[klass]
    conditions = reasons(ev, ev.conditions, row)
    bill, people = bill_lines(ev, row), people_lines(ev, row)
    usd = total_of(bill)
    families = families_of(ev, row)
    places = 1 if rows.site[machine] == 0 else ev.asking.asked.sites
    return Option(
        id=str(option_ids(found, np.array([row]))[0]),
        names=names_of(ev, row),
        family=families[0],
        families=families,
        system=system.id,
        systems=systems_of(
            ev.knowledge,
            platform=system.id,
            engine=terms.engine,
            device=terms.device,
            operation=platform.operation,
            site=SITES[int(rows.site[machine])],
        ),
        provider=str(rows.provider[machine]),
        region=str(rows.region[machine]),
        site=SITES[int(rows.site[machine])],
        operation=platform.operation,
        engine=terms.engine,
        hardware=str(rows.name[machine]),
        device=terms.device,
        precision=terms.precision,
        replicas=int(sized.replicas[run] * places),
        workers=int(sized.workers[run]),
        units_per_worker=float(SHAPES[sized.shape[run]]),
        batch=int(sized.cells.batch[cell]),
        usd_per_month=usd,
        usd_per_month_known=all(line.usd_per_month is not None for line in bill),
        tco_usd_per_month=total_of((*bill, *people)),
        usd_per_1000=None if usd is None else usd / ev.ledger.requests * THOUSAND,
        price_dates=span(line.dated for line in bill),
        p50_ms=_quantile_ms(ev, run, 0.5),
        p90_ms=_quantile_ms(ev, run, 0.9),
        p95_ms=_quantile_ms(ev, run, 0.95),
        p99_ms=_response_ms(ev, run),
        ttft_ms=_first_ms(ev, run),
        tpot_ms=_token_ms(ev, run),
        network_ms=_interval_ms(
            *(float(end[sized.trip[run]]) for end in (ev.trips.low_s, ev.trips.mid_s, ev.trips.high_s))
        ),
        cold=_cold(ev, row, run),
        utilisation=_finite(under_load.utilisation(sized, np.array([run]))[0]),
        headroom=_finite(under_load.headroom(ev.asking, sized, ev.trips, run)),
        score=float(ev.score[row]),
        scores=_scores(ev, row),
        p_best=p_best,
        fidelity=ev.fidelities[cell],
        measured_by=measured.sources if (measured := ev.measurements[cell]) else (),
        verdict="conditions" if conditions else "fits",
        conditions=conditions,
        bill=bill,
        people=people,
        hours_per_month=float(ev.bill.hours_per_month[row]),
        launch_days=platform.launch_days,
        price_date=str(rows.since[machine]),
        sources=(source_title(ev.knowledge, str(rows.source[machine])),),
        **footprint_of(ev, row)._asdict(),
    )


def footprint_of(evaluation: Evaluation, row: int) -> Footprint:
    """Energy and carbon of one candidate."""
    ev, found, run = evaluation, evaluation.found, int(evaluation.found.run[row])
    peak = ev.ledger.peak[run]
    machines = ev.ledger.following(peak) if ev.ledger.platforms.follows[found.platform[row]] else peak
    return footprint(ev.asking, found, ev.sized, ev.knowledge, run=run, machines=float(machines))


def names_of(evaluation: Evaluation, row: int) -> dict[str, str]:
    """What people call the system, the hardware and the engine of a candidate."""
    ev, found = evaluation, evaluation.found
    run = int(found.run[row])
    machine = int(found.run_machine[run])
    system = found.platforms[int(found.platform[row])]
    engine = found.engines[found.classes[int(found.run_class[run])].engine]
    server = ev.knowledge.servers.get(str(found.machines.source[machine]))
    hardware_zh = None if server is None else server.name_zh
    chinese = {"system.zh": system.name_zh, "engine.zh": engine.name_zh, "hardware.zh": hardware_zh}
    plain = {"system": system.name, "engine": engine.name, "hardware": str(found.machines.name[machine])}
    return plain | {key: name for key, name in chinese.items() if name is not None}


def reasons(evaluation: Evaluation, limits: Sequence[feasibility.Limit], row: int) -> tuple[Reason, ...]:
    """Rules that speak against a candidate, in the order of the limits."""
    rules = evaluation.knowledge.rules
    return tuple(
        Reason(short.rule, short.need, short.have, rules[short.rule].unit, short.name)
        for short in feasibility.shortfalls(limits, evaluation.found, row)
    )


def _scores(evaluation: Evaluation, row: int) -> tuple[Score, ...]:
    settings = evaluation.knowledge.table("ranking")
    made = []
    for name, weight in evaluation.asking.asked.weights.items():
        criterion = evaluation.criteria[name]
        value = criterion.value[row if criterion.entry is None else criterion.entry[row]]
        useful = float(np.ravel(utility_of(name, np.asarray(value), settings))[0])
        made.append(Score(name, useful, float(weight)))
    return tuple(made)


def _cold(evaluation: Evaluation, row: int, run: int) -> ColdStarts | None:
    functions = evaluation.sized.functions
    entry = None if functions is None else functions.at(run)
    if functions is None or entry is None:
        return None
    share, low, high = (
        float(functions.cold_share[entry]),
        *(float(functions.start_s[end][entry]) for end in (LOW, HIGH)),
    )
    if functions.without is None or not functions.provisioned[entry]:
        return ColdStarts(share, low, high)
    bare, reached = functions.without, float(evaluation.sized.reachable_s[run])
    late_s = reached + float(bare.cold_s[MID][entry] - functions.cold_s[MID][entry])
    return ColdStarts(
        share,
        low,
        high,
        provisioned=int(functions.provisioned[entry]),
        share_without=float(bare.cold_share[entry]),
        p99_without_ms=late_s * MS_PER_S,
        usd_without=usd_without_warm(evaluation, row),
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _interval_ms(low: float, mid: float, high: float) -> Interval:
    low, high = min(low, mid), max(mid, high)
    return Interval(low * MS_PER_S, mid * MS_PER_S, high * MS_PER_S)


def _quantile_ms(evaluation: Evaluation, run: int, q: float) -> Interval:
    low, mid, high = under_load.quantile_s(q, evaluation.sized, evaluation.trips, run)
    return _interval_ms(float(low[0]), float(mid[0]), float(high[0]))


def _response_ms(evaluation: Evaluation, run: int) -> Interval:
    low, mid, high = under_load.response_s(evaluation.sized, evaluation.trips, np.array([run]))
    return _interval_ms(float(low[0]), float(mid[0]), float(high[0]))


def _first_ms(evaluation: Evaluation, run: int) -> Interval | None:
    if not evaluation.asking.generates:
        return None
    sized, runs = evaluation.sized, np.array([run])
    wait, first = under_load.wait_s(sized, runs), sized.first_token_s(evaluation.trips, runs)
    low, mid, high = (float(first[end][0] + wait[end][0]) for end in (LOW, MID, HIGH))
    return _interval_ms(low, mid, high)


def _token_ms(evaluation: Evaluation, run: int) -> Interval | None:
    if not evaluation.asking.generates:
        return None
    low, mid, high = per_token_s(evaluation.sized, np.array([run]))
    return _interval_ms(float(low[0]), float(mid[0]), float(high[0]))
