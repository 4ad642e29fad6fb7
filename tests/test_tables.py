"""What must hold for price lists, traits, regions and countries: nothing lost, no price of zero, every row placed."""

import csv
import gzip
import io
import re
import tomllib
from collections import Counter
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parent.parent / "data"
OFFERS = DATA / "offers"
LISTS = sorted(OFFERS.glob("*.csv.gz"))

ROWS = {
    "alibaba": 9103,
    "aws": 4352,
    "azure": 57887,
    "gcp": 13380,
    "huggingface": 43,
    "lambda-labs": 425,
    "tencent": 1401,
}
PRICED_ROWS = 86_591
CPU_ROWS = 82_285
BURSTABLE_FAMILIES = re.compile(
    r"aws/ec2/(t2|t3|t3a|t4g)\.|gcp/compute-engine/(e2-(micro|small|medium)|f1-micro|g1-small)$"
    r"|azure/virtual-machines/Standard_B|alibaba/ecs/ecs\.(t5|t6|e)-"
)
BURSTABLE_ROWS = 2978
TRAIT_ROWS = {"attachment": 131, "government": 1319, "fpga": 36, "graphics-only": 132}
CNY_ROWS = 9807
REGIONS_OF_FACTS = {"aws": 39, "gcp": 45, "azure": 59, "alibaba": 28, "tencent": 16, "huawei": 10}
SIZES = ("vcpu", "memory_gb", "accelerator_count", "accelerator_memory_gb")
COLUMNS = [
    *(
        "service",
        "instance_type",
        "region",
        "vcpu",
        "memory_gb",
        "accelerator",
        "accelerator_count",
        "accelerator_memory_gb",
    ),
    *("usd_per_hour", "usd_per_hour_spot", "currency", "native_per_hour", "provenance", "source", "since"),
    *("spot_source", "spot_since"),
]
PRICES = ("usd_per_hour", "usd_per_hour_spot", "native_per_hour")
DATED = re.compile(r"20\d\d(-\d\d(-\d\d)?|-Q[1-4])?")

Row = dict[str, str]


def table(path: Path) -> list[Row]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(text.decode("utf-8"), newline="")))


def record(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))


@cache
def offers() -> list[Row]:
    return [{"provider": path.name.removesuffix(".csv.gz"), **row} for path in LISTS for row in table(path)]


@cache
def priced() -> list[Row]:
    return [row for row in offers() if row["provider"] != "huawei"]


@cache
def regions() -> list[Row]:
    return table(DATA / "regions.csv")


@cache
def traits() -> list[dict[str, Any]]:
    return list(record("offers/traits.toml")["traits"])


@cache
def addresses() -> Counter[str]:
    return Counter(f"{r['provider']}/{r['service']}/{r['instance_type']}@{r['region']}" for r in offers())


@cache
def matches(pattern: str) -> frozenset[str]:
    known = re.compile(translate(pattern))
    return frozenset(address for address in addresses() if known.match(address))


def of_trait(trait: str) -> frozenset[str]:
    patterns = [pattern for entry in traits() if entry["trait"] == trait for pattern in entry["match"]]
    return frozenset().union(*map(matches, patterns))


def test_no_row_of_a_price_list_is_lost() -> None:
    assert Counter(row["provider"] for row in priced()) == ROWS
    assert sum(ROWS.values()) == PRICED_ROWS
    assert sum(not row["accelerator"] for row in priced()) == CPU_ROWS


def test_a_machine_has_one_price_in_a_region() -> None:
    assert [address for address, count in addresses().items() if count > 1] == []


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_a_price_list_is_the_same_bytes_wherever_it_is_made(path: Path) -> None:
    rows = table(path)
    assert list(rows[0]) == COLUMNS
    keys = [(row["service"], row["instance_type"], row["region"]) for row in rows]
    assert keys == sorted(keys)
    assert path.read_bytes()[4:8] == bytes(4), "the time of compression is in the file"


def test_unknown_is_empty_and_never_zero() -> None:
    numbers = [(row, name) for row in offers() for name in (*PRICES, *SIZES) if row[name]]
    assert [(row["instance_type"], name) for row, name in numbers if not float(row[name]) > 0] == []


