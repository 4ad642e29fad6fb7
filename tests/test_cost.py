"""Money: hand-worked bills, and an unknown price that never turns into 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.cost import (
    OwnTerms,
    mean_replicas,
    owned_usd_per_month,
    rented_usd_per_month,
    requests_per_month,
)

TERMS = OwnTerms(
    life_months=48,
    maintenance_per_year=0.08,
    usd_per_kwh=0.15,
    pue=1.5,
    space_usd_per_kw_month=180.0,
    spare_share=0.25,
    install_usd=480.0,
)
money = st.floats(0.01, 1e6)


def test_owned_machine_by_hand() -> None:
    assert owned_usd_per_month(price_usd=9600.0, power_w=500.0, terms=TERMS) == pytest.approx(
        (12_000 + 480) / 48 + 80 + 82.125 + 90
    )


def test_rented_machine_by_hand() -> None:
    assert rented_usd_per_month(replicas=2, usd_per_hour=0.5, surcharge=0.15, fixed_usd_per_hour=0.1) == pytest.approx(
        912.5
    )


def test_requests_of_a_working_day() -> None:
    assert requests_per_month(qps=1.0, hours_per_day=8) == pytest.approx(3600 * 8 * 730 / 24)


@given(st.floats(1, 500), st.floats(1, 20))
def test_replicas_that_follow_the_load_are_never_more_than_the_peak_nor_less_than_one(
    peak: float, factor: float
) -> None:
    mean = mean_replicas(peak=np.ceil(peak), peak_factor=factor, headroom=1.25, hours_share=0.5)
    assert 1 <= mean <= np.ceil(peak)


def test_an_unknown_price_stays_unknown() -> None:
    assert np.isnan(rented_usd_per_month(replicas=2, usd_per_hour=np.nan, surcharge=0.0, fixed_usd_per_hour=0.0))
    assert np.isnan(rented_usd_per_month(replicas=2, usd_per_hour=1.0, surcharge=np.nan, fixed_usd_per_hour=0.0))
    assert np.isnan(owned_usd_per_month(price_usd=np.nan, power_w=10.0, terms=TERMS))


@given(money, money)
def test_a_dearer_machine_never_costs_less_to_own(price: float, more: float) -> None:
    cheap, dear = (owned_usd_per_month(price_usd=p, power_w=100.0, terms=TERMS) for p in (price, price + more))
    assert dear > cheap
