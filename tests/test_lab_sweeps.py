"""What must hold for sweeps: nothing measured is lost, what is best is said with its noise."""

import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from kept import run_of
from onnx import TensorProto, helper

from advisor.errors import AdvisorError, Coded, MeasureError, ModelFileError, UnknownIdError
from advisor.lab import Store, Sweep, Sweeping, jobs, sweep, sweep_planning, sweeps
from advisor.lab.contrasts import honest_difference
from advisor.lab.kept_words import expected_text, sweep_json, sweep_text
from advisor.lab.runs import Run
from advisor.lab.sweep_planning import kept_sweep
from advisor.lab.sweep_plans import Place, Plan, Refused
from advisor.lab.sweep_results import sweep_of
from advisor.text import catalogue, languages

ROOT = Path(__file__).resolve().parent.parent
DIGITS = jobs.job("digits", threads=1, batch=1, seconds=1, providers=None).sha256
DEADLINE_S = 120.0


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


class Quick:
    """A measurement that is over at once; what it takes is told by the test."""

    made: list[Place]
    median_s: Callable[[int, int], float]
    fails: dict[tuple[int, int], AdvisorError]
    held: threading.Event | None
    sha256: str

    def __init__(self, _: object, *, threads: int, batch: int, seconds: float) -> None:
        self.wish = (threads, batch)
        self.seconds = seconds
        self.state = "ready"
        self.progress = 0.0
        self.run: Run | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        self.state = "running"
        Quick.made.append(Place(len([place for place in Quick.made if place[1:] == self.wish]), *self.wish))

    def cancel(self) -> None:
        self._stop.set()

    def result(self) -> Run:
        if Quick.held is not None and len(Quick.made) > 1:
            self._stop.wait(DEADLINE_S)
        self.state = "done"
        if self.wish in Quick.fails:
            raise Quick.fails[self.wish]
        middle = Quick.median_s(*self.wish) * (1 + 0.01 * len(Quick.made))
        threads, batch = self.wish
        samples = np.linspace(0.9, 1.1, 801) * middle
        return run_of(samples, threads=threads, batch=batch, sha256=Quick.sha256, cancelled=self._stop.is_set())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> type[Quick]:
    Quick.made, Quick.fails, Quick.held, Quick.sha256 = [], {}, None, DIGITS
    Quick.median_s = lambda threads, batch: 0.001 * batch**0.5 / threads
    monkeypatch.setattr(sweeps, "Measurement", Quick)
    return Quick


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def fixed_model(path: Path, batch: int) -> Path:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 4, 4])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [value], [output])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


# The plan


def test_every_configuration_is_measured_in_every_pass_in_an_order_of_its_own(quick: type[Quick], store: Store) -> None:
    seen: list[float] = []
    found = sweep("digits", threads=(1, 2), batch=(1, 4, 8), seconds=18, passes=3, store=store, on_progress=seen.append)
    grid = set(itertools.product((1, 2), (1, 4, 8)))
    passes = [[place[1:] for place in quick.made[k : k + 6]] for k in (0, 6, 12)]
    assert [set(each) for each in passes] == [grid] * 3
    assert len({tuple(each) for each in passes}) > 1
    assert quick.made == found.plan.places()
    assert seen == pytest.approx([k / 18 for k in range(1, 19)])
    assert found.complete
    assert [sorted(cell.runs) for cell in found.cells] == [[0, 1, 2]] * 6
    assert len(store.ids("run", sweep=found.id)) == 18
    assert found.plan.share_s == 1.0


def test_the_seed_decides_the_order() -> None:
    plans = [plan_of(seed=seed) for seed in (0, 0, 1)]
    first, same, other = (plan.places() for plan in plans)
    assert first == same != other
    assert sorted(first) == sorted(other)


