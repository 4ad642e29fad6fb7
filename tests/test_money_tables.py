"""What must hold for the prices beside the machine: services, traffic, plans, currencies, people, responses."""

import csv
import gzip
import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from advisor import Knowledge
from advisor.schema import ModelFamily, Provider, Skills
from tools import import_token_prices

DATA = Path(__file__).resolve().parent.parent / "data"
DATED = re.compile(r"20\d\d(-\d\d(-\d\d)?|-Q[1-4])?")
PROVIDERS = set(get_args(Provider))
BASIS = {"sourced", "estimate"}

Row = dict[str, str]


def table(name: str) -> list[Row]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def record(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))


def claimed(entry: Mapping[str, Any]) -> bool:
    """Whether a figure says where it comes from, of which day it is, and whether it is an estimate."""
    return bool(entry["source"] and DATED.fullmatch(str(entry["dated"])) and entry["basis"] in BASIS)


def price(item: str, provider: str, region: str = "") -> float:
    return next(
        float(row["usd"])
        for row in table("services.csv")
        if (row["item"], row["provider"], row["region"]) == (item, provider, region)
    )


def test_every_item_has_a_price_in_every_region_of_every_provider() -> None:
    everywhere = {(row["provider"], row["item"]) for row in table("services.csv") if not row["region"]}
    assert everywhere == {(provider, item) for provider in PROVIDERS for item in record("services.toml")["units"]}


def test_a_price_is_in_the_unit_of_its_item() -> None:
    units = record("services.toml")["units"]
    assert [row for row in table("services.csv") if row["unit"] != units[row["item"]]] == []


@pytest.mark.parametrize("name", ["services.csv", "plans.csv"])
def test_every_price_is_claimed(name: str) -> None:
    assert [row for row in table(name) if not claimed(row)] == []


def test_a_recalled_price_is_an_estimate() -> None:
    recalled = [row for row in table("services.csv") if "recalled" in row["source"] + row["note"]]
    assert {row["basis"] for row in recalled} == {"estimate"}
    assert [row for row in table("plans.csv") if row["basis"] != "sourced"] == []


def test_what_is_free_says_why() -> None:
    assert [row for row in table("services.csv") if not float(row["usd"]) and not row["note"]] == []


@pytest.mark.parametrize(
    ("item", "provider", "usd"),
    [
        ("load-balancer", "aws", 0.0225),
        ("load-balancer-gb", "aws", 0.008),
        ("load-balancer", "azure", 0.246),
        ("load-balancer", "gcp", 0.025),
        ("load-balancer", "tencent", 0.686 / 24),
        ("disk", "alibaba", 0.03188 / 100 * 730),
        ("object-storage", "alibaba", 0.0173),
        ("container-registry", "aws", 0.1),
    ],
)
def test_services_are_priced_at_the_published_rates(item: str, provider: str, usd: float) -> None:
    assert price(item, provider) == pytest.approx(usd, rel=1e-3)


def test_a_price_in_yuan_is_converted_at_the_one_rate() -> None:
    rate = record("currency.toml")["CNY"]["per_usd"]
    assert price("load-balancer", "alibaba") == pytest.approx(0.147 / rate, rel=1e-4)
    assert price("load-balancer-gb", "huawei") == pytest.approx(0.05 / rate, rel=1e-4)
    mainland = next(row for row in table("egress.csv") if row["provider"] == "huawei")
    assert float(mainland["usd_per_gb"]) == pytest.approx(0.8 / rate, rel=1e-3)


def test_currencies_are_dated_and_the_dollar_is_one() -> None:
    currencies = record("currency.toml")
    assert currencies["USD"]["per_usd"] == 1
    assert currencies["CNY"]["per_usd"] == pytest.approx(7.4326 / 1.1172, rel=1e-5)
    assert [name for name, entry in currencies.items() if not entry["source"] or not entry["dated"]] == []


