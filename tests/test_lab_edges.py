"""What a measurement owes to its surroundings: threads asked for, files that shadow libraries, a wish to end it."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from advisor.errors import MeasureError
from advisor.lab import Measurement, measure, zoo


def threads_of_child(threads: int) -> int:
    measurement = Measurement("digits", seconds=30, threads=threads)
    measurement.start()
    end = time.monotonic() + 60
    while not len(measurement.samples_s) and time.monotonic() < end:
        time.sleep(0.01)
    (child,) = psutil.Process().children()
    count = child.num_threads()
    measurement.cancel()
    return count


def test_the_child_uses_as_many_threads_as_asked() -> None:
    assert threads_of_child(4) - threads_of_child(2) == 2


def test_a_file_beside_the_notebook_does_not_shadow_a_library(tmp_path: Path) -> None:
    for name in ("numpy", "json", "queue"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')", encoding="utf-8")
    home = Path(zoo.__file__).resolve().parents[2]
    start = f"import sys; sys.path.insert(0, {str(home)!r}); from advisor.lab import measure"
    program = f"{start}; print(len(measure('digits', seconds=0.2).samples_s))"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_an_event_ends_the_measurement_and_keeps_the_samples() -> None:
    wish = threading.Event()
    run = measure("digits", seconds=60, on_samples=lambda _: wish.set(), cancel=wish)
    assert run.cancelled
    assert len(run.samples_s) > 0
    assert not psutil.Process().children()
    with pytest.raises(MeasureError):
        measure("digits", seconds=60, cancel=wish)


@pytest.mark.parametrize("slo_s", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_objective_is_refused(slo_s: float) -> None:
    run = measure("digits", seconds=0.2)
    with pytest.raises(MeasureError):
        run.verdict(slo_s)


@pytest.mark.parametrize("count", [2.5, "3", True, 0, -1])
def test_a_count_of_pictures_is_a_whole_number(count: object) -> None:
    with pytest.raises(MeasureError):
        zoo.pictures(count)  # type: ignore[arg-type]


def test_no_provider_is_no_wish_for_the_default() -> None:
    with pytest.raises(MeasureError):
        measure("digits", seconds=0.2, providers=[])
    assert np.isfinite(measure("digits", seconds=0.2, providers=["CPUExecutionProvider"]).samples_s).all()
