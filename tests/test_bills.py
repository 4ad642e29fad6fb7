"""Bills: ten and more worked out by hand, what ranks agrees with the lines, and nothing that gets dearer costs less."""

import gzip
import itertools
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knowledge import KNOWLEDGE, Ask

from advisor import Knowledge, Requirements, advise
from advisor.bill_table import bill_rows
from advisor.billed import usd_per_month_of
from advisor.bills import bill_lines, total_of
from advisor.calibration import load_calibration
from advisor.columns import MID
from advisor.evaluation import Evaluation
from advisor.full_advice import FullAdvice
from advisor.money import Currency, adding_up, currency_of, decimals_of
from advisor.options import option_at, option_ids
from advisor.results import Option

TESTS = Path(__file__).parent
CASES = sorted((TESTS / "golden" / "bills").glob("*.toml"))
CENT = 0.0101
EXPERTS = {"skills": "ml-platform", "p99_ms": 2000}
LANGUAGE = {"model": "llama-3-8b"}
KINDS = {
    "vm", "managed", "kubernetes", "serverless", "process"
}  # fmt: skip


def case(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def with_tables(folder: Path, tables: Path) -> Path:
    """A knowledge with further records, and with the rows of further tables after its own."""
    for path in (path for path in tables.rglob("*") if path.is_file()):
        target = folder / path.relative_to(tables)
        if path.parent.name == "offers":
            target.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
        elif path.suffix == ".csv" and target.exists():
            rows = path.read_text(encoding="utf-8").split("\n", 1)[1]
            target.write_text(target.read_text(encoding="utf-8") + rows, encoding="utf-8")
        else:
            shutil.copy(path, target)
    return folder


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    """Small knowledge with a machine of Azure and one of Alibaba Cloud, at prices that stay."""
    folder = shutil.copytree(KNOWLEDGE, tmp_path_factory.mktemp("bills") / "knowledge")
    return Knowledge(folder=with_tables(folder, TESTS / "data" / "bills"))


def billed(knowledge: Knowledge, one: dict[str, Any]) -> Option:
    """Stack of a case with the machines and the times that the case works with: functions that never start cold."""
    advice = advise(Requirements(**one["asked"]), knowledge, load_calibration(KNOWLEDGE / "calibrations"))
    ev = advice.evaluation
    row = int(np.flatnonzero(option_ids(ev.found, np.arange(len(ev.found))) == one["stack"])[0])
    run = ev.found.run[row]
    replicas, servers = ev.sized.replicas.copy(), ev.sized.servers.copy()
    replicas[run] = servers[run] = one["given"]["machines"]
    service_s = [end.copy() for end in ev.sized.cells.service_s]
    if "seconds" in one["given"]:
        service_s[MID][ev.sized.cell[run]] = one["given"]["seconds"]
    cells = ev.sized.cells._replace(service_s=tuple(service_s))
    functions = ev.sized.functions
    if functions is not None and "alive_seconds" in one["given"]:
        none = np.zeros(len(functions.runs))
        functions = replace(functions, cold_share=none, alive_s=none + one["given"]["alive_seconds"], provisioned=none)
    sized = replace(ev.sized, replicas=replicas, servers=servers, cells=cells, functions=functions)
    return option_at(replace(ev, sized=sized, ledger=replace(ev.ledger, sized=sized)), row, p_best=0.0)


# By hand


def test_every_kind_of_stack_has_a_bill_by_hand() -> None:
    names = {path.stem for path in CASES}
    assert len(names) >= 10
    assert {
        "aws-vm", "aws-vm-several", "aws-managed", "aws-kubernetes", "aws-functions", "gcp-functions-gpu", "azure-vm",
        "alibaba-vm", "own-server", "edge-fleet",
    } <= names  # fmt: skip


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_figures_of_a_case_are_those_that_it_works_out(path: Path) -> None:
    one, rate = case(path), case(TESTS / "data" / "bills" / "currency.toml")["CNY"]["per_usd"]
    paid, people = ([_worked(line) for line in one[kind]] for kind in ("bill", "people"))
    for line, usd in zip((*one["bill"], *one["people"]), (*paid, *people), strict=True):
        assert line["usd"] == pytest.approx(usd, abs=CENT), line["item"]
        assert line["cny"] == pytest.approx(usd * rate, abs=CENT), line["item"]
    assert one["total"]["usd"] == pytest.approx(sum(paid), abs=CENT)
    assert one["total"]["with_people_cny"] == pytest.approx((sum(paid) + sum(people)) * rate, abs=CENT)


def _worked(line: dict[str, Any]) -> float:
    assert re.fullmatch(r"[\d.e+\-*/() ]+", line["worked"])
    return float(eval(line["worked"]))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("currency", ["usd", "cny"])
def test_a_bill_is_the_one_by_hand_line_by_line(frozen: Knowledge, path: Path, currency: str) -> None:
    one = case(path)
    option = billed(frozen, one)
    assert [line.item for line in option.bill] == [line["item"] for line in one["bill"]]
    assert [line.item for line in option.people] == [line["item"] for line in one["people"]]
    rows = bill_rows(option, currency_of(frozen, currency), "en")
    for row, line in zip(rows, (*one["bill"], *one["people"]), strict=False):
        assert row.per_month == pytest.approx(line[currency], abs=CENT), line["item"]
    paid, with_people, _ = rows[-3:]
    assert paid.per_month == pytest.approx(one["total"][currency], abs=CENT)
    assert with_people.per_month == pytest.approx(one["total"][f"with_people_{currency}"], abs=CENT * 2)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_formula_of_a_line_gives_its_amount(frozen: Knowledge, path: Path) -> None:
    option = billed(frozen, case(path))
    for line in (*option.bill, *option.people):
        assert line.usd_per_month is not None
        assert line.unit_price_usd is not None
        assert line.quantity is not None
        assert _product(line.formula) == pytest.approx(line.usd_per_month, rel=2e-5), line.formula


def _product(formula: str) -> float:
    """What a formula comes to: numbers with their units, times each other, over the months of the price."""
    factors, _, months = formula.partition(" / ")
    numbers = [float(factor.split()[0].replace(",", "")) for factor in factors.split(" × ")]
    return float(np.prod(numbers)) / float(months or 1)


# What ranks, and what is shown


QUESTIONS: dict[str, dict[str, Any]] = {
    "web": {"qps": 300, **EXPERTS},
    "China": {"country": "CN", "qps": 20, **EXPERTS},
    "half a day": {"qps": 40, "hours_per_day": 10, "peak_factor": 8, **EXPERTS},
    "devices": {"data": "on-device", "qps": 1, "sites": 7, "horizon_months": 60},
    "own room": {"data": "on-premises", "qps": 30, "horizon_months": 12},
    "rare": {"qps": 0.01, "p99_ms": 9000},
    "language": {"model": "llama-3-8b", "p99_ms": None, "qps": 1, "skills": "ml-platform"},
}
every_question = pytest.mark.parametrize("wishes", QUESTIONS.values(), ids=QUESTIONS)


@every_question
def test_what_ranks_agrees_with_the_lines_of_every_row(ask: Ask, wishes: dict[str, Any]) -> None:
    _agrees(ask(**wishes).evaluation, step=1)


@pytest.mark.parametrize("country", ["CN", "US"])
def test_what_ranks_agrees_with_the_lines_on_the_packed_prices(country: str) -> None:
    asked = Requirements(model="resnet50", qps=120, p99_ms=400, country=country, skills="ml-platform")
    _agrees(advise(asked).evaluation, step=997)


def _agrees(ev: Evaluation, step: int) -> None:
    """Demand that the column, the sum of the columns of lines, and the lines of single rows say the same."""
    found, column = ev.found, ev.bill.usd_per_month.astype(float)
    exact, whole = usd_per_month_of(ev.ledger, found.run, found.platform)
    np.testing.assert_array_equal(np.isnan(column), np.isnan(exact))
    np.testing.assert_allclose(column, exact, rtol=1e-5)
    np.testing.assert_array_equal(ev.bill.known, whole)
    looked_at = np.flatnonzero(np.isfinite(ev.sized.replicas[found.run]))[::step]
    assert len(looked_at) > 5
    for row in looked_at:
        lines = bill_lines(ev, int(row))
        total = total_of(lines)
        assert (total is None) == np.isnan(column[row])
        assert total is None or total == pytest.approx(column[row], rel=1e-5)
        assert all(line.usd_per_month is not None for line in lines) == ev.bill.known[row]


def fitting(advice: FullAdvice) -> Iterator[Option]:
    for row in np.flatnonzero(advice.evaluation.mask == 0):
        yield option_at(advice.evaluation, int(row), p_best=0.0)


@every_question
@pytest.mark.parametrize("code", ["USD", "CNY"])
def test_what_is_shown_adds_up(ask: Ask, wishes: dict[str, Any], code: str, small: Knowledge) -> None:
    currency = currency_of(small, code)
    for option in list(fitting(ask(**wishes)))[::7]:
        *lines, paid, with_people, per_1000 = bill_rows(option, currency, "en")
        for name in ("per_month", "per_1000"):
            shown = [getattr(row, name) for row in lines]
            known = [amount for amount in shown if isinstance(amount, float)]
            bill = [amount for amount in shown[: len(option.bill)] if isinstance(amount, float)]
            if option.usd_per_month is None:
                assert isinstance(getattr(paid, name), str)
                continue
            assert round(sum(bill), 7) == round(getattr(paid, name), 7)
            assert round(sum(known), 7) == round(getattr(with_people, name), 7)
        if option.usd_per_month is not None and option.usd_per_1000 is not None:
            assert paid.per_month == pytest.approx(option.usd_per_month * currency.per_usd, abs=0.00501)
            assert per_1000.per_1000 == paid.per_1000
            assert per_1000.per_1000 == pytest.approx(option.usd_per_1000 * currency.per_usd, rel=0.01)


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=12))
def test_rounded_amounts_add_up_and_none_is_off_by_more_than_a_cent(amounts: list[float]) -> None:
    shown = adding_up(amounts, 2)
    assert round(sum(shown), 6) == pytest.approx(round(sum(amounts), 2), abs=0.0051)
    assert all(abs(one - two) <= 0.01 + 1e-9 for one, two in zip(shown, amounts, strict=True))


