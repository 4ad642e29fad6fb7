"""The deliberate faults still fit the code: each old text is there once, each named test exists."""

import pytest
from mutants import MUTANTS, ROOT, Mutant

every_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)


@every_mutant
def test_the_line_to_change_is_there_once(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.old != mutant.new
    assert "\n" not in mutant.old + mutant.new


@every_mutant
def test_the_tests_that_catch_it_exist_and_are_listed(mutant: Mutant) -> None:
    listed = (ROOT / "tests" / "mutants.md").read_text(encoding="utf-8")
    assert mutant.fault in listed
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
        assert name in listed


def test_there_are_enough_and_they_cover_the_stages() -> None:
    assert len(MUTANTS) >= 10
    stages = "capacity cost ranking feasibility latency model joins lab words view requirements"
    assert {mutant.stage for mutant in MUTANTS} >= set(stages.split())
