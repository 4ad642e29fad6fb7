"""Energy and carbon: hand-worked cases, ranges, what is unknown, and another tool's figure."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from english_words import CHINESE
from hypothesis import given
from hypothesis import strategies as st
from small_knowledge import Ask

from advisor import Knowledge, Requirements, advise
from advisor.carbon import Hours, Power, busy_share, energy_kwh, ranged
from advisor.contest import rows_named
from advisor.draw import factors
from advisor.footprint_words import footprint_lines
from advisor.options import option_at
from advisor.results import Option
from advisor.schema import DeviceKind
from advisor.text import languages

DATA = Path(__file__).resolve().parent.parent / "data"
ENERGY = tomllib.loads((DATA / "energy.toml").read_text(encoding="utf-8"))
EC2 = "aws-ec2/us-east-1/g4dn.xlarge/onnxruntime/fp16"
LAMBDA = "aws-lambda/us-east-1/lambda 4 vCPU 7076 MB/onnxruntime/int8"
OWN = "own-server/-/server-1x-t4/onnxruntime/fp16"
every_language = pytest.mark.parametrize("lang", languages())
shares = st.floats(0.01, 0.5)


def power(**others: float) -> Power:
    plain = {"watts": 100.0, "idle": 0.2, "busy": 0.8, "host": 1.5, "pue": 1.2}
    return Power(**{name: np.array(value) for name, value in (plain | others).items()})


def option_of(ask: Ask, option_id: str, **wishes: object) -> Option:
    ev = ask(**wishes).evaluation
    return option_at(ev, rows_named(ev.found, option_id)[0], p_best=0.0)


def test_a_machine_that_idles_and_works_by_hand() -> None:
    hours = Hours(np.array(730.0), np.array(73.0))
    assert energy_kwh(hours, power()) == pytest.approx(0.1 * 1.5 * 1.2 * (0.2 * 657 + 0.8 * 73))


@given(st.floats(0, 730), st.floats(0, 730), shares, shares)
def test_more_work_never_takes_less_energy(one: float, other: float, idle: float, more: float) -> None:
    drawn = power(idle=idle, busy=idle + more)
    less, much = (energy_kwh(Hours(np.array(730.0), np.array(busy)), drawn) for busy in sorted((one, other)))
    assert less <= much


@given(st.floats(0.001, 1e6), st.lists(st.tuples(st.floats(0.05, 1), st.floats(1, 20)), min_size=1, max_size=6))
def test_a_range_is_as_wide_as_its_widest_factor_and_no_wider_than_all_together(mid: float, factors) -> None:
    interval = ranged(mid, [(mid * low, mid * high) for low, high in factors])
    lows, highs = np.array(factors).T
    assert mid * lows.prod() * (1 - 1e-9) <= interval.low <= mid * lows.min() * (1 + 1e-9)
    assert mid * highs.max() * (1 - 1e-9) <= interval.high <= mid * highs.prod() * (1 + 1e-9)


def test_two_factors_of_a_range_by_hand() -> None:
    interval = ranged(10.0, [(10 / np.exp(0.3), 10 * np.exp(0.3)), (10 / np.exp(0.4), 10.0)])
    assert interval.low == pytest.approx(10 / np.exp(0.5))
    assert interval.high == pytest.approx(10 * np.exp(0.3))


@given(st.floats(1e-6, 500))
def test_a_worker_never_works_more_than_all_the_time(held: float) -> None:
    assert busy_share(held, 1, held) == min(held, 1.0)
    assert 0 <= busy_share(held / 64, 64, held) <= busy_share(held, 1, held) * (1 + 1e-9)


@given(st.floats(0, 1), st.floats(1, 64))
def test_a_batching_worker_works_between_full_batches_and_batches_of_one(load: float, gain: float) -> None:
    share = busy_share(load, 1, load * gain)
    assert load * (1 - 1e-12) <= share <= min(load * gain * (1 + 1e-12), 1.0)


def test_a_rented_machine_by_hand(ask: Ask, small: Knowledge) -> None:
    option = option_of(ask, EC2, qps=10, peak_factor=2, p99_ms=30, hours_per_day=12)
    assert option.batch == 1
    work = option.utilisation / 2 * 365
    kwh = 0.070 * 1.41 * 1.14 * (0.18 * (730 - work) + 0.70 * work) * option.replicas
    thousands = 10 * 3600 * 12 * 730 / 24 / 1000
    grams = float(small.regions.set_index("region").loc["us-east-1", "carbon_gco2_per_kwh"])
    assert option.energy_kwh_per_1000.mid == pytest.approx(kwh / thousands)
    assert option.carbon_g_per_1000.mid == pytest.approx(kwh * grams / thousands)
    assert option.carbon_kg_per_month.mid == pytest.approx(kwh * grams / 1000)


def test_a_function_takes_the_energy_of_its_use_alone(ask: Ask) -> None:
    one, ten = (option_of(ask, LAMBDA, qps=qps, p99_ms=3000) for qps in (1, 10))
    assert one.energy_kwh_per_1000.mid == pytest.approx(ten.energy_kwh_per_1000.mid)
    assert 10 * one.carbon_kg_per_month.mid == pytest.approx(ten.carbon_kg_per_month.mid)
    machine = option_of(ask, EC2, qps=1, p99_ms=3000)
    assert machine.energy_kwh_per_1000.mid > option_of(ask, EC2, qps=10, p99_ms=3000).energy_kwh_per_1000.mid * 5


def test_an_own_server_draws_its_own_power_in_its_own_room_at_every_site(ask: Ask) -> None:
    one, three = (option_of(ask, OWN, qps=1, p99_ms=30, sites=sites, data="on-premises") for sites in (1, 3))
    assert one.batch == 1
    work = one.utilisation / 3 * 730
    assert one.carbon_kg_per_month.mid * 3 == pytest.approx(three.carbon_kg_per_month.mid)
    thousands = 3600 * 730 / 1000
    kwh = 0.350 * 2.0 * (0.18 * (730 - work) + 0.70 * work)
    assert one.energy_kwh_per_1000.mid == pytest.approx(kwh / thousands)


def test_machines_that_follow_the_load_draw_what_is_held(ask: Ask) -> None:
    wishes = {"qps": 2000, "p99_ms": 400, "peak_factor": 5, "hours_per_day": 8, "skills": "kubernetes"}
    held, followed = (option_of(ask, name, **wishes) for name in (EC2, EC2.replace("ec2", "eks")))
    assert followed.replicas == held.replicas
    assert followed.carbon_kg_per_month.mid < held.carbon_kg_per_month.mid * 0.6


def test_the_criterion_looks_at_the_middle_of_the_option(ask: Ask) -> None:
    many = {"qps": 2000, "hours_per_day": 8, "skills": "kubernetes", "peak_factor": 5}
    advice = ask(**many, p99_ms=400, priorities={"carbon": 1})
    ev = advice.evaluation
    column = ev.criteria["carbon"].value
    for name in (EC2, LAMBDA, OWN, EC2.replace("ec2", "eks")):
        row = rows_named(ev.found, name)[0]
        assert column[row] == pytest.approx(option_at(ev, row, p_best=0.0).carbon_kg_per_month.mid)
    advice = ask(qps=20, p99_ms=400, priorities={"carbon": 1})
    month = [option.carbon_kg_per_month.mid for option in advice.shortlist if option.carbon_kg_per_month]
    assert advice.best.carbon_kg_per_month.mid == min(month)


@pytest.mark.parametrize(
    ("name", "host", "pue", "grid"),
    [
        (EC2, "accelerator", (1.06, 1.14, 1.46), "grid"),
        (LAMBDA, "processor", (1.06, 1.14, 1.46), "grid"),
        (OWN, None, (1.5, 2.0, 2.5), "country"),
        ("edge-device/-/jetson-orin-nano-8gb/onnxruntime/fp16", None, (1.0, 1.0, 1.0), "country"),
    ],
)
def test_every_machine_has_the_factors_of_its_place(ask: Ask, small: Knowledge, name, host, pue, grid) -> None:
    found = ask(qps=1, data="anywhere").evaluation.found
    machine = found.run_machine[found.run[rows_named(found, name)]]
    drawn = factors(small, found, "US", machine)
    ends = ENERGY["host"][host].values() if host else (1.0, 1.0, 1.0)
    assert [float(end[0]) for end in drawn.host] == list(ends)
    assert [float(end[0]) for end in drawn.pue] == pytest.approx(pue)
    spread = [float(end[0] / drawn.grams_per_kwh[1][0]) for end in drawn.grams_per_kwh]
    assert spread == pytest.approx([ENERGY["intensity"][grid][end] for end in ("low", "mid", "high")])


@every_language
def test_what_is_not_stated_stays_unknown_and_is_named(ask: Ask, small: Knowledge, lang: str) -> None:
    bare = replace(small, _kept={})
    devices = small.devices | {"nvidia-t4": small.devices["nvidia-t4"].model_copy(update={"power": None})}
    vars(bare)["devices"] = devices
    option = option_of(lambda **wishes: ask(bare, **wishes), EC2, qps=1, p99_ms=400)
    assert (option.energy_kwh_per_1000, option.carbon_kg_per_month) == (None, None)
    assert option.carbon_missing == ("power",)
    (line,) = footprint_lines(option, lang)
    assert bool(CHINESE.search(line)) == (lang == "zh")
    assert "0" not in line
    table = small.regions.copy()
    table.loc[table["region"] == "us-east-1", "carbon_gco2_per_kwh"] = np.nan
    other = replace(small, _kept={})
    vars(other)["regions"] = table
    option = option_of(lambda **wishes: ask(other, **wishes), EC2, qps=1, p99_ms=400)
    assert option.energy_kwh_per_1000 is not None
    assert option.carbon_g_per_1000 is None
    assert option.carbon_missing == ("intensity",)


@every_language
def test_energy_and_carbon_are_explained_with_range_source_and_date(ask: Ask, lang: str) -> None:
    advice = ask(qps=1, p99_ms=400)
    option = advice.best
    said = advice.explain(option.id, lang)
    for line in footprint_lines(option, lang):
        assert line in said
        assert bool(CHINESE.search(line)) == (lang == "zh")
    assert "Amazon 2025" in said
    assert option.carbon_sources[0] in said


def test_a_request_to_an_eight_billion_model_is_near_what_ecologits_says() -> None:
    """compute_llm_impacts of ecologits 0.11.3: 8 billion parameters, 300 tokens, PUE 1, its batch of 64 on an H100."""
    ecologits_kwh = 2.2288e-5
    asked = Requirements(model="llama-3.1-8b", qps=20, country="US", peak_factor=1, input_tokens=100, output_tokens=300)
    ev = advise(asked).evaluation
    option = option_at(ev, rows_named(ev.found, "aws-ec2/us-east-1/p5.4xlarge/vllm/fp16")[0], p_best=0.0)
    factor = option.energy_kwh_per_1000.mid / 1000 / ENERGY["pue"]["aws"]["mid"] / ecologits_kwh
    assert 0.5 < factor < 2, factor
    assert option.energy_kwh_per_1000.low / 1000 < 1.14 * ecologits_kwh < option.energy_kwh_per_1000.high / 1000


def leaves(table: dict, path: str = "") -> dict[str, dict]:
    """Every range of a table, by its dotted name."""
    if "mid" in table:
        return {path: table}
    inner = (leaves(one, f"{path}.{name}".strip(".")) for name, one in table.items() if isinstance(one, dict))
    return {name: one for found in inner for name, one in found.items()}


def test_every_range_of_the_table_is_in_order_and_claimed() -> None:
    claimed = [field for kind in ("sources", "estimates") for claim in ENERGY[kind] for field in claim["fields"]]
    for name, one in leaves(ENERGY).items():
        assert one["low"] <= one["mid"] <= one["high"], name
        by_itself = bool(one.get("source")) and bool(one.get("dated"))
        assert by_itself or any(name == field or name.startswith(f"{field}.") for field in claimed), name
        assert "recalled" not in one.get("source", "") or one["estimate"], name
    for claim in ENERGY["sources"]:
        assert claim["title"]
        assert claim["url"].startswith("https://")
        assert claim["dated"]
    assert all("recalled" in claim["method"] for claim in ENERGY["estimates"])


def test_every_kind_of_device_and_scope_has_its_range_and_work_draws_more_than_idling(small: Knowledge) -> None:
    assert set(ENERGY["power"]) == set(get_args(DeviceKind))
    assert all(one["idle"]["high"] <= one["busy"]["low"] for one in ENERGY["power"].values())
    assert set(ENERGY["intensity"]) >= set(small.regions["carbon_scope"]) - {""}
    assert all(one["mid"] == 1 for one in ENERGY["intensity"].values())
    assert all(one["low"] >= 1 for name, one in ENERGY["pue"].items() if name != "own")
