"""Browsing the knowledge: filters, dated prices that are never 0, where systems win, the widget in both languages."""

import re
from html import unescape

import pytest
from english_words import CHINESE, english_words

from advisor import load
from advisor.browse import (
    ASPECTS,
    KINDS,
    aspect,
    chosen_systems,
    kind_of,
    price_lines,
    prices_from,
    systems_table,
    wins,
)
from advisor.explain import name_of
from advisor.presets import presets
from advisor.schema import FAMILIES
from advisor.systems import families_of_system
from advisor.text import catalogue, languages
from advisor.view import markup
from advisor.view.browsing import Browser, browser

TAG = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)
every_language = pytest.mark.parametrize("lang", languages())


def text_of(html: str) -> str:
    return unescape(TAG.sub(" ", html))


# What is browsed


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_lets_its_own_through(kind: str) -> None:
    found = chosen_systems(load(), kind=kind)
    assert {kind_of(system) for system in found} <= {kind}
    assert sum(len(chosen_systems(load(), kind=one)) for one in KINDS) == len(load().systems)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_lets_its_own_through(family: str) -> None:
    found = chosen_systems(load(), family=family)
    assert found
    assert all(family in families_of_system(system) for system in found)


@pytest.mark.parametrize(
    ("words", "first"), [("lambda AWS", "aws-lambda"), ("函数计算", "alibaba-fc"), ("vllm", "vllm")]
)
def test_a_search_finds_names_in_any_language(words: str, first: str) -> None:
    found = [system.id for system in chosen_systems(load(), words=words)]
    assert found[0] == first
    assert len(found) < len(load().systems)


def test_systems_of_that_name_come_before_those_that_only_mention_it() -> None:
    called = ["jetson" in system.name.casefold() for system in chosen_systems(load(), words="Jetson")]
    assert called == sorted(called, reverse=True)
    assert True in called
    assert False in called


def test_a_search_for_nonsense_finds_nothing() -> None:
    assert chosen_systems(load(), words="quuxfrobnicate") == []


@every_language
def test_prices_are_dated_and_an_unknown_one_is_words(lang: str) -> None:
    knowledge = load()
    for system in knowledge.systems.values():
        found = prices_from(knowledge, system) if system.platform or system.hardware else []
        assert all(one.usd > 0 and re.match(r"20\d\d", one.dated) for one in found), system.id
        said = price_lines(knowledge, system, lang)
        if (system.platform or system.hardware) and not found:
            assert said == [catalogue(lang)["value.unknown_price"]]
    assert price_lines(knowledge, knowledge.systems["huawei-ecs"], lang) == [catalogue(lang)["value.unknown_price"]]


def test_the_lowest_price_is_the_lowest_of_machines_that_hold_their_speed() -> None:
    knowledge = load()
    offers = knowledge.offers
    ec2 = offers[(offers["provider"] == "aws") & (offers["service"] == "ec2") & offers["trait"].isna()]
    with_card = ec2[(ec2["accelerator"] != "") & ec2["usd_per_hour"].notna()]
    of_cpu, of_card = prices_from(knowledge, knowledge.systems["aws-ec2"])
    assert of_card.usd == with_card["usd_per_hour"].min()
    assert of_card.count == len(with_card)
    assert of_cpu.usd < of_card.usd


def test_wins_are_presets_and_every_preset_has_winners() -> None:
    found = wins(load())
    assert {name for names in found.values() for name in names} == set(presets())
    assert set(found) <= set(load().systems)


@every_language
def test_every_aspect_of_every_system_has_words(lang: str) -> None:
    knowledge = load()
    for system in knowledge.systems.values():
        for name in ASPECTS:
            assert all(line.strip() for line in aspect(knowledge, system, name, lang)), (system.id, name)
            assert f"browse.{name}" in catalogue(lang)
    table = systems_table(knowledge, list(knowledge.systems.values()), lang)
    assert len(table) == len(knowledge.systems)
    assert not table.isna().any(axis=None)


# The widget


@pytest.fixture
def shown() -> Browser:
    return browser("en")


def test_a_filter_changes_the_table_and_what_stands_side_by_side(shown: Browser) -> None:
    shown.family.value = "serverless"
    names = {name_of(system, "en") for system in chosen_systems(load(), family="serverless")}
    assert shown.table.value.count("<tr>") == len(names) + 1
    assert all(name in text_of(shown.table.value) for name in names)
    assert {name for name, value in shown.chosen[0].options if value} == names
    assert all(control.value in {system.id for system in shown.systems} for control in shown.chosen)


def test_a_choice_puts_a_system_and_its_sources_beside_the_others(shown: Browser) -> None:
    for control, name in zip(shown.chosen, ("vllm", "triton", ""), strict=True):
        control.value = name
    said = text_of(shown.side.value)
    systems = [load().systems[name] for name in ("vllm", "triton")]
    for system in systems:
        assert system.name in said
        assert all(point.en in said for point in system.strengths)
    for source in systems[0].sources:
        assert source.title in text_of(shown.sources.value)
        assert source.url is None or f'href="{source.url}"' in shown.sources.value


def test_nothing_found_is_said_and_breaks_nothing(shown: Browser) -> None:
    shown.words.value = "quuxfrobnicate"
    assert "0 of" in text_of(shown.table.value)
    assert shown.side.value == ""
    shown.words.value = ""
    assert shown.side.value


def test_a_chinese_page_has_no_english_words_and_keeps_the_choice(shown: Browser) -> None:
    shown.family.value = "edge"
    chosen = [control.value for control in shown.chosen]
    shown.language.value = "zh"
    assert shown.family.value == "edge"
    assert [control.value for control in shown.chosen] == chosen
    said = "\n".join(text_of(part.value) for part in (shown.title, shown.families, shown.table, shown.side))
    assert CHINESE.search(said)
    assert english_words(said) == []


def test_links_lead_to_the_web_alone() -> None:
    said = markup.links([("<b>t</b>", "javascript:alert(1)", "2026"), ("u", "https://example.org/?a=1&b=2", "2026")])
    assert "javascript" not in said
    assert "<b>" not in said
    assert 'href="https://example.org/?a=1&amp;b=2"' in said