@pytest.mark.parametrize(("total", "decimals"), [(1234.5, 2), (1.0, 2), (0.5, 3), (0.0123, 4), (0.00000271, 8), (0, 2)])
def test_small_totals_are_shown_with_more_decimals(total: float, decimals: int) -> None:
    assert decimals_of(total) == decimals


@given(st.floats(0.01, 1e6), st.floats(0.01, 100))
def test_a_currency_is_one_factor_for_every_amount(usd: float, per_usd: float) -> None:
    option = billed_once()
    scaled = replace(option, bill=tuple(replace(line, usd_per_month=usd) for line in option.bill[:1]), people=())
    scaled = replace(scaled, usd_per_month=usd, tco_usd_per_month=usd, usd_per_1000=usd / 10)
    dollars, other = (
        bill_rows(scaled, Currency(code, rate, "", "2026"), "en") for code, rate in (("USD", 1.0), ("XXX", per_usd))
    )
    for one, two in zip(dollars, other, strict=True):
        for name in ("unit_price", "per_month", "per_1000"):
            here, there = getattr(one, name), getattr(two, name)
            exact = {"per_month": usd, "per_1000": usd / 10}.get(name)
            if isinstance(here, float):
                step = 0.0 if exact is None else 10.0 ** -decimals_of(exact * per_usd)
                assert there == pytest.approx((exact or here) * per_usd, abs=step, rel=1e-12)


