"""Whether a run was held back or slowed down, and what its words make of that."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_lab import run_of

from advisor.lab import machine, surroundings
from advisor.lab.drifting import trend
from advisor.lab.harvest import Harvest
from advisor.lab.run_parts import Throttling
from advisor.lab.runs import Run
from advisor.lab.words import run_json, run_text
from advisor.text import languages

BURSTS, EACH = 30, 40
AT = np.linspace(0, 60, BURSTS)
FLAT = np.ones(BURSTS)
RISING = np.linspace(1, 1.2, BURSTS)


def sustained(times: np.ndarray, canary: np.ndarray | None, **changes: object) -> Run:
    noise = np.random.default_rng(0)
    samples = 0.01 * times[:, None] * noise.lognormal(0, 0.01, (BURSTS, EACH))
    own = () if canary is None else tuple(0.001 * canary * noise.lognormal(0, 0.005, BURSTS))
    fields = {"sizes": (EACH,) * BURSTS, "began_s": tuple(AT), "canary_s": own}
    return run_of(samples.ravel(), **(fields | changes))


@pytest.mark.parametrize(
    ("times", "canary", "cause"),
    [
        (FLAT, FLAT, "none"),
        (FLAT, RISING, "none"),
        (RISING, RISING, "machine"),
        (RISING, FLAT, "model"),
        (RISING[::-1], RISING[::-1], "machine"),
        (RISING[::-1], FLAT, "model"),
        (RISING, None, "unknown"),
        (RISING, np.linspace(1, 1.5, BURSTS), "machine"),
    ],
)
def test_the_cause_of_a_drift(times: np.ndarray, canary: np.ndarray | None, cause: str) -> None:
    drift = sustained(times, canary).drift
    assert drift is not None
    assert drift.cause == cause
    assert drift.span_s == 60
    assert drift.change.low <= times[-1] / times[0] - 1 <= drift.change.high
    assert (drift.machine is None) == (canary is None)


def test_few_bursts_tell_no_drift() -> None:
    assert run_of(np.ones(70), sizes=(10,) * 7, began_s=tuple(range(7))).drift is None
    assert run_of(np.ones(80), sizes=(10,) * 8, began_s=tuple(range(8))).drift is not None
    assert run_of(np.ones(80), sizes=(10,) * 8).drift is None


def test_a_steady_machine_seldom_drifts() -> None:
    random = np.random.default_rng(1)
    found = [trend(np.arange(20.0), random.normal(0, 0.01, 20)) for _ in range(400)]
    assert 0.92 <= np.mean([low <= 0 <= high for low, _, high in found]) <= 0.98


@given(st.lists(st.floats(0.001, 10), min_size=8, max_size=60), st.floats(0.01, 100))
def test_a_trend_knows_no_unit_and_turns_round(times: list[float], factor: float) -> None:
    at, logs = np.arange(float(len(times))), np.log(times)
    low, middle, high = trend(at, logs)
    assert low <= middle <= high
    np.testing.assert_allclose(trend(at, logs + np.log(factor)), (low, middle, high), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(trend(at * factor, logs), (low, middle, high), rtol=1e-6, atol=1e-9)
    back = trend(at, logs[::-1])
    np.testing.assert_allclose((1 + back)[::-1], 1 / (1 + np.array([low, middle, high])), rtol=1e-6)


def test_a_disturbed_burst_does_not_move_the_trend() -> None:
    disturbed = np.log(RISING.copy())
    disturbed[5] += 3
    assert trend(AT, disturbed)[1] == pytest.approx(0.2, abs=0.01)


def test_many_bursts_are_taken_together() -> None:
    at = np.arange(5000.0)
    low, middle, high = trend(at, np.log1p(at / at[-1] * 0.5) + np.random.default_rng(0).normal(0, 0.05, 5000))
    assert low < middle < high
    assert middle == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("lang", languages())
def test_words_name_what_drifted(lang: str) -> None:
    texts = {
        code: run_text(run, lang=lang)
        for code, run in {
            "none": sustained(FLAT, FLAT),
            "unclear": sustained(np.exp(np.random.default_rng(2).normal(0, 0.3, BURSTS)), FLAT),
            "machine slower": sustained(RISING, RISING),
            "machine faster": sustained(RISING[::-1], RISING[::-1]),
            "model slower": sustained(RISING, FLAT),
            "model faster": sustained(RISING[::-1], FLAT),
            "unknown slower": sustained(RISING, None),
            "interfered": sustained(RISING, FLAT, delay_share=0.3),
        }.items()
    }
    lines = {code: [line for line in text.splitlines() if "60" in line] for code, text in texts.items()}
    assert [code for code, found in lines.items() if len(found) != 1] == []
    assert len({found[0] for found in lines.values()}) == len(lines)
    assert "20 % [" in lines["machine slower"][0]
    assert "17 % [" in lines["machine faster"][0]
    assert "-" not in lines["machine faster"][0].split("[")[1].split("]")[0]


@pytest.mark.parametrize("lang", languages())
def test_words_say_what_held_a_run_back(lang: str) -> None:
    base = run_text(sustained(FLAT, FLAT, throttling=Throttling(60, 0, 0.0, 0.0)), lang=lang).splitlines()

    def added(run: Run) -> str:
        (line,) = [line for line in run_text(run, lang=lang).splitlines() if line not in base]
        return line

    quota = added(sustained(FLAT, FLAT, throttling=Throttling(60, 312, 12.5, 0.0)))
    assert "12.5" in quota
    assert "312" in quota
    assert "7.0 %" in added(sustained(FLAT, FLAT, throttling=Throttling(60, 0, 0.0, 0.07)))
    clock = added(sustained(FLAT, FLAT, throttling=Throttling(60, 0, 0.0, 0.0, (1.2e9, 3.4e9))))
    assert "1.2" in clock
    assert "3.4" in clock
    varied = np.tile([1.0, 1.3], BURSTS // 2)
    assert "32 %" in run_text(sustained(FLAT, varied), lang=lang)
    fields = run_of(np.ones(3)).machine
    threads = 4 * fields.logical_cpus
    assert f"{threads}" in run_text(sustained(FLAT, FLAT, threads=threads), lang=lang)


@pytest.mark.parametrize("lang", languages())
def test_words_say_when_bursts_differ_too_much_for_a_quantile(lang: str) -> None:
    levels = np.random.default_rng(0).lognormal(0, 0.5, BURSTS)
    assert any(line.startswith("p90, p99") for line in run_text(sustained(levels, FLAT), lang=lang).splitlines())
    assert not any(line.startswith("p90, p99") for line in run_text(sustained(FLAT, FLAT), lang=lang).splitlines())


def test_a_run_as_json_holds_its_drift() -> None:
    record = json.loads(json.dumps(run_json(sustained(RISING, FLAT)), allow_nan=False))
    assert record["drift"]["cause"] == "model"
    assert record["drift"]["change"]["mid"] == pytest.approx(0.2, abs=0.02)
    assert json.loads(json.dumps(run_json(run_of(np.ones(3)))))["drift"] is None


# What the system tells


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder that stands for the folders of the system."""
    monkeypatch.setattr(surroundings, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(surroundings, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(surroundings, "_CPUS", tmp_path / "cpu")
    return tmp_path


def write(home: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="ascii")


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/a\n", "cgroup/a/cpu.stat": "usage_usec 5\n"}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "cgroup/a/cpu.stat": "nr_throttled 4\nthrottled_usec 2500000\n",
          "cgroup/a/b/cpu.stat": "nr_throttled 1\nthrottled_usec 100\n"}, (4, 2.5)),
        ({"proc/self/cgroup": "2:cpu,cpuacct:/a\n", "cgroup/cpu,cpuacct/a/cpu.stat":
          "nr_periods 9\nnr_throttled 3\nthrottled_time 1500000000\n"}, (3, 1.5)),
        ({"proc/self/cgroup": "1:cpu:/docker/x\n", "cgroup/cpu/cpu.stat": "nr_throttled 3\nthrottled_time 5\n"},
         (3, 5e-9)),
    ],
)  # fmt: skip
def test_time_without_quota_in_either_version_of_control_groups(
    files: dict[str, str], quota: tuple[int, float] | None, system: Path
) -> None:
    write(system, files)
    assert surroundings.hindrances()["quota"] == quota


