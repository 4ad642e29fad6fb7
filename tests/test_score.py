"""Scoring: figures by hand, predictions of rows that are those of predict(), refusals with reasons, and the command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_knowledge import said_in_every_language

from advisor import cli, load, predict
from advisor.calibration import load_calibration
from advisor.errors import RowsError
from advisor.judged import predicted
from advisor.llm import load_language_calibration
from advisor.measured import LANGUAGE, measured_rows, sheet
from advisor.published import all_published
from advisor.results import Prediction
from advisor.score import document, figures, score
from advisor.text import catalogue, languages

KEYS = [
    "group", "rows", "refused", "ape_median", "ape_p90", "factor_median", "factor_median_pairs", "coverage80",
    "pairs_ordered",
]  # fmt: skip
T4: dict[str, Any] = {
    "model_key": "resnet50", "device": "NVIDIA T4", "device_class": "gpu-datacenter", "precision_norm": "fp16",
    "metric": "latency", "measured_s": 0.004, "batch_size": 8, "engine": "TensorRT 8.6",
}  # fmt: skip
LLAMA = T4 | {
    "model_key": "llama-3-8b", "device": "NVIDIA L4", "metric": "tpot", "measured_s": 0.06, "batch_size": 1,
    "input_tokens": 512, "output_tokens": 100, "engine": "",
}  # fmt: skip


def written(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    path = tmp_path / "rows.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def said_of(path: Path, **tables: Any) -> pd.DataFrame:
    return predicted(measured_rows(path), load(), load_calibration(), load_language_calibration(), **tables)


# Figures by hand


def judged(*lines: tuple[str, str, float, float, float, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of (device, model, measured, low, mid, high)."""
    rows = pd.DataFrame([T4 | {"device": d, "model_key": m, "measured_s": y} for d, m, y, *_ in lines])
    ends = [line[3:] for line in lines]
    return rows, pd.DataFrame(ends, columns=["low_s", "mid_s", "high_s"]).assign(refusal="")


def test_figures_by_hand() -> None:
    rows, said = judged(
        ("a", "m", 1.0, 0.5, 1.0, 1.5),
        ("a", "m", 1.1, 0.5, 2.2, 3.0),
        ("b", "m", 2.0, 3.0, 4.0, 5.0),
        ("c", "m", 4.0, 1.0, 3.0, 5.0),
    )
    found = figures(rows, said)[0]
    assert (found.group, found.rows, found.refused) == ("all", 4, 0)
    assert found.ape_median == pytest.approx(np.median([0, 1, 1, 0.25]))
    assert found.ape_p90 == pytest.approx(1.0)
    assert found.factor_median == pytest.approx(np.median([1, 2, 2, 4 / 3]))
    assert found.factor_median_pairs == pytest.approx(np.median([1.5, 2, 4 / 3]))
    assert found.coverage80 == 0.75
    assert found.pairs_ordered == pytest.approx(2 / 3)


def test_devices_that_are_nearly_equal_have_no_order() -> None:
    rows, said = judged(("a", "m", 1.0, 0.5, 2.0, 3.0), ("b", "m", 1.2, 0.5, 1.0, 3.0))
    assert figures(rows, said)[0].pairs_ordered is None


def test_rows_of_another_model_metric_or_batch_are_not_compared() -> None:
    rows, said = judged(("a", "m", 1.0, 0.5, 2.0, 3.0), ("b", "n", 9.0, 0.5, 1.0, 3.0), ("b", "m", 9.0, 0.5, 1.0, 3.0))
    rows.loc[2, "batch_size"] = 64
    assert figures(rows, said)[0].pairs_ordered is None


def test_an_engine_that_starts_late_under_load_does_so_by_its_factor(tmp_path: Path) -> None:
    rows = [LLAMA | {"metric": "ttft_loaded", "batch_size": 8, "engine": name} for name in ("vllm", "sglang", "")]
    vllm, sglang, _ = said_of(written(tmp_path, *rows))["mid_s"]
    factors = load_calibration().settings["language"]["loaded_engine"]
    found = load_language_calibration().lookup(
        ["nvidia-l4"] * 2, ["gpu-datacenter"] * 2, ["fp16"] * 2, ["vllm", "sglang"]
    )
    of_step, of_first = (array[1] / array[0] for array in (found.step_engine, found.prefill_engine))
    ends = sorted(factors["sglang"] / factors["vllm"] * ratio for ratio in (of_step, of_first))
    assert ends[0] * (1 - 1e-9) <= sglang / vllm <= ends[1] * (1 + 1e-9)


