"""Measuring a model in a child process while the samples stream in."""

import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from advisor.errors import AdvisorError, MeasureError, why_not
from advisor.lab import processes
from advisor.lab.jobs import Job, job
from advisor.lab.machine import Machine, runtime_version, this_machine
from advisor.lab.runs import Run, WarmUp
from advisor.lab.settings import settings
from advisor.units import NS_PER_S

FloatArray = NDArray[np.float64]
State = Literal["ready", "running", "done", "cancelled", "failed"]
OnSamples = Callable[[FloatArray], object]

_LOOK_S = 0.05


def measure(
    model: str | Path,
    *,
    threads: int = 1,
    batch: int = 1,
    seconds: float = 5,
    providers: Sequence[str] | None = None,
    on_samples: OnSamples | None = None,
    cancel: threading.Event | None = None,
) -> Run:
    """Measure how long one inference takes on this machine.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``.
    threads : int, default 1
        Threads that one inference may use.
    batch : int, default 1
        Items in one inference.
    seconds : float, default 5
        Length of the measurement; loading and warm-up come on top.
    providers : sequence of str, optional
        Execution providers of onnxruntime, first choice first; by default the CPU.
    on_samples : callable, optional
        Called with each new part of the samples, about every 0.2 s.  [s]
    cancel : threading.Event, optional
        Once set, the child process ends and the run holds the samples so far.

    Returns
    -------
    Run

    Raises
    ------
    MeasureError, ModelFileError, UnknownIdError, MissingExtraError
        Whatever keeps the model from being measured, as one sentence.

    Examples
    --------
    >>> run = measure("digits", seconds=1)
    >>> run.quantile(0.5).mid < run.quantile(0.99).high
    True
    """
    measurement = Measurement(model, threads=threads, batch=batch, seconds=seconds, providers=providers)
    if cancel is not None:
        threading.Thread(target=_cancel_when, args=(measurement, cancel), daemon=True).start()
    return measurement.result(on_samples)