@pytest.fixture(scope="module", autouse=True)
def _one(frozen: Knowledge) -> None:
    _KEPT.append(billed(frozen, case(CASES[0])))


_KEPT: list[Option] = []


def billed_once() -> Option:
    return _KEPT[0]


# Unknown


def without(knowledge: Knowledge, table: str, drop: Callable[[Any], Any]) -> Knowledge:
    """The same knowledge without some rows of a table."""
    other = Knowledge(folder=knowledge.folder)
    whole = getattr(knowledge, table)
    vars(other)[table] = whole[~drop(whole)].reset_index(drop=True)
    return other


@pytest.mark.parametrize(
    ("table", "item"), [("services", "load-balancer-gb"), ("services", "disk"), ("egress", "egress")]
)
def test_a_stack_with_an_unknown_line_says_at_least_and_comes_after_the_whole_ones(
    ask: Ask, small: Knowledge, table: str, item: str
) -> None:
    lacking = without(
        small, table, lambda rows: (rows["provider"] == "aws") & (rows["item"] == item if "item" in rows else True)
    )
    whole, least = ask(qps=300, **EXPERTS), ask(lacking, qps=300, **EXPERTS)
    stacks = {option.id: option for option in fitting(least)}
    before = {option.id: option for option in fitting(whole)}
    unknown = [o for o in stacks.values() if any(line.item == item and line.usd_per_month is None for line in o.bill)]
    assert {option.provider for option in unknown} == {"aws", "huawei"}
    touched = [option for option in unknown if option.provider == "aws"]
    for option in touched:
        former = before[option.id]
        amount = sum(line.usd_per_month or 0.0 for line in former.bill if line.item == item)
        assert option.usd_per_month is not None
        assert former.usd_per_month is not None
        assert option.usd_per_month == pytest.approx(former.usd_per_month - amount)
        assert not option.usd_per_month_known
        assert "price-known" in {reason.rule for reason in option.conditions}
        assert "price-known" not in {reason.rule for reason in former.conditions}
    known = least.options["usd_per_month_known"].to_numpy()
    assert not known[np.argmin(known) :].any()
    priced = least.options["usd_per_month"].notna().to_numpy()
    assert priced[: np.flatnonzero(known).max()].all()


