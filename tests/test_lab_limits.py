"""A model that crashes, never ends or eats the memory ends its own process alone, with one sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_lab import children, wait_until

from advisor.errors import AdvisorError, MeasureError, QuantityError
from advisor.lab import Measurement, guarding, jobs, measure, processes
from advisor.lab.watching import Watch
from advisor.text import languages

GENEROUS = {"start": 60, "load": 60, "first_run": 60, "measure": 60}
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="files of Linux")


def sleeper(program: str = "import time; time.sleep(60)") -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", program])


def verdict_of(child: "subprocess.Popen[bytes]", watch: Watch) -> str | None:
    with watch:
        child.wait(timeout=60)
    return watch.verdict


def test_a_watch_ends_a_stage_that_takes_too_long() -> None:
    child = sleeper()
    watch = Watch(child, GENEROUS | {"load": 0.2}, 1e15, 0.01)
    watch.enter("load")
    assert verdict_of(child, watch) == "load"
    assert child.returncode != 0


def test_time_counts_from_the_beginning_of_a_stage() -> None:
    child = sleeper("import time; time.sleep(1)")
    watch = Watch(child, GENEROUS | {"start": 0.8}, 1e15, 0.01)
    with watch:
        time.sleep(0.4)
        watch.enter("load")
        child.wait(timeout=60)
    assert (watch.verdict, child.returncode) == (None, 0)


def test_a_watch_ends_a_process_that_takes_too_much_memory() -> None:
    child = sleeper("import time; held = b'1' * 300_000_000; time.sleep(60)")
    assert verdict_of(child, Watch(child, GENEROUS, 150e6, 0.01)) == "memory"


def filled(path: Path, numbers: int) -> Path:
    """Model whose inference fills so many numbers."""
    nodes = [
        helper.make_node("Mul", ["x", "side"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["full"]),
        helper.make_node("ReduceSum", ["full"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]  # fmt: skip
    side = numpy_helper.from_array(np.array([numbers], np.int64), "side")
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [side])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("limit", ["400 MB", 400e6])
def test_a_model_that_needs_more_memory_than_allowed_is_a_sentence(limit: str | float, tmp_path: Path) -> None:
    with pytest.raises(MeasureError) as caught:
        measure(filled(tmp_path / "large.onnx", 500_000_000), seconds=0.2, memory_limit=limit)
    assert caught.value.code == "measure_memory"
    assert all("0.4 GB" in caught.value.in_language(lang) for lang in languages())
    assert not children()


def test_what_a_model_needs_is_in_its_run(tmp_path: Path) -> None:
    run = measure(filled(tmp_path / "some.onnx", 50_000_000), seconds=0.2, memory_limit="2 GB")
    assert run.memory is not None
    assert 200e6 < run.memory.peak_bytes - run.memory.loaded_bytes < 400e6


@pytest.mark.parametrize("limit", ["much", "4", 0, -1, float("nan"), True])
def test_a_limit_that_is_no_size_is_a_sentence(limit: object) -> None:
    with pytest.raises(AdvisorError) as caught:
        measure("digits", memory_limit=limit)  # type: ignore[arg-type]
    assert isinstance(caught.value, QuantityError if isinstance(limit, str) else MeasureError)


@on_posix
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGFPE"])
def test_a_crash_of_the_runtime_is_a_sentence_with_its_signal(name: str) -> None:
    measurement = Measurement("digits", seconds=60)
    measurement.start()
    wait_until(lambda: len(measurement.samples_s) > 0)
    (pid,) = children()
    os.kill(pid, getattr(signal, name))
    wait_until(lambda: measurement.state != "running")
    assert isinstance(measurement.error, MeasureError)
    assert measurement.error.code == "measure_fault"
    assert all(name in measurement.error.in_language(lang) for lang in languages())
    assert not children()


@pytest.mark.parametrize(
    ("status", "name", "fault"),
    [
        (0, None, None),
        (1, None, None),
        (-signal.SIGTERM, "SIGTERM", None),
        (-signal.SIGABRT, "SIGABRT", "SIGABRT"),
        (-200, "signal 200", "signal 200"),
        (0xC0000005, "STATUS_ACCESS_VIOLATION", "STATUS_ACCESS_VIOLATION"),
    ],
)
def test_exit_statuses_of_all_systems(status: int, name: str | None, fault: str | None, tmp_path: Path) -> None:
    child = sleeper("pass")
    child.wait()
    child.returncode = status
    with (tmp_path / "spoken").open("w+b") as spoken:
        spoken.write(b"first line\nlast line\n\n")
        assert processes.last_words(child, spoken) == (name or "last line")  # type: ignore[arg-type]
    assert processes.fault_of(child) == fault  # type: ignore[arg-type]


def state_of_child() -> psutil.Process:
    measurement = Measurement("digits", seconds=60)
    measurement.start()
    wait_until(lambda: len(measurement.samples_s) > 0)
    (pid,) = children()
    return psutil.Process(pid)


@on_linux
def test_a_child_dies_first_when_memory_runs_out_leaves_no_dump_and_has_a_group_of_its_own() -> None:
    process = state_of_child()
    try:
        assert Path(f"/proc/{process.pid}/oom_score_adj").read_text(encoding="ascii").strip() == "1000"
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert os.getpgid(process.pid) == process.pid != os.getpgid(0)
    finally:
        process.kill()
    wait_until(lambda: not children())


@on_posix
def test_a_child_ends_in_time_even_when_python_never_gets_its_turn() -> None:
    program = "from advisor.lab import guarding; guarding.end_after(0.3); import re; re.match('(a*)*b', 'a' * 60)"
    environment = os.environ | {"PYTHONPATH": str(processes.PACKAGES)}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, timeout=60, check=False)
    assert ended.returncode == -signal.SIGALRM


def test_a_child_ends_in_time() -> None:
    program = "import time; from advisor.lab import guarding; guarding.end_after(0.3); time.sleep(60)"
    environment = os.environ | {"PYTHONPATH": str(processes.PACKAGES)}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, timeout=50, check=False)
    assert ended.returncode in (-getattr(signal, "SIGALRM", 0), guarding.CRASHED)


def test_each_stage_has_a_limit_and_the_child_a_later_one() -> None:
    usual = {"threads": 1, "batch": 1, "providers": None}
    task = jobs.job("digits", seconds=10, bursts=20, over=100, **usual)  # type: ignore[arg-type]
    table = jobs.settings()["child"]
    assert set(task.limits_s) == set(GENEROUS)
    assert task.limits_s["measure"] == table["limits_s"]["measure"] + 110 + 20 * table["pause_s"]
    assert task.message["limit_s"] > sum(task.limits_s.values())
    json.dumps(task.message)
