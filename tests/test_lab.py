import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from scipy.stats import binom

from advisor.errors import AdvisorError, MeasureError, MissingExtraError, ModelFileError, UnknownIdError
from advisor.lab import Measurement, Run, child, jobs, machine, measure, processes, this_machine, zoo
from advisor.lab.run_parts import ColdStart, Memory, Throttling, WarmUp
from advisor.lab.runs import needed_samples
from advisor.lab.words import run_json, run_text
from advisor.results import Interval
from advisor.text import languages

DEADLINE_S = 60.0


def run_of(samples_s: np.ndarray, **changes: object) -> Run:
    given_fields: dict[str, object] = {
        "model": "digits", "sha256": "ab" * 32, "samples_s": samples_s, "batch": 1, "threads": 1,
        "providers": ("CPUExecutionProvider",), "inputs": (("image", (1, 1, 8, 8)),),
        "started": "2026-11-25T04:00:00+00:00",
        "machine": this_machine(), "versions": (("python", "3.11.7"), ("onnxruntime", "1.32.0")),
        "warm_up": WarmUp(10, 0.1, steady=True), "delay_share": 0.01, "cancelled": False,
        "assumptions": (("dynamic_axis", (("axis", "batch"), ("size", 1))),),
    }  # fmt: skip
    return Run(**(given_fields | changes))  # type: ignore[arg-type]


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def model_file(path: Path, shape: list[int | str], kind: int = TensorProto.FLOAT, operator: str = "Neg") -> Path:
    inputs = [helper.make_tensor_value_info("x", kind, shape)]
    outputs = [helper.make_tensor_value_info("y", kind, None)]
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], "g", inputs, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


# Measuring


def test_a_measurement_of_the_classifier() -> None:
    parts: list[np.ndarray] = []
    start = time.perf_counter()
    run = measure("digits", seconds=1, on_samples=parts.append)
    wall_s = time.perf_counter() - start
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate(parts), run.samples_s)
    assert (run.samples_s > 0).all()
    assert run.samples_s.sum() <= wall_s
    assert wall_s >= 1
    assert (run.model, run.batch, run.threads, run.cancelled) == ("digits", 1, 1, False)
    assert run.inputs == (("image", (1, 1, 8, 8)),)
    assert run.warm_up.runs >= 10
    assert run.sha256 == jobs.job("digits", threads=1, batch=1, seconds=1, providers=None).sha256
    assert len(run.sizes) == len(run.began_s) == len(run.canary_s) == 20
    assert sum(run.sizes) == len(run.samples_s)
    assert (run.began_s[0], list(run.began_s)) == (0.0, sorted(run.began_s))
    assert run.throttling is not None
    assert run.samples_s.sum() < run.throttling.span_s < wall_s
    assert run.cold_start is not None
    assert 0 < run.cold_start.first_run_s < run.cold_start.total_s < wall_s
    assert run.memory is not None
    assert 10e6 < run.memory.imported_bytes < run.memory.loaded_bytes <= run.memory.end_bytes <= run.memory.peak_bytes
    assert run.drift is not None
    assert not children()


def test_bursts_are_spread_over_the_time_that_was_asked_for() -> None:
    start = time.monotonic()
    run = measure("digits", seconds=0.2, bursts=4, over=2)
    assert time.monotonic() - start >= 1.5
    assert len(run.sizes) == 4
    for begun, due in zip(run.began_s, (0.0, 0.5, 1.0, 1.5), strict=True):
        assert begun >= due - 0.05, "a burst that begins before it is due"


def test_the_batch_fills_the_dynamic_axis() -> None:
    run = measure(zoo.path("digits"), batch=64, threads=2, seconds=0.2)
    assert run.inputs == (("image", (64, 1, 8, 8)),)
    assert (run.model, run.threads) == ("digits.onnx", 2)


def test_a_measurement_in_the_background_ends_with_its_run() -> None:
    measurement = Measurement("digits", seconds=0.5)
    assert (measurement.state, measurement.progress, len(measurement.samples_s)) == ("ready", 0.0, 0)
    measurement.start()
    measurement.start()
    wait_until(lambda: measurement.state != "running")
    assert (measurement.state, measurement.progress, measurement.error) == ("done", 1.0, None)
    assert measurement.run is not None
    assert not measurement.run.cancelled
    np.testing.assert_array_equal(measurement.run.samples_s, measurement.samples_s)