@pytest.mark.parametrize(("lang", "words"), [("en", "at least"), ("zh", "至少")])
def test_every_screen_says_at_least(ask: Ask, small: Knowledge, lang: str, words: str) -> None:
    lacking = without(small, "egress", lambda rows: rows["provider"] == "aws")
    advice = ask(lacking, qps=300, providers=("aws",), data="anywhere", priorities={"launch": 1}, skills="containers")
    best = advice.best
    assert best is not None
    assert not best.usd_per_month_known
    assert best.usd_per_month is not None
    assert words in advice.explain(best.id, lang)
    assert words in advice.table(lang=lang).to_string()
    assert words in advice.families(lang).to_string()
    assert words in advice.bill(lang=lang).to_string()
    assert words in advice.plans(lang=lang).to_string()
    for text in (advice.to_html(lang=lang), advice.to_markdown(lang)):
        assert text.count(words) > 3


# What a change may do


def _dearer(table: str, key: Any, factor: float, ev: Evaluation) -> Evaluation:
    """The same with one price of one table higher."""
    knowledge = Knowledge(folder=ev.knowledge.folder)
    found = ev.found
    if table in ("services", "egress", "serverless"):
        rows = getattr(ev.knowledge, table).copy()
        column, mask = key if isinstance(key, tuple) else ("usd", rows["item"] == key)
        rows.loc[mask, column] *= factor
        vars(knowledge)[table] = rows
    elif table == "offers":
        machines = replace(found.machines, usd_per_hour=found.machines.usd_per_hour * factor)
        found = replace(found, machines=machines)
    elif table == "hardware":
        found = replace(found, machines=replace(found.machines, upfront_usd=found.machines.upfront_usd * factor))
    elif table == "systems":
        terms = ev.ledger.platforms
        ledger = replace(ev.ledger)
        vars(ledger)["platforms"] = terms._replace(**{key: (getattr(terms, key) + 0.01) * factor})
        return replace(ev, ledger=ledger)
    else:
        entry = dict(ev.knowledge.table(table))
        name, _, field = key.partition(".")
        if name == "electricity":
            entry[name] = {land: {**one, field: one[field] * factor} for land, one in entry[name].items()}
        else:
            entry[name] = {**entry[name], field: entry[name][field] * factor}
        knowledge._kept["table", table] = entry
    return replace(ev, ledger=replace(ev.ledger, knowledge=knowledge, found=found))


PRICES: dict[str, tuple[str, Any, set[str]]] = {
    "machines": ("offers", None, {"vm", "managed", "kubernetes"}),
    "functions, memory": ("serverless", ("usd_per_gb_s", slice(None)), {"serverless"}),
    "functions, processors": ("serverless", ("usd_per_vcpu_s", slice(None)), {"serverless"}),
    "functions, cards": ("serverless", ("usd_per_gpu_s", slice(None)), {"serverless"}),
    "functions, calls": ("serverless", ("usd_per_million_requests", slice(None)), {"serverless"}),
    "load balancer": ("services", "load-balancer", {"vm", "kubernetes"}),
    "its traffic": ("services", "load-balancer-gb", {"vm", "kubernetes"}),
    "endpoint": ("services", "endpoint-gb", {"managed"}),
    "disk": ("services", "disk", {"vm", "managed", "kubernetes"}),
    "registry": ("services", "container-registry", {"kubernetes", "serverless"}),
    "storage": ("services", "object-storage", {"managed"}),
    "egress": ("egress", ("usd_per_gb", slice(None)), {"vm", "managed", "kubernetes", "serverless"}),
    "surcharge": ("systems", "surcharge", KINDS),
    "fee": ("systems", "fee_usd_per_hour", KINDS),
    "hardware": ("hardware", None, {"process"}),
    "electricity": ("costs", "electricity.usd_per_kwh", {"process"}),
    "cooling": ("costs", "pue.server_room", {"process"}),
    "space": ("costs", "space.usd_per_kw_month", {"process"}),
    "maintenance": ("costs", "maintenance.share_per_year", {"process"}),
    "spares": ("costs", "spare.share", {"process"}),
    "installation": ("costs", "install.server_usd", {"process"}),
}


