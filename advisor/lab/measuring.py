"""Measuring a model in a child process while the samples stream in."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from advisor.errors import AdvisorError, MeasureError, why_not
from advisor.lab import processes
from advisor.lab.harvest import Harvest, run_of
from advisor.lab.jobs import Job, job
from advisor.lab.machine import Machine, this_machine
from advisor.lab.runs import Run
from advisor.lab.settings import settings
from advisor.lab.watching import Stage, Watch
from advisor.numbers import number
from advisor.units import BYTES_PER_GB

if TYPE_CHECKING:
    from advisor.lab.variant_data import Data
    from advisor.lab.variant_plans import Wish
    from advisor.lab.variant_records import Variant

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
    axes: Mapping[str, int] | None = None,
    bursts: int = 20,
    over: float | None = None,
    memory_limit: str | float | None = None,
    precision: "Wish" = "fp32",
    data: "Data | None" = None,
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
        Time of all inferences together; loading, warm-up and pauses come on top.  [s]
    providers : sequence of str, optional
        Execution providers of onnxruntime, first choice first; by default the CPU.
    axes : mapping of str to int, optional
        Sizes of dynamic axes other than the batch, by name, or as ``"input[axis]"`` where an axis has none.
    bursts : int, default 20
        Bursts that the inferences are cut into, fewer where inferences are long.
    over : float, optional
        Time over which the bursts are spread; by default one follows another.  [s]
    memory_limit : str or float, optional
        Memory that the child process may take, such as "2 GB", or bytes; by default most of what is free.
    precision : {"fp32", "int8", "int8-static", "int8-dynamic", "fp16"}
        Variant of the model that is made and measured in its place, as :func:`advisor.lab.variant` makes it.
    data : mapping or path, optional
        Inputs of your own for the variant, as there.
    on_samples : callable, optional
        Called with each new part of the samples, about every 0.2 s.  [s]
    cancel : threading.Event, optional
        Once set, the child process ends and the run holds the samples so far.

    Returns
    -------
    Run

    Raises
    ------
    MeasureError, ModelFileError, RequirementError, QuantityError, UnknownIdError, MissingExtraError
        Whatever keeps the model from being measured, as one sentence.

    Examples
    --------
    >>> run = measure("digits", seconds=1)
    >>> run.quantile(0.5).mid < run.quantile(0.99).high
    True
    """
    made = None if precision == "fp32" else _variant(model, precision, data)
    measurement = Measurement(
        model if made is None else made.path,
        threads=threads,
        batch=batch,
        seconds=seconds,
        providers=providers,
        axes=axes,
        bursts=bursts,
        over=over,
        memory_limit=memory_limit,
    )
    if cancel is not None:
        threading.Thread(target=_cancel_when, args=(measurement, cancel), daemon=True).start()
    run = measurement.result(on_samples)
    return run if made is None else made.named(run)


class Measurement:
    """A measurement that runs in the background, for an interface that stays alive.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``.
    threads, batch, seconds, providers, axes, bursts, over, memory_limit
        As for ``measure``.
    """

    def __init__(
        self,
        model: str | Path,
        threads: int = 1,
        batch: int = 1,
        seconds: float = 5,
        providers: Sequence[str] | None = None,
        axes: Mapping[str, int] | None = None,
        bursts: int = 20,
        over: float | None = None,
        memory_limit: str | float | None = None,
    ) -> None:
        self._model = model
        self._wishes: dict[str, Any] = {
            "threads": threads, "batch": batch, "seconds": seconds, "providers": providers, "axes": axes,
            "bursts": bursts, "over": over, "memory_limit": memory_limit,
        }  # fmt: skip
        self._state: State = "ready"
        self._error: AdvisorError | None = None
        self._run: Run | None = None
        self._harvest = Harvest()
        self._watch: Watch | None = None
        self._cancelled = False
        self._lock = threading.Lock()
        self._child: processes.Child | None = None
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> State:
        """One of ready, running, done, cancelled, failed."""
        return self._state

    @property
    def stage(self) -> Stage:
        """Where the child process is: start, load, first_run, measure."""
        return "start" if self._watch is None else self._watch.stage

    @property
    def progress(self) -> float:
        """Share of the measurement that is over, from 0 to 1; 0 while the model loads and warms up."""
        elapsed_s = self._harvest.elapsed_s
        return min(1.0, elapsed_s / self._wishes["seconds"]) if elapsed_s else 0.0

    @property
    def samples_s(self) -> FloatArray:
        """Samples so far, in order, in seconds."""
        return self._harvest.samples_s

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
        with tempfile.TemporaryFile() as spoken:
            with self._messages(task, spoken) as messages:
                for message in messages:
                    self._take(message, on_samples)
            if not (self._harvest.ended or self._cancelled):
                raise self._crash(task, spoken)
        if self._harvest.elapsed_s:
            self._run = self._made(task, machine)
        return "cancelled" if self._cancelled and not self._harvest.ended else "done"

    @contextmanager
    def _messages(self, task: Job, spoken: IO[bytes]) -> Iterator[Iterator[Mapping[str, Any]]]:
        """What the child process says, line by line; it is gone afterwards."""
        with self._lock:
            child = self._child = None if self._cancelled else processes.started(spoken)
        if child is None:
            yield iter(())
            return
        self._watch = Watch(child, task.limits_s, task.memory_bytes, settings()["child"]["watch_s"])
        try:
            with self._watch:
                yield processes.messages(child) if processes.told(child, task.message) else iter(())
        finally:
            child.kill()
            with suppress(OSError):
                child.communicate()

    def _take(self, message: Mapping[str, Any], on_samples: OnSamples | None) -> None:
        if "error" in message:
            raise MeasureError(message["error"], **message["values"])
        if "stage" in message and self._watch is not None:
            self._watch.enter(message["stage"])
            return
        if "warm_up" in message:
            message = {**message, "started": datetime.now(UTC).isoformat(timespec="seconds")}
        part = self._harvest.take(message)
        if part is not None and on_samples is not None:
            on_samples(part)

    def _crash(self, task: Job, spoken: IO[bytes]) -> MeasureError:
        """Why the child ended before its time: the watch ended it, or it failed by itself."""
        verdict = None if self._watch is None else self._watch.verdict
        if verdict == "memory":
            return MeasureError("measure_memory", model=task.model, limit=number(task.memory_bytes / BYTES_PER_GB))
        if verdict is not None:
            code = "measure_out_of_time" if verdict == "measure" else f"measure_late_{verdict}"
            return MeasureError(code, model=task.model, limit=number(task.limits_s[verdict]))
        reason = processes.last_words(self._child, spoken)
        fault = processes.fault_of(self._child)
        return MeasureError("measure_fault" if fault else "measure_crashed", model=task.model, reason=reason)

    def _made(self, task: Job, machine: Machine) -> Run:
        return run_of(
            task,
            machine,
            self._harvest.told,
            samples_s=self.samples_s,
            delay_share=self._harvest.delay_share,
            cancelled=self._cancelled and not self._harvest.ended,
            **self._harvest.beside(),
        )


def _variant(model: str | Path, precision: "Wish", data: "Data | None") -> "Variant":
    from advisor.lab.variants import variant

    return variant(model, precision, data=data)


def _cancel_when(measurement: Measurement, wished: threading.Event) -> None:
    while measurement.state in ("ready", "running"):
        if wished.wait(_LOOK_S):
            measurement.cancel()
            time.sleep(_LOOK_S)