class Measurement:
    """A measurement that runs in the background, for an interface that stays alive.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``.
    threads, batch, seconds, providers
        As for ``measure``.
    """

    def __init__(
        self,
        model: str | Path,
        threads: int = 1,
        batch: int = 1,
        seconds: float = 5,
        providers: Sequence[str] | None = None,
    ) -> None:
        self._model = model
        self._wishes: dict[str, Any] = {"threads": threads, "batch": batch, "seconds": seconds, "providers": providers}
        self._state: State = "ready"
        self._error: AdvisorError | None = None
        self._run: Run | None = None
        self._parts: list[FloatArray] = []
        self._elapsed_s = 0.0
        self._delay_share: float | None = None
        self._ended = False
        self._cancelled = False
        self._out_of_time = False
        self._lock = threading.Lock()
        self._child: processes.Child | None = None
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> State:
        """One of ready, running, done, cancelled, failed."""
        return self._state

    @property
    def progress(self) -> float:
        """Share of the measurement that is over, from 0 to 1; 0 while the model loads and warms up."""
        return min(1.0, self._elapsed_s / self._wishes["seconds"]) if self._parts else 0.0

    @property
    def samples_s(self) -> FloatArray:
        """Samples so far, in order, in seconds."""
        parts = tuple(self._parts)
        return np.concatenate(parts) if parts else np.empty(0)

    @property
    def error(self) -> AdvisorError | None:
        """Why the measurement failed."""
        return self._error

    @property
    def run(self) -> Run | None:
        """Run, once the measurement is done, or was cancelled with samples at hand."""
        return self._run

    def start(self) -> None:
        """Begin; a measurement begins once."""
        with self._lock:
            if self._state != "ready":
                return
            self._state = "running"
        self._thread = threading.Thread(target=self._work, name="measurement", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End the child process now and keep the samples; without effect unless the measurement is running."""
        with self._lock:
            if self._state != "running":
                return
            self._cancelled = True
            if self._child is not None:
                self._child.kill()
        if self._thread is not None:
            self._thread.join(settings()["child"]["stop_s"])

    def result(self, on_samples: OnSamples | None = None) -> Run:
        """Run of the measurement, made in this thread unless it was started; raises the error that it ended with."""
        if self._state == "ready":
            self._state = "running"
            self._work(on_samples)
        elif self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        if self._run is None:
            raise MeasureError("measure_no_samples", model=str(self._model))
        return self._run

    def _work(self, on_samples: OnSamples | None = None) -> None:
        outcome: State = "failed"
        try:
            outcome = self._measured(on_samples)
        except AdvisorError as error:
            self._error = error
        except OSError as error:
            self._error = MeasureError("measure_crashed", model=str(self._model), reason=why_not(error))
        finally:
            self._state = outcome

    def _measured(self, on_samples: OnSamples | None) -> State:
        task = job(self._model, **self._wishes)
        machine = this_machine()
        told: dict[str, Any] = {}
        with tempfile.TemporaryFile() as spoken:
            with self._messages(task, spoken) as messages:
                for message in messages:
                    self._take(message, told, on_samples)
            if not (self._ended or self._cancelled):
                raise self._crash(task, spoken)
        if self._parts:
            self._run = self._made(task, machine, told)
        return "cancelled" if self._cancelled and not self._ended else "done"

    @contextmanager
    def _messages(self, task: Job, spoken: IO[bytes]) -> Iterator[Iterator[Mapping[str, Any]]]:
        """What the child process says, line by line; it is gone afterwards."""
        with self._lock:
            child = self._child = None if self._cancelled else processes.started(spoken)
        if child is None:
            yield iter(())
            return
        last = threading.Timer(task.limit_s, self._end_late)
        last.daemon = True
        last.start()
        try:
            yield processes.messages(child) if processes.told(child, task.message) else iter(())
        finally:
            last.cancel()
            child.kill()
            with suppress(OSError):
                child.communicate()

    def _take(self, message: Mapping[str, Any], told: dict[str, Any], on_samples: OnSamples | None) -> None:
        if "error" in message:
            raise MeasureError(message["error"], **message["values"])
        if "samples_ns" in message:
            part = np.array(message["samples_ns"], dtype=np.float64) / NS_PER_S
            self._parts.append(part)
            self._elapsed_s, self._delay_share = message["elapsed_s"], message["delay_share"]
            if on_samples is not None:
                on_samples(part)
        elif "warm_up" in message:
            told.update(message, started=datetime.now(UTC).isoformat(timespec="seconds"))
        else:
            self._ended = True

    def _end_late(self) -> None:
        self._out_of_time = True
        if self._child is not None:
            self._child.kill()

    def _crash(self, task: Job, spoken: IO[bytes]) -> MeasureError:
        if self._out_of_time:
            return MeasureError("measure_out_of_time", model=task.model, limit=f"{task.limit_s:g}")
        return MeasureError("measure_crashed", model=task.model, reason=processes.last_words(self._child, spoken))

    def _made(self, task: Job, machine: Machine, told: Mapping[str, Any]) -> Run:
        return run_of(
            task,
            machine,
            told,
            samples_s=self.samples_s,
            delay_share=self._delay_share,
            cancelled=self._cancelled and not self._ended,
        )


def run_of(
    task: Job,
    machine: Machine,
    told: Mapping[str, Any],
    *,
    samples_s: FloatArray,
    delay_share: float | None,
    cancelled: bool,
) -> Run:
    """Run of a job, with what the child told before its first sample."""
    versions = {"python": platform.python_version(), "onnxruntime": runtime_version() or "", "numpy": np.__version__}
    return Run(
        model=task.model,
        sha256=task.sha256,
        samples_s=samples_s,
        batch=task.batch,
        threads=task.message["threads"],
        providers=tuple(told["providers"]),
        inputs=task.inputs,
        started=told["started"],
        machine=machine,
        versions=tuple(versions.items()),
        warm_up=WarmUp(**told["warm_up"]),
        delay_share=delay_share,
        cancelled=cancelled,
        assumptions=task.assumptions,
    )


def _cancel_when(measurement: Measurement, wished: threading.Event) -> None:
    while measurement.state in ("ready", "running"):
        if wished.wait(_LOOK_S):
            measurement.cancel()
            time.sleep(_LOOK_S)
