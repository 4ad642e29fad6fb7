"""Money: lines of a bill worked out by hand, an unknown price that never turns into 0, and sums that never fall."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.cost import (
    FrontTerms,
    egress_lines,
    front_lines,
    gb_in_tier,
    machine_line,
    mean_replicas,
    platform_lines,
    requests_per_month,
    storage_lines,
)
from advisor.lines import Line, known_total
from advisor.owning import OwnTerms, PeopleTerms, owned_lines, people_lines

TERMS = OwnTerms(
    life_months=48,
    horizon_months=60,
    maintenance_per_year=0.08,
    usd_per_kwh=0.15,
    pue=1.5,
    space_usd_per_kw_month=180.0,
    spare_share=0.25,
    install_usd=480.0,
)
NAN = float("nan")
money = st.floats(0.01, 1e6)


def usd(lines: tuple[Line, ...]) -> dict[str, float]:
    """What lines that apply come to, by item."""
    return {line.item: float(line.usd) for line in lines if line.usd != 0}


def total(lines: tuple[Line, ...]) -> float:
    return float(known_total(lines)[0][0])


def owned(**changed: Any) -> tuple[Line, ...]:
    terms = TERMS._replace(**{name: value for name, value in changed.items() if name in OwnTerms._fields})
    given = {"machines": 1.0, "places": 1.0, "price_usd": 9600.0, "power_w": 500.0}
    return owned_lines(**given | {name: value for name, value in changed.items() if name in given}, terms=terms)


# By hand


def test_owned_machine_by_hand() -> None:
    assert usd(owned()) == pytest.approx(
        {
            "hardware": 9600 / 48,
            "spare": 2400 / 48,
            "install": 480 / 48,
            "replacement": 0.25 * 480 / 48,
            "maintenance": 12_000 * 0.08 / 12,
            "electricity": 0.5 * 730 * 1.5 * 0.15,
            "space": 0.5 * 180,
        }
    )
    assert total(owned()) == pytest.approx((12_000 + 480) / 48 + 2.5 + 80 + 82.125 + 90)


def test_hardware_that_is_used_for_less_than_its_life_is_paid_for_in_that_time() -> None:
    short = usd(owned(horizon_months=12))
    assert short["hardware"] == pytest.approx(800)
    assert short["install"] == pytest.approx(40)
    assert {name: short[name] for name in ("replacement", "maintenance", "electricity", "space")} == {
        name: usd(owned())[name] for name in ("replacement", "maintenance", "electricity", "space")
    }


def test_a_fleet_at_many_places_is_one_machine_times_their_number() -> None:
    assert total(owned(places=50.0, machines=2.0)) == pytest.approx(100 * total(owned()))


def test_rented_machines_by_hand() -> None:
    machines = machine_line(machines=2, usd_per_hour=0.5)
    lines = (machines, *platform_lines(usd=machines.usd, surcharge=0.15, fee_usd_per_hour=0.1))
    assert usd(lines) == pytest.approx({"machines": 730.0, "surcharge": 109.5, "platform": 73.0})
    assert total(lines) == pytest.approx(912.5)


def test_a_load_balancer_and_an_endpoint_by_hand() -> None:
    terms = FrontTerms(usd_per_hour=0.02, usd_per_gb=0.008, endpoint_usd_per_gb=0.016)
    balanced = front_lines(balancers=1, endpoints=0, gb=1000, terms=terms)
    assert usd(balanced) == pytest.approx({"load-balancer": 14.6, "load-balancer-gb": 8.0})
    assert usd(front_lines(balancers=0, endpoints=1, gb=1000, terms=terms)) == pytest.approx({"endpoint-gb": 16.0})


def test_storage_by_hand() -> None:
    sizes = {"disk_gb": 30.5, "image_gb": 0.5, "model_gb": 0.25}
    prices = {"disk_usd_per_gb": 0.08, "image_usd_per_gb": 0.1, "model_usd_per_gb": 0.02}
    assert usd(storage_lines(machines=3, **sizes, **prices)) == pytest.approx(
        {"disk": 7.32, "container-registry": 0.05, "object-storage": 0.005}
    )


def test_traffic_is_billed_tier_by_tier() -> None:
    tiers: dict[str, Any] = {"from_gb": [0, 10, 50], "to_gb": [10, 50, NAN], "usd_per_gb": [0.09, 0.08, 0.05]}
    lines = egress_lines(gb=62, **tiers)
    assert [float(line.quantity) for line in lines] == [10, 40, 12]
    assert total(lines) == pytest.approx(0.9 + 3.2 + 0.6)
    assert usd(egress_lines(gb=10, **tiers)) == pytest.approx({"egress": 0.9})


def test_people_by_hand() -> None:
    terms = PeopleTerms(platform_usd_per_hour=50.0, engine_usd_per_hour=40.0, overhead=1.4, country=0.5)
    lines = people_lines(platform_hours=10.0, engine_hours=2.0, terms=terms)
    assert usd(lines) == pytest.approx({"people-platform": 350.0, "people-engine": 56.0})
    assert [float(line.quantity) for line in lines] == [10.0, 2.0]


def test_requests_of_a_working_day() -> None:
    assert requests_per_month(qps=1.0, hours_per_day=8) == pytest.approx(3600 * 8 * 730 / 24)


# Unknown


def test_an_unknown_price_stays_unknown() -> None:
    machines = machine_line(machines=2, usd_per_hour=NAN)
    assert np.isnan(machines.usd)
    assert np.isnan(total((machines, *platform_lines(usd=machines.usd, surcharge=0.0, fee_usd_per_hour=0.0))))
    assert np.isnan(total(owned(price_usd=NAN)))


@pytest.mark.parametrize(
    "aside",
    [
        platform_lines(usd=730.0, surcharge=NAN, fee_usd_per_hour=0.0),
        platform_lines(usd=730.0, surcharge=0.0, fee_usd_per_hour=NAN),
        front_lines(balancers=1, endpoints=0, gb=1, terms=FrontTerms(0.02, NAN, 0.0)),
        egress_lines(gb=1, from_gb=[0], to_gb=[NAN], usd_per_gb=[NAN]),
    ],
    ids=["surcharge", "fee", "load balancer", "egress"],
)
def test_an_unknown_line_aside_leaves_what_is_known_as_the_least(aside: tuple[Line, ...]) -> None:
    machines = machine_line(machines=2, usd_per_hour=0.5)
    least, whole = known_total((machines, *aside))
    assert least[0] >= 730.0
    assert not whole[0]
    assert known_total((machines,))[1][0]


def test_what_does_not_apply_is_no_line_whatever_its_price() -> None:
    terms = FrontTerms(NAN, NAN, NAN)
    assert usd(front_lines(balancers=0, endpoints=0, gb=1000, terms=terms)) == {}
    assert known_total(front_lines(balancers=0, endpoints=0, gb=1000, terms=terms))[1][0]


# What a change may do


@given(st.floats(1, 500), st.floats(1, 20))
def test_replicas_that_follow_the_load_are_never_more_than_the_peak_nor_less_than_one(
    peak: float, factor: float
) -> None:
    mean = mean_replicas(peak=np.ceil(peak), peak_factor=factor, headroom=1.25, hours_share=0.5)
    assert 1 <= mean <= np.ceil(peak)


@given(money, money)
def test_a_dearer_machine_never_costs_less_to_own(price: float, more: float) -> None:
    assert total(owned(price_usd=price + more)) > total(owned(price_usd=price))


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_tiers_hold_all_traffic_once(gb: float, edge: float) -> None:
    parts = [gb_in_tier(gb, from_gb=low, to_gb=high) for low, high in ((0, edge), (edge, NAN))]
    assert sum(map(float, parts)) == pytest.approx(gb)


@pytest.mark.parametrize("name", OwnTerms._fields)
def test_no_term_of_owning_makes_it_cheaper_by_rising_but_time(name: str) -> None:
    least, more = (total(owned(**{name: getattr(TERMS, name) * factor})) for factor in (1, 1.5))
    assert (more <= least) if name.endswith("_months") and not name.startswith("space") else (more > least)