def test_every_provider_has_a_price_of_traffic_in_every_region() -> None:
    rows = table("egress.csv")
    assert {row["provider"] for row in rows if not row["region"]} == PROVIDERS
    free = {row["provider"] for row in rows if float(row["usd_per_gb"]) == 0}
    assert free == {"lambda-labs", "huggingface"}
    assert [row for row in rows if not row["provenance"].startswith(("sourced", "estimate"))] == []


def test_a_longer_term_and_more_paid_at_once_are_cheaper() -> None:
    terms = ("provider", "region", "machine", "plan")
    shares = {
        (*(row[name] for name in terms), float(row["upfront_share"])): float(row["discount"])
        for row in table("plans.csv")
    }
    for (*place, plan, upfront), share in shares.items():
        longer = shares.get((*place, "3-year", upfront), 1.0)  # type: ignore[call-overload]
        assert plan == "3-year" or share < longer
        later = [other for key, other in shares.items() if key[:4] == (*place, plan) and key[4] < upfront]
        assert all(other < share for other in later)


def test_a_plan_names_machines_that_are_on_sale() -> None:
    from fnmatch import fnmatchcase

    offers = Knowledge().offers
    sold = offers.groupby("provider", observed=True)["instance_type"].unique()
    lost = [row for row in table("plans.csv") if not any(fnmatchcase(t, row["machine"]) for t in sold[row["provider"]])]
    assert lost == []


def test_every_skill_has_a_wage_and_scarcer_skills_cost_more() -> None:
    people = record("people.toml")
    wages = [people["skills"][skill]["usd_per_hour"] for skill in get_args(Skills)]
    assert wages == sorted(set(wages))
    assert people["overhead"]["factor"] == pytest.approx(45.65 / 32.07, abs=0.005)
    assert {"US", "CN", "DE", "default"} <= set(people["countries"])
    entries = [*people["skills"].values(), people["overhead"], *people["countries"].values()]
    assert [entry for entry in entries if not claimed(entry)] == []


def test_countries_of_people_are_countries() -> None:
    iso = {row["iso"] for row in table("countries.csv")} | {"default"}
    assert set(record("people.toml")["countries"]) - iso == set()


def test_every_family_has_a_size_of_its_response() -> None:
    responses = record("responses.toml")
    assert set(responses["kb"]) == set(get_args(ModelFamily))
    assert min(responses["kb"].values()) >= 0.5
    assert {field for entry in responses["estimates"] for field in entry["fields"]} == {
        "kb", "llm.bytes_per_token", "llm.bytes_per_event",
    }  # fmt: skip


def test_tables_are_read_with_their_numbers_and_empty_texts(small: Knowledge) -> None:
    assert small.services["usd"].dtype == float
    assert set(small.services["region"]) == {"", "us-west-2"}
    assert small.egress["to_gb"].isna().sum() == 3
    assert small.plans["discount"].tolist()[:2] == [0.4, 0.6]
    assert small.plans["usd_per_hour"].isna().tolist() == [True, True, False]
    assert small.plans["upfront_share"].tolist() == [0, 0, 1]
    assert small.tokens["cached_input_usd_per_mtok"].tolist()[:2] == [0.05, 0.04]
    assert small.tokens["from_date"].tolist() == ["", "2025-06-01", ""]
    assert small.cold_starts["seconds"].tolist() == [0.1, 0.5]
    assert small.cold_starts["package_mb"].isna().all()


def test_tables_are_read_once_and_kept_with_own_hardware(small: Knowledge) -> None:
    assert small.services is small.services
    assert small.with_own().services is small.services