def test_samples_stream_in_and_cancelling_ends_the_child_and_keeps_them() -> None:
    measurement = Measurement("digits", seconds=DEADLINE_S)
    measurement.start()
    wait_until(lambda: len(measurement.samples_s) > 0)
    first = len(measurement.samples_s)
    wait_until(lambda: len(measurement.samples_s) > first)
    assert (measurement.state, measurement.run) == ("running", None)
    assert 0 < measurement.progress < 1
    start = time.monotonic()
    measurement.cancel()
    wait_until(lambda: measurement.state != "running")
    assert time.monotonic() - start < 2
    assert (measurement.state, measurement.error) == ("cancelled", None)
    assert measurement.run is not None
    assert measurement.run.cancelled
    assert len(measurement.run.samples_s) == len(measurement.samples_s) > first
    assert not children()


def test_cancelling_before_the_first_sample_leaves_no_run() -> None:
    measurement = Measurement("digits", seconds=DEADLINE_S)
    measurement.cancel()
    assert measurement.state == "ready"
    measurement.start()
    measurement.cancel()
    wait_until(lambda: measurement.state != "running")
    assert (measurement.state, measurement.run, measurement.error) == ("cancelled", None, None)
    assert not children()


def test_a_killed_child_is_a_sentence_and_its_samples_stay() -> None:
    measurement = Measurement("digits", seconds=DEADLINE_S)
    measurement.start()
    wait_until(lambda: len(measurement.samples_s) > 0)
    for pid in children():
        psutil.Process(pid).kill()
    wait_until(lambda: measurement.state != "running")
    assert measurement.state == "failed"
    assert isinstance(measurement.error, MeasureError)
    assert measurement.error.code == "measure_crashed"
    assert len(measurement.samples_s) > 0


def test_the_child_ends_with_its_parent() -> None:
    program = "from advisor.lab import Measurement; import time\nm = Measurement('digits', seconds=60); m.start()\n"
    program += "while not len(m.samples_s): time.sleep(0.01)\nprint(m._child.pid, flush=True)\ntime.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize(
    ("stage", "code"),
    [("start", "measure_late_start"), ("measure", "measure_out_of_time")],
)
def test_a_stage_that_is_not_over_in_time_ends_the_measurement(
    stage: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = json.loads(json.dumps(jobs.settings()))
    table["child"]["limits_s"][stage] = -100
    monkeypatch.setattr(jobs, "settings", lambda: table)
    measurement = Measurement("digits", seconds=0.5)
    with pytest.raises(MeasureError) as caught:
        measurement.result()
    assert (caught.value.code, measurement.stage) == (code, stage)
    assert not children()


# Models that cannot be measured


def cut(path: Path) -> Path:
    whole = zoo.path("digits").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def with_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda home: cut(home / "cut.onnx"), "model_file_unreadable"),
        (lambda home: with_text(home / "notes.txt", "This is no model.\n" * 50), "model_file_unreadable"),
        (lambda home: with_text(home / "graph.json", "{}"), "model_file_unreadable"),
        (lambda home: with_text(home / "empty.onnx", ""), "model_file_empty"),
        (lambda home: home / "missing.onnx", "model_file_missing"),
        (lambda home: home, "model_file_missing"),
        (lambda home: model_file(home / "t.onnx", [1], TensorProto.STRING, "Identity"), "measure_input"),
        (lambda home: model_file(home / "t.onnx", [1], operator="NoSuchOperator"), "measure_runtime"),
        (lambda home: model_file(home / "t.onnx", [8, 3, 4, 4]), "measure_batch"),
        (lambda home: model_file(home / "t.onnx", [1], kind=99), "model_file_unreadable"),
    ],
)
def test_a_model_that_cannot_be_measured_is_one_sentence(
    make: Callable[[Path], Path], code: str, tmp_path: Path
) -> None:
    measurement = Measurement(make(tmp_path), seconds=1)
    measurement.start()
    wait_until(lambda: measurement.state != "running")
    assert measurement.state == "failed"
    assert isinstance(measurement.error, MeasureError | ModelFileError)
    assert measurement.error.code == code
    for lang in languages():
        words = measurement.error.in_language(lang)
        assert "\n" not in words
        assert "Traceback" not in words
    with pytest.raises(type(measurement.error)):
        measure(make(tmp_path), seconds=1)


