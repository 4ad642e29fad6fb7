"""Load tests while they run: what is told, how they end early, and what is kept of them; other work on the machine."""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from english_words import CHINESE, english_words
from hypothesis import given
from hypothesis import strategies as st
from loads import run_of, single_queue_s

from advisor import cli
from advisor.capacity import response_quantile_s
from advisor.errors import AdvisorError, MeasureError
from advisor.lab import LoadRun, LoadTest, Ramp, RampTest, closed_loop, delays, load_test, ramp, ramps
from advisor.lab.delays import DelayClock, stolen_share
from advisor.lab.load_words import load_json, load_text, ramp_json, ramp_text, shown_text
from advisor.lab.omission import Shown, shown
from advisor.lab.runs import needed_samples
from advisor.lab.served import served
from advisor.text import languages

ROOT = Path(__file__).resolve().parent.parent


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def children() -> list[int]:
    return [child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


# What is told while it runs


@pytest.mark.parametrize("test", [load_test, closed_loop])
def test_every_answer_is_told_once_and_the_progress_ends_at_one(test: Callable[..., LoadRun]) -> None:
    parts: list[np.ndarray] = []
    shares: list[float] = []
    threads: set[int] = set()
    calls = itertools.count()

    def work() -> None:
        if next(calls) == 9:
            raise KeyError("no")

    def tell(part: np.ndarray) -> None:
        threads.add(threading.get_ident())
        parts.append(part)

    run = test(work, rate_per_s=50, seconds=1, on_samples=tell, on_progress=shares.append)
    assert np.sort(np.concatenate(parts)).tolist() == np.sort(run.response_s).tolist()
    assert np.isinf(np.concatenate(parts)).sum() == 1
    assert len(parts) > 2
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert not run.cancelled
    assert threads == {threading.get_ident()}, "the caller's thread, not the one that sends"


# Ended early


@pytest.mark.parametrize("test", [load_test, closed_loop])
def test_a_cancelled_test_keeps_what_was_measured(test: Callable[..., LoadRun]) -> None:
    wish = threading.Event()
    begun = time.monotonic()
    run = test(lambda: None, rate_per_s=50, seconds=60, on_progress=lambda share: share and wish.set(), cancel=wish)
    assert time.monotonic() - begun < 10
    assert run.cancelled
    assert 0 < run.seconds < 10
    assert run.intended_s.max() <= run.seconds
    assert not run.failed
    assert "Cancelled" in load_text(run, "en")


def test_what_is_not_answered_when_it_is_cancelled_counts_as_failed() -> None:
    wish = threading.Event()
    calls = itertools.count()

    def stuck_from_the_fifth() -> None:
        if next(calls) >= 5:
            wish.set()
            time.sleep(3)

    run = load_test(stuck_from_the_fifth, rate_per_s=20, seconds=60, cancel=wish)
    assert run.cancelled
    assert set(run.failed) == {"cancelled"}
    assert np.isinf(run.response_s).sum() == run.failed["cancelled"] == len(run.failures) - 4


def test_a_test_cancelled_before_its_first_request_is_a_sentence() -> None:
    wish = threading.Event()
    wish.set()
    for test in (
        lambda: load_test("digits", rate_per_s=50, seconds=60, cancel=wish),
        lambda: closed_loop("digits", seconds=60, cancel=wish),
        lambda: ramp("digits", 100, cancel=wish),
        lambda: ramp("digits", 100, start_per_s=10, cancel=wish),
    ):
        with pytest.raises(MeasureError) as caught:
            test()
        assert caught.value.code == "measure_no_samples"


def test_an_error_of_the_one_who_looks_on_ends_the_test_at_once() -> None:
    def fails(_: float) -> None:
        raise RuntimeError("enough")

    begun = time.monotonic()
    with pytest.raises(RuntimeError, match="enough"):
        load_test(lambda: None, rate_per_s=50, seconds=60, on_progress=fails)
    assert time.monotonic() - begun < 10


# In the background


def test_a_load_test_in_the_background() -> None:
    test = LoadTest("digits", rate_per_s=100, seconds=0.8)
    assert (test.state, test.progress, test.run, len(test.samples_s)) == ("ready", 0, None, 0)
    test.cancel()
    assert test.state == "ready"
    test.start()
    test.start()
    wait_until(lambda: test.state == "running" and 0 < test.progress < 1)
    run = test.result()
    assert (test.state, test.progress, test.run, test.error) == ("done", 1, run, None)
    assert np.sort(test.samples_s).tolist() == np.sort(run.response_s).tolist()
    assert LoadTest("digits", loop="closed", seconds=0.2).result().loop == "closed"


def test_a_load_test_in_the_background_is_cancelled_and_keeps_its_answers() -> None:
    test = LoadTest("digits", rate_per_s=100, seconds=600)
    test.start()
    wait_until(lambda: len(test.samples_s) > 5)
    test.cancel()
    wait_until(lambda: test.state != "running")
    assert test.state == "cancelled"
    assert test.run is not None
    assert test.run.cancelled
    assert len(test.run.failures) >= len(test.samples_s) > 5


def test_a_load_test_in_the_background_says_why_it_failed() -> None:
    test = LoadTest("nothing.onnx", rate_per_s=1)
    test.start()
    wait_until(lambda: test.state == "failed")
    assert isinstance(test.error, AdvisorError)
    with pytest.raises(AdvisorError, match=r"nothing\.onnx"):
        test.result()


def test_a_ramp_in_the_background_shows_its_steps_and_keeps_them() -> None:
    test = RampTest(lambda: None, 1000, rates_per_s=[400, 500, 0.01], least_requests=64)
    test.start()
    wait_until(lambda: len(test.runs) == 2)
    assert 0.6 < test.progress < 1
    test.cancel()
    wait_until(lambda: test.state == "cancelled")
    assert test.ramp is not None
    assert [run.rate_per_s for run in test.ramp.runs][:2] == [400, 500]
    assert test.ramp.runs[:2] == test.runs[:2]
    assert test.ramp.rate_per_s in (None, 400, 500)


# Kept in files


def odd_run() -> LoadRun:
    response_s = np.linspace(0.1, 0.2, 900)
    failures = ("timeout", *[""] * 899)
    return run_of(
        np.arange(1.0, 901.0), response_s, response_s / 2, failures=failures, slo_s=0.5, delay_s=np.full(900, np.nan),
        client_delay_s=None, stolen_share=0.01, cancelled=True, target="http://127.0.0.1:1/v2/models/m",
    )  # fmt: skip


def same(one: LoadRun, other: LoadRun) -> bool:
    return json.dumps(one.record()) == json.dumps(other.record()) and one.machine == other.machine


def test_a_load_test_and_a_ramp_come_back_from_their_files(tmp_path: Path) -> None:
    run = odd_run()
    path = run.save(tmp_path / "new")
    back = LoadRun.load(path)
    assert same(run, back)
    assert isinstance(back.versions, tuple)
    assert isinstance(back.failures, tuple)
    np.testing.assert_array_equal(back.response_s, run.response_s)
    assert (back.quantile(0.9), back.verdict(), back.failed) == (run.quantile(0.9), run.verdict(), run.failed)
    assert run.save(tmp_path / "new") != path
    assert same(LoadRun.load(path), run)
    both = Ramp(0.5, (run, back), cancelled=True)
    again = Ramp.load(both.save(tmp_path))
    assert (again.slo_s, again.rate_per_s, again.cancelled) == (both.slo_s, both.rate_per_s, True)
    assert all(map(same, again.runs, both.runs))
    for record, kind in ((run.record(), "load"), (both.record(), "ramp")):
        assert (record["kind"], record["format"]) == (kind, 1)
        json.dumps(record, allow_nan=False)


BROKEN = {
    "another kind": {"kind": "ramp"},
    "a later format": {"format": 2},
    "an older format": {"format": "advisor/load/1"},
    "too few times": {"sent_s": [0.1]},
    "no times": {"done_s": None},
    "times that are words": {"queue_s": ["soon"] * 900},
    "an answer at no time": {"done_s": [None] * 900},
    "nested times": {"ttft_s": [[0.0]] * 900},
    "no requests": {"failures": []},
    "failures that are numbers": {"failures": [0] * 900},
    "another loop": {"loop": "sideways"},
    "no time": {"seconds": 0},
    "words for a number": {"timeout_s": "long"},
    "another machine": {"machine": {"cpu": "x"}},
    "no versions": {"versions": 3},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_or_foreign_record_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    record = {**odd_run().record(), **change}
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record), encoding="utf-8")
    nested = {"kind": "ramp", "format": 1, "slo_s": 0.5, "cancelled": False, "runs": [record]}
    for ask in (lambda: LoadRun.from_record(record), lambda: LoadRun.load(file), lambda: Ramp.from_record(nested)):
        with pytest.raises(MeasureError) as caught:
            ask()
        assert caught.value.code in ("record_unreadable", "record_file")
    assert str(file) in str(caught_of(lambda: LoadRun.load(file)))


