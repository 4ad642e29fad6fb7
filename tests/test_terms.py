"""What must hold for the terms of networks, functions, own hardware and traffic: every figure claimed."""

import csv
import re
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tools.fit_cold_starts import fitted, lambda_start, memory_exponent

DATA = Path(__file__).resolve().parent.parent / "data"
FACTS = re.compile(r"usd_|_mb$|^max_|^timeout_s$|^cold_|^keep_|^free_|^mb_per_vcpu$|^gpu_vcpu$|^billing_.*_s$")
DATED = re.compile(r"20\d\d(-\d\d(-\d\d)?|-Q[1-4])?")

Row = dict[str, str]


def table(name: str) -> list[Row]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def record(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))


@cache
def serverless() -> list[Row]:
    return table("serverless.csv")


def facts(row: Row) -> list[str]:
    """Names of the figures that a row states."""
    return [name for name in row if FACTS.search(name) and row[name]]


def test_bands_of_distance_reach_the_antipodes_and_never_shrink() -> None:
    terms = record("network.toml")
    bands = terms["bands"]
    for key in ("km_upto", "rtt_low_ms", "rtt_mid_ms", "rtt_high_ms"):
        values = [band[key] for band in bands]
        assert values == sorted(set(values)), key
    assert bands[-1]["km_upto"] > 20_015
    assert terms["method"]
    assert isinstance(terms["dated"], date)


def test_no_round_trip_is_faster_than_light_in_fibre() -> None:
    bands = record("network.toml")["bands"]
    edges = [0, *(band["km_upto"] for band in bands)]
    assert [band for near, band in zip(edges, bands, strict=False) if band["rtt_low_ms"] < 2 * near / 200] == []


@pytest.mark.parametrize(
    ("between", "km", "rtt_ms"),
    [
        ("us-east-1, eu-west-1", 5462, 66.6),
        ("us-east-1, us-west-2", 3760, 71.4),
        ("ap-east-1, ap-southeast-1", 2580, 34.01),
        ("ap-east-1, us-west-2", 11_700, 146.27),
        ("af-south-1, eu-central-1", 9390, 155.41),
        ("ap-east-1, ap-northeast-1", 2890, 52.55),
    ],
)
def test_a_measured_round_trip_lies_in_its_band(between: str, km: float, rtt_ms: float) -> None:
    band = next(band for band in record("network.toml")["bands"] if km <= band["km_upto"])
    assert band["rtt_low_ms"] <= rtt_ms <= band["rtt_high_ms"], between


def test_every_figure_of_a_function_has_a_source_or_is_an_estimate() -> None:
    for row in serverless():
        estimated = row["estimated_fields"].split(";")
        assert [name for name in facts(row) if not row["source"] and name not in estimated] == [], row["service"]
        assert DATED.fullmatch(row["dated"]), row["service"]


def test_what_is_called_an_estimate_is_stated() -> None:
    for row in serverless():
        estimated = [name for name in row["estimated_fields"].split(";") if name]
        assert [name for name in estimated if not row.get(name)] == [], row["service"]


def test_a_cold_start_is_measured_or_an_estimate() -> None:
    fits = fitted(pd.read_csv(DATA / "cold_starts.csv"))
    for row in serverless():
        measured = fits.get((row["provider"], row["service"]), {})
        cells = {name for name in row if name.startswith("cold_")}
        assert cells - set(row["estimated_fields"].split(";")) == set(measured), row["service"]
        assert {name: float(row[name]) for name in measured} == pytest.approx(measured, rel=1e-4), row["service"]


def test_starts_of_lambda_are_those_of_python_images_and_hardly_know_the_memory() -> None:
    measured = pd.read_csv(DATA / "cold_starts.csv")
    start = lambda_start(measured)
    assert start["cold_start_s_mid"] == pytest.approx(0.15, abs=0.02)
    assert abs(memory_exponent(measured)) < 0.1