def plan_of(**changes: Any) -> Plan:
    machine = run_of(np.ones(1)).machine
    values: dict[str, Any] = {
        "name": "s", "model": "digits", "sha256": DIGITS, "threads": (1, 2), "batch": (1, 4), "seconds": 8.0,
        "passes": 2, "seed": 0, "started": "2026-11-25T04:00:00+00:00", "machine": machine,
    }  # fmt: skip
    return Plan(**(values | changes))


@pytest.mark.parametrize(
    ("wish", "parts"),
    [
        ({"threads": ()}, ["threads", "()"]),
        ({"threads": 2}, ["threads", "2"]),
        ({"batch": "1,4"}, ["batch", "1,4"]),
        ({"batch": (1, 0)}, ["batch", "0"]),
        ({"threads": (1.5,)}, ["threads", "1.5"]),
        ({"seconds": float("nan")}, ["seconds", "nan"]),
        ({"seconds": 1, "passes": 3}, ["seconds", "1", "1.8"]),
        ({"passes": 1}, ["passes", "1"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"name": ""}, ["name"]),
        ({"name": "a\nb"}, ["name"]),
        ({"threads": tuple(range(1, 102)), "batch": tuple(range(1, 5)), "seconds": 999}, ["404", "400"]),
        ({"resume": "none"}, ["resume", "none"]),
    ],
)
def test_a_wish_that_cannot_be_met_is_a_sentence_and_nothing_is_kept(
    wish: dict[str, Any], parts: list[str], quick: type[Quick], store: Store
) -> None:
    with pytest.raises((MeasureError, UnknownIdError)) as caught:
        sweep("digits", store=store, **wish)
    for lang in languages():
        assert all(part in caught.value.in_language(lang) for part in parts)
    assert not quick.made
    assert not store.ids()