def caught_of(ask: Callable[[], object]) -> AdvisorError:
    with pytest.raises(AdvisorError) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, "\x00"])
@pytest.mark.parametrize("cls", [LoadRun, Ramp])
def test_a_file_that_is_no_record_is_a_sentence(tmp_path: Path, text: str, cls: type[LoadRun] | type[Ramp]) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8")
    assert caught_of(lambda: cls.load(file)).code == "record_file"
    assert caught_of(lambda: cls.load(tmp_path / "none.json")).code == "run_missing"
    assert caught_of(lambda: odd_run().save(file)).code == "run_not_saved"


@pytest.mark.parametrize("change", [{"runs": []}, {"slo_s": 0}, {"runs": 3}, {"slo_s": None}])
def test_a_ramp_without_its_parts_is_refused(change: dict[str, object]) -> None:
    record = {**Ramp(0.5, (odd_run(),)).record(), **change}
    assert caught_of(lambda: Ramp.from_record(record)).code == "record_unreadable"


# Latency over load


def queue(rate_per_s: float, count: int = 15_000, **changes: object) -> LoadRun:
    random = np.random.default_rng(round(rate_per_s))
    due_s = np.cumsum(random.exponential(1 / rate_per_s, count))
    service_s = random.gamma(4, 0.01 / 4, count)
    response_s = single_queue_s(due_s, service_s) + 0.002
    fields = {"rate_per_s": rate_per_s, "slo_s": 0.1, "queue_s": response_s - service_s - 0.002}
    return run_of(due_s, response_s, service_s, **(fields | changes))


