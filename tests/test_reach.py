"""Every system can be an answer: the advice to a question of reach.toml names it, an old one together with its heir."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from named import heir

from advisor import Advice, Requirements, advise, load
from advisor.explain import name_of
from advisor.machine_calibration import MachineCalibration
from advisor.results import Option
from advisor.system_records import System

SEED = Path(__file__).parent / "seed"
REACH = tomllib.loads((SEED / "reach.toml").read_text(encoding="utf-8"))
QUESTIONS: dict[str, dict[str, Any]] = {question["id"]: question for question in REACH["question"]}
ASKED_IN = {system: name for name, question in QUESTIONS.items() for system in question["names"]}


@cache
def answer(name: str) -> Advice:
    question = QUESTIONS[name]
    machine = question.get("calibration")
    record = machine and MachineCalibration.from_toml((SEED / machine).read_text(encoding="utf-8"))
    return advise(Requirements(**question["asked"]), calibration=record)


def first_with(advice: Advice, system: System) -> Option:
    """First stack of the advice that has the system, or what has succeeded it."""
    for wanted in (system.id, heir(system).id):
        for option in advice.shortlist:
            if wanted in option.systems:
                return option
    pytest.fail(f"neither {system.id} nor {heir(system).id} is in the advice")


@pytest.mark.parametrize("system_id", sorted(load().systems))
def test_a_system_is_named_in_the_advice(system_id: str) -> None:
    system = load().systems[system_id]
    assert system_id in ASKED_IN, "no question of reach.toml names it"
    advice = answer(ASKED_IN[system_id])
    option = first_with(advice, system)
    for lang in ("en", "zh"):
        text = advice.explain(option.id, lang)
        assert name_of(system, lang) in text
        assert name_of(heir(system), lang) in text


@pytest.mark.parametrize("system_id", [s.id for s in load().systems.values() if s.status == "legacy" and s.hardware])
def test_legacy_hardware_that_is_offered_says_so(system_id: str) -> None:
    for option in answer(ASKED_IN[system_id]).shortlist:
        if system_id in option.systems:
            assert "end-of-life" in {reason.rule for reason in option.conditions}


def test_questions_ask_for_systems_that_exist() -> None:
    named = [system for question in QUESTIONS.values() for system in question["names"]]
    assert sorted(named) == sorted(load().systems)