@given(st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=12))
def test_a_perfect_prediction_has_no_error_and_orders_every_pair(values: list[float]) -> None:
    found = figures(*judged(*((f"d{n}", "m", y, y, y, y) for n, y in enumerate(values))))[0]
    assert found.ape_median == found.ape_p90 == 0
    assert found.factor_median == found.factor_median_pairs == found.coverage80 == 1
    assert found.pairs_ordered in (None, 1)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=9), st.floats(1.01, 50))
def test_too_fast_by_a_factor_is_as_wrong_as_too_slow(values: list[float], factor: float) -> None:
    fast, slow = (
        figures(*judged(*((f"d{n}", "m", y, y, y * by, y) for n, y in enumerate(values))))[0]
        for by in (1 / factor, factor)
    )
    assert fast.factor_median == pytest.approx(slow.factor_median) == pytest.approx(factor)


def test_groups_are_classes_holdouts_and_metrics(tmp_path: Path) -> None:
    held = [T4 | {"holdout": "unseen_device"}, T4 | {"device": "NVIDIA L4"}, LLAMA | {"holdout": "unseen_model"}]
    rows = measured_rows(written(tmp_path, *held))
    groups = {one.group: one.rows for one in figures(rows, said_of(tmp_path / "rows.csv"))}
    assert groups == {
        "all": 2, "class:gpu-datacenter": 2, "holdout:unseen_device": 1, "llm:tpot": 1, "llm:tpot:unseen_model": 1,
    }  # fmt: skip


# Predictions of rows


@pytest.mark.parametrize(("batch", "fidelity"), [(8, "measured"), (9, "calibrated")])
def test_a_row_is_predicted_as_predict_does(tmp_path: Path, batch: int, fidelity: str) -> None:
    path = written(tmp_path, T4 | {"batch_size": batch})
    said = said_of(path, published=all_published(load())).iloc[0]
    alone = predict("resnet50", "nvidia-t4", batch=batch, precision="fp16", engine="tensorrt")
    assert isinstance(alone, Prediction)
    assert alone.fidelity == fidelity
    assert alone.latency_ms is not None
    ends = [said["low_s"], said["mid_s"], said["high_s"]]
    assert [1000 * end for end in ends] == pytest.approx(
        [alone.latency_ms.low, alone.latency_ms.mid, alone.latency_ms.high]
    )


def test_a_row_of_a_language_model_is_predicted_as_predict_does(tmp_path: Path) -> None:
    said = said_of(written(tmp_path, LLAMA, LLAMA | {"metric": "ttft"}))
    alone = predict("llama-3-8b", "nvidia-l4", precision="fp16", input_tokens=512, output_tokens=100)
    assert isinstance(alone, Prediction)
    assert alone.tpot_ms is not None
    assert alone.ttft_ms is not None
    assert said["mid_s"].to_numpy() * 1000 == pytest.approx([alone.tpot_ms.mid, alone.ttft_ms.mid])


def test_saturated_throughput_has_no_overhead_and_counts_every_device(tmp_path: Path) -> None:
    full = T4 | {"metric": "throughput", "batch_size": 64}
    path = written(tmp_path, T4 | {"batch_size": 64}, full, full | {"device_count": 4})
    latency, one, four = said_of(path)["mid_s"]
    assert one < latency / 64
    assert four == pytest.approx(one / 4)


@pytest.mark.parametrize("metric", LANGUAGE)
def test_every_metric_of_a_language_model_is_an_interval(tmp_path: Path, metric: str) -> None:
    rows = [LLAMA | {"metric": metric, "batch_size": batch, "device_count": 2} for batch in (1, 16)]
    said = said_of(written(tmp_path, *rows))
    assert (said["refusal"] == "").all()
    assert (said["low_s"] < said["mid_s"]).all()
    assert (said["mid_s"] < said["high_s"]).all()


