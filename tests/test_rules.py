"""Rules are data: their examples hold, their words are there, and each speaks for some question."""

import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_knowledge import KNOWLEDGE, Ask

from advisor import Advice, Knowledge, ModelSpec
from advisor.feasibility import Limit, rule_bits, rules_of, side
from advisor.machine_calibration import MachineCalibration
from advisor.numbers import quantity_text
from advisor.options import option_at
from advisor.paths import DATA
from advisor.schema import Rule
from advisor.text import languages

RULES = Knowledge().rules
HERE = MachineCalibration.from_toml((Path(__file__).parent / "seed" / "this-machine-record.toml").read_text("utf-8"))
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
HUGE, SLOW = ModelSpec(family="cnn", params=6e9, macs=1e12), ModelSpec(family="cnn", params=1e7, macs=1e15)
TRIGGERS: dict[str, dict[str, Any]] = {
    "at-the-source": {},
    "budget": {"budget_usd_month": 100},
    "cold-start": {"qps": 0.001, "p99_ms": 1500},
    "cold-start-seen": {"qps": 0.01, "p99_ms": 8000},
    "complete-machine": {},
    "data-scope": {"data": "country", "country": "DE"},
    "end-of-life": {"data": "on-device", "qps": 0.1, "p99_ms": 5000},
    "function-instances": {"qps": 3000, "p99_ms": 5000},
    "function-package": {"model": HUGE, "qps": 0.01, "p99_ms": 1e6},
    "function-payload": {"payload_kb": 10_000, "qps": 1, "p99_ms": 5000},
    "function-time": {"model": SLOW, "qps": 1e-4, "p99_ms": 1e8},
    "launch-days": {"launch_days": 2},
    "licence": {"model": "llama-3-8b", "p99_ms": None, "qps": 1},
    "mainland-border": {"country": "US", "p99_ms": 2000},
    "measure-first": {},
    "memory": {"model": HUGE, "qps": 0.01, "p99_ms": 1e6},
    "offline": {"offline": True, "qps": 1},
    "one-machine": {"qps": 3000, "p99_ms": 5000, "calibration": HERE},
    "open-region": {},
    "operators": {"model": ModelSpec(family="cnn", params=1e7, macs=1e9, operators=("Conv", "QLinearConv"))},
    "p99": {"p99_ms": 30},
    "power": {"power_w": 100},
    "precision": {"precisions": ("fp8",)},
    "price-fresh": {"qps": 0.1, "p99_ms": 9000},
    "price-known": {"country": "CN", "p99_ms": 500},
    "provider": {"providers": ("gcp",)},
    "quantisation": {},
    "round-trip": {"p99_ms": 20},
    "skills": {"skills": "none"},
    "sustained-speed": {},
    "tpot": {"model": "llama-3-8b", "p99_ms": None, "qps": 1, "tpot_ms": 5},
    "ttft": {"model": "llama-3-8b", "p99_ms": None, "qps": 1, "ttft_ms": 30},
    "upfront": {"upfront_usd": 100},
    "uplink": {"data": "on-premises", "payload_kb": 50_000},
}


def rejecting(advice: Advice) -> set[str]:
    """Rules that keep some stack out."""
    bit = rule_bits(advice.evaluation.knowledge.rules)
    return {rule for mask in np.unique(advice.evaluation.mask) for rule in rules_of(int(mask), bit)}


def warning(advice: Advice) -> set[str]:
    """Rules that are a condition of some stack that fits."""
    rows = np.flatnonzero(advice.evaluation.mask == 0)
    return {reason.rule for row in rows for reason in option_at(advice.evaluation, int(row), p_best=0.0).conditions}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@every_rule
def test_examples_hold_in_the_comparison_that_judges_stacks(rule: Rule) -> None:
    assert {example.passes for example in rule.examples} == {True, False}
    for example in rule.examples:
        limit = Limit(rule.id, "machine", side(example.need), side(example.have))
        assert bool(np.any(limit.stops())) != example.passes


def test_an_unknown_on_either_side_stops_nothing() -> None:
    nan, one = np.array([np.nan, 1.0]), np.array([1.0, np.nan])
    assert not Limit("memory", "machine", side(nan), side(one)).stops().any()


@every_rule
def test_words_are_there_in_both_languages(rule: Rule) -> None:
    for lang in languages():
        for words in (rule.name, rule.fails, rule.flip):
            said = getattr(words, lang)
            assert said.strip() == said != ""
            assert not said.endswith((".", "。"))
            assert any("一" <= sign <= "鿿" for sign in said) == (lang == "zh")
    for words in (rule.fails, rule.flip):
        assert placeholders(words.en) == placeholders(words.zh) <= {"need", "have", "name"}


@every_rule
def test_the_unit_is_worded(rule: Rule) -> None:
    for lang in languages():
        for example in rule.examples:
            for value in (example.need, example.have):
                said = quantity_text(value, rule.unit, lang)
                assert said
                assert "{" not in said


@every_rule
def test_every_rule_speaks_for_some_question(ask: Ask, rule: Rule) -> None:
    advice = ask(**TRIGGERS[rule.id])
    heard = rejecting(advice) if rule.severity == "reject" else warning(advice)
    assert rule.id in heard


@pytest.mark.parametrize(
    ("rule", "wishes"),
    [
        ("budget", {"budget_usd_month": 1e9}),
        ("data-scope", {"country": "DE"}),
        ("function-instances", {"qps": 0.01, "p99_ms": 5000}),
        ("function-package", {}),
        ("function-payload", {"payload_kb": 10}),
        ("function-time", {}),
        ("launch-days", {"launch_days": 100}),
        ("memory", {"data": "on-premises"}),
        ("offline", {}),
        ("p99", {"p99_ms": 1e8, "payload_kb": 1}),
        ("power", {"power_w": 1e9}),
        ("provider", {}),
        ("skills", {"skills": "ml-platform"}),
        ("upfront", {"upfront_usd": 1e9}),
        ("uplink", {"payload_kb": 1, "qps": 1}),
        ("at-the-source", {"sites": 2}),
    ],
)
def test_a_rule_is_silent_where_its_wish_is_met(ask: Ask, rule: str, wishes: dict[str, Any]) -> None:
    assert rule not in rejecting(ask(**wishes))


def test_every_rule_has_a_question() -> None:
    assert set(TRIGGERS) == set(RULES)


def test_the_small_knowledge_holds_the_rules_as_they_are() -> None:
    for path in sorted((DATA / "rules").glob("*.toml")):
        assert (KNOWLEDGE / "rules" / path.name).exists(), path.name