@pytest.mark.parametrize("name", PRICES)
@settings(max_examples=5)
@given(st.floats(1.001, 50))
def test_cost_never_falls_when_a_price_rises_and_rises_where_it_is_paid(ask: Ask, name: str, factor: float) -> None:
    table, key, kinds = PRICES[name]
    ev = ask(qps=300, **EXPERTS).evaluation
    before, after = (
        usd_per_month_of(one.ledger, ev.found.run, ev.found.platform)[0]
        for one in (ev, _dearer(table, key, factor, ev))
    )
    np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
    priced = ~np.isnan(before)
    assert (after[priced] >= before[priced] * (1 - 1e-12)).all()
    operations = np.array([s.platform.operation if s.platform else "" for s in ev.found.platforms])[ev.found.platform]
    assert set(operations[priced][after[priced] > before[priced] * (1 + 1e-12)]) == kinds


@pytest.mark.parametrize("key", ["skills", "overhead", "countries"])
def test_people_who_cost_more_never_cost_less(ask: Ask, small: Knowledge, key: str) -> None:
    dearer = Knowledge(folder=small.folder)
    people = dict(small.table("people"))
    raised = {"skills": "usd_per_hour", "overhead": "factor", "countries": "factor"}[key]
    entries = {"": people[key]} if raised in people[key] else people[key]
    changed = {name: {**entry, raised: entry[raised] * 2} for name, entry in entries.items()}
    people[key] = changed.get("", changed)
    dearer._kept["table", "people"] = people
    before, after = ({o.id: o for o in fitting(ask(knowledge))} for knowledge in (small, dearer))
    assert before.keys() == after.keys()
    for name, option in before.items():
        assert after[name].usd_per_month == option.usd_per_month
        assert sum(line.usd_per_month or 0.0 for line in after[name].people) == pytest.approx(
            2 * sum(line.usd_per_month or 0.0 for line in option.people)
        )


def kept(evaluation: Evaluation) -> np.ndarray:
    """Instances that each candidate keeps warm, and that more traffic may keep warm by itself."""
    functions, run = evaluation.sized.functions, evaluation.found.run
    return np.zeros(len(run)) if functions is None else functions.column(functions.provisioned, run)


@pytest.mark.parametrize("p99_ms", [800, 3000])
def test_a_function_costs_less_with_more_traffic_only_where_it_keeps_fewer_instances(ask: Ask, p99_ms: int) -> None:
    bills = []
    for qps in np.geomspace(0.001, 30, 16):
        ev = ask(qps=float(qps), **(EXPERTS | {"p99_ms": p99_ms})).evaluation
        bills.append((usd_per_month_of(ev.ledger, ev.found.run, ev.found.platform)[0], kept(ev)))
    fell = 0
    for (less, many), (more, fewer) in itertools.pairwise(bills):
        cheaper = more < less * (1 - 1e-9)
        assert (fewer[cheaper] < many[cheaper]).all()
        fell += cheaper.sum()
    assert fell


@settings(max_examples=30)
@given(
    st.floats(0.01, 2000),
    st.floats(1.001, 30),
    st.sampled_from(
        [
            {},
            {"hours_per_day": 8},
            {"data": "on-device", "sites": 3},
            {"p99_ms": 500, "burstiness": 4},
            {**LANGUAGE, "p99_ms": None},
            {**LANGUAGE, "p99_ms": None, "ttft_ms": 600, "tpot_ms": 60},
            {**LANGUAGE, "p99_ms": 60_000, "tpot_ms": 1000},
        ]
    ),
)
def test_cost_never_falls_when_traffic_rises_in_any_kind_of_operation(
    ask: Ask, qps: float, factor: float, wishes: dict[str, Any]
) -> None:
    quiet, busy = (ask(qps=rate, **(EXPERTS | wishes)).evaluation for rate in (qps, qps * factor))
    (less, _), (more, _) = (usd_per_month_of(ev.ledger, ev.found.run, ev.found.platform) for ev in (quiet, busy))
    both = ~np.isnan(less) & ~np.isnan(more) & (kept(quiet) == 0)
    assert (more[both] >= less[both] * (1 - 1e-9)).all()
    operations = np.array([s.platform.operation if s.platform else "" for s in quiet.found.platforms])
    assert set(operations[quiet.found.platform[both]]) <= KINDS
    assert both.any()
