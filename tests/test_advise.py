"""The whole line from requirements to advice, on a small knowledge that can be checked by hand."""

import gzip
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knowledge import Ask

from advisor import Advice, Knowledge, ModelSpec, load
from advisor.errors import PriceFileError, UnknownIdError
from advisor.feasibility import SKILL_LEVELS, Limit, mask_of_candidates, side
from advisor.options import option_at, option_ids, reasons
from advisor.results import Option, Reason
from advisor.schema import FAMILIES
from advisor.stacks import stacks
from advisor.text import languages

HOURS = 730
GB_PER_QPS = HOURS * 3600 * 1e3 / 1e9
"""What a kilobyte a second comes to in a month."""
DISK_GB = 30 + 0.08 + 25.56e6 * 2 / 1e9
"""System, ONNX Runtime, and ResNet-50 in fp16."""
EXPERTS = {"skills": "ml-platform"}
SMALL_CNN: dict[str, Any] = {"family": "cnn", "params": 1e7, "macs": 1e9}
T4, L4 = (
    "aws-ec2/us-east-1/g4dn.xlarge/onnxruntime/fp16",
    "gcp-compute-engine/us-central1/g2-standard-4/onnxruntime/fp16",
)
EKS = "aws-eks/us-east-1/g4dn.xlarge/onnxruntime/fp16"
PRICE_HEADER = "provider,service,instance_type,region,usd_per_hour,since\n"
QUESTIONS: dict[str, dict[str, Any]] = {
    "web": {},
    "china": {"country": "CN", "skills": "kubernetes"},
    "in the country": {"country": "DE", "data": "country"},
    "own room": {"data": "on-premises", "qps": 1},
    "devices": {"data": "on-device", "qps": 1, "sites": 5},
    "offline": {"offline": True, "qps": 1},
    "rare": {"qps": 0.01, "p99_ms": 5000, "skills": "none"},
    "sizes alone": {"model": ModelSpec(family="cnn", params=25.6e6), "p99_ms": 500},
    "tiny": {"model": "mlperf-tiny-ic", "qps": 1, "data": "on-device"},
    "text": {"model": "bert-base", "p99_ms": 300},
    "language": {"model": "llama-3-8b", "p99_ms": None, "qps": 1},
    "nothing fits": {"p99_ms": 0.001},
}
every_question = pytest.mark.parametrize("wishes", QUESTIONS.values(), ids=QUESTIONS.keys())


def fitting(advice: Advice) -> Iterator[Option]:
    """Every stack that fits, as an option."""
    for row in np.flatnonzero(advice.evaluation.mask == 0):
        yield option_at(advice.evaluation, int(row), p_best=0.0)


def ids(advice: Advice) -> set[str]:
    return set(advice.options["id"])


def all_ids(advice: Advice) -> list[str]:
    found = advice.evaluation.found
    return list(option_ids(found, np.arange(len(found))))


def stops(advice: Advice) -> dict[str, tuple[Reason, ...]]:
    """What speaks against every stack that does not fit, by its id; quantities in SI units."""
    rows = np.flatnonzero(advice.evaluation.mask)
    names = option_ids(advice.evaluation.found, rows)
    return {
        name: reasons(advice.evaluation, advice.evaluation.limits, int(row))
        for name, row in zip(names, rows, strict=True)
    }


def alone(advice: Advice, rule: str) -> dict[str, Reason]:
    """Stacks that a single rule keeps out, with the most that it asks."""
    kept_out = {name: found for name, found in stops(advice).items() if {one.rule for one in found} == {rule}}
    return {name: max(found, key=lambda reason: reason.need) for name, found in kept_out.items()}


# Prices


def test_an_unknown_price_is_never_zero_and_comes_after_every_price(ask: Ask) -> None:
    options = ask(country="CN", p99_ms=500).options
    unknown = options["usd_per_month"].isna()
    assert set(options.loc[unknown, "provider"]) == {"huawei"}
    assert (options["usd_per_month_known"] == ~unknown).all()
    assert (options.loc[~unknown, "usd_per_month"] > 0).all()
    assert unknown.is_monotonic_increasing