def test_time_that_went_to_others_on_the_host(system: Path) -> None:
    assert surroundings.hindrances()["stolen"] is None
    write(system, {"proc/stat": "cpu  10 0 20 60 0 0 0 10 4 0\ncpu0 1 1\n"})
    assert surroundings.hindrances()["stolen"] == (10, 100)


def test_memory_that_a_container_still_allows(system: Path) -> None:
    here = machine.this_machine().memory_bytes
    assert 0 < surroundings.spare_bytes() <= here
    two = {"proc/self/cgroup": "0::/a\n", "cgroup/a/memory.max": "1000000", "cgroup/a/memory.current": "700000",
           "cgroup/a/memory.stat": "anon 5\ninactive_file 200000\n"}  # fmt: skip
    write(system, two)
    assert surroundings.spare_bytes() == 500_000
    one = {"proc/self/cgroup": "4:memory:/\n", "cgroup/memory/memory.limit_in_bytes": "900000",
           "cgroup/memory/memory.usage_in_bytes": "950000", "cgroup/memory/memory.stat": ""}  # fmt: skip
    write(system, one)
    assert surroundings.spare_bytes() == 0
    write(system, {"cgroup/memory/memory.limit_in_bytes": "9223372036854771712"})
    assert surroundings.spare_bytes() > 1_000_000