def test_every_size_of_a_function_lies_within_the_limits_of_its_service() -> None:
    sizes = record("serverless.toml")["sizes"]
    services = {f"{row['provider']}/{row['service']}" for row in serverless() if not row["gpu_device"]}
    assert set(sizes) == services
    for row in serverless():
        for vcpu, memory_mb in sizes.get(f"{row['provider']}/{row['service']}", ()):
            assert 0.0 < vcpu <= float(row["max_vcpu"] or "inf"), row["service"]
            assert float(row["min_memory_mb"] or 0) <= memory_mb <= float(row["max_memory_mb"]), row["service"]


def test_where_processors_come_with_the_memory_sizes_follow_the_proportion() -> None:
    sizes = record("serverless.toml")["sizes"]
    for row in serverless():
        if row["usd_per_gb_s"]:
            for vcpu, memory_mb in sizes[f"{row['provider']}/{row['service']}"]:
                assert vcpu == pytest.approx(memory_mb / float(row["mb_per_vcpu"]), abs=0.006), row["service"]


def test_an_accelerator_comes_with_processors_and_memory() -> None:
    assert [row["service"] for row in serverless() if row["gpu_device"] and not row["gpu_vcpu"]] == []
    assert [row["service"] for row in serverless() if row["gpu_device"] and not row["gpu_memory_mb"]] == []


def test_a_kept_instance_is_cheaper_than_one_at_work() -> None:
    for row in serverless():
        for unit in ("gb", "vcpu", "gib", "gpu"):
            if row[f"provisioned_usd_per_{unit}_s"]:
                held, busy = float(row[f"provisioned_usd_per_{unit}_s"]), float(row[f"usd_per_{unit}_s"])
                assert held <= busy * (1 + 1e-9), row["service"]


def test_a_limit_that_no_source_states_is_an_estimate() -> None:
    limits = {("tencent", "max_vcpu"), ("huawei", "max_vcpu"), ("azure", "max_running_mb"), ("alibaba", "timeout_s")}
    stated = {(row["provider"], name) for row in serverless() for name in row["estimated_fields"].split(";")}
    assert limits <= stated


def test_numbers_of_a_function_are_numbers_in_order() -> None:
    for row in serverless():
        assert [name for name in facts(row) if not float(row[name]) > 0] == [], row["service"]
        assert 0 < float(row["cold_start_s_low"]) < float(row["cold_start_s_mid"]) < float(row["cold_start_s_high"])
        assert float(row["cold_start_spread"]) > 1, row["service"]
        assert row["usd_per_gb_s"] or (row["usd_per_vcpu_s"] and row["usd_per_gib_s"]), row["service"]


def test_functions_are_priced_at_the_published_rates() -> None:
    rates = {(row["provider"], row["service"], row["variant"]): row for row in serverless()}
    assert float(rates["aws", "lambda", "x86_64"]["usd_per_gb_s"]) == 1.66667e-05
    assert float(rates["gcp", "cloud-run-gpu", "L4, no zonal redundancy"]["usd_per_gpu_s"]) == 0.0001867
    assert float(rates["azure", "functions", "consumption"]["usd_per_gb_s"]) == 1.6e-05
    assert float(rates["aws", "lambda", "x86_64"]["mb_per_vcpu"]) == 1769


def test_every_entry_of_the_costs_is_dated_and_claimed() -> None:
    costs = record("costs.toml")
    tariffs = costs.pop("electricity")
    assert {"default", "CN", "US", "DE"} <= set(tariffs)
    assert [key for key, entry in tariffs.items() if not 0.02 < entry["usd_per_kwh"] < 0.6] == []
    for name, entry in {**costs, **tariffs}.items():
        assert DATED.fullmatch(str(entry["dated"])), name
        assert entry["source"], name
        assert "recalled" not in entry["source"] or entry["estimate"], name


def test_egress_tiers_are_contiguous_and_claimed() -> None:
    rows = table("egress.csv")
    for place in {(row["provider"], row["region"]) for row in rows}:
        tiers = [row for row in rows if (row["provider"], row["region"]) == place]
        assert [float(row["from_gb"]) for row in tiers] == [0.0, *(float(row["to_gb"]) for row in tiers[:-1])], place
        assert tiers[-1]["to_gb"] == "", place
    assert [row for row in rows if not row["source"] or not DATED.fullmatch(row["dated"])] == []
