"""Break-even of two stacks, or of a stack and an API: against the answers of the whole list, and in words."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from english_words import CHINESE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_knowledge import Ask, said_in_every_language

from advisor import Knowledge, Requirements, cli, load
from advisor.axes import AXES, requests_of
from advisor.breakeven import BreakEven, Segment
from advisor.contest import contest_of, rows_named
from advisor.errors import RequirementError, UnknownIdError
from advisor.options import option_at, option_ids
from advisor.stacks import only
from advisor.text import languages
from advisor.tokens import TokenPrice, api_usd_per_month, hosted, in_force, token_prices

EC2 = "aws-ec2/us-east-1/g4dn.xlarge/onnxruntime/fp16"
LAMBDA = "aws-lambda/us-east-1/lambda 4 vCPU 7076 MB/onnxruntime/int8"
OWN = "own-server/-/server-1x-t4/onnxruntime/fp16"
CPUS = "own-server/-/server-cpu-64-cores/onnxruntime/fp32"
VLLM = "aws-ec2/us-east-1/g4dn.12xlarge/vllm/int8"
DEAR = "api:openai/small"
API = "api:together/llama-3-8b"
LANGUAGE = {"model": "llama-3-8b", "p99_ms": None}
GOLDEN = tomllib.loads((Path(__file__).parent / "data" / "break_even.toml").read_text(encoding="utf-8"))
every_language = pytest.mark.parametrize("lang", languages())
slow = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.parametrize(
    "wishes",
    [{}, {"qps": 0.01}, {"sites": 7, "hours_per_day": 9}, {"qps": 5000, "burstiness": 4}, {**LANGUAGE, "qps": 2}],
)
def test_stacks_alone_are_answered_as_in_the_whole_list(ask: Ask, wishes: dict) -> None:
    advice = ask(**wishes)
    ev = advice.evaluation
    rows = np.sort(np.random.default_rng(1).choice(len(ev.found), 12, replace=False))
    few = advice._of(advice.asked, only(ev.found, rows))
    assert few.mask.tolist() == ev.mask[rows].tolist()
    assert option_ids(few.found, np.arange(len(rows))).tolist() == option_ids(ev.found, rows).tolist()
    for place, row in enumerate(rows):
        if not few.mask[place]:
            assert option_at(few, place, p_best=0.0) == option_at(ev, int(row), p_best=0.0)


def answer_at(found: BreakEven, at: float) -> Segment:
    return [segment for segment in found.segments if segment.start <= at][-1]


@slow
@given(
    pair=st.permutations([EC2, LAMBDA, OWN, "aws-eks/us-east-1/g4dn.xlarge/onnxruntime/fp16"]),
    p99_ms=st.sampled_from([60, 400, 3000]),
    hours=st.sampled_from([2.0, 24.0]),
    axis=st.sampled_from(["qps", "sites", "hours"]),
)
def test_every_place_of_an_axis_is_answered_as_the_question_asked_there(ask: Ask, pair, p99_ms, hours, axis) -> None:
    advice = ask(qps=2, p99_ms=p99_ms, hours_per_day=hours)
    found = advice.break_even(*pair[:2], axis=axis)
    fields = {"qps": "qps", "sites": "sites", "hours": "hours_per_day"}
    places = np.geomspace(found.at[0], found.at[-1], 90)
    contest = contest_of(
        advice.evaluation, advice._of, *(rows_named(advice.evaluation.found, each)[0] for each in pair[:2])
    )
    for at in np.round(places) if axis == "sites" else places:
        asked = Requirements(**{**dict(advice.asked), fields[axis]: int(at) if axis == "sites" else float(at)})
        point, segment = contest.point(at, asked), answer_at(found, at)
        near = min(abs(segment.start / at - 1), abs(segment.end / at - 1)) < 0.06
        if axis == "sites" or not near:
            assert tuple(each in segment.feasible for each in pair[:2]) == point.fits, at
            assert segment.cheaper == (None if point.cheaper is None else pair[point.cheaper]), at


def test_the_curves_show_what_the_whole_list_costs(ask: Ask) -> None:
    found = ask(qps=1, p99_ms=400).break_even(EC2, OWN)
    for place in range(0, len(found.at), 40):
        table = ask(qps=found.at[place], p99_ms=400).options.set_index("id")["usd_per_month"]
        for one in (found.first, found.second):
            assert one.usd[place] == (pytest.approx(table[one.id]) if one.id in table else None)


def test_crossings_are_where_the_order_turns_and_both_fit(ask: Ask) -> None:
    found = ask(qps=1, p99_ms=3000, hours_per_day=24).break_even(LAMBDA, EC2)
    assert found.crossings
    for at in found.crossings:
        below, above = (
            ask(qps=at * factor, p99_ms=3000).options.set_index("id")["usd_per_month"] for factor in (0.998, 1.0)
        )
        assert (below[LAMBDA] < below[EC2]) != (above[LAMBDA] < above[EC2])


def test_an_end_of_a_curve_names_its_rule(ask: Ask) -> None:
    found = ask(qps=50, p99_ms=3000).break_even(LAMBDA, OWN)
    (last,) = [segment for segment in found.segments if segment.end == found.at[-1]]
    assert {name: [reason.rule for reason in reasons] for name, reasons in last.stops.items()} == {
        LAMBDA: ["function-instances"],
        OWN: ["uplink"],
    }
    assert last.cheaper is None
    assert found.first.usd[-1] is None


def test_months_add_the_price_at_the_start_and_again_when_it_is_worn_out(ask: Ask) -> None:
    advice = ask(qps=1, p99_ms=400, horizon_months=48)
    found = advice.break_even(EC2, OWN, axis="months")
    options = advice.options.set_index("id")["usd_per_month"]
    upfront = found.second.usd[0]
    assert found.first.usd[0] == 0
    assert found.money == "usd"
    paid = dict(zip(found.at, found.second.usd, strict=True))
    assert paid[48.0] == pytest.approx(48 * options[OWN] + upfront)
    assert dict(zip(found.at, found.first.usd, strict=True))[48.0] == pytest.approx(48 * options[EC2])
    before, after = (paid[at] for at in sorted(paid) if 47 < at <= 48)
    assert after - before == pytest.approx(upfront)


def test_an_own_server_is_bought_at_every_site(ask: Ask) -> None:
    one, three = (
        ask(qps=1, p99_ms=3000, sites=sites, data="on-premises").break_even(OWN, CPUS, axis="months")
        for sites in (1, 3)
    )
    assert three.first.usd[0] == pytest.approx(3 * one.first.usd[0])
    assert three.first.usd[-1] == pytest.approx(3 * one.first.usd[-1])


def test_months_do_not_depend_on_the_horizon_that_was_asked(ask: Ask) -> None:
    one, other = (ask(qps=1, p99_ms=400, horizon_months=m).break_even(EC2, OWN, axis="months") for m in (12, 60))
    assert one.crossings == pytest.approx(other.crossings)


def test_tokens_are_the_traffic_of_all_sites_in_other_words(ask: Ask) -> None:
    advice = ask(**LANGUAGE, qps=2, sites=3, input_tokens=300, output_tokens=100)
    traffic, tokens = (advice.break_even(axis=axis) for axis in ("qps", "tokens"))
    per_qps = requests_of(advice.evaluation.asking) / 2 * 400
    assert [at * per_qps for at in traffic.crossings] == pytest.approx(tokens.crossings)
    assert tokens.here == pytest.approx(2 * per_qps)


def test_buying_tokens_is_cheaper_up_to_where_its_bill_is_that_of_the_machine(ask: Ask) -> None:
    lengths = {"input_tokens": 200, "output_tokens": 600, "peak_factor": 1}
    own = "own-server/-/server-1x-t4/llama.cpp/int8"
    found = ask(**LANGUAGE, **lengths, qps=0.01, ttft_ms=60_000, tpot_ms=1000).break_even(own, DEAR, axis="tokens")
    (at,) = found.crossings
    per_token = (200 * 0.4 + 600 * 1.6) / 800 / 1e6
    assert at * per_token == pytest.approx(found.first.usd[found.at.index(at)], rel=1e-3)
    assert [segment.cheaper for segment in found.segments] == [DEAR, own]
    assert (found.second.kind, found.second.dated) == ("api", "2025-06-01")


def test_tokens_are_paid_as_read_and_as_written() -> None:
    price = TokenPrice("acme", "m", 0.5, 1.5, "", "list", "2026")
    assert api_usd_per_month(price, 1e6, 1000, 200) == pytest.approx(500 + 300)
    assert price.id == "api:acme/m"


def test_the_price_of_a_day_is_the_one_that_had_begun(small: Knowledge) -> None:
    prices = token_prices(small)
    days = {day: in_force(prices, day)[DEAR] for day in ("2020-01-01", "2025-05-31", "2025-06-01", "2026-01-01")}
    assert [one.output_usd_per_mtok for one in days.values()] == [2.0, 2.0, 1.6, 1.6]
    assert in_force(prices, None)[DEAR].from_date == "2025-06-01"


def test_offers_of_a_model_are_found_by_its_names_the_cheapest_first(small: Knowledge) -> None:
    assert [price.id for price in hosted(small, small.models["llama-3-8b"])] == [API]
    assert hosted(small, small.models["phi-3-mini"]) == []
    knowledge = load()
    offers = hosted(knowledge, knowledge.models["llama-3.1-8b"], "2026-11-01")
    assert {"groq", "novita", "together"} <= {price.provider for price in offers}
    assert all("8b" in price.model.lower() for price in offers)
    sums = [price.input_usd_per_mtok + price.output_usd_per_mtok for price in offers]
    assert sums == sorted(sums)


def test_the_cheapest_offer_of_the_model_stands_for_all(ask: Ask) -> None:
    assert ask(**LANGUAGE).break_even(VLLM, "api").second.id == API
    with pytest.raises(RequirementError) as caught:
        ask(model="phi-3-mini", p99_ms=None).break_even(second="api")
    said_in_every_language(caught.value, "Phi-3", "api:")


def test_an_api_is_no_answer_where_data_must_stay(ask: Ask) -> None:
    found = ask(**LANGUAGE, qps=0.01, data="on-premises").break_even(VLLM, API, axis="tokens")
    assert all(API not in segment.feasible for segment in found.segments)
    assert {reason.rule for segment in found.segments for reason in segment.stops[API]} == {"data-scope"}
    offline = ask(**LANGUAGE, qps=0.01, offline=True).break_even(VLLM, API, axis="tokens")
    assert {reason.rule for reason in offline.segments[0].stops[API]} == {"offline"}


def test_the_default_is_the_first_choice_and_the_best_that_is_run_otherwise(ask: Ask) -> None:
    advice = ask(qps=1, p99_ms=400)
    found, months = advice.break_even(), advice.break_even(axis="months")
    operations = {option.id: option.operation for option in advice.shortlist}
    assert found.first.id == months.first.id == advice.best.id
    assert operations[found.second.id] != operations[found.first.id]
    assert months.second.id.startswith("own-server/")


@pytest.mark.parametrize(
    ("wishes", "arguments", "parts"),
    [
        ({}, {"axis": "years"}, ["years", "months"]),
        ({}, {"axis": "tokens"}, ["tokens"]),
        ({}, {"second": API}, [API]),
        ({}, {"first": EC2, "second": EC2}, [EC2, "second"]),
        (LANGUAGE, {"first": API, "second": "api:openai/x"}, []),
        ({"p99_ms": 0.001}, {}, []),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_sentence(ask: Ask, wishes, arguments, parts) -> None:
    with pytest.raises((RequirementError, UnknownIdError)) as caught:
        ask(**wishes).break_even(**arguments)
    said_in_every_language(caught.value, *parts)


@pytest.mark.parametrize("name", ["aws-ec2/us-east-1/g4dn.xlarge/onnxruntime/fp99", "api:together/llama-3-9b"])
def test_an_unknown_name_gets_the_nearest(ask: Ask, name: str) -> None:
    with pytest.raises(UnknownIdError) as caught:
        ask(**LANGUAGE).break_even(VLLM, name)
    said_in_every_language(caught.value, name)
    assert caught.value.values["known"]


def test_an_unknown_price_is_said_and_is_no_crossing(ask: Ask) -> None:
    huawei = "huawei-ecs/ap-southeast-1/pi2.2xlarge.4/onnxruntime/fp32"
    found = ask(qps=1, p99_ms=400).break_even(EC2, huawei)
    assert found.crossings == ()
    assert "pi2.2xlarge.4" in found.lines[0]
    assert "--prices" in found.lines[0]
    assert set(found.second.usd) == {None}


@every_language
@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_golden_sentences(ask: Ask, case: dict, lang: str) -> None:
    found = ask(**case["asked"]).break_even(case["first"], case["second"], axis=case["axis"], lang=lang)
    assert list(found.lines) == case[lang]


@every_language
@pytest.mark.parametrize("axis", AXES)
def test_every_axis_speaks_each_language_alone(ask: Ask, axis: str, lang: str) -> None:
    found = ask(**LANGUAGE, qps=0.5).break_even(VLLM, DEAR, axis=axis, lang=lang)
    said = "".join(found.lines)
    assert bool(CHINESE.search(said)) == (lang == "zh")
    assert all(line.endswith("." if lang == "en" else "。") for line in found.lines)
    assert "{" not in said
    assert "openai · small" in said
    assert "2025-06-01" in said


@every_language
def test_the_command_says_what_the_function_says(
    capsys: pytest.CaptureFixture[str], lang: str, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    monkeypatch.setattr(cli, "_answered", lambda _: ask(qps=1, p99_ms=400))
    question = ["break-even", "--model", "resnet50", "--qps", "1", "--p99-ms", "400", "--country", "US"]
    names = ["--first", EC2, "--second", OWN, "--axis", "months", "--lang", lang]
    assert cli.main([*question, *names]) == 0
    assert capsys.readouterr().out.splitlines() == list(
        ask(qps=1, p99_ms=400).break_even(EC2, OWN, axis="months", lang=lang).lines
    )
    assert cli.main([*question, *names, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["format"], answer["axis"], answer["money"]) == ("advisor/break-even/1", "months", "usd")
    assert [segment["cheaper"] for segment in answer["segments"]] == [EC2, OWN, EC2, OWN, EC2]


def test_a_wrong_axis_on_the_command_line_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["break-even", "--model", "resnet50", "--axis", "years"]) == 2
    said = capsys.readouterr().err
    assert "years" in said
    assert said.count("\n") == 1