def test_this_process_and_its_memory() -> None:
    now, peak = surroundings.resident_bytes()
    held = np.ones(20_000_000)
    later, later_peak = surroundings.resident_bytes()
    assert later - now > 0.9 * held.nbytes
    assert later_peak >= later >= now <= peak


# What a child hands on


def part(samples: list[int], waited: int | None, **opening: object) -> dict[str, object]:
    return {"samples_ns": samples, "elapsed_ns": sum(samples), "waited_ns": waited, **opening}


def opening(began_s: float, throttled: tuple[int, float] | None, stolen: tuple[int, int], clock: float | None) -> dict:
    told = {"quota": throttled, "stolen": stolen, "clock_hz": clock}
    return {"began_s": began_s, "canary_s": 0.001, "hindrances": told, "resident_bytes": (70, 80)}


def test_parts_become_the_fields_of_a_run() -> None:
    harvest = Harvest()
    harvest.take({"warm_up": {}, "memory": {"imported_bytes": 50, "loaded_bytes": 60}})
    harvest.take(part([10**9, 10**9], 10**8, **opening(0.5, (1, 0.25), (10, 100), 2e9)))
    harvest.take(part([10**9], 10**8))
    harvest.take(part([10**9], 10**8, **opening(10.5, (3, 1.0), (12, 140), 1e9)))
    harvest.take({"end": True, **opening(0, (5, 2.25), (20, 200), None)})
    assert harvest.ended
    assert harvest.delay_share == pytest.approx(0.3 / 4)
    beside = harvest.beside()
    assert (beside["sizes"], beside["began_s"], beside["canary_s"]) == ((3, 1), (0.0, 10.0), (0.001, 0.001))
    assert beside["throttling"] == Throttling(11.0, 4, 2.0, 0.1, (2e9, 1e9))
    assert (beside["memory"].imported_bytes, beside["memory"].peak_bytes) == (50, 80)


def test_what_a_system_does_not_tell_stays_unknown() -> None:
    harvest = Harvest()
    harvest.take({"warm_up": {}, "memory": {"imported_bytes": 50, "loaded_bytes": 60}})
    harvest.take(part([10**9], None, **opening(0.0, None, (10, 100), None)))
    assert harvest.delay_share is None
    assert harvest.beside()["throttling"] == Throttling(1.0, None, None, None, ())
