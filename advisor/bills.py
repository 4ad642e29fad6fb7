"""The monthly bill of a candidate, line by line: how each is worked out, and where its prices come from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import Any, Literal, NamedTuple

import numpy as np

from advisor import fleet
from advisor.billed import country_of, lines_of, people_of
from advisor.claims import Source
from advisor.columns import HIGH, LOW, MID
from advisor.dates import span
from advisor.evaluation import Evaluation
from advisor.function_bill import PROVISIONED
from advisor.knowledge import HERE, Knowledge
from advisor.ledger import tariff_of
from advisor.lines import MAIN, Factor, Line, known_total
from advisor.numbers import figure
from advisor.results import BillLine, Interval, Option
from advisor.system_records import System
from advisor.tariffs import ITEMS, Tariffs

Basis = Literal["sourced", "estimate", "own"]
_COSTS = {
    "hardware": ("life",),
    "spare": ("spare", "life"),
    "install": ("install", "life"),
    "replacement": ("spare", "install", "life"),
    "maintenance": ("maintenance", "spare"),
    "electricity": ("pue",),
    "space": ("space",),
}
"""Entries of the costs of owning that a line rests on."""
_KEPT = ("function-idle", "provisioned", "provisioned-use")
"""Instances of functions that wait for calls."""
_OF_SKILLS = ("people-platform", "people-engine")
_OF_RECORD = {"surcharge": "platform.surcharge", "platform": "platform.fixed_usd_per_hour"}
"""Facts of a platform's record that a line rests on."""


class Claim(NamedTuple):
    """Where a price comes from."""

    source: str
    dated: str
    basis: Basis


def bill_lines(evaluation: Evaluation, row: int) -> tuple[BillLine, ...]:
    """Lines of the monthly bill of a candidate that apply to it."""
    run, platform = evaluation.found.run[[row]], evaluation.found.platform[[row]]
    return tuple(_made(evaluation, row, lines_of(evaluation.ledger, run, platform)))


def people_lines(evaluation: Evaluation, row: int) -> tuple[BillLine, ...]:
    """People's time that a candidate asks for."""
    run, platform = evaluation.found.run[[row]], evaluation.found.platform[[row]]
    return tuple(_made(evaluation, row, people_of(evaluation.ledger, run, platform)))


def _made(evaluation: Evaluation, row: int, lines: Sequence[Line]) -> Iterator[BillLine]:
    """Those of some lines that apply, in figures; traffic has a line a tier."""
    tier = 0
    for line in lines:
        if line.usd.item() != 0:
            yield _bill_line(line, tuple(_claims(evaluation, row, line, tier)))
        tier += line.item == "egress"


def _bill_line(line: Line, claims: Sequence[Claim]) -> BillLine:
    quantity, usd, price = (
        float(value.item()) if np.isfinite(value).all() else None
        for value in (line.quantity, line.usd, line.unit_price)
    )
    bases = {claim.basis for claim in claims}
    return BillLine(
        item=line.item,
        usd_per_month=usd,
        quantity=quantity,
        unit=line.unit,
        unit_price_usd=price,
        formula=_formula(line),
        dated=span(claim.dated for claim in claims)[0],
        source="; ".join(dict.fromkeys(claim.source for claim in claims)),
        basis="estimate" if "estimate" in bases else "own" if "own" in bases else "sourced",
    )


def _formula(line: Line) -> str:
    """Product of the factors of a line, those of 1 left out, over the months that its price is for."""
    factors = [_written(factor) for factor in (*line.quantities, *line.prices)]
    text = " × ".join(part for part in factors if part) or figure(1.0)
    months = float(np.ravel(line.months)[0])
    return text if months == 1 else f"{text} / {figure(months)}"


def _written(factor: Factor) -> str:
    value = float(np.ravel(factor.value)[0])
    return "" if not factor.sign or (factor.sign == "{}" and value == 1) else factor.sign.format(figure(value))


def _claims(evaluation: Evaluation, row: int, line: Line, tier: int) -> Iterator[Claim]:
    """What a line rests on."""
    knowledge, found, item = evaluation.knowledge, evaluation.found, line.item
    machine = int(found.run_machine[found.run[row]])
    rows, country = found.machines, evaluation.asking.asked.country
    if item in _OF_RECORD:
        yield from _of_record(found.platforms[int(found.platform[row])], _OF_RECORD[item])
    elif item in _OF_SKILLS:
        yield from _of_people(knowledge, _skills(evaluation, row, item), country)
    elif item in ITEMS or item == "egress":
        yield from _of_tables(evaluation.ledger.tariffs, item, tier, int(rows.market[machine]))
    else:
        source = source_title(knowledge, str(rows.source[machine]))
        basis = _kept_basis(knowledge, int(rows.terms[machine])) if item in _KEPT else rows.basis[machine]
        yield Claim(source, str(rows.since[machine]), basis)
        yield from _of_costs(knowledge, item, country)