def test_the_curve_has_the_queue_beside_what_was_measured() -> None:
    ramped = Ramp(0.1, (queue(70), queue(30), queue(50)))
    assert [round(point.rate_per_s, -1) for point in ramped.curve] == [30, 50, 70]
    for point in ramped.curve:
        assert point.utilisation == pytest.approx(point.rate_per_s * 0.01, rel=0.02)
        assert point.predicted_s["p50"] is None
        for name in ("p90", "p99"):
            assert point.predicted_s[name] == pytest.approx(point.measured_s[name].mid, rel=0.15)  # type: ignore[union-attr]
    rates = np.array([30.0, 70.0, 99.0, 101.0])
    line = ramped.predicted_s(0.99, rates)
    assert line is not None
    alone = response_quantile_s(0.99, servers=1, arrivals_per_s=rates, service_s=0.01, service_cv=0.5)
    np.testing.assert_allclose(line[:2], np.asarray(alone)[:2] + 0.002, rtol=0.03)
    assert line[-1] == np.inf
    assert ramped.predicted_s(0.5, rates) is None
    assert Ramp(0.1, (queue(30, workers=None),)).predicted_s(0.99, rates) is None


def test_a_run_that_was_cancelled_decides_no_rate() -> None:
    ramped = Ramp(0.1, (queue(30), queue(50, cancelled=True), queue(99, cancelled=True)), cancelled=True)
    assert (ramped.rate_per_s, ramped.missed_per_s) == (30, None)


