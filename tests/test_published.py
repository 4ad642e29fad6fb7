"""Published measurements answer for exactly the same thing, with their source and date, and never for themselves."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from advisor import load, predict
from advisor.calibration import load_calibration
from advisor.judged import predicted
from advisor.llm import load_language_calibration
from advisor.measured import measured_rows
from advisor.published import Measurement, Published, all_published, key_of, load_published
from advisor.results import Prediction

KEY = key_of("nvidia-t4", "resnet50", "fp16", "tensorrt", 8, 1.0)
SETTINGS = {"reach": 4.0, "repeats": {"gpu-datacenter": (0.9, 1.2), "other": (0.5, 2.0)}}
T4 = {
    "model_key": "resnet50", "device": "NVIDIA T4", "device_class": "gpu-datacenter", "precision_norm": "fp16",
    "metric": "latency", "measured_s": 0.005, "batch_size": 8, "engine": "TensorRT 8.6", "params_m": 25.6, "gmacs": 4.1,
}  # fmt: skip


def published(*seconds: float, gmacs: float = 4.1, kind: str = "gpu-datacenter") -> Published:
    return Published({KEY: [Measurement(s, gmacs, kind, f"page {s}", "2024") for s in seconds]}, SETTINGS)


def test_the_median_answers_with_every_source_and_date() -> None:
    answer = published(0.004, 0.006, 0.005).answer(KEY, 4.1)
    assert answer is not None
    assert answer[:3] == pytest.approx((0.0045, 0.005, 0.006))
    assert answer.sources == ("page 0.004 (2024)", "page 0.006 (2024)", "page 0.005 (2024)")


def test_a_kind_that_was_hardly_repeated_has_the_wide_range() -> None:
    answer = published(0.004, kind="mcu").answer(KEY, 4.1)
    assert answer is not None
    assert answer[:3] == pytest.approx((0.002, 0.004, 0.008))


@pytest.mark.parametrize(("gmacs", "answers"), [(4.1, True), (4.25, True), (5.0, False), (1.0, False)])
def test_another_input_of_the_model_is_another_thing(gmacs: float, answers: bool) -> None:
    assert (published(0.004).answer(KEY, gmacs) is not None) == answers


@pytest.mark.parametrize(
    "other",
    [
        key_of("nvidia-l4", "resnet50", "fp16", "tensorrt", 8, 1.0),
        key_of("nvidia-t4", "resnet101", "fp16", "tensorrt", 8, 1.0),
        key_of("nvidia-t4", "resnet50", "int8", "tensorrt", 8, 1.0),
        key_of("nvidia-t4", "resnet50", "fp16", "onnxruntime", 8, 1.0),
        key_of("nvidia-t4", "resnet50", "fp16", "tensorrt", 4, 1.0),
        key_of("nvidia-t4", "resnet50", "fp16", "tensorrt", 8, 2.0),
    ],
)
def test_whatever_differs_is_not_answered(other: tuple[object, ...]) -> None:
    assert published(0.004).answer(other, 4.1) is None


def test_a_measurement_is_left_out_once_where_it_must_not_answer_for_itself() -> None:
    assert published(0.004).answer(KEY, 4.1, but=0.004) is None
    both, twice = published(0.004, 0.006), published(0.004, 0.004)
    assert [found.mid_s for one in (both, twice) if (found := one.answer(KEY, 4.1, but=0.004))] == [0.006, 0.004]


def said_of(tmp_path: Path, found: Published | None) -> np.ndarray:
    path = tmp_path / "rows.csv"
    pd.DataFrame([T4]).to_csv(path, index=False)
    said = predicted(
        measured_rows(path), load(), load_calibration(), load_language_calibration(), published=found
    )  # fmt: skip
    return said[["low_s", "mid_s", "high_s"]].to_numpy()[0]


def test_scoring_takes_the_measurements_of_others_and_the_formula_where_there_is_none(tmp_path: Path) -> None:
    formula = said_of(tmp_path, None)
    assert said_of(tmp_path, published(0.005)) == pytest.approx(formula)
    assert said_of(tmp_path, published(0.005, 0.0055)) == pytest.approx([0.00495, 0.0055, 0.0066])


def test_the_index_holds_the_packed_latencies_of_the_catalogue() -> None:
    knowledge = load()
    engines = {system.id for system in knowledge.systems.values() if system.engine}
    wanted = {
        key: sorted(several)
        for key, several in all_published(knowledge).found.items()
        if key.device in knowledge.devices and key.engine in engines and key.metric == "latency" and key.devices == 1
    }
    assert {key: sorted(several) for key, several in load_published(knowledge).found.items()} == wanted
    assert len(wanted) > 3000


def test_packed_measurements_answer_predict_with_their_source() -> None:
    found = load_published(load())
    one = found.answer(KEY, 4.1)
    said = predict("resnet50", "nvidia-t4", precision="fp16", engine="tensorrt", batch=8)
    assert one is not None
    assert isinstance(said, Prediction)
    assert (said.fidelity, said.sources) == ("measured", one.sources)
    assert said.latency_ms.mid == pytest.approx(one.mid_s * 1000)
    assert said.throughput_per_s.mid == pytest.approx(8 / one.mid_s)


@pytest.mark.parametrize("change", [{"batch": 9}, {"precision": "fp32"}, {"engine": None}])
def test_what_nobody_measured_is_predicted(change: dict[str, object]) -> None:
    asked = {"precision": "fp16", "engine": "tensorrt", "batch": 8} | change
    said = predict("resnet50", "nvidia-t4", **asked)  # type: ignore[arg-type]
    assert isinstance(said, Prediction)
    assert said.fidelity in {"calibrated", "class"}
