"""Load tests that run in the background, for an interface that stays alive."""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from advisor.errors import AdvisorError, MeasureError
from advisor.lab.load import closed_loop, load_test
from advisor.lab.load_runs import LoadRun, Loop
from advisor.lab.measuring import State
from advisor.lab.ramps import Ramp, ramp
from advisor.lab.settings import settings
from advisor.lab.targets import Goal

FloatArray = NDArray[np.float64]
T = TypeVar("T", LoadRun, Ramp)

_NOTHING = "measure_no_samples"


class _Background(Generic[T]):
    """Work in a thread of its own that tells its progress and can be ended."""

    def __init__(self, target: Goal, make: Callable[..., T], wishes: dict[str, Any]) -> None:
        self._target = target
        self._make: Callable[..., T] = make
        self._wishes = wishes
        self._state: State = "ready"
        self._progress = 0.0
        self._error: AdvisorError | None = None
        self._made: T | None = None
        self._cancel = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> State:
        """One of ready, running, done, cancelled, failed."""
        return self._state

    @property
    def progress(self) -> float:
        """Share of the test that is over, from 0 to 1; 0 until its first request."""
        return self._progress

    @property
    def error(self) -> AdvisorError | None:
        """Why the test failed."""
        return self._error

    def start(self) -> None:
        """Begin; a test begins once."""
        with self._lock:
            if self._state != "ready":
                return
            self._state = "running"
        self._thread = threading.Thread(target=self._work, name="load test", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Send nothing more and keep what was measured; without effect unless the test is running."""
        if self._state == "running":
            self._cancel.set()
            if self._thread is not None:
                self._thread.join(2 * settings()["load"]["stop_s"])

    def result(self) -> T:
        """What was measured, made in this thread unless it was started; raises the error that it ended with."""
        with self._lock:
            fresh = self._state == "ready"
            self._state = "running" if fresh else self._state
        if fresh:
            self._work()
        elif self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        if self._made is None:
            raise MeasureError(_NOTHING, model=str(self._target))
        return self._made

    def _work(self) -> None:
        outcome: State = "failed"
        try:
            self._made = self._make(self._target, on_progress=self._advance, cancel=self._cancel, **self._wishes)
            outcome = "cancelled" if self._made.cancelled else "done"
            self._progress = self._progress if outcome == "cancelled" else 1.0
        except AdvisorError as error:
            if error.code == _NOTHING and self._cancel.is_set():
                outcome = "cancelled"
            else:
                self._error = error
        finally:
            self._state = outcome

    def _advance(self, share: float) -> None:
        self._progress = share


class LoadTest(_Background[LoadRun]):
    """A load test that runs in the background.

    Parameters
    ----------
    target : str, Path or callable
        As for ``load_test``.
    loop : {"open", "closed"}, default "open"
        Whether it is made as by ``load_test`` or by ``closed_loop``.
    **wishes
        What that function takes: ``rate_per_s``, ``seconds``, ``slo_ms``, ``workers`` ...
    """

    def __init__(self, target: Goal, *, loop: Loop = "open", **wishes: Any) -> None:
        self._parts: list[FloatArray] = []
        make: Callable[..., LoadRun] = load_test if loop == "open" else closed_loop
        super().__init__(target, make, {**wishes, "on_samples": self._parts.append})

    @property
    def samples_s(self) -> FloatArray:
        """Response times so far in the order in which the answers came, infinite for a failure.  [s]."""
        parts = tuple(self._parts)
        return np.concatenate(parts) if parts else np.empty(0)

    @property
    def run(self) -> LoadRun | None:
        """Load test, once it is done, or was cancelled with answers at hand."""
        return self._made


class RampTest(_Background[Ramp]):
    """Load tests at several rates that run in the background.

    Parameters
    ----------
    target : str, Path or callable
    slo_ms : float
        Objective for the p99.  [ms]
    **wishes
        What ``ramp`` takes besides.
    """

    def __init__(self, target: Goal, slo_ms: float, **wishes: Any) -> None:
        self._runs: list[LoadRun] = []
        super().__init__(target, ramp, {"slo_ms": slo_ms, **wishes, "on_run": self._runs.append})

    @property
    def runs(self) -> tuple[LoadRun, ...]:
        """Load tests so far."""
        return tuple(self._runs)

    @property
    def ramp(self) -> Ramp | None:
        """All of them, once it is done, or was cancelled with one at hand."""
        return self._made
