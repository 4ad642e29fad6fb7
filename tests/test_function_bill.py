"""Bills of functions: published and hand-worked ones by provider, billed time in steps, and what never gets cheaper."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.function_bill import Size, Terms, Use, billed_s, function_lines
from advisor.lines import known_total
from advisor.schema import Provider
from advisor.units import MILLION, SECONDS_PER_MONTH

BILLS = tomllib.loads((Path(__file__).parent / "data" / "function_bills.toml").read_text(encoding="utf-8"))["bills"]
NAN = np.nan
FREE = Terms(
    usd_per_gb_s=NAN, usd_per_gib_s=NAN, usd_per_vcpu_s=NAN, usd_per_gpu_s=0.0, usd_per_million_requests=NAN,
    held_usd_per_s=0.0, use_usd_per_s=NAN, usd_min_per_hour=NAN, lifetime=False, idle=False, start=False,
)  # fmt: skip
SIZE = Size(memory_gib=1.0, vcpu=1.0)
KEPT = "provisioned"
"""Line of the time that kept instances are held."""
NONE = Use(
    requests=0.0,
    hours=730.0,
    service_s=0.0,
    billed_s=0.0,
    start_s=0.0,
    alive_s=0.0,
    provisioned=0.0,
    on_provisioned=0.0,
)
prices, times, shares = st.floats(1e-7, 1e-3), st.floats(0.001, 30.0), st.floats(0.0, 1.0)


def terms_of(given: dict[str, Any]) -> Terms:
    """Terms of an instance of any size: its price a second stands for that of an accelerator."""
    known = {"usd_per_gpu_s": given.pop("usd_per_s", 0.0)}
    if "usd_per_call" in given:
        known["usd_per_million_requests"] = given.pop("usd_per_call") * MILLION
    return FREE._replace(**known, **given)


def bill(use: Use, terms: Terms) -> dict[str, float]:
    """What the lines come to: use, and holding kept instances."""
    lines = function_lines(use, SIZE, terms)
    kept = sum(float(line.usd) for line in lines if line.item == KEPT)
    return {"use": float(known_total(lines)[0].item()) - kept, "kept": kept}


def total(use: Use, terms: Terms) -> float:
    return sum(bill(use, terms).values())


def use_of(given: dict[str, float]) -> Use:
    kept_s = given.pop("kept_s", 0.0)
    return NONE._replace(**given, provisioned=kept_s / SECONDS_PER_MONTH)


@pytest.mark.parametrize("one", BILLS, ids=lambda one: one["id"])
def test_a_published_bill(one: dict[str, Any]) -> None:
    assert bill(use_of(dict(one["use"])), terms_of(dict(one["terms"]))) == pytest.approx(one["expect"], rel=1e-3)


def test_every_provider_of_functions_has_a_bill() -> None:
    assert {one["provider"] for one in BILLS} == set(get_args(Provider)) - {"lambda-labs", "huggingface"}
    assert all(one["url"].startswith("https://") for one in BILLS)


def test_time_is_billed_in_whole_steps_and_not_below_the_least() -> None:
    assert billed_s(service_s=0.23, service_cv=0.0, step_s=0.1) == pytest.approx(0.3)
    assert billed_s(service_s=0.23, service_cv=0.0, step_s=0.001) == pytest.approx(0.23, abs=0.001)
    assert billed_s(service_s=0.02, service_cv=0.0, step_s=0.001, least_s=0.1) == pytest.approx(0.1)


@given(times, st.floats(0.1, 0.8), st.floats(0.001, 1.0))
def test_steps_add_half_of_one_on_average_and_at_most_a_whole_one(service_s: float, cv: float, step_s: float) -> None:
    found = float(billed_s(service_s=service_s, service_cv=cv, step_s=step_s))
    assert service_s * 0.999 <= found <= service_s + step_s
    if service_s * cv > 5 * step_s:
        assert found == pytest.approx(service_s + step_s / 2, abs=0.3 * step_s)


def test_billed_time_is_that_of_draws() -> None:
    drawn = np.random.default_rng(1).gamma(1 / 0.3**2, 0.18 * 0.3**2, 500_000)
    expected = (np.ceil(drawn / 0.1) * 0.1).mean()
    assert billed_s(service_s=0.18, service_cv=0.3, step_s=0.1) == pytest.approx(expected, rel=0.02)


def test_no_price_of_the_time_makes_the_bill_unknown() -> None:
    terms = FREE._replace(usd_per_gpu_s=NAN, usd_per_million_requests=1.0)
    assert np.isnan(total(NONE._replace(requests=1e6, billed_s=0.1), terms))


def test_units_are_billed_apart() -> None:
    terms = FREE._replace(
        usd_per_gib_s=2.5e-6, usd_per_vcpu_s=2.4e-5, usd_per_gpu_s=1.867e-4, usd_per_million_requests=0.4
    )
    lines = function_lines(NONE._replace(requests=3e6, billed_s=0.12), Size(1.4, 4.0), terms)
    assert {line.item: line.usd.item() for line in lines if line.usd.item()} == pytest.approx(
        {
            "function-gib": 3e6 * 0.12 * 1.4 * 2.5e-6,
            "function-vcpu": 3e6 * 0.12 * 4 * 2.4e-5,
            "function-gpu": 3e6 * 0.12 * 1.867e-4,
            "requests": 1.2,
        }
    )


@given(prices, prices, times, shares, st.floats(1.0, 1e8), st.floats(1.0, 100.0), st.booleans(), st.booleans())
def test_more_requests_of_the_same_kind_never_cost_less(
    busy: float, held: float, service_s: float, on_kept: float, requests: float, more: float, lifetime: bool, own: bool
) -> None:
    terms = FREE._replace(
        usd_per_gpu_s=busy + held,
        held_usd_per_s=held,
        use_usd_per_s=busy if own else np.nan,
        lifetime=lifetime,
        start=True,
    )
    kept = requests * more * on_kept * service_s / SECONDS_PER_MONTH
    use = NONE._replace(
        service_s=service_s,
        billed_s=service_s,
        start_s=0.1,
        alive_s=service_s * 2,
        provisioned=kept,
        on_provisioned=on_kept,
    )
    few, many = (total(use._replace(requests=count), terms) for count in (requests, requests * more))
    assert many >= few * (1 - 1e-9)


@given(prices, st.floats(1.0, 10.0), prices, times, shares)
def test_a_dearer_price_never_makes_a_cheaper_bill(
    busy: float, dearer: float, held: float, service_s: float, on_kept: float
) -> None:
    use = NONE._replace(
        requests=1e5,
        service_s=service_s,
        billed_s=service_s,
        alive_s=service_s,
        provisioned=3.0,
        on_provisioned=on_kept,
    )
    terms = FREE._replace(usd_per_gpu_s=busy, held_usd_per_s=held)
    cheap = total(use, terms)
    assert total(use, terms._replace(usd_per_gpu_s=busy * dearer)) >= cheap
    assert total(use, terms._replace(held_usd_per_s=held * dearer)) >= cheap


@given(times, st.floats(1.0, 1e6))
def test_an_instance_that_is_billed_while_it_lives_costs_at_least_its_use(service_s: float, requests: float) -> None:
    use = NONE._replace(requests=requests, service_s=service_s, billed_s=service_s, alive_s=service_s * 1.5)
    alone, living = (total(use, FREE._replace(usd_per_gpu_s=1e-5, lifetime=lifetime)) for lifetime in (False, True))
    assert living == pytest.approx(1.5 * alone)
