"""Sweeps over threads and batch on this machine: each configuration in a child process, each kept at once."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from advisor.errors import AdvisorError, MeasureError
from advisor.lab.measuring import Measurement, State
from advisor.lab.runs import Run
from advisor.lab.settings import settings
from advisor.lab.store import Store
from advisor.lab.sweep_planning import batches, check_name, check_same, found_of, identified, known_plan, new_plan
from advisor.lab.sweep_plans import Place, Plan, Refused
from advisor.lab.sweep_results import Found, Sweep, sweep_of

_LOOK_S = 0.05


def sweep(
    model: str | Path,
    *,
    threads: Sequence[int] | None = None,
    batch: Sequence[int] | None = None,
    seconds: float | None = None,
    passes: int | None = None,
    seed: int | None = None,
    name: str | None = None,
    resume: str | None = None,
    store: Store | None = None,
    on_progress: Callable[[float], object] | None = None,
    cancel: threading.Event | None = None,
) -> Sweep:
    """Measure a model with several numbers of threads and batch sizes on this machine.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``.
    threads, batch : sequence of int, optional
        What to combine; by default 1, 2 threads and batches of 1, 4, 8.
    seconds : float, optional
        Length of all measurements together, by default 60; starting, loading and warm-up come on top.
    passes : int, optional
        Times that each configuration is measured, by default 3, in a process of its own each time: what differs is
        noise or drift.
    seed : int, optional
        Seed of the order within each pass, by default 0.
    name : str, optional
        Name to go on by; by default from the model and the time.
    resume : str, optional
        Name or id of a sweep of this model on this machine that was broken off: what it lacks is measured.
    store : Store, optional
        Where it is kept; by default the store of the user.
    on_progress : callable, optional
        Called after each measurement with the share that is over, from 0 to 1.
    cancel : threading.Event, optional
        Once set, the measurement under way ends; what was measured is kept and returned.

    Returns
    -------
    Sweep

    Raises
    ------
    MeasureError, ModelFileError, UnknownIdError, MissingExtraError
        Whatever keeps every configuration from being measured, as one sentence; what keeps a single one is in its cell.

    Examples
    --------
    >>> sweep("digits", threads=(1,), batch=(1, 64), seconds=4).best("throughput").cell.batch
    64
    """
    sweeping = Sweeping(
        model, threads=threads, batch=batch, seconds=seconds, passes=passes, seed=seed, name=name, resume=resume,
        store=store, on_progress=on_progress,
    )  # fmt: skip
    if cancel is not None:
        threading.Thread(target=_cancel_when, args=(sweeping, cancel), daemon=True).start()
    return sweeping.result()


class Sweeping:
    """A sweep that runs in the background, for an interface that stays alive.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``.
    store, on_progress
        As for ``sweep``.
    **wishes
        threads, batch, seconds, passes, seed, name and resume, as for ``sweep``.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        store: Store | None = None,
        on_progress: Callable[[float], object] | None = None,
        **wishes: Any,
    ) -> None:
        self._model = model
        self._store = store
        self._on_progress = on_progress
        self._wishes = wishes
        self._state: State = "ready"
        self._error: AdvisorError | None = None
        self._not_saved: AdvisorError | None = None
        self._id: str | None = None
        self._plan: Plan | None = None
        self._found: list[Found] = []
        self._unsaved: list[Found] = []
        self._walls_s: list[float] = []
        self._cancelled = False
        self._current: Measurement | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> State:
        """One of ready, running, done, cancelled, failed."""
        return self._state

    @property
    def error(self) -> AdvisorError | None:
        """Why the sweep failed."""
        return self._error

    @property
    def sweep(self) -> Sweep | None:
        """What was measured so far; None before the plan is made."""
        if self._plan is None or self._id is None:
            return None
        return sweep_of(self._id, self._plan, tuple(self._found), self._not_saved)

    @property
    def progress(self) -> float:
        """Share of the sweep that is over, from 0 to 1."""
        if self._plan is None:
            return 0.0
        count = len(self._plan.places())
        current = self._current
        under_way = current.progress if current is not None and current.state == "running" else 0.0
        return min(1.0, (count - len(self._lacking(self._plan)) + under_way) / count)

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take: an estimate from the budget, then from what was measured so far."""
        if self._plan is None:
            return None
        each_s = self._plan.share_s + float(settings()["sweep"]["start_s"])
        if self._walls_s:
            each_s = sum(self._walls_s) / len(self._walls_s)
        return len(self._lacking(self._plan)) * each_s

    def start(self) -> None:
        """Begin; a sweep begins once."""
        with self._lock:
            if self._state != "ready":
                return
            self._state = "running"
            self._thread = threading.Thread(target=self._work, name="sweep", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End the measurement under way and keep what there is; without effect unless the sweep is running."""
        with self._lock:
            if self._state != "running":
                return
            self._cancelled = True
            current = self._current
        if current is not None:
            current.cancel()
        if self._thread is not None:
            self._thread.join(settings()["child"]["stop_s"])

    def result(self) -> Sweep:
        """Sweep when it is over, begun here unless it was; raises the error that it ended with."""
        self.start()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        if self.sweep is None:
            raise MeasureError("measure_no_samples", model=str(self._model))
        return self.sweep

    def _work(self) -> None:
        outcome: State = "failed"
        try:
            outcome = self._measured()
        except AdvisorError as error:
            self._error = error
        finally:
            self._state = outcome

    def _measured(self) -> State:
        store = Store() if self._store is None else self._store
        refused = self._begin(store)
        plan = self._plan
        if plan is None:
            return "failed"
        for place in plan.places():
            if place not in self._lacking(plan):
                continue
            if not self._cancelled and place.batch in refused:
                self._keep(store, place, self._refusal(plan, place, refused[place.batch]))
            elif not self._cancelled:
                self._measure(store, plan, place)
            if self._on_progress is not None:
                self._on_progress(self.progress)
        self._keep_again(store)
        return "cancelled" if self._lacking(plan) else "done"

    def _begin(self, store: Store) -> Mapping[int, MeasureError]:
        """Make or find the plan; errors of the batches that the model does not take."""
        wishes = {name: value for name, value in self._wishes.items() if value is not None}
        resume = wishes.pop("resume", None)
        old = None if resume is None else known_plan(store, resume)
        model, sha256, refused = identified(self._model, batches(wishes) if old is None else old[1].batch)
        if old is None:
            plan = new_plan(wishes, model, sha256)
            check_name(store, plan.name)
            self._id = store.add(plan)
        else:
            self._id, plan = old
            check_same(plan, sha256, wishes)
            self._found = found_of(store, self._id)
        self._plan = plan
        return refused

    def _measure(self, store: Store, plan: Plan, place: Place) -> None:
        start = time.monotonic()
        measurement = Measurement(self._model, threads=place.threads, batch=place.batch, seconds=plan.share_s)
        with self._lock:
            if self._cancelled:
                return
            self._current = measurement
            measurement.start()
        try:
            run = measurement.result()
        except MeasureError as error:
            if not self._cancelled:
                self._keep(store, place, self._refusal(plan, place, error))
            return
        if run.sha256 != plan.sha256:
            raise MeasureError("sweep_other_model", value=str(self._model), name=plan.name)
        self._keep(store, place, run)
        self._walls_s.append(time.monotonic() - start)

    def _refusal(self, plan: Plan, place: Place, error: MeasureError) -> Refused:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Refused.by(error, plan.model, place.threads, place.batch, now)

    def _keep(self, store: Store, place: Place, one: Run | Refused) -> None:
        """Keep in memory, and on disk; what the disk does not take is tried again at the end."""
        self._found.append((place, one))
        if not self._is_saved(store, place, one):
            self._unsaved.append((place, one))

    def _keep_again(self, store: Store) -> None:
        self._unsaved = [(place, one) for place, one in self._unsaved if not self._is_saved(store, place, one)]
        if not self._unsaved:
            self._not_saved = None

    def _is_saved(self, store: Store, place: Place, one: Run | Refused) -> bool:
        try:
            store.add(one, part_of={"sweep": self._id, "pass": place.turn})
        except MeasureError as error:
            self._not_saved = error
            return False
        return True

    def _lacking(self, plan: Plan) -> list[Place]:
        """Measurements still to be made: not those of a configuration that was refused."""
        found = list(self._found)
        refused = {place[1:] for place, one in found if isinstance(one, Refused)}
        whole = {place for place, one in found if isinstance(one, Run) and not one.cancelled}
        return [place for place in plan.places() if place not in whole and place[1:] not in refused]


def _cancel_when(sweeping: Sweeping, wished: threading.Event) -> None:
    while sweeping.state in ("ready", "running"):
        if wished.wait(_LOOK_S):
            sweeping.cancel()
            time.sleep(_LOOK_S)
