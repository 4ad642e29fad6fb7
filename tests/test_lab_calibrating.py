"""Runs on a machine calibrate it: coefficients are found again, the record survives, and a real model is predicted."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from advisor import predict
from advisor.calibration import ANY, load_calibration
from advisor.cli import main
from advisor.errors import MeasureError
from advisor.knowledge import HERE
from advisor.lab import MachineCalibration, Run, calibrate, measure, probe, this_machine, zoo
from advisor.lab.calibrating import middle_s
from advisor.lab.calibration_words import calibration_text
from advisor.lab.probing import Probe, Rate
from advisor.lab.runs import WarmUp
from advisor.lab.store import Store
from advisor.modelspec import ModelSpec, of_onnx
from advisor.results import Prediction

RATES = Probe(this_machine(), Rate(9e10, 1e11, 100), Rate(9e9, 1e10, 100), Rate(9e11, 1e12, 100))
SIZES = [3e7, 3e8, 1e9, 4e9, 1.5e10]
MODELS = [ModelSpec("cnn", params=int(macs / 200), macs=macs, name=f"net {macs:g}") for macs in SIZES]


def run_of(spec: ModelSpec, seconds: float) -> Run:
    return Run(
        model=spec.name or "", sha256=f"{int(spec.params):064d}", samples_s=np.full(100, seconds), batch=1, threads=1,
        providers=("CPUExecutionProvider",), inputs=(), started="2026-11-25T00:00:00+00:00", machine=RATES.machine,
        versions=(), warm_up=WarmUp(10, 0.1, steady=True), delay_share=0.0, cancelled=False, assumptions=(),
    )  # fmt: skip


def machine(kind: str, slower: float, noise: float = 0.0) -> list[tuple[ModelSpec, Run]]:
    """Runs on a machine that is so many times slower than its kind."""
    random = np.random.default_rng(3)
    device = RATES.device(kind)
    times = [
        slower * middle_s(spec, device, load_calibration(), 1, 1) * np.exp(noise * random.standard_normal())
        for spec in MODELS
    ]
    return [(spec, run_of(spec, seconds)) for spec, seconds in zip(MODELS, times, strict=True)]


@pytest.mark.parametrize("slower", [0.5, 1.0, 3.0])
def test_a_slower_machine_is_found_to_be_slower(slower: float) -> None:
    pairs = machine("cpu-client", slower)
    found = calibrate(pairs, RATES, kind="cpu-client")
    for spec, run in pairs:
        predicted = middle_s(spec, found.device, found.calibration(), 1, 1)
        assert predicted == pytest.approx(float(np.median(run.samples_s)), rel=0.15)


def test_an_unmeasured_model_on_the_machine_is_calibrated_and_nearer_than_before() -> None:
    pairs = machine("cpu-client", 3.0)
    found = calibrate(pairs[:-1], RATES, kind="cpu-client")
    spec, run = pairs[-1]
    truth_ms = 1000 * float(np.median(run.samples_s))
    before, after = (
        predict(spec, found.device, precision="fp32", engine="onnxruntime", calibration=calibration)
        for calibration in (None, found.calibration())
    )
    assert isinstance(before, Prediction)
    assert isinstance(after, Prediction)
    assert (before.fidelity, after.fidelity) == ("class", "calibrated")
    assert before.latency_ms is not None
    assert after.latency_ms is not None
    assert abs(np.log(after.latency_ms.mid / truth_ms)) < abs(np.log(before.latency_ms.mid / truth_ms)) / 3
    assert after.latency_ms.low < truth_ms < after.latency_ms.high


def test_scattered_runs_widen_the_interval() -> None:
    steady, restless = (calibrate(machine("cpu-client", 1.5, noise), RATES, kind="cpu-client") for noise in (0.0, 0.6))
    assert restless.high_factor > steady.high_factor > 1
    assert restless.low_factor < steady.low_factor < 1


@pytest.mark.parametrize("kind", ["cpu-client", "cpu-server"])
def test_the_kind_is_the_one_that_predicts_the_runs(kind: str) -> None:
    assert calibrate(machine(kind, 1.0), RATES).device.kind == kind


def test_other_devices_keep_their_coefficients() -> None:
    base = load_calibration()
    found = calibrate(machine("cpu-client", 2.0), RATES, kind="cpu-client").calibration()
    assert {key: fit for key, fit in found.fits.items() if key[1] not in ("", HERE)} == base.fits
    assert ("cpu-client", ANY, "fp32") in found.fits


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_other_work_during_the_calibration_is_said(lang: str) -> None:
    quiet = machine("cpu-client", 1.0)
    busy = [(quiet[0][0], replace(quiet[0][1], delay_share=0.4)), *quiet[1:]]
    told, warned = (calibration_text(calibrate(pairs, RATES), lang) for pairs in (quiet, busy))
    assert warned.startswith(told)
    assert (quiet[0][1].model in warned, quiet[0][1].model in told) == (True, False)


def test_the_record_survives_and_anything_else_is_refused() -> None:
    found = calibrate(machine("cpu-client", 2.0), RATES, kind="cpu-client")
    assert MachineCalibration.from_toml(found.to_toml()) == found
    for text in ("", "format = 1", found.to_toml().replace("calibration/2", "calibration/9"), "no toml ="):
        with pytest.raises(MeasureError):
            MachineCalibration.from_toml(text)


@pytest.mark.parametrize("pairs", [[], [(ModelSpec("cnn", params=1000), run_of(MODELS[0], 0.1))]])
def test_without_models_of_known_work_there_is_no_calibration(pairs: list[tuple[ModelSpec, Run]]) -> None:
    with pytest.raises(MeasureError):
        calibrate(pairs, RATES)


def test_this_machine_is_probed_and_calibrated_with_a_real_model() -> None:
    probed = probe(seconds=0.4)
    for rate in (probed.fp32_flop_per_s, probed.bytes_per_s):
        assert 0 < rate.median <= rate.best
        assert rate.repeats >= 1
    assert 1e9 < probed.fp32_flop_per_s.best < 1e13
    path = zoo.path("squeezenet1.1")
    spec, run = of_onnx(path), measure(path, seconds=0.5)
    found = calibrate([(spec, run)], probed)
    answer = predict(spec, found.device, precision="fp32", engine="onnxruntime", calibration=found.calibration())
    assert isinstance(answer, Prediction)
    assert answer.latency_ms is not None
    assert answer.latency_ms.mid == pytest.approx(1000 * float(np.median(run.samples_s)), rel=0.2)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_calibrates_and_predicts_with_the_record(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "machine.toml"
    assert main(["calibrate", "digits", "--seconds", "0.3", "--out", str(record), "--lang", lang]) == 0
    told = capsys.readouterr().out
    assert "digits" in told
    assert this_machine().cpu in told
    found = MachineCalibration.from_toml(record.read_text(encoding="utf-8"))
    assert found.models == ("digits",)
    assert main(["predict", "--model", "resnet50", "--calibration", str(record), "--json", "--lang", lang]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["fidelity"] == "calibrated"
    assert answer["latency_ms"]["low"] < answer["latency_ms"]["mid"] < answer["latency_ms"]["high"]


def test_a_file_that_is_no_record_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.toml"
    file.write_text('format = "something else"', encoding="utf-8")
    assert main(["predict", "--model", "resnet50", "--calibration", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ([], "device"),
        (["--calibration", "nowhere.toml"], "nowhere.toml"),
        (["--calibration", "nowhere.toml", "--device", "nvidia-t4"], "--device"),
    ],
)
def test_a_machine_is_named_once(asked: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--model", "resnet50", *asked]) == 2
    assert word in capsys.readouterr().err


def test_runs_of_a_calibration_that_fails_later_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path))
    assert main(["calibrate", "digits", "no-such-net", "--seconds", "0.5"]) == 2
    assert len(Store().ids("run")) == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_calibration_that_cannot_be_kept_is_printed_all_the_same(
    lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "file"))
    assert main(["calibrate", "digits", "--seconds", "0.3", "--lang", lang]) == 2
    said = capsys.readouterr()
    assert MachineCalibration.from_toml(said.out).models == ("digits",)
    assert str(tmp_path / "file") in said.err