def test_stacks_of_unknown_price_are_first_only_where_nothing_else_fits(ask: Ask) -> None:
    advice = ask(country="CN", p99_ms=500, providers=("huawei",), data="country")
    clouds = [option for option in advice.shortlist if option.site == "cloud"]
    assert clouds
    for option in clouds:
        assert option.usd_per_month is None
        assert "price-known" in {reason.rule for reason in option.conditions}
    assert advice.best is not None
    assert advice.best.usd_per_month_known


@every_question
def test_the_lines_of_a_bill_add_up(ask: Ask, wishes: dict[str, Any]) -> None:
    for option in fitting(ask(**wishes)):
        if option.usd_per_month is not None:
            assert sum(line.usd_per_month or 0.0 for line in option.bill) == pytest.approx(option.usd_per_month), (
                option.id
            )
        else:
            assert any(line.usd_per_month is None for line in option.bill), option.id


def test_machines_by_hand(ask: Ask) -> None:
    options = {option.id: option for option in fitting(ask(qps=2000, p99_ms=200, skills="kubernetes"))}
    rented = options[T4]
    assert rented.replicas > 1
    assert rented.usd_per_month == pytest.approx(rented.replicas * (0.50 * HOURS + DISK_GB * 0.08) + around(2000))
    with_fees = options[L4]
    machines = with_fees.replicas * (0.72 * HOURS * 1.25 + DISK_GB * 0.1)
    in_front = 0.025 * HOURS + 2000 * GB_PER_QPS * 101 * 0.01
    out = 2000 * GB_PER_QPS * 0.12
    assert with_fees.usd_per_month == pytest.approx(machines + 0.04 * HOURS + in_front + out)
    following = options[EKS]
    assert following.replicas == rented.replicas
    mean = max(1.0, following.replicas / 3.0 * 1.25)
    machines = mean * (0.50 * HOURS + (DISK_GB + 20) * 0.08)
    assert following.usd_per_month == pytest.approx(machines + 0.1 * HOURS + (DISK_GB - 30) * 0.1 + around(2000))


def around(qps: float) -> float:
    """Load balancer and egress of AWS: a request of 100 kB and an answer of 1 kB, the latter below 10,000 GB."""
    return 0.02 * HOURS + qps * GB_PER_QPS * (101 * 0.008 + 0.1)


def test_own_prices_fill_and_override(ask: Ask, small: Knowledge, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        PRICE_HEADER + "huawei,ecs,pi2.2xlarge.4,*,0.70,2026-11-01\naws,ec2,g4dn.xlarge,us-east-1,0.25,2026-11-02\n"
    )
    wishes = {"p99_ms": 500, "qps": 10}
    listed, mine = ask(**wishes), ask(Knowledge(small.folder, own), **wishes)
    prices = {option.id: option for option in fitting(mine)}
    huawei = [option for name, option in prices.items() if name.startswith("huawei-ecs/") and "/pi2.2xlarge.4/" in name]
    assert {option.region for option in huawei} == {"cn-north-4", "ap-southeast-1"}
    for option in huawei:
        assert option.usd_per_month == pytest.approx(option.replicas * 0.70 * HOURS)
        assert (option.price_date, option.sources) == ("2026-11-01", ("own.csv",))
    assert prices[T4].replicas == 1
    assert prices[T4].usd_per_month == pytest.approx(0.25 * HOURS + DISK_GB * 0.08 + 10 * GB_PER_QPS * 0.1)
    assert next(line.basis for line in prices[T4].bill) == "own"
    assert ids(listed) == ids(mine)
    other = "aws-ec2/eu-central-1/g4dn.xlarge/onnxruntime/fp16"
    before = listed.options.set_index("id").loc[other]
    pd.testing.assert_series_equal(before, mine.options.set_index("id").loc[other])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ["own.csv"]),
        ("", ["own.csv"]),
        ("provider,service,instance_type,region,since\n", ["usd_per_hour"]),
        (PRICE_HEADER + "aws,ec2,g4dn.xlarge,us-east-1,0,2026\n", ["0", "2"]),
        (PRICE_HEADER + "aws,ec2,g4dn.xlarge,us-east-1,-1,2026\n", ["-1", "2"]),
        (PRICE_HEADER + "aws,ec2,g4dn.xlarge,us-east-1,cheap,2026\n", ["cheap", "2"]),
        (PRICE_HEADER + "aws,ec2,g4dn.xlarge,us-east-1,nan,2026\n", ["nan", "2"]),
        (PRICE_HEADER + "aws,ec2,g4dn.xlarge,us-east-1,inf,2026\n", ["inf", "2"]),
        (PRICE_HEADER + "aws,ec2,g4dn.xlarge,us-east-1,,2026\n", ["2"]),
        (PRICE_HEADER + "aws,ec2,g4dn.xlarge,us-east-1,1,2026\naws,ec2,none,us-east-1,1,2026\n", ["none", "3"]),
        (PRICE_HEADER + "aws,ec2,g4dn.xlarge,nowhere,1,2026\n", ["nowhere", "2"]),
        (PRICE_HEADER + "aws,egres,,*,1,2026\n", ["aws/egres", "2"]),
        (PRICE_HEADER + "aws,egress,,*,0,2026\n", ["0", "2"]),
        ("\x00\x01\x02", ["own.csv"]),
        (PRICE_HEADER + "a\n1,2,3,4,5,6,7,8,9\n", ["own.csv"]),
    ],
)
def test_a_bad_price_file_is_one_sentence(small: Knowledge, tmp_path: Path, text: str | None, names: list[str]) -> None:
    own = tmp_path / "own.csv"
    if text is not None:
        own.write_text(text)
    with pytest.raises(PriceFileError) as caught:
        _ = Knowledge(small.folder, own).offers
    for lang in languages():
        said = caught.value.in_language(lang)
        assert "{" not in said
        assert "\n" not in said
        for name in names:
            assert name in said