def _kept_basis(knowledge: Knowledge, terms: int) -> Basis:
    """What the prices of instances that a service keeps are."""
    estimated = set(str(knowledge.serverless["estimated_fields"].iloc[terms]).split(";"))
    return "estimate" if estimated & set(PROVISIONED) else "sourced"


def _skills(evaluation: Evaluation, row: int, item: str) -> str:
    """Skills of the people whose time a line is."""
    found = evaluation.found
    platform = found.platforms[int(found.platform[row])].platform
    engine = evaluation.columns.skills[found.run_class[found.run[row]]]
    return platform.skills if platform and item == "people-platform" else engine


def _of_record(system: System, fact: str) -> Iterator[Claim]:
    if claim := system.claim(fact):
        yield Claim(
            f"data/systems/{system.id}.toml", str(claim.dated), "sourced" if isinstance(claim, Source) else "estimate"
        )


def _of_costs(knowledge: Knowledge, item: str, country: str) -> Iterator[Claim]:
    costs = knowledge.table("costs")
    entries = [costs[name] for name in _COSTS.get(item, ())]
    if item == "electricity":
        entries.append(tariff_of(costs, country))
    for entry in entries:
        yield Claim("data/costs.toml", str(entry["dated"]), "estimate" if entry.get("estimate") else "sourced")


def _of_people(knowledge: Knowledge, skills: str, country: str) -> Iterator[Claim]:
    people = knowledge.table("people")
    for entry in (people["skills"][skills], people["overhead"], country_of(people, country)):
        yield Claim("data/people.toml", str(entry["dated"]), entry["basis"])


def _of_tables(tariffs: Tariffs, item: str, tier: int, market: int) -> Iterator[Claim]:
    """Row of the services or of a tier of egress that holds in a market; none where nobody states a price."""
    row = tariffs.row(item, tier, market)
    if row is not None:
        basis, home = basis_of(row), "data/egress.csv" if item == "egress" else "data/services.csv"
        yield Claim(home if basis == "estimate" else str(row["source"]), str(row["dated"]), basis)


def basis_of(row: Mapping[Any, Any]) -> Basis:
    """What the price of a row of the services, or of egress, is."""
    said = str(row["basis"] if "basis" in row else row["provenance"])
    return "own" if said == "own" else "sourced" if said.startswith("sourced") else "estimate"


def total_of(lines: Sequence[BillLine]) -> float | None:
    """What the known lines of a bill come to; None where the price of what runs the model is unknown [USD/month]."""
    if any(line.usd_per_month is None for line in lines if line.item in MAIN):
        return None
    return fsum(line.usd_per_month for line in lines if line.usd_per_month is not None)


def cost_interval(evaluation: Evaluation, row: int, option: Option) -> Interval | None:
    """Monthly cost if the latency is at the low end, in the middle, at the high end; None unless all of it is known."""
    ev = evaluation
    if option.usd_per_month is None or not option.usd_per_month_known:
        return None
    run, platform = ev.found.run[[row]], ev.found.platform[[row]]
    if option.cold is not None:
        low, mid, high = (_sum(lines_of(ev.ledger, run, platform, end=end)) for end in (LOW, MID, HIGH))
        return Interval(low, mid, high)
    most = float(ev.sized.replicas[run[0]])
    low, mid = fleet.machines_needed(ev.asking, ev.trips, ev.sized, int(run[0]))
    sizes = (np.array([min(low, mid, most)]), np.array([min(mid, most)]), np.array([most]))
    low, mid, high = (_sum(lines_of(ev.ledger, run, platform, machines=machines)) for machines in sizes)
    return Interval(low, mid, high)


def usd_without_warm(evaluation: Evaluation, row: int) -> float | None:
    """Monthly cost of a function that keeps instances warm if it kept none; None where a price is unknown."""
    found, sized = evaluation.found, evaluation.sized
    bare = replace(sized, functions=None if sized.functions is None else sized.functions.without)
    lines = lines_of(replace(evaluation.ledger, sized=bare), found.run[[row]], found.platform[[row]])
    usd, whole = known_total(lines)
    return float(usd.item()) if whole.item() else None


def _sum(lines: Sequence[Line]) -> float:
    return float(known_total(lines)[0].item())


def source_title(knowledge: Knowledge, source: str) -> str:
    """Title behind a source id of the price lists; the record that states the price of hardware to buy."""
    if source == HERE:
        return HERE
    for folder, records in (("servers", knowledge.servers), ("devices", knowledge.devices)):
        if source in records:
            return f"data/{folder}/{source}.toml"
    listed = knowledge.table("offers/sources").get(source)
    return source if listed is None else str(listed["title"])