def test_every_listed_machine_has_a_price_and_no_machine_of_huawei_has_one() -> None:
    assert [row["instance_type"] for row in priced() if not row["usd_per_hour"]] == []
    assert {row[name] for row in offers() if row["provider"] == "huawei" for name in (*PRICES, "currency")} == {""}


def test_the_machines_of_huawei_cover_every_region_and_name_their_hardware() -> None:
    mine = [row for row in offers() if row["provider"] == "huawei"]
    assert {row["region"] for row in mine} == {row["region"] for row in regions() if row["provider"] == "huawei"}
    assert {row["accelerator"] for row in mine} == {"", "T4", "V100-16GB", "V100-32GB", "Ascend 310"}
    assert all("estimate (recalled)" in row["provenance"] for row in mine)


def test_prices_in_yuan_are_converted_at_one_rate() -> None:
    rate = 1 / record("currency.toml")["CNY"]["per_usd"]
    yuan = [row for row in priced() if row["currency"] == "CNY"]
    assert len(yuan) == CNY_ROWS
    converted = [float(row["native_per_hour"]) * rate for row in yuan]
    assert [float(row["usd_per_hour"]) for row in yuan] == pytest.approx(converted, rel=1e-5, abs=1e-6)


def test_shares_of_a_card_are_derived_from_its_memory() -> None:
    shared = {row["instance_type"]: row for row in offers() if re.match(r"gr?6f\.", row["instance_type"])}
    counts = {kind: float(row["accelerator_count"]) for kind, row in shared.items()}
    assert counts == {
        "g6f.large": 0.125,
        "g6f.xlarge": 0.125,
        "g6f.2xlarge": 0.25,
        "g6f.4xlarge": 0.5,
        "gr6f.4xlarge": 0.5,
    }
    assert all("derived" in row["provenance"] for row in shared.values())


def test_an_accelerator_is_named_and_counted_together() -> None:
    halves = [row["instance_type"] for row in offers() if bool(row["accelerator"]) != bool(row["accelerator_count"])]
    assert halves == []


def test_every_price_names_a_dated_source_with_a_licence() -> None:
    sources = record("offers/sources.toml")
    used = {row[name] for row in offers() for name in ("source", "spot_source")} - {""}
    assert used == set(sources)
    for key, entry in sources.items():
        assert all(entry[name] for name in ("title", "licence")), key
        assert DATED.fullmatch(entry["dated"]), key
    assert [row["instance_type"] for row in offers() if not DATED.fullmatch(row["since"])] == []
    spot = [row for row in offers() if row["usd_per_hour_spot"]]
    assert [row["instance_type"] for row in spot if not row["spot_source"]] == []
    assert [row["instance_type"] for row in spot if not DATED.fullmatch(row["spot_since"])] == []


def test_every_offer_is_placed_or_named_as_unplaced() -> None:
    placed = {(row["provider"], row["region"]) for row in regions()}
    rows = Counter((row["provider"], row["region"]) for row in offers())
    entries = record("offers/unplaced.toml")["unplaced"]
    named = {(entry["provider"], region): count for entry in entries for region, count in entry["regions"].items()}
    assert {place: count for place, count in rows.items() if place not in placed} == named
    assert all(entry["reason"] for entry in entries)


def test_no_region_is_lost_or_listed_twice() -> None:
    keys = [(row["provider"], row["region"]) for row in regions()]
    assert len(keys) == len(set(keys))
    assert Counter(provider for provider, _ in keys if provider != "lambda-labs") == REGIONS_OF_FACTS


@pytest.mark.parametrize(
    ("provider", "region", "lat", "lon"),
    [
        ("aws", "us-west-2", 45.5, -122.7),
        ("gcp", "us-west1", 45.5, -122.7),
        ("azure", "westus2", 47.6, -122.3),
        ("azure", "westcentralus", 41.1, -104.8),
        ("aws", "us-east-1", 39.0, -77.5),
        ("aws", "eu-central-1", 50.1, 8.7),
        ("alibaba", "cn-hangzhou", 30.3, 120.2),
        ("tencent", "ap-guangzhou", 23.1, 113.3),
        ("gcp", "southamerica-east1", -23.5, -46.6),
    ],
)
def test_a_region_lies_where_its_name_says(provider: str, region: str, lat: float, lon: float) -> None:
    row = next(row for row in regions() if (row["provider"], row["region"]) == (provider, region))
    assert float(row["lat"]) == pytest.approx(lat, abs=0.2)
    assert float(row["lon"]) == pytest.approx(lon, abs=0.2)


