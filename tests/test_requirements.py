"""Wishes that cannot be: one sentence each, with field, value and way out, in every language."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from small_knowledge import WISHES, Ask, said_in_every_language

from advisor import ModelSpec, Requirements
from advisor.errors import RequirementError, UnknownIdError
from advisor.question import question
from advisor.requirements import settings

NAN, INF = float("nan"), float("inf")
NUMBERS = sorted(settings()["bounds"].keys() - {"weight"})
WHOLE = ("sites", "spare_replicas", "input_tokens", "output_tokens", "horizon_months")
CHOICES = ("data", "internet", "skills")


def refused(**wishes: Any) -> RequirementError:
    with pytest.raises(RequirementError) as caught:
        Requirements(**{**WISHES, **wishes})
    return caught.value


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize("value", [-1, NAN, INF, -INF, 1e30, "many", "50", True, [50], (1, 2)], ids=str)
def test_a_number_out_of_bounds_or_of_another_type(field: str, value: Any) -> None:
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    said_in_every_language(refused(**{field: value}), field, shown, f"{settings()['bounds'][field]['most']:g}")


@pytest.mark.parametrize("field", NUMBERS)
@given(value=st.floats(allow_nan=False))
def test_a_number_is_accepted_within_its_bounds_alone(field: str, value: float) -> None:
    bounds = settings()["bounds"][field]
    inside = bounds.get("least", -INF) <= value <= bounds["most"] and value > bounds.get("above", -INF)
    if field in WHOLE:
        inside &= value.is_integer()
    try:
        kept = getattr(Requirements(**{**WISHES, field: value}), field)
    except RequirementError:
        assert not inside
    else:
        assert inside
        assert kept == value


@pytest.mark.parametrize("field", WHOLE)
def test_a_count_is_whole(field: str) -> None:
    said_in_every_language(refused(**{field: 1.5}), field, "1.5")


@pytest.mark.parametrize("field", ["model", "qps", "country"])
def test_a_field_that_is_missing_is_named_with_an_example(field: str) -> None:
    with pytest.raises(RequirementError) as caught:
        Requirements(**{name: value for name, value in WISHES.items() if name != field})
    said_in_every_language(caught.value, field, f"{field}=")


@pytest.mark.parametrize(
    ("field", "value", "nearest"),
    [("qqs", 5, "qps"), ("p99", 5, "p99_ms"), ("provider", "aws", "providers"), ("budget", 9, "budget_usd_month")],
)
def test_an_unknown_field_is_answered_with_the_nearest(field: str, value: Any, nearest: str) -> None:
    said_in_every_language(refused(**{field: value}), field, str(value), nearest)


@pytest.mark.parametrize(
    ("value", "nearest"),
    [("USA", "US"), ("Mars", ""), ("", "CN"), (None, ""), (86, "CN"), (["US"], "")],
    ids=str,
)
def test_an_unknown_country_is_answered_with_the_nearest(value: Any, nearest: str) -> None:
    shown = ", ".join(value) if isinstance(value, list) else str(value)
    said_in_every_language(refused(country=value), "country", shown, nearest)


@pytest.mark.parametrize("value", ["us", " DE ", "Cn"])
def test_a_country_is_read_as_people_write_it(value: str) -> None:
    assert Requirements(**{**WISHES, "country": value}).country == value.strip().upper()


@pytest.mark.parametrize("field", CHOICES)
@pytest.mark.parametrize("value", ["moon", "", None, 3, ["none"]], ids=str)
def test_a_choice_that_is_none_is_answered_with_all(field: str, value: Any) -> None:
    shown = ", ".join(value) if isinstance(value, list) else str(value)
    said_in_every_language(refused(**{field: value}), field, shown, "none" if field != "data" else "on-device")


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("providers", ("amazon",), "amazon"),
        ("providers", ("aws", "amazon"), "amazon"),
        ("providers", (), ""),
        ("providers", "aws", "aws"),
        ("providers", 5, "5"),
        ("precisions", ("fp64",), "fp64"),
        ("precisions", (), ""),
        ("precisions", None, "None"),
        ("priorities", {}, ""),
        ("priorities", {"speed": 1}, "speed"),
        ("priorities", {"cost": 0}, "0"),
        ("priorities", {"cost": -2}, "-2"),
        ("priorities", {"cost": NAN}, "nan"),
        ("priorities", "cost", "cost"),
        ("offline", "maybe", "maybe"),
        ("offline", 2, "2"),
        ("as_of", "yesterday", "yesterday"),
        ("as_of", "2026-02-30", "2026-02-30"),
        ("as_of", 2026, "2026"),
        ("model", "", ""),
        ("model", "  ", ""),
        ("model", None, "None"),
        ("model", 5, "5"),
    ],
)
def test_a_list_a_switch_a_date_or_a_model_that_cannot_be(field: str, value: Any, shown: str) -> None:
    said_in_every_language(refused(**{field: value}), field, shown)


def test_a_name_given_twice_counts_once() -> None:
    asked = Requirements(**WISHES, precisions=("fp32", "int8", "fp32"), providers=("aws", "aws"))
    assert asked.precisions == ("fp32", "int8")
    assert asked.providers == ("aws",)


@pytest.mark.parametrize(
    ("field", "value"), [("offline", True), ("internet", "none"), ("data", "on-premises"), ("data", "on-device")]
)
def test_clouds_alone_and_no_way_to_them_contradict(field: str, value: Any) -> None:
    said_in_every_language(
        refused(**{field: value}, providers=("aws", "gcp")), field, str(value), "providers", "aws, gcp"
    )


@pytest.mark.parametrize("model", ["resnet50", ModelSpec(family="cnn", params=25.6e6)], ids=["id", "sizes"])
def test_a_model_that_answers_at_once_needs_its_p99(ask: Ask, model: Any) -> None:
    with pytest.raises(RequirementError) as caught:
        ask(model=model, p99_ms=None)
    said_in_every_language(caught.value, "p99_ms", "p99_ms=")


@pytest.mark.parametrize(
    ("field", "value"), [("ttft_ms", 500), ("tpot_ms", 51), ("input_tokens", 7), ("output_tokens", 9)]
)
def test_token_wishes_go_with_language_models_alone(ask: Ask, field: str, value: float) -> None:
    with pytest.raises(RequirementError) as caught:
        ask(**{field: value})
    said_in_every_language(caught.value, field, str(value), "cnn")


@pytest.mark.parametrize(
    ("model", "nearest"), [("resnet5", "resnet50"), ("bert-bse", "bert-base"), ("llama", "llama-3-8b")]
)
def test_an_unknown_model_is_answered_with_the_nearest(ask: Ask, model: str, nearest: str) -> None:
    with pytest.raises(UnknownIdError) as caught:
        ask(model=model)
    said_in_every_language(caught.value, model, nearest)


def test_open_wishes_of_a_language_model_are_shown_as_assumed(ask: Ask) -> None:
    asking = ask(model="llama-3-8b", p99_ms=None, qps=1, tpot_ms=50).evaluation.asking
    assert dict(asking.assumed) == {"ttft_ms": 2000, "input_tokens": 512, "output_tokens": 128}
    assert (asking.first_s, asking.token_s) == (2.0, 0.05)


def test_rates_are_peaks_and_clouds_see_all_sites() -> None:
    asked = Requirements(**{**WISHES, "sites": 4, "peak_factor": 2.0})
    asking = question(asked, ModelSpec(family="cnn", params=25.6e6))
    assert list(asking.rates_per_s) == [100, 400, 400]


def test_defaults_are_the_documented_ones() -> None:
    asked = Requirements(model="resnet50", qps=50, country="CN")
    assert asked.model_dump(exclude={"model", "qps", "country"}) == {
        "p99_ms": None,
        "ttft_ms": None,
        "tpot_ms": None,
        "input_tokens": None,
        "output_tokens": None,
        "peak_factor": 3.0,
        "burstiness": 1.0,
        "hours_per_day": 24,
        "payload_kb": 100,
        "spare_replicas": 0,
        "sites": 1,
        "data": "anywhere",
        "offline": False,
        "internet": "good",
        "providers": None,
        "budget_usd_month": None,
        "upfront_usd": None,
        "power_w": None,
        "precisions": ("fp32", "fp16", "int8"),
        "skills": "containers",
        "launch_days": None,
        "horizon_months": 36,
        "priorities": None,
        "as_of": None,
    }
    assert asked.weights == {"cost": 3, "latency": 2, "operations": 1}


def test_requirements_are_frozen() -> None:
    asked = Requirements(**WISHES)
    with pytest.raises(ValidationError):
        asked.qps = 5