def test_every_damage_to_a_file_is_a_sentence_or_a_job(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    whole = zoo.path("digits").read_bytes()
    for number in range(80):
        damaged = bytearray(whole if number % 2 else whole[: int(random.integers(1, len(whole)))])
        for place in random.integers(0, min(600, len(damaged)), 4):
            damaged[place] = int(random.integers(0, 256))
        path = tmp_path / "damaged.onnx"
        path.write_bytes(damaged)
        with suppress(AdvisorError):
            jobs.job(path, threads=1, batch=1, seconds=1, providers=None)


def test_a_name_that_is_neither_file_nor_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownIdError, match="digits"):
        measure("digts")


@pytest.mark.parametrize(
    "wish",
    [
        {"threads": 0},
        {"threads": 1.5},
        {"batch": -1},
        {"batch": True},
        {"seconds": 0},
        {"seconds": float("nan")},
        {"seconds": 1e9},
    ],
)
def test_a_number_out_of_bounds_names_field_value_and_way_out(wish: dict[str, float]) -> None:
    with pytest.raises(MeasureError) as caught:
        measure("digits", **wish)  # type: ignore[arg-type]
    ((field, value),) = wish.items()
    assert (caught.value.values["field"], caught.value.values["value"]) == (field, value)
    assert "..." in str(caught.value)


def test_a_provider_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(MeasureError, match=r"NoSuchProvider.*CPUExecutionProvider"):
        measure("digits", providers=["NoSuchProvider"])


def test_without_onnxruntime_the_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as caught:
        measure("digits")
    assert all('pip install "deployment-advisor[lab]"' in caught.value.in_language(lang) for lang in languages())


def test_axes_other_than_the_batch_are_assumed_and_said(tmp_path: Path) -> None:
    path = model_file(tmp_path / "ids.onnx", ["batch_size", "sequence_length"], TensorProto.INT64)
    run = measure(path, batch=3, seconds=0.2)
    assert run.inputs == (("x", (3, 128)),)
    assert ("dynamic_axis", (("axis", "sequence_length"), ("size", 128))) in run.assumptions
    assert "sequence_length" in run_text(run)


def test_a_first_axis_that_is_a_sequence_is_no_batch(tmp_path: Path) -> None:
    path = model_file(tmp_path / "ids.onnx", ["seq_len"], TensorProto.INT64)
    assert jobs.job(path, threads=1, batch=1, seconds=1, providers=None).inputs == (("x", (128,)),)


# The loop of the child


