"""Settings of the test run, and the small knowledge that engine tests stand on."""

from collections.abc import Iterator
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


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Cache and data of the lab in a folder of this test run, never in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVISOR_HOME", str(tmp_path_factory.mktemp("advisor")))
        yield


@pytest.fixture(scope="session")
def small() -> Knowledge:
    """Knowledge of a few records with round prices, so that engine tests stay when prices or records change."""
    return Knowledge(folder=KNOWLEDGE)


@pytest.fixture(scope="session")
def ask(small: Knowledge) -> Ask:
    """Answer of the small knowledge to a small question, changed by the wishes given."""
    calibration = load_calibration(KNOWLEDGE / "calibrations")

    def answer(knowledge: Knowledge = small, calibration: Any = calibration, **wishes: Any) -> Advice:
        return advise(Requirements(**{**WISHES, **wishes}), knowledge, calibration)

    return answer