@pytest.mark.parametrize("since", ["2026-13-45", "yesterday", ""])
def test_a_price_without_a_date_is_one_sentence(ask: Ask, small: Knowledge, tmp_path: Path, since: str) -> None:
    own = tmp_path / "own.csv"
    own.write_text(PRICE_HEADER + f"aws,ec2,g4dn.xlarge,us-east-1,0.25,{since}\n")
    with pytest.raises(PriceFileError):
        ask(Knowledge(small.folder, own))


def test_prices_after_the_date_that_is_asked_are_unknown(ask: Ask) -> None:
    clouds = ask(as_of="2025-06-30", qps=0.1, p99_ms=9000).options.query("site == 'cloud'")
    known = clouds.loc[clouds["usd_per_month_known"], "price_date"].str[:4]
    assert set(known) == {"2019", "2024"}
    assert set(clouds.loc[~clouds["usd_per_month_known"], "price_date"].str[:4]) >= {"2026"}


def test_load_takes_a_price_file(tmp_path: Path) -> None:
    assert load(prices=tmp_path / "own.csv").prices == tmp_path / "own.csv"
    assert load().prices is None


# Rank


@every_question
def test_families_are_always_six(ask: Ask, wishes: dict[str, Any]) -> None:
    advice = ask(**wishes)
    assert list(advice.family_rows) == list(FAMILIES)
    for lang in languages():
        assert len(advice.families(lang)) == 6
        assert not advice.families(lang).isna().any(axis=None)


@every_question
def test_options_come_in_rank_order_and_their_ids_are_unique(ask: Ask, wishes: dict[str, Any]) -> None:
    advice = ask(**wishes)
    table = advice.options
    assert table["id"].is_unique
    assert len(set(all_ids(advice))) == len(all_ids(advice))
    if not len(table):
        assert advice.best is None
        return
    assert advice.best is not None
    assert advice.best.id == table["id"].iloc[0]
    rank = {name: place for place, name in enumerate(table["id"])}
    assert [rank[option.id] for option in advice.shortlist] == sorted(rank[option.id] for option in advice.shortlist)
    unknown = table["usd_per_month"].isna()
    assert unknown.is_monotonic_increasing
    for _, same in table.groupby(unknown):
        assert same["score"].is_monotonic_decreasing