def test_a_region_is_in_a_known_country_and_states_where_its_facts_come_from() -> None:
    iso = {row["iso"] for row in table(DATA / "countries.csv")}
    assert {row["country"] for row in regions()} - iso == set()
    assert {row["country"] for row in regions() if row["cn_mainland"] == "yes"} == {"CN"}
    assert [row["region"] for row in regions() if row["country"] == "CN" and row["cn_mainland"] != "yes"] == []
    assert [row["region"] for row in regions() if not row["place_source"]] == []
    assert [row["region"] for row in regions() if not DATED.fullmatch(row["place_dated"])] == []
    position = re.compile(r"GeoNames$|estimate: .+ stands for ")
    assert [row["region"] for row in regions() if not position.match(row["coordinates"])] == []
    assert [row["region"] for row in regions() if bool(row["carbon_gco2_per_kwh"]) != bool(row["carbon_source"])] == []


def test_a_place_that_is_no_city_is_marked_an_estimate() -> None:
    wide = {
        "",
        "Oregon",
        "Washington",
        "Wyoming",
        "N. Virginia",
        "Iowa",
        "Texas",
        "Ireland",
        "Norway",
        "Taiwan",
        "Mexico",
    }
    named = {
        row["region"]: re.sub(r".*\((.*)\)", r"\1", row["place"])
        for row in regions()
        if row["coordinates"] == "GeoNames"
    }
    assert [region for region, place in named.items() if place in wide] == []


def test_countries_are_named_in_both_languages() -> None:
    rows = table(DATA / "countries.csv")
    assert len({row["iso"] for row in rows}) == len(rows)
    assert {"CN": ("China", "中国"), "DE": ("Germany", "德国"), "NA": ("Namibia", "纳米比亚")}.items() <= {
        row["iso"]: (row["name_en"], row["name_zh"]) for row in rows
    }.items()
    assert all(abs(float(row["lat"])) <= 90 and abs(float(row["lon"])) <= 180 and row["city"] for row in rows)


@pytest.mark.parametrize("trait", TRAIT_ROWS)
def test_a_trait_marks_the_counted_rows(trait: str) -> None:
    assert len(of_trait(trait)) == TRAIT_ROWS[trait]


def test_every_type_that_cannot_hold_its_speed_is_marked() -> None:
    counted = {address for address in addresses() if BURSTABLE_FAMILIES.match(address.partition("@")[0])}
    assert len(counted) == BURSTABLE_ROWS
    assert counted <= of_trait("burstable")


def test_a_trait_marks_no_ordinary_machine() -> None:
    ordinary = {
        "aws/ec2/m7i.large@us-east-1", "aws/ec2/g6f.large@us-east-1", "aws/ec2/g4dn.xlarge@us-east-1",
        "azure/virtual-machines/Standard_D2s_v5@eastus", "gcp/compute-engine/e2-standard-2@us-central1",
        "alibaba/ecs/ecs.c7.large@cn-hangzhou", "tencent/cvm/S5.MEDIUM2@ap-guangzhou",
    }  # fmt: skip
    marked = {address for entry in traits() for pattern in entry["match"] for address in matches(pattern)}
    assert ordinary & marked == set()


def test_a_trait_is_needed_explained_and_claimed() -> None:
    assert [pattern for entry in traits() for pattern in entry["match"] if not matches(pattern)] == []
    assert {entry["trait"] for entry in traits()} == {"attachment", "burstable", "fpga", "government", "graphics-only"}
    for entry in traits():
        assert ("source" in entry) != ("method" in entry), entry["trait"]
        assert DATED.fullmatch(str(entry["dated"])), entry["trait"]
        assert all(entry["reason"][language] for language in ("en", "zh")), entry["trait"]
