"""What must hold for the hardware records, and for the way prices and published measurements find them."""

import csv
import re
import tomllib
from collections import defaultdict
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from advisor.schema import Device

ROOT = Path(__file__).resolve().parent.parent
RECORDS = sorted((ROOT / "data" / "devices").glob("*.toml"))
OFFERS = ROOT / "data" / "offers"
PARTS_OF_MACHINES = {"attachment", "fpga"}


def table(path: Path, key: str) -> list[dict[str, Any]]:
    return list(tomllib.loads(path.read_text(encoding="utf-8"))[key])


@cache
def devices() -> dict[str, Device]:
    return {path.stem: Device(**tomllib.loads(path.read_text(encoding="utf-8"))) for path in RECORDS}


def names(device: Device) -> set[str]:
    return {device.id, device.name, *device.aliases}


@cache
def owners() -> dict[str, set[str]]:
    """Ids of the records that answer to a name."""
    found: dict[str, set[str]] = defaultdict(set)
    for device in devices().values():
        for name in names(device):
            found[name].add(device.id)
    return found


@cache
def drivers() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(translate(pattern)), d.id) for d in devices().values() for pattern in d.instances]


@cache
def machines() -> pd.DataFrame:
    """Every row of the price lists with the ids of the devices that claim it."""
    columns = ["service", "instance_type", "region", "accelerator"]
    parts = [
        pd.read_csv(path, usecols=columns, dtype=str, keep_default_na=False).assign(provider=path.name.split(".")[0])
        for path in sorted(OFFERS.glob("*.csv.gz"))
    ]
    offers = pd.concat(parts, ignore_index=True)
    types = offers[["provider", "instance_type", "accelerator"]].drop_duplicates()
    claims = pd.Series([claimed(*row) for row in types.itertuples(index=False)], index=types.index)
    return offers.merge(types.assign(claims=claims), how="left")


def claimed(provider: str, instance_type: str, accelerator: str) -> frozenset[str]:
    if accelerator:
        return frozenset(owners().get(accelerator, ()))
    return frozenset(device for pattern, device in drivers() if pattern.match(f"{provider}/{instance_type}"))


def matched(offers: pd.DataFrame, patterns: list[str]) -> pd.Series:
    """Whether an offer is one of provider/service/type@region."""
    addresses = offers["provider"] + "/" + offers["service"] + "/" + offers["instance_type"] + "@" + offers["region"]
    known = [re.compile(translate(pattern if "@" in pattern else f"{pattern}@*")) for pattern in patterns]
    return addresses.map(lambda address: any(pattern.match(address) for pattern in known)).astype(bool)


def joinable() -> pd.DataFrame:
    parts = [p for t in table(OFFERS / "traits.toml", "traits") if t["trait"] in PARTS_OF_MACHINES for p in t["match"]]
    return machines()[~matched(machines(), parts)]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_is_valid_and_named_after_its_file(path: Path) -> None:
    assert Device(**tomllib.loads(path.read_text(encoding="utf-8"))).id == path.stem


def test_a_name_belongs_to_one_device() -> None:
    assert {name: ids for name, ids in owners().items() if len(ids) > 1} == {}


def test_legacy_hardware_names_a_current_successor() -> None:
    legacy = {d.id: d.successor for d in devices().values() if d.status == "legacy" or d.successor}
    current = {d.id for d in devices().values() if d.status == "current"}
    assert {device: successor for device, successor in legacy.items() if successor not in current} == {}


def test_half_precision_is_never_slower_than_single() -> None:
    assert [d.id for d in devices().values() if d.peak.get("fp16", float("inf")) < d.peak.get("fp32", 0.0)] == []


def test_machine_types_are_driven_by_virtual_cpus_alone() -> None:
    assert [d.id for d in devices().values() if d.instances and d.unit != "vCPU"] == []


def test_every_price_list_is_read() -> None:
    providers = {"alibaba", "aws", "azure", "gcp", "huggingface", "lambda-labs", "tencent"}
    assert providers <= set(machines()["provider"])


def test_no_offer_joins_two_devices() -> None:
    twice = machines()[machines()["claims"].map(len) > 1]
    assert twice[["provider", "instance_type", "claims"]].drop_duplicates().to_dict("records") == []


def test_every_offer_joins_a_device_or_says_why_not() -> None:
    alone = joinable()[joinable()["claims"].map(len) == 0]
    reasons = [pattern for entry in table(OFFERS / "unjoined.toml", "unjoined") for pattern in entry["match"]]
    unexplained = alone[~matched(alone, reasons)]
    assert unexplained[["provider", "instance_type", "accelerator"]].drop_duplicates().to_dict("records") == []


def test_a_reason_not_to_join_is_needed() -> None:
    types = machines().drop_duplicates(["provider", "service", "instance_type"])
    joined = types[types["claims"].map(len) > 0]
    for entry in table(OFFERS / "unjoined.toml", "unjoined"):
        for pattern in entry["match"]:
            assert matched(types, [pattern]).any(), pattern
            assert not matched(joined, [pattern]).any(), pattern


def test_hardware_of_the_price_lists_has_published_measurements_or_a_reason() -> None:
    with (ROOT / "tests" / "data" / "measured_devices.csv").open(encoding="utf-8", newline="") as file:
        measured = {row["device"] for row in csv.DictReader(file)}
    excused = {entry["device"]: entry for entry in table(ROOT / "tests" / "data" / "unmeasured.toml", "unmeasured")}
    offered = frozenset().union(*machines()["claims"])
    without = {device for device in offered if not names(devices()[device]) & measured}
    assert without == set(excused)
    assert {entry["like"] for entry in excused.values() if "like" in entry} <= set(devices())
