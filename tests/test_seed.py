"""Every line of the article has its place: a named system, a point of a record, a golden case, a requirement."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from named import heir, named

from advisor import ModelSpec, Requirements, load
from advisor.claims import Point
from advisor.requirements import Priority
from advisor.schema import FAMILIES
from advisor.systems import families_of_system

TESTS = Path(__file__).parent
SEED: dict[str, Any] = tomllib.loads((TESTS / "seed" / "inventory.toml").read_text(encoding="utf-8"))
SECTIONS = ("strengths", "weaknesses", "scenarios")

# Lines of the article, so that the checklist cannot be thinned out: systems, strengths, weaknesses, scenarios.
LINES = {
    "cloud": (14, 6, 2, 4),
    "on-premises": (2, 4, 3, 4),
    "edge": (5, 3, 2, 3),
    "containers": (2, 6, 1, 3),
    "serverless": (2, 3, 4, 3),
    "inference-platform": (3, 3, 2, 2),
}
TABLES = {"summary": 6, "recommendation": 3, "factor": 6 + 4}


def points() -> Iterator[tuple[str, str, str]]:
    for family in SEED["family"]:
        for section in SECTIONS:
            for line in family[section]:
                yield family["id"], section, line["at"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_checklist_holds_every_line_of_the_article(family: str) -> None:
    (entry,) = [entry for entry in SEED["family"] if entry["id"] == family]
    systems = len(entry["systems"]) + len(entry.get("clouds", {}))
    counts = (systems, *(len({line["at"] for line in entry[section]}) for section in SECTIONS))
    assert all(have >= want for have, want in zip(counts, LINES[family], strict=True)), counts


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_hold_every_line_of_the_article(table: str) -> None:
    assert len({line["says"] for line in SEED[table]}) >= TABLES[table]


@pytest.mark.parametrize(
    ("family", "text"), [(family["id"], text) for family in SEED["family"] for text in family["systems"]]
)
def test_a_named_system_is_found_and_belongs_to_its_family(family: str, text: str) -> None:
    found = named(text)
    assert len(found) == 1, f"{text}: {[system.id for system in found]}"
    assert family in families_of_system(heir(found[0]))


@pytest.mark.parametrize(
    ("provider", "text"),
    [entry for family in SEED["family"] for entry in family.get("clouds", {}).items()],
)
def test_a_named_cloud_has_platforms_that_carry_its_name(provider: str, text: str) -> None:
    platforms = [s for s in load().systems.values() if s.platform and s.platform.provider == provider]
    assert any(text in f"{s.name} {s.name_zh} {' '.join(s.aliases)}" for s in platforms)
    assert Requirements(model="resnet50", qps=1, country="CN", p99_ms=100, providers=(provider,)).providers


@pytest.mark.parametrize(("family", "section", "place"), list(points()), ids=lambda part: part)
def test_a_point_of_the_article_stands_in_a_record(family: str, section: str, place: str) -> None:
    kind, _, address = place.partition(":")
    record_id, _, point_id = address.partition("/")
    knowledge = load()
    record = knowledge.families[record_id] if kind == "family" else knowledge.systems[record_id]
    assert record_id == family or family in families_of_system(record)
    (point,) = [point for point in getattr(record, section) if point.id == point_id]
    assert isinstance(point, Point)
    assert point.en.strip()
    assert point.zh.strip()


@pytest.mark.parametrize("line", SEED["summary"] + SEED["recommendation"], ids=lambda line: line["at"])
def test_a_recommendation_of_the_article_is_a_golden_case(line: dict[str, str]) -> None:
    kind, _, case = line["at"].partition(":")
    assert kind == "golden"
    for variant in ("", "-b", "-c"):
        golden = tomllib.loads((TESTS / "golden" / f"{case}{variant}.toml").read_text(encoding="utf-8"))
        assert golden["family"] == line["family"]


@pytest.mark.parametrize(
    "field", sorted({field for factor in SEED["factor"] for field in factor["fields"]}), ids=lambda field: field
)
def test_a_decision_factor_can_be_asked(field: str) -> None:
    owner, _, name = field.rpartition(".")
    known = {"": Requirements.model_fields, "ModelSpec": ModelSpec.model_fields, "priorities": get_args(Priority)}
    assert name in known[owner]