def test_rates_that_are_given_are_taken_one_after_another() -> None:
    seen: list[LoadRun] = []
    shares: list[float] = []
    ramped = ramp(
        lambda: None, 500, rates_per_s=[60, 40], least_requests=64, on_run=seen.append, on_progress=shares.append
    )
    assert [run.rate_per_s for run in ramped.runs] == [60, 40]
    assert list(ramped.runs) == seen
    assert shares == sorted(shares)
    assert shares[-1] == 1
    for bad in ([], [0], [1e9], ["fast"], [50] * 51):
        assert caught_of(lambda bad=bad: ramp("digits", 500, rates_per_s=bad)).code == "field"


def test_a_target_that_only_fails_is_no_place_to_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ramps.settings()["ramp"], "pilot_s", 0.1)

    calls = itertools.count()

    def fails() -> None:
        if next(calls):
            raise KeyError("no")

    assert "KeyError" in str(caught_of(lambda: ramp(fails, 100)))


# Other work on the machine


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_test_is_interfered_with_where_any_wait_for_a_processor_is_long(a: float, b: float, c: float) -> None:
    response_s = np.full(10, 0.2)
    run = run_of(
        np.arange(1.0, 11.0), response_s, response_s / 2, delay_s=response_s / 2 * b, client_delay_s=2.0 * a,
        stolen_share=c,
    )  # fmt: skip
    assert run.client_delay_share == pytest.approx(a)
    assert run.target_delay_share == pytest.approx(b, abs=1e-12)
    assert run.delay_share == pytest.approx(max(a, b, c))
    if abs(max(a, b, c) - 0.05) > 1e-6:
        assert run.interfered == (max(a, b, c) > 0.05)


def test_where_nothing_is_told_of_processors_nothing_is_said() -> None:
    unknown = {"delay_s": np.full(9, np.nan), "client_delay_s": None, "stolen_share": None}
    run = run_of(np.arange(1.0, 10.0), np.full(9, 0.2), np.full(9, 0.1), **unknown)
    assert (run.delay_share, run.interfered, run.target_delay_share) == (None, None, None)
    assert load_json(run)["interfered"] is None
    known = run_of(np.arange(1.0, 10.0), np.full(9, 0.2), np.full(9, 0.1), client_delay_s=0.18)
    for lang in languages():
        assert "10.0" in load_text(known, lang)
        assert "10.0" not in load_text(run, lang)


def test_the_share_that_the_host_kept_is_of_the_time_with_work() -> None:
    before = {"user": 10.0, "system": 5.0, "idle": 100.0, "iowait": 1.0, "steal": 2.0, "guest": 3.0}
    after = {"user": 17.0, "system": 7.0, "idle": 200.0, "iowait": 9.0, "steal": 3.0, "guest": 9.0}
    assert stolen_share(before, after) == pytest.approx(0.1)
    assert stolen_share(before, before) == 0
    assert stolen_share({"user": 1.0}, {"user": 2.0}) is None


def test_the_wait_for_a_processor_is_that_of_the_thread_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "linux":
        clock, one = DelayClock(), {min(os.sched_getaffinity(0))}
        begun = clock()
        crowd = [subprocess.Popen([sys.executable, "-c", f"import os; os.sched_setaffinity(0, {one})\nwhile 1: pass"])
                 for _ in range(3)]  # fmt: skip
        whole = os.sched_getaffinity(0)
        os.sched_setaffinity(0, one)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pass
        os.sched_setaffinity(0, whole)
        for process in crowd:
            process.kill()
            process.wait()
        waited = clock()
        assert begun is not None
        assert waited is not None
        assert 0.2 < waited - begun < 1.1
    monkeypatch.setattr(delays, "_DELAYS", "/nowhere/at/all")
    assert DelayClock()() is None