def test_a_language_model_that_may_miss_its_first_token_says_measure_first(ask: Ask) -> None:
    advice = ask(model="llama-3-8b", p99_ms=None, qps=1, ttft_ms=300)
    late = [o for o in fitting(advice) if o.ttft_ms is not None and o.ttft_ms.high > 300]
    assert late
    for option in late:
        assert "measure-first" in {reason.rule for reason in option.conditions}, option.id


def test_ids_name_the_same_stack_whatever_is_asked(ask: Ask) -> None:
    first, second = ask(qps=1, country="DE", p99_ms=5000), ask(qps=30, country="CN", p99_ms=3000, sites=2)
    assert all_ids(first) == all_ids(second)
    what = ["provider", "region", "site", "operation", "engine", "hardware", "precision"]
    both = first.options.set_index("id")[what].merge(
        second.options.set_index("id")[what], left_index=True, right_index=True, suffixes=("", "_2")
    )
    assert len(both) > 20
    for name in what:
        assert (both[name] == both[f"{name}_2"]).all()


@every_question
def test_the_same_question_has_the_same_answer(ask: Ask, small: Knowledge, wishes: dict[str, Any]) -> None:
    first, again, fresh = ask(**wishes), ask(**wishes), ask(Knowledge(small.folder), **wishes)
    assert first.to_json() == again.to_json() == fresh.to_json()
    pd.testing.assert_frame_equal(first.options, fresh.options)
    pd.testing.assert_frame_equal(first.rejected, fresh.rejected)


@pytest.mark.parametrize("usd_per_hour", [1e-6, 1e6])
def test_an_absurd_offer_leaves_the_order_of_the_others(
    ask: Ask, small: Knowledge, tmp_path: Path, usd_per_hour: float
) -> None:
    folder = shutil.copytree(small.folder, tmp_path / "knowledge")
    offers = folder / "offers" / "aws.csv.gz"
    row = f"ec2,g4dn.16xlarge,us-east-1,64,256,T4,1,16,{usd_per_hour},2026-07-20,S00\n"
    offers.write_bytes(gzip.compress(gzip.decompress(offers.read_bytes()) + row.encode()))
    before, after = ask(skills="kubernetes"), ask(Knowledge(folder), skills="kubernetes")
    added = after.options["hardware"] == "g4dn.16xlarge"
    assert added.any()
    assert list(after.options.loc[~added, "id"]) == list(before.options["id"])


# What a change of the question may do

rates = st.floats(0.01, 3000)


@settings(max_examples=30)
@given(rates, rates, st.sampled_from([50, 200, 2000]))
def test_more_traffic_never_needs_fewer_machines_nor_costs_less(ask: Ask, one: float, other: float, p99: float) -> None:
    less, more = sorted([one, other])
    quiet, busy = (ask(qps=qps, p99_ms=p99, skills="kubernetes").options.set_index("id") for qps in (less, more))
    both = quiet.merge(busy, left_index=True, right_index=True, suffixes=("", "_more"))
    fewer = both[both["replicas_more"] < both["replicas"]]
    assert fewer.empty, fewer[["replicas", "replicas_more"]]
    cheaper = both[both["usd_per_month_more"] < both["usd_per_month"] * (1 - 1e-6)]
    assert cheaper.empty, cheaper[["usd_per_month", "usd_per_month_more"]]


@settings(max_examples=30)
@given(st.floats(1, 3000), st.floats(1, 20), st.sampled_from(["resnet50", "bert-base"]))
def test_a_looser_objective_keeps_every_stack(ask: Ask, p99_ms: float, factor: float, model: str) -> None:
    strict, loose = (ask(model=model, p99_ms=p99, qps=20) for p99 in (p99_ms, p99_ms * factor))
    assert ids(strict) <= ids(loose)