class Clock:
    """Time that passes in the inference alone."""

    def __init__(self, inferences_s: Iterator[float]) -> None:
        self.now_s = 0.0
        self.inferences_s = inferences_s

    def inference(self, *_: object) -> None:
        self.now_s += next(self.inferences_s)

    def perf_counter(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def perf_counter_ns(self) -> int:
        return round(self.now_s * 1e9)


RULE = {"windows": 3, "agreement": 0.05, "least_runs": 10, "window_runs": 2, "window_s": 0.0}


@pytest.mark.parametrize(
    ("inferences_s", "runs", "steady"),
    [
        (itertools.repeat(0.01), 10, True),
        (itertools.chain([0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.02], itertools.repeat(0.01)), 14, True),
        (itertools.chain([0.011] * 9, itertools.repeat(0.0106)), 10, True),
        (itertools.cycle([0.01, 0.01, 0.02, 0.02]), 133, False),
    ],
)
def test_warm_up_ends_when_windows_agree_and_says_when_they_do_not(
    inferences_s: Iterator[float], runs: int, steady: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(inferences_s)
    monkeypatch.setattr(child, "time", clock)
    facts = child.warmed_up(clock.inference, seconds=1.985, **RULE)  # type: ignore[arg-type]
    assert (facts["runs"], facts["steady"]) == (runs, steady)
    assert facts["seconds"] == clock.now_s


TIMES = {"flush_s": 0.1, "stretch_s": 0.025, "settle_s": 0.0}


def parts_of(clock: Clock, **wishes: float) -> list[dict[str, object]]:
    usual = {"seconds": 0.4, "over": 0.0, "count": 2, **TIMES}
    inference = child.Inference(clock.inference, [], {})
    return list(child.bursts(inference, lambda: 0.001, lambda: None, **(usual | wishes)))  # type: ignore[arg-type]


def test_every_part_is_handed_on_when_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(itertools.repeat(0.01))
    monkeypatch.setattr(child, "time", clock)
    parts = list(child.samples(child.Inference(clock.inference, [], {}), lambda: None, seconds=0.3, **TIMES))
    assert [part["samples_ns"] for part in parts] == [[10_000_000] * 10] * 3
    assert [part["elapsed_ns"] for part in parts] == [100_000_000] * 3


def test_bursts_share_the_seconds_and_begin_when_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(itertools.repeat(0.01))
    monkeypatch.setattr(child, "time", clock)
    parts = parts_of(clock, over=6.0)
    assert [part["began_s"] for part in parts if "began_s" in part] == [0.0, 3.0]
    assert ["began_s" in part for part in parts] == [True, False, True, False]
    assert [len(part["samples_ns"]) for part in parts] == [10] * 4  # type: ignore[arg-type]
    assert clock.now_s == pytest.approx(3.2)


def test_inferences_before_a_burst_settle_untimed_where_they_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(itertools.chain([0.5], itertools.repeat(0.01)))
    monkeypatch.setattr(child, "time", clock)
    (part,) = parts_of(clock, seconds=0.1, count=1, settle_s=0.005)
    assert part["samples_ns"] == [10_000_000] * 10


def test_long_inferences_make_fewer_bursts_of_one_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(itertools.repeat(5.0))
    monkeypatch.setattr(child, "time", clock)
    parts = parts_of(clock, seconds=12.0, count=20, settle_s=0.002)
    assert [part["samples_ns"] for part in parts] == [[5_000_000_000]] * 3
    assert clock.now_s == 20.0, "one inference settles the first burst alone"


def test_an_inference_that_becomes_slow_ends_the_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(itertools.chain([0.001] * 30, itertools.repeat(0.03)))
    monkeypatch.setattr(child, "time", clock)
    (part,) = parts_of(clock, seconds=0.1, count=1)
    assert sum(part["samples_ns"]) <= 0.1e9 + 26 * 0.03e9  # type: ignore[call-overload]


def test_waits_for_a_processor_between_parts_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(itertools.repeat(0.01))
    monkeypatch.setattr(child, "time", clock)
    readings = iter([100, 107, 500, 511])
    inference = child.Inference(clock.inference, [], {})
    parts = child.samples(inference, lambda: next(readings), seconds=0.2, **TIMES)
    assert [part["waited_ns"] for part in parts] == [7, 11]


def test_the_child_leaves_parent_less_jobs() -> None:
    """A child whose stdin is closed at once does not stay."""
    environment = os.environ | {"PYTHONPATH": str(processes.PACKAGES)}
    task = jobs.job("digits", threads=1, batch=1, seconds=DEADLINE_S, providers=None).message
    ended = subprocess.run(
        [sys.executable, "-m", "advisor.lab.child"], input=json.dumps(task) + "\n", env=environment, text=True,
        capture_output=True, timeout=DEADLINE_S / 2, check=False,
    )  # fmt: skip
    assert ended.returncode != 0


def test_what_libraries_print_does_not_reach_the_parent() -> None:
    program = (
        "import os; from advisor.lab.child import _private_stdout as p; c = p(); os.write(1, b'noise'); c.write('job')"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("job", "noise")


# Quantiles


@pytest.mark.parametrize(("q", "needed"), [(0.9, 64), (0.95, 130), (0.99, 662), (0.999, 6636)])
def test_a_quantile_needs_as_many_samples_as_mlperf_asks(q: float, needed: int) -> None:
    assert needed_samples(q) == needed
    assert run_of(np.arange(1.0, needed)).quantile(q) is None
    assert run_of(np.arange(1.0, needed + 1)).quantile(q) is not None


def test_the_median_needs_a_few_samples_too() -> None:
    assert run_of(np.ones(needed_samples(0.5) - 1)).quantile(0.5) is None
    assert 5 < needed_samples(0.5) < 64


@pytest.mark.parametrize("q", [0.0, 1.0, -1.0, 2.0, float("nan")])
def test_no_quantile_outside_0_and_1(q: float) -> None:
    with pytest.raises(MeasureError):
        run_of(np.ones(10)).quantile(q)


@given(st.integers(1, 5000), st.sampled_from([0.1, 0.5, 0.9, 0.95, 0.99]), st.integers(0, 2**32 - 1))
def test_the_interval_covers_at_least_what_it_says(n: int, q: float, seed: int) -> None:
    ranks = np.random.default_rng(seed).permutation(n) + 1.0
    interval = run_of(ranks).quantile(q)
    if interval is None:
        assert n < 2 * needed_samples(q)
        return
    assert interval.mid == np.quantile(ranks, q, method="inverted_cdf")
    assert binom.cdf(interval.high - 1, n, q) - binom.cdf(interval.low - 1, n, q) >= 0.95
    narrower = binom.cdf(interval.high - 2, n, q) - binom.cdf(interval.low, n, q)
    assert narrower < 0.95


@given(st.integers(662, 3000), st.floats(0.1, 3), st.floats(0.5, 4), st.integers(0, 2**32 - 1))
def test_quantiles_rise_with_q_and_scale_with_the_samples(n: int, spread: float, factor: float, seed: int) -> None:
    samples = np.random.default_rng(seed).lognormal(-5, spread, n)
    run, scaled = run_of(samples), run_of(samples * factor)
    found = [run.quantile(q) for q in (0.5, 0.9, 0.99)]
    for lower, upper in itertools.pairwise(found):
        assert lower is not None
        assert upper is not None
        assert (lower.low, lower.mid, lower.high) <= (upper.low, upper.mid, upper.high)
    assert found[2] is not None
    assert scaled.quantile(0.99).mid == pytest.approx(found[2].mid * factor)  # type: ignore[union-attr]


@given(st.integers(2, 40), st.sampled_from([0.5, 0.9, 0.99]), st.floats(0, 0.5), st.integers(0, 2**32 - 1))
def test_bursts_never_make_an_interval_narrower(bursts: int, q: float, apart: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    each = -(-needed_samples(q) // bursts) + 2
    samples = (random.lognormal(-5, 0.1, (bursts, each)) * random.lognormal(0, apart, (bursts, 1))).ravel()
    alone, together = run_of(samples).quantile(q), run_of(samples, sizes=(each,) * bursts).quantile(q)
    assert alone is not None
    assert together is not None
    assert together.low <= alone.low <= alone.mid == together.mid <= alone.high <= together.high


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_an_interval_of_bursts_covers_what_one_of_independent_samples_misses(q: float) -> None:
    random = np.random.default_rng(3)
    truth = np.quantile(random.lognormal(0, 0.05 * 2**0.5, 1_000_000), q)
    alone, together = 0, 0
    for _ in range(300):
        samples = (random.lognormal(0, 0.05, (20, 1)) * random.lognormal(0, 0.05, (20, 50))).ravel()
        found = (run_of(samples).quantile(q), run_of(samples, sizes=(50,) * 20).quantile(q))
        alone += found[0].low <= truth <= found[0].high  # type: ignore[union-attr]
        together += found[1].low <= truth <= found[1].high  # type: ignore[union-attr]
    assert alone < 0.5 * 300
    assert together >= 0.9 * 300


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_an_interval_of_bursts_of_independent_samples_covers_what_it_says(q: float) -> None:
    random = np.random.default_rng(4)
    held = 0
    for _ in range(800):
        found = run_of(random.random(1000), sizes=(50,) * 20).quantile(q)
        held += found.low <= q <= found.high  # type: ignore[union-attr]
    assert 0.94 <= held / 800 <= 0.985


def test_verdict() -> None:
    run = run_of(np.linspace(0.001, 0.010, 2000))
    interval = run.quantile(0.99)
    assert interval is not None
    assert run.verdict(interval.high) == "pass"
    assert run.verdict(np.nextafter(interval.low, 0)) == "fail"
    assert run.verdict(interval.mid) == "undecided"
    assert run.verdict(interval.low) == "undecided"
    assert run_of(np.full(100, 0.001)).verdict(1.0) == "undecided"
    assert run_of(np.full(100, 0.001)).verdict(1.0, q=0.9) == "pass"


# Runs


def test_saving_never_writes_over_and_loads_the_same(tmp_path: Path) -> None:
    run = run_of(
        np.random.default_rng(0).random(50), delay_share=None, cancelled=True, sizes=(20, 30), began_s=(0.0, 1.5),
        canary_s=(0.001, 0.002), cold_start=ColdStart(0.3, 0.1, 0.01), memory=Memory(1, 2, 3, 4),
        throttling=Throttling(2.0, 3, 0.5, None, (1e9, 2e9)), precision="int8", variant="dynamic",
    )  # fmt: skip
    first, second = run.save(tmp_path / "new"), run.save(tmp_path / "new")
    assert first != second
    assert first.read_bytes() == second.read_bytes()
    again = Run.load(first)
    np.testing.assert_array_equal(again.samples_s, run.samples_s)
    for field in set(Run.__slots__) - {"samples_s"}:
        assert getattr(again, field) == getattr(run, field), field
    assert again.interfered is None


def test_a_run_of_the_first_format_is_read() -> None:
    record = run_of(np.ones(70)).record()
    later = ("sizes", "began_s", "canary_s", "cold_start", "memory", "throttling", "precision", "variant")
    old = {name: value for name, value in record.items() if name not in later} | {"format": 1}
    with tempfile.TemporaryDirectory() as home:
        run = Run.load(with_text(Path(home) / "old.json", json.dumps(old)))
    assert (run.sizes, run.cold_start, run.memory, run.throttling, run.drift) == ((), None, None, None, None)
    assert (run.precision, run.variant, run.quantile(0.9)) == ("fp32", None, Interval(1.0, 1.0, 1.0))


def test_samples_of_a_run_stay_as_they_are() -> None:
    given_samples = np.ones(3)
    run = run_of(given_samples)
    given_samples[0] = 5
    assert run.samples_s[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        run.samples_s[0] = 2


@pytest.mark.parametrize("text", ["", "{}", "[]", "no json", '{"format": 1}', '{"format": 99}'])
def test_a_file_that_holds_no_run_is_a_sentence(text: str, tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match=r"x\.json"):
        Run.load(with_text(tmp_path / "x.json", text))
    with pytest.raises(MeasureError, match="missing"):
        Run.load(tmp_path / "missing.json")


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match="--save"):
        run_of(np.ones(3)).save(with_text(tmp_path / "file", ""))


def test_interference_is_told_from_the_wait_for_a_processor() -> None:
    assert [run_of(np.ones(3), delay_share=share).interfered for share in (None, 0.0, 0.05, 0.06)] == [
        None,
        False,
        False,
        True,
    ]


# Machine


def test_the_record_of_this_machine() -> None:
    record = this_machine()
    assert record.cpu
    assert record.memory_bytes == psutil.virtual_memory().total
    assert 0 < record.usable_cpus <= record.logical_cpus


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 1.5),
        ("0::/\n", {"cpu.max": "50000 100000"}, 0.5),
        ("0::/a\n", {"a/cpu.max": "max 100000"}, None),
        ("4:cpu,cpuacct:/a\n0::/\n", {"cpu/a/cpu.cfs_quota_us": "200000", "cpu/a/cpu.cfs_period_us": "100000"}, 2.0),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("", {}, None),
    ],
)
def test_quota_of_a_control_group(membership: str, files: dict[str, str], quota: float | None, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        with_text(tmp_path / name, text)
    assert machine.control_group_quota(with_text(tmp_path / "membership", membership), tmp_path) == quota


# Words


@pytest.mark.parametrize("lang", languages())
def test_a_run_in_words(lang: str) -> None:
    few = run_text(run_of(np.full(100, 0.002), delay_share=0.5, cancelled=True), 5.0, lang)
    assert "562" in few
    assert "50.0 %" in few
    many = run_text(run_of(np.full(1000, 0.002), delay_share=None), 5.0, lang)
    assert "2" in many
    assert "562" not in many
    assert len(few.splitlines()) == len(set(few.splitlines()))


def test_a_run_as_json_has_every_sample_and_no_nan() -> None:
    run = run_of(np.full(100, 0.002))
    record = json.loads(json.dumps(run_json(run), allow_nan=False))
    assert record["samples_s"] == [0.002] * 100
    assert record["quantiles_ms"]["p99"] is None
    assert record["quantiles_ms"]["p90"] == {"low": 2.0, "mid": 2.0, "high": 2.0}
    assert record["missing_samples"] == {"p50": 0, "p90": 0, "p99": 562}


def test_the_lab_is_light_to_import_and_its_names_are_what_they_say() -> None:
    program = (
        "import sys, advisor.lab\n"
        "heavy = {'numpy', 'onnx', 'onnxruntime', 'scipy', 'psutil', 'pandas'} & set(sys.modules)\n"
        "import importlib, pkgutil\n"
        "[importlib.import_module(f'advisor.lab.{m.name}') for m in pkgutil.iter_modules(advisor.lab.__path__)]\n"
        "from advisor.lab import measure, Run, Measurement, this_machine, zoo\n"
        "print(heavy, callable(measure), callable(this_machine), callable(zoo.path))\n"
        "print(Run.__name__, Measurement.__name__)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert told == ["set()", "True", "True", "True", "Run", "Measurement"]
