"""Measurements replace predictions exactly where they were taken, and less the farther away a cell lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import Requirements, advise, load, predict
from advisor.anchors import anchored
from advisor.columns import ServiceClass
from advisor.modelspec import resolve
from advisor.published import Measurement, Published, key_of
from advisor.results import Prediction

KLASS = ServiceClass("nvidia-t4", "tensorrt", "fp16")
SETTINGS = {"reach": 4.0, "repeats": {"other": (0.5, 2.0)}}
UNITS, BATCHES = [0.5, 1.0], [1, 2, 8, 64]
RESNET = resolve("resnet50", load().models)


def middle_s(_: int, units: float, batch: float) -> float:
    return 0.001 * batch / units


def cells(**measured: float) -> tuple[np.ndarray, dict]:
    """Middle times, and what was measured, after measurements such as ``b8=0.01`` on one unit."""
    found = {
        key_of(*KLASS[:1], "resnet50", "fp16", "tensorrt", float(name[1:]), 1.0): [
            Measurement(seconds, RESNET.macs / 1e9, "gpu-datacenter", "page", "2024")
        ]
        for name, seconds in measured.items()
    }
    middle = np.array([[[middle_s(0, u, b) for b in BATCHES] for u in UNITS]])
    times, answers = anchored(
        (middle * 0.8, middle, middle * 1.3), [KLASS], RESNET, UNITS, BATCHES, middle_s, Published(found, SETTINGS)
    )
    assert (times[0] < times[1]).all()
    assert (times[1] < times[2]).all()
    return times[1][0], dict(answers)


def test_a_measured_cell_is_its_measurement_and_the_rest_follow_by_distance() -> None:
    times, answers = cells(b2=0.004)  # twice the prediction
    assert list(answers) == [(0, 1, 1)]
    assert times[1, 1] == pytest.approx(0.004)
    assert times[1, 0] == pytest.approx(0.001 * 2**0.75)
    assert times[1, 2] == pytest.approx(0.008 * 2**0.5)
    assert times[1, 3] == pytest.approx(0.064)
    assert times[0, 1] == pytest.approx(0.004 * 2**0.75)


def test_nothing_measured_changes_nothing() -> None:
    times, answers = cells()
    assert answers == {}
    assert times[1, 3] == pytest.approx(0.064)


@given(seconds=st.floats(1e-5, 1.0))
def test_every_cell_lies_between_the_prediction_and_the_full_correction(seconds: float) -> None:
    times, _ = cells(b8=seconds)
    ratio = times / cells()[0]
    low, high = sorted((1.0, seconds / 0.008))
    assert (ratio >= low * (1 - 1e-9)).all()
    assert (ratio <= high * (1 + 1e-9)).all()


def test_a_batch_next_to_a_measured_one_is_no_measurement_but_knows_of_it() -> None:
    exact, near = (
        predict("resnet50", "nvidia-t4", precision="fp16", engine="tensorrt", batch=batch) for batch in (8, 9)
    )
    assert isinstance(exact, Prediction)
    assert isinstance(near, Prediction)
    assert (exact.fidelity, near.fidelity) == ("measured", "calibrated")
    assert exact.latency_ms is not None
    assert near.latency_ms is not None
    assert near.latency_ms.mid == pytest.approx(exact.latency_ms.mid * 9 / 8, rel=0.08)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_advice_says_which_latency_was_measured_and_by_whom(lang: str) -> None:
    advice = advise(Requirements(model="resnet50", qps=30, country="CN", data="on-premises", p99_ms=200))
    option = next(one for one in advice.shortlist if one.fidelity == "measured")
    assert option.measured_by
    where = option.measured_by[0].split("/")[1]
    assert where in advice.explain(option.id, lang)
    assert advice.options.set_index("id").loc[option.id, "fidelity"] == "measured"
    assert all(one.measured_by == () for one in advice.shortlist if one.fidelity != "measured")
