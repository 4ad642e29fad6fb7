"""Settings of the test run, and the small knowledge that engine tests stand on."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from small_knowledge import KNOWLEDGE, WISHES, Ask

from advisor import Advice, Knowledge, Requirements, advise
from advisor.calibration import load_calibration

settings.register_profile(
    "product", deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("product")


@pytest.fixture(scope="session")
def small() -> Knowledge:
    """Knowledge of a few records with round prices, so that engine tests stay when prices or records change."""
    return Knowledge(folder=KNOWLEDGE)


@pytest.fixture(scope="session")
def ask(small: Knowledge) -> Ask:
    """Answer of the small knowledge to a small question, changed by the wishes given."""
    calibration = load_calibration(KNOWLEDGE / "calibrations")

    def answer(knowledge: Knowledge = small, **wishes: Any) -> Advice:
        return advise(Requirements(**{**WISHES, **wishes}), knowledge, calibration)

    return answer