def test_a_model_that_is_none_is_an_error_of_the_whole_sweep(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        sweep(tmp_path / "none.onnx", store=store)
    with pytest.raises(UnknownIdError):
        sweep("digts", store=store)


@pytest.mark.usefixtures("quick")
def test_a_name_is_that_of_one_sweep(store: Store) -> None:
    sweep("digits", name="mine", seconds=10, store=store)
    with pytest.raises(MeasureError) as caught:
        sweep("digits", name="mine", seconds=10, store=store)
    assert caught.value.code == "sweep_name_taken"
    assert kept_sweep(store, "mine").complete


# What cannot be measured


def test_a_batch_that_the_model_does_not_take_is_a_refusal_beside_the_others(
    quick: type[Quick], store: Store, tmp_path: Path
) -> None:
    path = fixed_model(tmp_path / "fixed.onnx", 4)
    sha256 = jobs.job(path, threads=1, batch=4, seconds=1, providers=None).sha256
    quick.sha256 = sha256
    found = sweep(path, threads=(1, 2), batch=(1, 4), seconds=8, passes=2, store=store)
    assert {place.batch for place in quick.made} == {4}
    assert found.complete
    refusals = {(cell.threads, cell.batch): cell.refusal for cell in found.cells}
    assert all((error is not None) == (batch == 1) for (_, batch), error in refusals.items())
    for lang in languages():
        assert sweep_text(found, lang=lang).count("batch = 1") == 2
    with pytest.raises(MeasureError, match="batch = 1"):
        sweep(path, batch=(1, 2), seconds=8, store=store)


def test_a_configuration_that_crashes_is_kept_as_a_refusal_and_not_tried_again(
    quick: type[Quick], store: Store
) -> None:
    crash = MeasureError("measure_crashed", model="digits", reason=Coded("cause.full"))
    Quick.fails[1, 4] = crash
    found = sweep("digits", threads=(1, 2), batch=(1, 4), seconds=8, passes=2, name="s", store=store)
    assert [place[1:] for place in quick.made].count((1, 4)) == 1
    assert len(quick.made) == 7
    assert found.complete
    read = kept_sweep(store, "s")
    for lang in languages():
        said = [cell.refusal.in_language(lang) for cell in read.cells if cell.refusal is not None]
        assert said == [crash.in_language(lang)]
        assert catalogue(lang)["cause.full"] in said[0]
    assert read.noise() is not None


def test_a_file_that_is_replaced_during_the_sweep_ends_it(quick: type[Quick], store: Store) -> None:
    quick.sha256 = "ef" * 32
    with pytest.raises(MeasureError) as caught:
        sweep("digits", seconds=18, store=store)
    assert caught.value.code == "sweep_other_model"
    assert not store.ids("run")


# Cancelling, going on, a full disk


def test_cancelling_keeps_what_was_measured_and_resuming_measures_the_rest(quick: type[Quick], store: Store) -> None:
    Quick.held = threading.Event()
    sweeping = Sweeping("digits", threads=[1, 2], batch=[1, 4], seconds=8, passes=2, name="s", store=store)
    sweeping.start()
    wait_until(lambda: len(quick.made) == 2)
    assert sweeping.state == "running"
    assert sweeping.sweep is not None
    assert 0 < sweeping.progress < 1
    sweeping.cancel()
    wait_until(lambda: sweeping.state != "running")
    cut = sweeping.result()
    assert (sweeping.state, cut.complete) == ("cancelled", False)
    assert sorted(run.cancelled for cell in cut.cells for run in cell.runs.values()) == [False, True]
    assert len(store.ids("run")) == 2
    quick.held = None
    quick.made.clear()
    whole = sweep("digits", resume="s", store=store)
    assert [place[1:] for place in quick.made] == [place[1:] for place in cut.plan.places()[1:]]
    assert whole.complete
    assert not any(run.cancelled for cell in whole.cells for run in cell.runs.values())
    assert whole.id == cut.id
    assert sweep("digits", resume=whole.id, store=store).complete
    assert len(store.ids("run")) == 9


def test_an_event_cancels_too(quick: type[Quick], store: Store) -> None:
    Quick.held, wished = threading.Event(), threading.Event()
    threading.Thread(target=lambda: (wait_until(lambda: len(quick.made) == 2), wished.set()), daemon=True).start()
    assert not sweep("digits", seconds=18, store=store, cancel=wished).complete


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("wish", "code"), [({"threads": (1,)}, "sweep_other_wish"), ({"seconds": 9}, "sweep_other_wish"), ({}, None)]
)
def test_going_on_with_other_wishes_is_refused(wish: dict[str, Any], code: str | None, store: Store) -> None:
    sweep("digits", threads=(1, 2), batch=(1,), seconds=8, name="s", store=store)
    if code is None:
        assert sweep("digits", threads=[1, 2], seconds=8.0, resume="s", store=store).complete
        return
    with pytest.raises(MeasureError) as caught:
        sweep("digits", resume="s", store=store, **wish)
    assert caught.value.code == code
    assert next(iter(wish)) in str(caught.value)