@pytest.mark.parametrize(
    ("wide", "tight"),
    [
        ({"data": "anywhere", "country": "DE"}, {"data": "country", "country": "DE"}),
        ({"skills": "ml-platform"}, {"skills": "kubernetes"}),
        ({"skills": "kubernetes"}, {"skills": "containers"}),
        ({"skills": "containers"}, {"skills": "none"}),
        ({"budget_usd_month": None}, {"budget_usd_month": 600}),
        ({"budget_usd_month": 600}, {"budget_usd_month": 100}),
        ({"upfront_usd": None}, {"upfront_usd": 9000}),
        ({"upfront_usd": 9000}, {"upfront_usd": 0}),
        ({"power_w": None}, {"power_w": 400}),
        ({"launch_days": 12}, {"launch_days": 2}),
        ({"providers": None}, {"providers": ("aws", "gcp")}),
        ({"providers": ("aws", "gcp")}, {"providers": ("gcp",)}),
        ({"precisions": ("fp32", "fp16", "int8")}, {"precisions": ("fp16",)}),
    ],
)
def test_a_tighter_wish_only_removes(ask: Ask, wide: dict[str, Any], tight: dict[str, Any]) -> None:
    before, after = (ask(**{"p99_ms": 300, "skills": "kubernetes", **wishes}) for wishes in (wide, tight))
    assert ids(after) < ids(before)


@pytest.mark.parametrize(
    "wishes", [{"offline": True}, {"internet": "none"}, {"data": "on-premises"}, {"data": "on-device"}]
)
def test_without_a_way_out_there_is_no_cloud(ask: Ask, wishes: dict[str, Any]) -> None:
    options = ask(qps=1, p99_ms=1000, **wishes).options
    assert set(options["site"]) <= {"on-premises", "device"}
    assert len(options)
    if "data" in wishes:
        assert set(options["site"]) == {{"on-premises": "on-premises", "on-device": "device"}[wishes["data"]]}


def test_data_that_stay_in_the_country_stay_there(ask: Ask) -> None:
    clouds = ask(country="DE", data="country", p99_ms=1000).options.query("site == 'cloud'")
    assert set(clouds["region"]) == {"eu-central-1", "europe-west3"}


@every_question
def test_what_is_no_ordinary_machine_is_no_option(ask: Ask, wishes: dict[str, Any]) -> None:
    options = ask(**wishes).options
    assert not options["region"].str.contains("us-gov").any()
    assert not options["hardware"].isin(["c7i-flex.large", "e2-micro", "t3.large", "T4x1", "L4x1", "g4ad.xlarge"]).any()


def test_own_machines_stand_at_every_site(ask: Ask) -> None:
    one, three = (ask(data="on-premises", qps=30, sites=sites).options.set_index("id") for sites in (1, 3))
    own = one[one["site"] == "on-premises"].merge(three, left_index=True, right_index=True, suffixes=("", "_3"))
    assert len(own) > 2
    assert (own["replicas_3"] == 3 * own["replicas"]).all()
    assert own["usd_per_month_3"].to_numpy() == pytest.approx(3 * own["usd_per_month"].to_numpy())


def test_clouds_carry_the_traffic_of_all_sites(ask: Ask) -> None:
    spread, single = ask(qps=20, sites=10, p99_ms=500), ask(qps=200, p99_ms=500)
    columns = ["replicas", "usd_per_month"]
    spread_clouds, single_clouds = (
        advice.options.query("site == 'cloud'").set_index("id")[columns].sort_index() for advice in (spread, single)
    )
    pd.testing.assert_frame_equal(spread_clouds, single_clouds)


# Objectives


@every_question
def test_intervals_are_ordered_and_keep_the_objective_unless_it_says_measure_first(
    ask: Ask, wishes: dict[str, Any]
) -> None:
    advice = ask(**wishes)
    objective = advice.asked.p99_ms
    for option in fitting(advice):
        for interval in (option.p99_ms, option.ttft_ms, option.tpot_ms):
            assert interval is None or 0 < interval.low <= interval.mid <= interval.high
        if objective is not None:
            misses = "measure-first" in {reason.rule for reason in option.conditions}
            assert (option.p99_ms.high > objective * (1 + 1e-6)) == misses, option.id


def test_a_language_model_has_token_times(ask: Ask) -> None:
    advice = ask(model="llama-3-8b", p99_ms=None, qps=1, ttft_ms=3000, tpot_ms=200)
    found = list(fitting(advice))
    assert len(found) > 5
    for option in found:
        assert option.ttft_ms is not None
        assert option.tpot_ms is not None
        assert option.ttft_ms.mid <= 3000
        assert option.tpot_ms.mid <= 200
        assert option.tpot_ms.mid < option.ttft_ms.mid < option.p99_ms.mid
    assert all(option.ttft_ms is None and option.tpot_ms is None for option in fitting(ask()))