def test_more_users_wait_longer_and_share_more(tmp_path: Path) -> None:
    rows = [LLAMA | {"metric": m, "batch_size": b} for m in ("ttft_loaded", "offline_tokens") for b in (1, 8, 64)]
    first, tokens = np.split(said_of(written(tmp_path, *rows))["mid_s"].to_numpy(), 2)
    assert (np.diff(first) > 0).all()
    assert (np.diff(tokens) < 0).all()


def test_nothing_measured_is_used(tmp_path: Path) -> None:
    rows = [T4, LLAMA, T4 | {"metric": "throughput"}]
    hidden = [row | {"measured_s": 1e3, "latency_ms": 1.0, "throughput": 5.0, "power_w": 3.0} for row in rows]
    first, second = said_of(written(tmp_path, *rows)), said_of(written(tmp_path, *hidden))
    pd.testing.assert_frame_equal(first, second)


def test_an_unknown_device_and_model_come_from_their_tables(tmp_path: Path) -> None:
    row = T4 | {"device": "Wonder 1", "model_key": "marvel", "input_shape": "1x3x64x64"}
    path = written(tmp_path, row)
    assert said_of(path)["refusal"].tolist() == ["peak"]
    devices = pd.DataFrame([{"device": "Wonder 1", "peak_fp16_tflops": 65.0, "mem_bw_gbs": 320.0, "vendor": "W"}])
    assert said_of(path, devices=devices)["refusal"].tolist() == ["sizes"]
    models = pd.DataFrame(
        [
            {"model": "marvel", "input": "1x3x32x32", "params_m": 25.0, "gmacs": 1.0},
            {"model": "marvel", "input": "1x3x64x64", "params_m": 25.0, "gmacs": 4.0},
        ]
    )
    said = said_of(path, devices=devices, models=models)
    own = said_of(written(tmp_path, row | {"params_m": 25.0, "gmacs": 4.0}), devices=devices)
    assert said["mid_s"].to_numpy() == pytest.approx(own["mid_s"].to_numpy())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metric": "joy"}, "metric"),
        ({"device": "x", "device_class": "abacus"}, "kind"),
        ({"precision_norm": "fp3"}, "precision"),
        ({"device": "no such device"}, "peak"),
        ({"model_key": "no such model"}, "sizes"),
    ],
)
def test_what_is_outside_all_support_is_refused_with_a_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = written(tmp_path, T4, T4 | change)
    said = said_of(path)
    assert said["refusal"].tolist() == ["", reason]
    assert np.isnan(said.loc[1, "mid_s"])
    assert any(one.refusals == {reason: 1} for one in score(str(path)))
    for lang in languages():
        assert f"score.refusal.{reason}" in catalogue(lang)


# Bad input


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("none.csv", None, "none.csv"),
        ("rows.csv", "a,b\n1,2\n", "model_key"),
        ("rows.parquet", "no table", "rows.parquet"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, name: str, text: str | None, part: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(RowsError) as refused:
        measured_rows(path)
    said_in_every_language(refused.value, part)


def test_a_word_among_numbers_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(RowsError) as refused:
        measured_rows(written(tmp_path, T4, T4 | {"measured_s": "fast"}))
    said_in_every_language(refused.value, "measured_s", "fast", "3")


def test_a_table_without_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowsError) as refused:
        sheet(written(tmp_path, {"name": "x"}), "device")
    said_in_every_language(refused.value, "device")


# The command


def test_the_command_prints_json_with_the_published_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, T4, LLAMA)
    assert cli.main(["score", str(path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == document(score(str(path)))
    assert all(list(one)[: len(KEYS)] == KEYS for one in printed)


@pytest.mark.parametrize("lang", languages())
def test_the_command_prints_a_table_and_why_rows_were_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    path = written(tmp_path, T4, T4 | {"precision_norm": "fp3"}, LLAMA)
    assert cli.main(["score", str(path), "--lang", lang]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["all", "class:gpu-datacenter", "llm:tpot"]
    assert lines[4] == catalogue(lang)["score.refusal.precision"].format(count=1)


def test_the_command_names_a_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["score", "none.parquet"]) == 2
    assert "none.parquet" in capsys.readouterr().err