def tokens() -> list[Row]:
    with gzip.open(DATA / "tokens.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_prices_of_tokens_are_the_same_bytes_wherever_they_are_made() -> None:
    keys = [(row["provider"], row["model"], row["from_date"]) for row in tokens()]
    assert keys == sorted(set(keys))
    assert (DATA / "tokens.csv.gz").read_bytes()[4:8] == bytes(4), "the time of compression is in the file"


def test_prices_of_tokens_name_their_page_and_hold_for_the_providers_asked_for() -> None:
    settings = record("tokens.toml")["import"]
    names = {settings["names"].get(name, name) for name in settings["providers"]}
    assert {row["provider"] for row in tokens()} == names
    assert [row["model"] for row in tokens() if not row["source"].startswith("https://")] == []
    assert {row["dated"] for row in tokens()} == {settings["dated"]}


def test_a_published_price_of_tokens_is_found_by_its_day() -> None:
    o3 = {
        row["from_date"]: row["output_usd_per_mtok"]
        for row in tokens()
        if (row["provider"], row["model"]) == ("openai", "o3")
    }
    assert o3 == {"": "40", "2025-06-10": "8"}
    haiku = next(row for row in tokens() if row["model"] == "claude-3-haiku")
    assert (haiku["input_usd_per_mtok"], haiku["output_usd_per_mtok"]) == ("0.25", "1.25")


def test_a_price_of_tokens_is_taken_below_its_tiers_and_from_its_day() -> None:
    tiered = SimpleNamespace(base=Decimal("2.50"), tiers=[SimpleNamespace(start=200_000, price=Decimal(5))])
    plain = SimpleNamespace(input_mtok=Decimal(1), output_mtok=Decimal(4))
    dear = SimpleNamespace(input_mtok=tiered, output_mtok=Decimal(10), cache_read_mtok=Decimal("0.25"))
    prices = [
        SimpleNamespace(constraint=None, prices=dear),
        SimpleNamespace(constraint=SimpleNamespace(start_date=date(2026, 11, 20)), prices=plain),
        SimpleNamespace(constraint=SimpleNamespace(start_time=time(1), end_time=time(4, 30)), prices=plain),
    ]
    models = [SimpleNamespace(id="chat", prices=prices), SimpleNamespace(id="chat-embed", prices=plain)]
    provider = SimpleNamespace(id="x-ai", pricing_urls=["https://a.example"], models=models)
    first, second = import_token_prices.rows_of(provider, record("tokens.toml")["import"])
    assert (first["provider"], first["input_usd_per_mtok"], first["from_date"]) == ("xai", "2.5", "")
    assert first["note"] == "input 5 from 200000 tokens in"
    assert (second["input_usd_per_mtok"], second["cached_input_usd_per_mtok"]) == ("1", "")
    assert second["from_date"] == "2026-11-20"
    assert second["note"] == "input 1 and output 4 from 01:00 to 04:30 UTC"


def test_a_price_of_tokens_that_is_only_announced_is_left_out() -> None:
    plain = SimpleNamespace(input_mtok=Decimal(1), output_mtok=Decimal(4))
    soon = SimpleNamespace(constraint=SimpleNamespace(start_date=date(2026, 12, 1)), prices=plain)
    models = [SimpleNamespace(id="chat", prices=[soon])]
    provider = SimpleNamespace(id="x-ai", pricing_urls=["https://a.example"], models=models)
    assert list(import_token_prices.rows_of(provider, record("tokens.toml")["import"])) == []


def test_published_cold_starts_are_brought_over_as_they_stand() -> None:
    rows = {
        (row["runtime"], row["package"], row["memory_mb"], row["statistic"]): row for row in table("cold_starts.csv")
    }
    python = rows["python3.12 x86_64", "zip", "128", "p50"]
    assert (python["n"], python["dated"]) == ("10", "2026-08-22")
    assert python["seconds"] == "0.0837"
    plain = rows["Safetensors, until vLLM 0.5.5 is ready", "Llama 3 8B from gp3 SSD 1000MiB/s", "", "mean"]
    assert (plain["seconds"], plain["gpu"], plain["package_mb"]) == ("66.13", "nvidia-a10g", "15000")


def test_a_late_start_is_no_earlier_than_the_median() -> None:
    rows = table("cold_starts.csv")
    starts = {
        (row["runtime"], row["package"], row["memory_mb"], row["statistic"]): float(row["seconds"]) for row in rows
    }
    medians = {key[:3]: seconds for key, seconds in starts.items() if key[3] == "p50"}
    assert len(medians) == 23
    assert [key for key, seconds in medians.items() if starts[(*key, "p90")] < seconds] == []