# Why not


@every_question
@pytest.mark.parametrize("lang", languages())
def test_a_rejection_names_rule_numbers_and_flip(
    ask: Ask, small: Knowledge, monkeypatch: pytest.MonkeyPatch, wishes: dict[str, Any], lang: str
) -> None:
    monkeypatch.setenv("ADVISOR_LANG", lang)
    advice = ask(**wishes)
    rejected = advice.rejected
    assert len(rejected) == len(all_ids(advice)) - len(advice.options)
    assert not set(rejected["id"]) & ids(advice)
    assert set(rejected["rule"]) <= {name for name, rule in small.rules.items() if rule.severity == "reject"}
    assert (rejected["need"] > rejected["have"]).all()
    assert (rejected["margin"] < 1).all()
    shown = rejected["flip"].head(200)
    assert (shown.str.len() > 3).all()
    assert not shown.str.contains("{", regex=False).any()
    assert shown.str.contains(r"[一-鿿]").all() == (lang == "zh")


def test_a_rejection_counts_in_the_unit_that_it_names(ask: Ask) -> None:
    rejected = ask(p99_ms=30, qps=1).rejected.query("rule == 'p99'")
    assert set(rejected["unit"]) == {"ms"}
    assert rejected["have"].to_numpy() == pytest.approx(30)


