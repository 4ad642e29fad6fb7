"""What must hold for the fit of the latency coefficients, on a small real sample and on rows of known coefficients."""

import csv
import shutil
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "data" / "measured-small"
SETTINGS = ROOT / "tests" / "data" / "calibrations"
FILES = (
    "latency.csv",
    "effects.csv",
    "engine_factors.csv",
    "threads.csv",
    "balance.csv",
    "llm.csv",
    "llm_engine_factors.csv",
    "latency.toml",
)

sys.path.insert(0, str(ROOT / "tools"))

import fit_effects  # noqa: E402
import fit_latency  # noqa: E402
import fit_llm  # noqa: E402
import measured_rows  # noqa: E402
import roofline_fit  # noqa: E402

DATED = "2026-11-25"


@pytest.fixture(scope="module")
def settings() -> dict:
    return tomllib.loads((SETTINGS / "settings.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def engines() -> list[dict]:
    return tomllib.loads((SETTINGS / "engines.toml").read_text(encoding="utf-8"))["engines"]


@pytest.fixture(scope="module")
def refitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("calibrations")
    fit_latency.fitted(SAMPLE, SAMPLE / "records", SETTINGS, out, DATED)
    return out


def test_same_rows_give_the_same_coefficients_as_committed(refitted: Path) -> None:
    for name in FILES[:-1]:
        ours, kept = (list(csv.reader((folder / name).open(encoding="utf-8"))) for folder in (refitted, SETTINGS))
        assert len(ours) == len(kept), name
        for line, known in zip(ours, kept, strict=True):
            for value, wanted in zip(line, known, strict=True):
                assert value == wanted or float(value) == pytest.approx(float(wanted), rel=1e-3), (name, line)


def test_same_rows_give_the_same_bytes(tmp_path: Path, settings: dict, engines: list[dict]) -> None:
    for run in ("one", "two"):
        rows = sample_rows(settings, engines)
        (tmp_path / run).mkdir()
        model = fit_latency.Model(rows, {}, settings, devices=True)
        roofline_fit.write(tmp_path / run / "engines.csv", roofline_fit.engine_table(model.engines, ["kind", "engine"]))
        none = {("*", "*"): (0.5, 2.0), ("*", "*", "*"): (0.5, 2.0)}
        roofline_fit.write(tmp_path / run / "latency.csv", fit_latency.latency_lines(model, rows, none, none))
    for name in ("engines.csv", "latency.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def sample_rows(settings: dict, engines: list[dict]) -> pd.DataFrame:
    devices = measured_rows.records(SAMPLE / "records")
    weight_bytes = {"fp32": 4.0, "fp16": 2.0, "int8": 1.0, "fp8": 1.0, "int4": 0.5625}
    rows = measured_rows.one_shot(measured_rows.read(SAMPLE, devices, settings, engines), weight_bytes, settings)
    return fit_effects.effect_columns(rows, settings)


def known_rows(efficiency: float, overhead_s: float, noise: float) -> pd.DataFrame:
    random = np.random.default_rng(11)
    count, devices = 40, 6
    rows = pd.DataFrame({
        "kind": "gpu-datacenter", "format": "fp16", "engine_id": "", "waits": 1.0, "units": 1.0, "batch": 1.0,
        "group": np.repeat([f"device {n}" for n in range(devices)], count), "name": "", "id": "x", "threads": np.nan,
        "model": np.tile([f"model {n}" for n in range(count)], devices),
        "roof": 10 ** random.uniform(-5, -1, count * devices), "params_m": 25.0, "gmacs": 4.0, "notes": "",
        "family": "cnn", "metric": "latency",
    })  # fmt: skip
    rows = rows.assign(compute=rows["roof"], memory=0.0, peak=1e12, bandwidth=np.nan)
    rows = fit_effects.effect_columns(rows, tomllib.loads((SETTINGS / "settings.toml").read_text(encoding="utf-8")))
    y = (overhead_s + rows["roof"] / efficiency) * np.exp(noise * random.standard_normal(len(rows)))
    return measured_rows.weighed(rows.assign(y=y))


@pytest.mark.parametrize(("efficiency", "overhead_s"), [(0.6, 0.0005), (0.1, 0.003)])
def test_fit_recovers_known_coefficients(settings: dict, efficiency: float, overhead_s: float) -> None:
    model = fit_latency.Model(known_rows(efficiency, overhead_s, noise=0.1), {}, settings, devices=True)
    for key in (("gpu-datacenter", "fp16", "*"), ("gpu-datacenter", "fp16", "device 3")):
        assert np.exp(model.fits[key]) == pytest.approx([efficiency, overhead_s], rel=0.1)


def test_fit_shrugs_off_a_tenth_of_absurd_rows(settings: dict) -> None:
    rows = known_rows(0.4, 0.001, noise=0.05)
    rows.loc[::10, "y"] *= 50
    model = fit_latency.Model(rows, {}, settings, devices=False)
    assert np.exp(model.fits["gpu-datacenter", "fp16", "*"]) == pytest.approx([0.4, 0.001], rel=0.15)


def test_large_batches_say_nothing_about_the_overhead(settings: dict) -> None:
    rows = known_rows(0.4, 0.001, noise=0.05)
    hidden = rows.assign(batch=256.0, compute=rows["roof"] * 256, y=0.05 + rows["roof"] * 256 / 0.4)
    both = measured_rows.weighed(pd.concat([rows, hidden], ignore_index=True))
    model = fit_latency.Model(both, {}, settings, devices=False)
    assert np.exp(model.fits["gpu-datacenter", "fp16", "*"][1]) == pytest.approx(0.001, rel=0.15)


def test_fit_recovers_thread_scaling(settings: dict) -> None:
    rows = known_rows(0.4, 0.001, noise=0.0).assign(kind="cpu-edge-arm", threads=1.0)
    threads = np.resize([1.0, 2.0, 4.0, 8.0], len(rows))
    rows = rows.assign(name=rows["group"], threads=threads, units=threads, roof=rows["roof"] / threads)
    rows["y"] = 0.001 + rows["roof"] * threads ** (1 - 0.7) / 0.4
    gamma, _, devices = fit_latency.thread_scaling(rows, settings)["cpu-edge-arm"]
    assert devices == 6
    assert gamma == pytest.approx(0.7, abs=0.02)


def test_engine_factor_is_the_shrunken_median_over_devices(settings: dict) -> None:
    rows = pd.DataFrame({"engine": ["a"] * 4 + ["b"] * 2, "group": ["x", "x", "y", "y", "x", "y"]})
    residual = pd.Series(np.log([2.0, 2.0, 2.0, 2.0, 1.0, 1.0]))
    found = roofline_fit.engine_factors(
        residual, [pd.Series(["kind"] * 6), rows["engine"]], rows["group"], settings["fit"]
    )
    prior = settings["fit"]["engine_prior_devices"]
    assert found["kind", "a"][0] == pytest.approx(2.0 ** (2 / (2 + prior)))
    assert found["kind", "a"][1:] == (4, 2)
    assert found["kind", "b"][0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("licence", "enters"),
    [
        ("Apache-2.0", True),
        ("Apache-2.0 (repo LICENSE.md); MLPerf results usage per MLCommons policy", True),
        ("BSD-3-Clause style (see LICENSE)", True),
        ("MIT (repo LICENSE)", True),
        ("AGPL-3.0 repo (facts only)", False),
        ("MIT/GPL (facts only)", False),
        ("CC-BY-SA-4.0 docs (facts)", False),
        ("not stated in repo (facts only)", False),
        ("NVIDIA DeepLearningExamples (per-model licences; facts only)", False),
        ("ST SLA (facts only)", False),
        ("", False),
    ],
)
def test_only_permissive_licences_enter(settings: dict, licence: str, enters: bool) -> None:
    assert measured_rows.permissive(pd.Series([licence]), settings["licence"]).tolist() == [enters]


def test_a_copyleft_row_does_not_move_the_fit(tmp_path: Path, settings: dict, engines: list[dict]) -> None:
    folder = tmp_path / "measured"
    shutil.copytree(SAMPLE, folder)
    rows = pd.read_csv(folder / "judged.csv")
    tainted = rows.assign(licence="AGPL-3.0 repo (facts only)", measured_s=rows["measured_s"] * 100)
    pd.concat([rows, tainted]).to_csv(folder / "judged.csv", index=False)
    devices = measured_rows.records(SAMPLE / "records")
    assert len(measured_rows.read(folder, devices, settings, engines)) == len(
        measured_rows.read(SAMPLE, devices, settings, engines)
    )


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("TensorRT 8.6.0, CUDA 12.0", "tensorrt"), ("TensorRT-LLM v0.9-0.10", "tensorrt-llm"),
        ("trtllm 1.2.0rc6", "tensorrt-llm"), ("Triton 2.1 , CUDA 11", "triton"), ("ONNX Runtime", "onnxruntime"),
        ("MLCommons reference implementation with CM API, Onnxruntime v1.15", "onnxruntime"),
        ("MLCommons reference implementation with CM API, Tensorflow v2.19", "tensorflow"), ("MLC LLM", "mlc"),
        ("PyTorch 2.21 torch.compile nchw", "pytorch-compile"),
        ("PyTorch 2.10 eager nchw", "pytorch"),
        ("PyTorch 2.10 eager nhwc", "pytorch-nhwc"), ("tflite vmaster", "litert"),
        ("OpenVINO 2024.1 benchmark_app", "openvino"), ("ollama/llama.cpp", "llama.cpp"), ("vllm 0.19.0", "vllm"),
        ("CANN ATC/ACL", "cann"), ("HailoRT / DFC", "hailort"), ("RKNN (rknn-toolkit2)", "rknn"),
        ("edgetpu basic_engine", "coral"), ("suInfer", ""),
    ],
)  # fmt: skip
def test_published_engine_names_become_ids(engines: list[dict], name: str, engine: str) -> None:
    assert measured_rows.engine_ids(pd.DataFrame({"engine": [name]}), engines).tolist() == [engine]


RESULTS = "github:mlcommons/inference_results_v3.0"


@pytest.mark.parametrize(
    ("name", "source", "engine"),
    [
        ("PyTorch", f"{RESULTS}/closed/Intel/results", "pytorch-tuned"),
        ("PyTorch", "github:user/models/README.md", "pytorch"),
        ("Pytorch v1.13.1", f"{RESULTS}/open/cTuning/results/t4-reference-gpu-pytorch-v1.13.1/bert-99", "pytorch"),
        ("pytorch v2.7.1", f"{RESULTS}/closed/GATEOverflow/results/x-reference-gpu-pytorch/retinanet", "pytorch"),
        ("TensorRT 7.2.3, CUDA 11.1", f"{RESULTS}/open/Alibaba/results/T4x1_TRT/resnet50", "tensorrt-tuned"),
        ("TensorRT v8.5.2.2", f"{RESULTS}/open/cTuning/results/t4-nvidia_original-gpu-x/bert-99", "tensorrt-tuned"),
        ("CUDA 12.0", f"{RESULTS}/open/Supermicro/results/A100X4_751GE_TRT/resnet50", "tensorrt-tuned"),
        ("OpenVINO", f"{RESULTS}/open/Intel/results/1-node-2S-SPR-OpenVINO-INT8/bert-99", "openvino-tuned"),
        ("OpenVINO", "github:openvinotoolkit/openvino/benchmarks", "openvino"),
        ("tflite vmaster", f"{RESULTS}/open/GATEOverflow/results/pi4-tflite_cpp/mobilenet-v1", "litert"),
    ],
)  # fmt: skip
def test_what_vendors_tuned_for_mlperf_is_no_stock_runtime(
    engines: list[dict], name: str, source: str, engine: str
) -> None:
    rows = pd.DataFrame({"engine": [name], "source": [source]})
    assert measured_rows.engine_ids(rows, engines).tolist() == [engine]


@pytest.mark.parametrize(
    ("source", "enters"),
    [
        (f"{RESULTS}/closed/Alibaba/results/T4x1_TRT/resnet50", True),
        (f"{RESULTS}/open/Alibaba/results/T4x1_TRT/resnet50", False),
        (f"{RESULTS}/open/Intel/results/1-node-2S-SPR-OpenVINO-INT8/bert-99_jpqd-mobilebert", False),
        (f"{RESULTS}/open/Krai/results/chai/bert-99_obert_mobilebert_50sparse_qat", False),
        (f"{RESULTS}/open/NeuralMagic/results/nm192ca_genoa_deepsparse/bert-99", False),
        (f"{RESULTS}/open/NeuralMagic/results/nm192ca_genoa_onnxruntime/bert-99", True),
        (f"{RESULTS}/open/cTuning/results/x-nvidia_original-gpu-tensorrt/bert-99", True),
        (f"{RESULTS}/open/GATEOverflow/results/pi4-tflite_cpp/mobilenet-v1-precision_float-1.0-224", True),
        ("github:user/models/README.md", True),
        (None, True),
    ],
)
def test_a_row_whose_network_may_be_another_one_stays_out(settings: dict, source: str | None, enters: bool) -> None:
    assert measured_rows.as_named(pd.Series([source]), settings["open_division"]).tolist() == [enters]


def test_the_sample_is_read_without_what_an_open_division_may_have_changed(settings: dict, engines: list[dict]) -> None:
    there = pd.read_csv(SAMPLE / "judged.csv")["source"].astype(str)
    assert there.str.contains("/open/Intel/").sum() == 1
    read = measured_rows.read(SAMPLE, measured_rows.records(SAMPLE / "records"), settings, engines)
    assert not read["source"].astype(str).str.contains("/open/Intel/").any()


def test_measured_names_join_records_by_alias_and_count_virtual_cpus(settings: dict, engines: list[dict]) -> None:
    rows = sample_rows(settings, engines)
    sapphire = rows[rows["name"].eq("Intel Xeon Platinum 8490H")]
    assert set(sapphire["id"]) == {"intel-xeon-sapphire-rapids"}
    assert set(sapphire["units"]) == {120.0}
    assert set(rows.loc[rows["name"].eq("NVIDIA T4"), "units"]) == {1.0}


def test_every_pair_of_device_and_model_weighs_once(settings: dict, engines: list[dict]) -> None:
    rows = sample_rows(settings, engines)
    assert rows.groupby(["group", "model"])["pair"].sum().to_numpy() == pytest.approx(1.0)
    assert rows.groupby("group")["device_weight"].sum().to_numpy() == pytest.approx(1.0)


def test_committed_intervals_cover_the_sample(settings: dict, engines: list[dict]) -> None:
    from advisor.calibration import load_calibration
    from advisor.latency import service_s

    packed = load_calibration()
    rows = sample_rows(settings, engines)
    rows = rows[rows["waits"].eq(1)]
    found = packed.lookup(
        rows["id"].tolist(), rows["kind"].tolist(), rows["format"].tolist(), rows["engine_id"].tolist()
    )
    mid = service_s(work_flop=rows["gmacs"] * 2e9, weight_bytes=0.0, batch=rows["batch"], peak_flop_per_s=rows["peak"],
                    bandwidth_bytes_per_s=rows["bandwidth"], units=rows["units"], coefficients=found)  # fmt: skip
    inside = (rows["y"] >= mid * found.low_factor) & (rows["y"] <= mid * found.high_factor)
    assert np.average(inside, weights=rows["pair"]) > 0.7


@pytest.mark.parametrize("table", ["held_out_devices", "held_out_models"])
def test_committed_provenance_states_coverage_near_the_nominal_one(table: str) -> None:
    stated = tomllib.loads((ROOT / "data" / "calibrations" / "latency.toml").read_text(encoding="utf-8"))
    overall = next(line for line in stated[table] if line["kind"] == "*")
    assert overall["coverage"] == pytest.approx(0.8, abs=0.05)
    assert 1 < overall["median_factor"] < 2


def test_held_out_groups_are_never_in_the_fit_that_predicts_them(
    settings: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = known_rows(0.5, 0.001, 0.1)

    class Spy(fit_latency.Model):
        fitted_models: frozenset[str] | None = None

        def __init__(self, part: pd.DataFrame, *arguments: object, **options: object) -> None:
            super().__init__(part, *arguments, **options)
            self.fitted_models = frozenset(part["model"])

        def predicted(self, part: pd.DataFrame) -> np.ndarray:
            if self.fitted_models is not None:
                assert not self.fitted_models & set(part["model"])
            return super().predicted(part)

    monkeypatch.setattr(fit_latency, "Model", Spy)
    assert len(fit_latency.held_out(rows, "model", {}, settings)) == len(rows)


def test_language_rows_join_their_models_and_leave_out_encoders(settings: dict, engines: list[dict]) -> None:
    read = measured_rows.read(SAMPLE, measured_rows.records(SAMPLE / "records"), settings, engines)
    rows = fit_llm.language_rows(read, fit_llm.models_of(SAMPLE), settings)
    assert not set(rows["model"]) & set(settings["language"]["encoders"])
    assert (rows[["y", "active", "weight_bytes", "peak"]] > 0).all().all()
    llama = rows[rows["model"].eq("llama-2-70b") & rows["format"].eq("fp8")]
    assert set(llama["weight_bytes"]) == {68.977e9}


@pytest.mark.parametrize("exponent", [0.0, 0.5])
def test_fit_recovers_how_much_bandwidth_counts(settings: dict, exponent: float) -> None:
    rows = known_rows(0.4, 1e-6, noise=0.05)
    balance = np.repeat(10 ** np.linspace(1, 3, 6), len(rows) // 6)
    rows = rows.assign(bandwidth=rows["peak"] / balance)
    rows["y"] = rows["y"] * (balance / 100) ** exponent
    found, _, _, devices = fit_latency.Model(rows, {}, settings, devices=False).balances["gpu-datacenter"]
    assert devices == 6
    assert found == pytest.approx(exponent, abs=0.06)
