"""What providers worked out themselves adds up as they say, and every source is named."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from advisor.cost import FrontTerms, egress_lines, front_lines, machine_line
from advisor.function_bill import Size, Terms, Use, function_lines
from advisor.lines import Line
from advisor.owning import OwnTerms, owned_lines

BILLS = tomllib.loads((Path(__file__).parent / "golden" / "published_bills.toml").read_text(encoding="utf-8"))["bills"]
DATED = re.compile(r"20\d\d(-\d\d(-\d\d)?)?")
CENT = 0.005
NAN = float("nan")


def bill(name: str) -> dict[str, Any]:
    return next(one for one in BILLS if one["id"] == name)


def test_the_large_clouds_and_an_own_server_have_a_published_bill() -> None:
    assert {"aws", "azure", "alibaba", "own-server"} <= {one["provider"] for one in BILLS}
    assert len({one["id"] for one in BILLS}) == len(BILLS)


@pytest.mark.parametrize("one", BILLS, ids=lambda one: one["id"])
def test_a_bill_says_where_it_is_published_and_what_it_assumes(one: dict[str, Any]) -> None:
    assert one["url"].startswith("https://")
    assert DATED.fullmatch(one["dated"])
    assert all(one[part] for part in ("title", "period", "given", "lines", "total"))


@pytest.mark.parametrize("one", [one for one in BILLS if "usd" in one["total"]], ids=lambda one: one["id"])
def test_the_lines_of_a_bill_add_up(one: dict[str, Any]) -> None:
    usd = [value for name, value in one["lines"].items() if name.endswith("_usd")]
    units = [value for name, value in one["lines"].items() if name.endswith("_units")]
    assert usd or units
    if usd:
        assert sum(usd) == pytest.approx(one["total"]["usd"], abs=CENT)
    if units:
        assert sum(units) == one["total"]["units"]
        assert one["total"]["units"] * one["given"]["usd_per_unit"] == pytest.approx(one["total"]["usd"], abs=CENT)


def test_the_bill_of_functions_follows_from_its_terms() -> None:
    given, lines = bill("aws-lambda")["given"], bill("aws-lambda")["lines"]
    gb_s = given["requests"] * given["seconds_per_request"] * given["memory_gb"] - given["free_gb_s"]
    assert gb_s * given["usd_per_gb_s"] == pytest.approx(lines["compute_usd"], abs=CENT)
    paid = given["requests"] - given["free_requests"]
    assert paid / 1e6 * given["usd_per_million_requests"] == pytest.approx(lines["requests_usd"], abs=CENT)


def test_the_bill_of_compute_units_follows_from_its_terms() -> None:
    given = bill("alibaba-function-compute")["given"]
    used = ("vcpu_s", "memory_gb_s", "gpu_gb_s", "idle_gpu_gb_s")
    units = sum(given[name] * given[f"units_per_{name}"] for name in used)
    units += given["requests"] * given["units_per_request"]
    assert units == pytest.approx(sum(given["tier_units"]))


def test_the_own_server_breaks_even_when_the_paper_says() -> None:
    one = bill("own-server-8x-h100")
    given = one["given"]
    for plan, hours in one["lines"]["break_even_hours"].items():
        saved_per_hour = given["cloud_usd_per_hour"][plan] - given["running_usd_per_hour"]
        assert given["server_usd"] / saved_per_hour == pytest.approx(hours, rel=2e-4)


# The product's own lines against them


def usd(lines: Sequence[Line]) -> dict[str, float]:
    return {line.item: line.usd.item() for line in lines}


def test_the_lines_of_functions_come_to_what_aws_bills_before_its_free_tier() -> None:
    given, lines = bill("aws-lambda")["given"], bill("aws-lambda")["lines"]
    use = Use(
        requests=given["requests"], hours=730.0, service_s=given["seconds_per_request"],
        billed_s=given["seconds_per_request"], start_s=0.0, alive_s=0.0, provisioned=0.0, on_provisioned=0.0,
    )  # fmt: skip
    terms = Terms(
        given["usd_per_gb_s"], NAN, NAN, NAN, given["usd_per_million_requests"],
        held_usd_per_s=0.0, use_usd_per_s=NAN, usd_min_per_hour=NAN, lifetime=False, idle=False, start=False,
    )  # fmt: skip
    ours = usd(function_lines(use, Size(memory_gib=given["memory_gb"], vcpu=1.0), terms))
    free = given["free_gb_s"] * given["usd_per_gb_s"]
    assert ours["function-gb"] - free == pytest.approx(lines["compute_usd"], abs=CENT)
    free = given["free_requests"] / 1e6 * given["usd_per_million_requests"]
    assert ours["requests"] - free == pytest.approx(lines["requests_usd"], abs=CENT)


def test_a_load_balancer_by_the_gigabyte_comes_to_what_azure_bills_by_capacity_units() -> None:
    given, lines = bill("azure-application-gateway-grown")["given"], bill("azure-application-gateway-grown")["lines"]
    gb = given["traffic_mbit_per_s"] * 1e6 / 8 * 3600 * given["hours"] / 1e9
    terms = FrontTerms(given["usd_per_hour"], given["usd_per_capacity_unit_hour"], 0.0)
    ours = usd(front_lines(balancers=1, endpoints=0, gb=gb, terms=terms))
    assert ours["load-balancer"] == pytest.approx(lines["fixed_usd"], abs=CENT)
    assert ours["load-balancer-gb"] == pytest.approx(lines["capacity_units_usd"], rel=2e-3)


def test_a_load_balancer_and_its_traffic_come_to_what_tencent_bills_a_day() -> None:
    given, lines = bill("tencent-load-balancer")["given"], bill("tencent-load-balancer")["lines"]
    terms = FrontTerms(given["usd_per_day"] / 24, given["usd_per_capacity_unit_hour"], 0.0)
    units = given["capacity_units"] * 730
    ours = usd(front_lines(balancers=1, endpoints=0, gb=units, terms=terms))
    day = given["hours"] / 730
    assert ours["load-balancer"] * day == pytest.approx(lines["instance_usd"], abs=CENT)
    assert ours["load-balancer-gb"] * day == pytest.approx(lines["capacity_units_usd"], abs=CENT)
    (out,) = egress_lines(gb=given["egress_gb"], from_gb=[0], to_gb=[NAN], usd_per_gb=[given["usd_per_gb"]])
    assert float(out.usd) == pytest.approx(lines["egress_usd"], abs=CENT)


def units_terms(given: dict[str, Any], usd_per_unit: float) -> Terms:
    """Terms of a service that bills compute units: so many for each second, gigabyte and call."""
    card_gb, memory_gb = given.get("gpu_memory_gb", 0), given.get("memory_gb", 0)
    idle = memory_gb * given["units_per_memory_gb_s"] + card_gb * given["units_per_idle_gpu_gb_s"]
    return Terms(
        given["units_per_memory_gb_s"] * usd_per_unit, NAN, given["units_per_vcpu_s"] * usd_per_unit,
        card_gb * given["units_per_gpu_gb_s"] * usd_per_unit, given["units_per_request"] * 1e6 * usd_per_unit,
        held_usd_per_s=idle * usd_per_unit, use_usd_per_s=NAN, usd_min_per_hour=NAN,
        lifetime=False, idle=True, start=False,
    )  # fmt: skip


def test_a_card_that_idles_comes_to_what_alibaba_bills() -> None:
    one = bill("alibaba-function-compute-gpu")
    given = one["given"]
    busy_s, idle_s = (given[f"{part}_hours"] * 3600 / given["requests"] for part in ("busy", "idle"))
    use = Use(
        requests=given["requests"], hours=given["busy_hours"] + given["idle_hours"], service_s=busy_s, billed_s=busy_s,
        start_s=0.0, alive_s=busy_s + idle_s, provisioned=0.0, on_provisioned=0.0,
    )  # fmt: skip
    terms = units_terms(given, given["usd_per_unit"])
    ours = usd(function_lines(use, Size(given["memory_gb"], given["vcpu"]), terms))
    unit_usd = given["usd_per_unit"]
    assert ours["function-vcpu"] == pytest.approx(one["lines"]["vcpu_units"] * unit_usd, abs=CENT)
    assert ours["function-gpu"] == pytest.approx(one["lines"]["gpu_units"] * unit_usd, abs=CENT)
    assert ours["requests"] == pytest.approx(one["lines"]["request_units"] * unit_usd, abs=CENT)
    assert sum(ours.values()) == pytest.approx(one["total"]["usd"], abs=CENT)


def test_functions_by_compute_units_come_to_alibabas_first_tier_and_never_below_its_bill() -> None:
    one = bill("alibaba-function-compute")
    given = one["given"] | {"memory_gb": 2.5}
    of_cards = (
        given["gpu_gb_s"] * given["units_per_gpu_gb_s"] + given["idle_gpu_gb_s"] * given["units_per_idle_gpu_gb_s"]
    )
    units = sum(given["tier_units"]) - of_cards
    first_usd = given["tier_usd_per_unit"][0]

    def ours_usd(share: float) -> float:
        requests = given["requests"] * share
        second = given["vcpu_s"] / given["requests"]
        use = Use(requests, 730.0, second, second, 0.0, second, 0.0, 0.0)
        lines = usd(function_lines(use, Size(given["memory_gb"], 1.0), units_terms(given, first_usd)))
        return sum(value for value in lines.values() if value == value)

    assert ours_usd(given["tier_units"][0] / units) == pytest.approx(one["lines"]["tier_1_usd"], abs=CENT)
    assert ours_usd(1.0) >= one["total"]["usd"] * units / sum(given["tier_units"])


def test_replicas_that_follow_the_load_come_to_what_hugging_face_bills() -> None:
    given = bill("huggingface-autoscaled")["given"]
    mean = given["least_replicas"] + given["further_replicas"] * given["scaled_up_hours"] / given["hours"]
    ours = machine_line(machines=mean, usd_per_hour=given["usd_per_hour"])
    assert float(ours.usd) == pytest.approx(bill("huggingface-autoscaled")["total"]["usd"], abs=CENT)


def test_a_server_written_off_until_it_breaks_even_costs_what_the_cloud_does() -> None:
    one = bill("own-server-8x-h100")
    given = one["given"]
    for plan, hours in one["lines"]["break_even_hours"].items():
        months = hours / 730
        terms = OwnTerms(months, months, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
        (hardware, *_) = owned_lines(machines=1, places=1, price_usd=given["server_usd"], power_w=0.0, terms=terms)
        owned = float(hardware.usd) + given["running_usd_per_hour"] * 730
        rented = float(machine_line(machines=1, usd_per_hour=given["cloud_usd_per_hour"][plan]).usd)
        assert owned == pytest.approx(rented, rel=2e-4)