@pytest.mark.parametrize(
    ("wishes", "rule", "flipped"),
    [
        ({"p99_ms": 30, "qps": 1}, "p99", lambda reason: {"p99_ms": reason.need * 1000 * 1.001}),
        ({"p99_ms": 20, "qps": 1}, "round-trip", lambda reason: {"p99_ms": reason.need * 1000 * 1.001}),
        ({"p99_ms": 1500, "qps": 0.001}, "cold-start", lambda reason: {"p99_ms": reason.need * 1000 * 1.001}),
        ({"precisions": ("fp8",), "p99_ms": 500}, "precision", lambda reason: {"precisions": ("fp8", reason.name)}),
        (
            {"model": ModelSpec(**SMALL_CNN, operators=("Conv", "QLinearConv")), "p99_ms": 500, **EXPERTS},
            "operators",
            lambda _: {"model": ModelSpec(**SMALL_CNN, operators=("Conv",))},
        ),
        ({"data": "country", "country": "DE", "p99_ms": 500}, "data-scope", lambda _: {"data": "anywhere"}),
        ({"skills": "none"}, "skills", lambda reason: {"skills": SKILL_LEVELS[int(reason.need)]}),
        ({"skills": "containers"}, "skills", lambda reason: {"skills": SKILL_LEVELS[int(reason.need)]}),
        ({"budget_usd_month": 400}, "budget", lambda reason: {"budget_usd_month": reason.need * 1.001}),
        ({"launch_days": 2}, "launch-days", lambda reason: {"launch_days": reason.need}),
        ({"upfront_usd": 1000}, "upfront", lambda reason: {"upfront_usd": reason.need}),
        ({"power_w": 100}, "power", lambda reason: {"power_w": reason.need}),
        ({"providers": ("aws",), "p99_ms": 500}, "provider", lambda _: {"providers": None}),
        ({"offline": True, "qps": 1}, "offline", lambda _: {"offline": False}),
        (
            {"payload_kb": 20_000, "qps": 0.1, "p99_ms": 30_000},
            "function-payload",
            lambda r: {"payload_kb": r.have / 1e3},
        ),
        (
            {"model": "llama-3-8b", "p99_ms": None, "qps": 1, "ttft_ms": 100},
            "ttft",
            lambda reason: {"ttft_ms": reason.need * 1000 * 1.05},
        ),
        (
            {"model": "llama-3-8b", "p99_ms": None, "qps": 1, "tpot_ms": 20},
            "tpot",
            lambda reason: {"tpot_ms": reason.need * 1000 * 1.001},
        ),
        (
            {"model": ModelSpec(family="cnn", params=6e9, macs=1e12), "p99_ms": 1e6, "qps": 0.01},
            "memory",
            lambda reason: {
                "model": ModelSpec(family="cnn", params=round(6e9 * 0.3 * reason.have / reason.need), macs=1e12)
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_following_a_flip_lets_the_stack_in(
    ask: Ask, wishes: dict[str, Any], rule: str, flipped: Callable[[Reason], dict[str, Any]]
) -> None:
    kept_out = alone(ask(**wishes), rule)
    assert kept_out
    for name, reason in list(kept_out.items())[:25]:
        after = ask(**{**wishes, **flipped(reason)})
        assert name in ids(after), stops(after)[name]


# Words and JSON


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@every_question
def test_json_holds_no_nan_and_null_for_an_unknown_price(ask: Ask, wishes: dict[str, Any]) -> None:
    advice = ask(**wishes)
    document = json.loads(advice.to_json(), parse_constant=no_constant)
    assert [row["family"] for row in document["families"]] == list(FAMILIES)
    assert len(document["options"]) == min(50, len(advice.shortlist))
    for given_option, option in zip(document["options"], advice.shortlist, strict=False):
        assert given_option["id"] == option.id
        assert given_option["usd_per_month"] == option.usd_per_month
        assert given_option["usd_per_month_known"] == (given_option["usd_per_month"] is not None)
    assert document["best"] == (document["options"] or [None])[0]


def test_an_unknown_price_is_null(ask: Ask) -> None:
    document = json.loads(ask(country="CN", p99_ms=500).to_json())
    huawei = [option for option in document["options"] if option["provider"] == "huawei"]
    assert huawei
    assert {option["usd_per_month"] for option in huawei} == {None}


@every_question
@pytest.mark.parametrize("lang", languages())
def test_every_stack_is_explained(ask: Ask, wishes: dict[str, Any], lang: str) -> None:
    advice = ask(**wishes)
    families = [option_ids(advice.evaluation.found, np.array([row]))[0] for row in advice.family_rows.values() if row]
    for name in [*(option.id for option in advice.shortlist), *families, *advice.rejected["id"].head(5)]:
        said = advice.explain(name, lang)
        assert said.strip()
        assert "{" not in said
        assert not re.search(r"\b(nan|None|inf)\b", said), said
        assert any("一" <= sign <= "鿿" for sign in said) == (lang == "zh")


def test_a_stack_that_is_none_is_an_error_with_the_nearest(ask: Ask) -> None:
    with pytest.raises(UnknownIdError) as caught:
        ask().explain(T4.replace("g4dn", "g4dm"))
    assert T4.rsplit("/", 1)[0] in caught.value.in_language("en")


@every_question
@pytest.mark.parametrize("lang", languages())
def test_the_ranked_table_shows_the_shortlist(ask: Ask, wishes: dict[str, Any], lang: str) -> None:
    advice = ask(**wishes)
    table = advice.table(n=5, lang=lang)
    assert list(table.iloc[:, -1]) == [option.id for option in advice.shortlist[:5]]
    assert not table.isna().any(axis=None)


def test_where_nothing_is_stopped_every_stack_has_its_verdict(small: Knowledge) -> None:
    found = stacks(small, family="cnn", precisions=("fp32",))
    free = [Limit("memory", "run", side(0.0), side(np.ones(len(found.run_machine))))]
    assert mask_of_candidates(free, found, {"memory": 0}).tolist() == [0] * len(found)


def test_spare_replicas_come_on_top_and_leave_the_response_as_it_is(ask: Ask) -> None:
    plain, spared = (ask(spare_replicas=spare).options.set_index("id") for spare in (0, 2))
    machines = plain[plain["operation"] != "serverless"]
    both = machines.index.intersection(spared.index)
    assert len(both)
    assert (spared.loc[both, "replicas"] == plain.loc[both, "replicas"] + 2).all()
    assert np.allclose(spared.loc[both, "p99_high_ms"], plain.loc[both, "p99_high_ms"])
    assert (spared.loc[both, "usd_per_month"] > plain.loc[both, "usd_per_month"]).all()