# A server for the time of a block, and what a waiting client hides


def test_a_server_ends_with_its_block_and_with_its_parent() -> None:
    with served("digits", workers=2) as address:
        assert load_test(address, rate_per_s=20, seconds=0.3).workers == 2
        assert len(children()) == 1
    assert not children()
    with pytest.raises(ZeroDivisionError), served("digits"):
        1 / 0  # noqa: B018
    assert not children()
    program = "import psutil, time\nfrom advisor.lab.served import served\n"
    program += "with served('digits'):\n print(psutil.Process().children()[0].pid, flush=True)\n time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_server_that_cannot_start_is_a_sentence() -> None:
    for wishes, part in (({"workers": 0}, "workers"), ({"stall_s": -1}, "stall_s")):
        error = caught_of(lambda wishes=wishes: served("digits", **wishes).__enter__())
        assert error.code == "serve_not_started"
        assert part in str(error)
    assert not children()


def test_both_loops_are_shown_against_the_same_freeze() -> None:
    found = shown(rate_per_s=50, seconds=3, stall_s=1)
    assert not children()
    assert (found.open.loop, found.closed.loop) == ("open", "closed")
    late_open, late_closed = (int((run.response_s > found.late_s).sum()) for run in (found.open, found.closed))
    assert late_open > 15
    assert 1 <= late_closed <= 3
    for lang in languages():
        said = shown_text(found, lang)
        assert str(late_open) in said
        assert bool(CHINESE.search(said)) == (lang == "zh")
        assert lang != "zh" or english_words(said) == []
    for wishes in ({"rate_per_s": 0}, {"seconds": 1e9}, {"stall_s": 1e9}, {"stall_after": -1}):
        assert caught_of(lambda wishes=wishes: shown(**wishes)).code == "field"  # type: ignore[arg-type]


# In words


@pytest.mark.parametrize("lang", languages())
def test_a_ramp_is_told_as_a_curve_in_each_language(lang: str) -> None:
    ramped = Ramp(0.1, (queue(70), queue(30, count=needed_samples(0.9)), queue(50, client_delay_s=1e6)))
    said = ramp_text(ramped, lang)
    assert not any(word in said for word in ("{", "nan", "None"))
    assert bool(CHINESE.search(said)) == (lang == "zh")
    assert lang != "zh" or [word for word in english_words(said) if word != "simulated"] == []
    document = ramp_json(ramped)
    json.dumps(document, allow_nan=False)
    assert (document["kind"], len(document["curve"]), document["curve"][2]["interfered"]) == ("ramp", 3, False)
    assert document["curve"][0]["measured_ms"]["p99"] is None
    assert Ramp.from_record(document).slo_s == 0.1
    assert LoadRun.from_record(load_json(odd_run())).target == odd_run().target


def test_rates_and_files_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["load", "digits", "--rates", "900,1000", "--slo-ms", "900", "--save", str(tmp_path), "--json"]
    assert cli.main(command) == 0
    assert [round(run["rate_per_s"]) for run in json.loads(capsys.readouterr().out)["runs"]] == [900, 1000]
    assert cli.main(["load", "digits", "--rate", "50", "--seconds", "0.3", "--save", str(tmp_path)]) == 0
    (loaded,) = tmp_path.glob("*-load-*.json")
    (climbed,) = tmp_path.glob("*-ramp-*.json")
    assert LoadRun.load(loaded).target == Ramp.load(climbed).runs[0].target == "digits"
    assert cli.main(["load", "digits", "--rates", "10"]) == 2
    assert cli.main(["load", "digits", "--rates", "10,fast", "--slo-ms", "9"]) == 2
    assert "fast" in capsys.readouterr().err


def test_what_is_shown_is_of_two_runs() -> None:
    pair = Shown(odd_run(), odd_run(), 50, 1.2)
    assert pair.late_s == pytest.approx(0.4, rel=0.01)
