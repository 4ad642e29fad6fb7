"""Bills of functions: published and hand-worked ones by provider, billed time in steps, and what never gets cheaper."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.function_bill import Terms, Use, bill_of_functions, billed_s
from advisor.schema import Provider
from advisor.units import SECONDS_PER_MONTH

BILLS = tomllib.loads((Path(__file__).parent / "data" / "function_bills.toml").read_text(encoding="utf-8"))["bills"]
FREE = Terms(
    usd_per_s=0.0, usd_per_call=0.0, held_usd_per_s=0.0, use_usd_per_s=np.nan, usd_min_per_hour=np.nan,
    lifetime=False, idle=False, start=False,
)  # fmt: skip
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


def use_of(given: dict[str, float]) -> Use:
    kept_s = given.pop("kept_s", 0.0)
    return NONE._replace(**given, provisioned=kept_s / SECONDS_PER_MONTH)


@pytest.mark.parametrize("one", BILLS, ids=lambda one: one["id"])
def test_a_published_bill(one: dict[str, Any]) -> None:
    bill = bill_of_functions(use_of(dict(one["use"])), FREE._replace(**one["terms"]))
    assert bill.use_usd == pytest.approx(one["expect"]["use"], rel=1e-3)
    assert bill.provisioned_usd == pytest.approx(one["expect"]["kept"], rel=1e-3)


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
    bill = bill_of_functions(NONE._replace(requests=1e6, billed_s=0.1), FREE._replace(usd_per_call=1e-6))
    assert np.isnan(bill.use_usd)


@given(prices, prices, times, shares, st.floats(1.0, 1e8), st.floats(1.0, 100.0), st.booleans(), st.booleans())
def test_more_requests_of_the_same_kind_never_cost_less(
    busy: float, held: float, service_s: float, on_kept: float, requests: float, more: float, lifetime: bool, own: bool
) -> None:
    terms = FREE._replace(
        usd_per_s=busy + held, held_usd_per_s=held, use_usd_per_s=busy if own else np.nan, lifetime=lifetime, start=True
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
    few, many = (sum(bill_of_functions(use._replace(requests=count), terms)) for count in (requests, requests * more))
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
    terms = FREE._replace(usd_per_s=busy, held_usd_per_s=held)
    cheap = sum(bill_of_functions(use, terms))
    assert sum(bill_of_functions(use, terms._replace(usd_per_s=busy * dearer))) >= cheap
    assert sum(bill_of_functions(use, terms._replace(held_usd_per_s=held * dearer))) >= cheap


@given(times, st.floats(1.0, 1e6))
def test_an_instance_that_is_billed_while_it_lives_costs_at_least_its_use(service_s: float, requests: float) -> None:
    use = NONE._replace(requests=requests, service_s=service_s, billed_s=service_s, alive_s=service_s * 1.5)
    alone, living = (
        bill_of_functions(use, FREE._replace(usd_per_s=1e-5, lifetime=lifetime)).use_usd for lifetime in (False, True)
    )
    assert living == pytest.approx(1.5 * alone)