def test_going_on_needs_the_same_machine_and_the_same_model(
    quick: type[Quick], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep("digits", seconds=18, name="s", store=store)
    with pytest.raises(MeasureError) as caught:
        sweep(fixed_model(tmp_path / "other.onnx", 1), resume="s", store=store)
    assert caught.value.code in ("sweep_other_model", "measure_batch")
    here = sweep_planning.this_machine()
    values = {name: getattr(here, name) for name in here.__dataclass_fields__}
    monkeypatch.setattr(sweep_planning, "this_machine", lambda: type(here)(**{**values, "logical_cpus": 999}))
    with pytest.raises(MeasureError) as caught:
        sweep("digits", resume="s", store=store)
    assert caught.value.code == "sweep_other_machine"
    assert all("logical_cpus" in caught.value.in_language(lang) for lang in languages())
    assert len(quick.made) == 18


def test_a_disk_that_fills_up_loses_nothing_and_is_tried_again_at_the_end(
    quick: type[Quick], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, full = store.add, MeasureError("store_not_saved", folder="runs", reason=Coded("cause.full"))

    def adding(one: Any, part_of: Any = None) -> str:
        if isinstance(one, Run) and len(quick.made) < until:
            raise full
        return plain(one, part_of)

    monkeypatch.setattr(store, "add", adding)
    until = 4
    found = sweep("digits", threads=(1, 2), batch=(1,), seconds=8, passes=2, store=store)
    assert (found.complete, found.not_saved, len(store.ids("run"))) == (True, None, 4)
    until = 99
    found = sweep("digits", threads=(1, 2), batch=(1,), seconds=8, passes=2, name="t", store=store)
    assert (found.complete, found.not_saved, len(store.ids("run"))) == (True, full, 4)
    for lang in languages():
        assert catalogue(lang)["cause.full"] in sweep_text(found, lang=lang)


def test_a_damaged_record_of_a_sweep_is_measured_again(quick: type[Quick], store: Store) -> None:
    found = sweep("digits", threads=(1,), batch=(1, 4), seconds=8, passes=2, name="s", store=store)
    (store.folder / f"{store.ids('run')[0]}.jsonl.gz").write_bytes(b"damaged")
    quick.made.clear()
    assert sweep("digits", resume=found.id, store=store).complete
    assert len(quick.made) == 1


@pytest.mark.usefixtures("quick")
def test_a_sweep_travels_in_one_file(store: Store, tmp_path: Path) -> None:
    Quick.fails[2, 4] = MeasureError("measure_crashed", model="digits", reason="exit status 9")
    found = sweep("digits", threads=(1, 2), batch=(1, 4), seconds=8, passes=2, name="s", store=store)
    store.add(run_of(np.ones(3)))
    other = Store(tmp_path / "other")
    assert other.import_(store.export(found.id, tmp_path / "sweep.zip")).refused == ()
    for lang in languages():
        assert sweep_text(kept_sweep(other, "s"), lang=lang) == sweep_text(found, lang=lang)
    assert len(other.ids()) == len(store.ids()) - 1


# What is best


def made(values: dict[tuple[int, int], list[float]], wide: float = 0.05) -> Sweep:
    """Sweep whose configurations take these times in their passes."""
    threads, batch = ({pair[k] for pair in values} for k in (0, 1))
    plan = plan_of(threads=tuple(sorted(threads)), batch=tuple(sorted(batch)), passes=len(next(iter(values.values()))))
    found = [
        (Place(turn, *pair), run_of(np.linspace(1 - wide, 1 + wide, 801) * time_s, threads=pair[0], batch=pair[1]))
        for pair, times in values.items()
        for turn, time_s in enumerate(times)
    ]
    return sweep_of("id", plan, found, None)


def test_the_highest_throughput_that_meets_the_objective_and_the_shortest_time() -> None:
    found = made({(1, 1): [0.010, 0.0101], (1, 4): [0.020, 0.0201], (1, 8): [0.060, 0.0601]})
    throughput = found.best()
    assert throughput is not None
    assert (throughput.cell.batch, throughput.within_noise) == (4, False)
    assert throughput.runner_up is not None
    assert throughput.runner_up.batch == 8
    assert throughput.cell.value("throughput") == pytest.approx(4 / 0.02005, rel=1e-3)
    latency = found.best("latency")
    assert latency is not None
    assert latency.cell.batch == 1
    assert latency.cell.value("latency") == pytest.approx((0.010 * 0.0101) ** 0.5)
    quick_ones = found.best(slo_s=0.015)
    assert quick_ones is not None
    assert (quick_ones.cell.batch, quick_ones.runner_up) == (1, None)
    assert found.best(slo_s=0.001) is None


def test_an_objective_inside_the_interval_is_undecided_and_said_so() -> None:
    found = made({(1, 1): [0.010, 0.0101], (1, 4): [0.020, 0.022]})
    interval = found.cells[1].quantile(0.99)
    assert interval is not None
    best = found.best(slo_s=(interval.mid + interval.high) / 2)
    assert best is not None
    assert best.cell.batch == 1
    assert [cell.batch for cell in best.undecided] == [4]
    for lang in languages():
        assert sweep_text(found, 21.5, lang).count("p99") >= 3


def test_a_difference_within_what_passes_differ_by_is_noise() -> None:
    close = made({(1, 1): [0.010, 0.0112, 0.0103], (2, 1): [0.0102, 0.0098, 0.0115], (1, 4): [0.1, 0.11, 0.102]})
    best = close.best("latency")
    assert best is not None
    assert best.within_noise is True
    apart = made({(1, 1): [0.010, 0.011, 0.012], (2, 1): [0.0120, 0.0132, 0.0144], (1, 4): [0.1, 0.11, 0.12]})
    best = apart.best("latency")
    assert best is not None
    assert best.within_noise is False
    assert apart.drift() == pytest.approx(1.2)
    assert apart.noise() == 0.02


def test_noise_is_not_known_before_two_configurations_have_two_passes() -> None:
    for values in ({(1, 1): [0.01, 0.01]}, {(1, 1): [0.01], (1, 4): [0.02]}):
        found = made(values)  # type: ignore[arg-type]
        assert found.noise() is None
        best = found.best()
        assert best is not None
        assert best.within_noise is None
        assert all(catalogue(lang)["sweep.noise_unknown"] in sweep_text(found, lang=lang) for lang in languages())


def test_configurations_alike_are_seldom_told_apart() -> None:
    """The error rate of the least difference is what it promises, drift and all."""
    chance = np.random.default_rng(0)
    wrong = 0
    for _ in range(400):
        drift = np.linspace(0, chance.normal(0, 1), 3)
        logs = chance.normal(0, 0.05, (5, 3)) + drift
        means = logs.mean(axis=1)
        wrong += means.max() - means.min() > honest_difference(logs, confidence=0.95)
    assert 0.02 < wrong / 400 < 0.09


def test_the_least_difference_agrees_with_the_table_of_tukey() -> None:
    """Residuals by hand: rows differ by 0, 0.5, 1.05 on average; q(3, 2 degrees of freedom) = 8.33."""
    logs = np.array([[0.0, 0.1], [0.5, 0.6], [1.0, 1.2]])
    error = (4 * (1 / 60) ** 2 + 2 * (1 / 30) ** 2) / 2
    assert honest_difference(logs, confidence=0.95) == pytest.approx(8.33 * (error / 2) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(("wish", "field"), [({"goal": "speed"}, "goal"), ({"slo_s": 0}, "slo_s")])
def test_a_goal_or_an_objective_that_is_none_is_a_sentence(wish: dict[str, Any], field: str) -> None:
    with pytest.raises(MeasureError) as caught:
        made({(1, 1): [0.01, 0.01]}).best(**wish)
    assert caught.value.values["field"] == field


def test_the_quantile_of_a_cell_is_as_wide_as_its_passes() -> None:
    (cell,) = made({(1, 1): [0.010, 0.012]}).cells
    interval, passes = cell.quantile(0.5), [run.quantile(0.5) for run in cell.runs.values()]
    assert interval is not None
    assert interval.low == min(each.low for each in passes if each)
    assert interval.high == max(each.high for each in passes if each)
    assert interval.mid == np.sort(np.concatenate([run.samples_s for run in cell.runs.values()]))[800]
    assert cell.quantile(0.999) is None


def test_passes_too_short_for_a_quantile_give_it_together() -> None:
    plan = plan_of(threads=(1,), batch=(1,))
    found = [(Place(turn, 1, 1), run_of(np.linspace(0.9, 1.1, 400) * time_s)) for turn, time_s in enumerate((0.1, 0.2))]
    (cell,) = sweep_of("id", plan, found, None).cells
    interval = cell.quantile(0.99)
    assert interval is not None
    assert [run.quantile(0.99) for run in cell.runs.values()] == [None, None]
    assert interval.low == pytest.approx(0.1098)
    assert interval.high >= 0.2194
    (one,) = sweep_of("id", plan, found[:1], None).cells
    assert one.quantile(0.99) is None


@pytest.mark.usefixtures("quick")
def test_tables_words_and_json_tell_the_same(store: Store) -> None:
    Quick.fails[2, 4] = MeasureError("measure_crashed", model="digits", reason="exit status 9")
    found = sweep("digits", threads=(1, 2), batch=(1, 4), seconds=8, passes=2, store=store)
    table = found.table()
    assert list(table["n"]) == [1602, 1602, 1602, 0]
    assert table["items_per_s"][0] == found.cells[0].value("throughput")
    document = sweep_json(found, 5)
    assert document["complete"] is True
    assert [cell["batch"] for cell in document["cells"]] == [1, 4, 1, 4]
    assert "exit status 9" in document["cells"][3]["refusal"]
    best = found.best(slo_s=0.005)
    assert best is not None
    assert document["best_throughput"]["cell"] == {"threads": best.cell.threads, "batch": best.cell.batch}
    for lang in languages():
        text = sweep_text(found, 5, lang)
        assert "exit status 9" in text
        assert len(text.splitlines()) >= 8
        assert "8" in expected_text(found, 100.0, lang)


def test_records_of_plans_and_refusals_come_back() -> None:
    plan = plan_of()
    assert Plan.from_record(plan.record()) == plan
    error = MeasureError("measure_batch", value=3, size=4)
    refused = Refused.by(error, "digits", 1, 3, plan.started)
    assert Refused.from_record(refused.record()) == refused
    assert refused.error.in_language("en") == error.in_language("en")
    for change in ({"code": "no_such"}, {"values": {}}, {"format": 2}):
        with pytest.raises((KeyError, ValueError)):
            Refused.from_record(refused.record() | change)


# The real thing, and its end without warning


def test_a_real_sweep_of_the_classifier(store: Store, tmp_path: Path) -> None:
    found = sweep("digits", threads=(1,), batch=(1, 64), seconds=2, passes=2, store=store)
    assert found.complete
    assert {run.sha256 for cell in found.cells for run in cell.runs.values()} == {DIGITS}
    best = found.best()
    assert best is not None
    assert best.cell.batch == 64
    assert found.drift() is not None
    assert list(store.runs()["sweep"]) == [found.id] * 4
    taken = Store(tmp_path / "other").import_(store.export(found.id, tmp_path / "sweep.zip"))
    assert (len(taken.added), taken.refused) == (5, ())
    assert len({run.started for cell in found.cells for run in cell.runs.values()}) > 1


SWEEP = """
import sys
from advisor.lab import Store, sweep
sweep("digits", threads=(1, 2), batch=(1, 8), seconds=1.6, passes=2, name="s", store=Store(sys.argv[1]),
      on_progress=lambda share: print(round(share * 8), flush=True))
"""


@pytest.mark.parametrize("after", [0, 1, 3, 6])
def test_a_sweep_that_is_killed_loses_the_configuration_under_way_at_most(after: int, tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    process = subprocess.Popen(
        [sys.executable, "-c", SWEEP, str(store.folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    wait_until(lambda: bool(store.ids("sweep")))
    for done in range(1, after + 1):
        assert process.stdout.readline() == f"{done}\n"
    time.sleep(random.Random(after).uniform(0, 0.9))
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    confirmed = after + len(process.stdout.read().split())
    process.wait()
    process.stdout.close()
    before = {path.name: path.read_bytes() for path in store.folder.glob("[!.]*")}
    kept = store.ids("run")
    assert not store.unreadable
    assert confirmed <= len(kept) <= confirmed + 1
    wait_until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))
    whole = sweep("digits", resume="s", store=store)
    assert whole.complete
    assert len(store.ids("run")) == 8
    assert {name: (store.folder / name).read_bytes() for name in before} == before
    assert set(kept) < set(store.ids("run"))
