"""What providers worked out themselves adds up as they say, and every source is named."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

BILLS = tomllib.loads((Path(__file__).parent / "golden" / "published_bills.toml").read_text(encoding="utf-8"))["bills"]
DATED = re.compile(r"20\d\d(-\d\d(-\d\d)?)?")
CENT = 0.005


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
