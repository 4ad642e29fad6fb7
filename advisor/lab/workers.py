"""Worker threads that run one model, or any function, and the times of each call."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np

from advisor.errors import MeasureError
from advisor.lab.jobs import Job, job, within_bounds
from advisor.lab.settings import settings


class Served(NamedTuple):
    """What a worker made of one call."""

    result: Any
    queue_s: float
    """Wait for a free worker.  [s]"""
    service_s: float


class Workers:
    """Worker threads that share one queue.

    Parameters
    ----------
    work : callable
        What a worker does.
    workers : int
        Calls that may be served at once.
    """

    def __init__(self, work: Callable[..., Any], workers: int) -> None:
        within_bounds("workers", workers, settings()["load"]["bounds"])
        self.count = workers
        self._work = work
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")

    async def call(self, *arguments: Any) -> Served:
        """Result of one call, and its times."""
        asked = time.perf_counter()

        def served() -> Served:
            start = time.perf_counter()
            result = self._work(*arguments)
            return Served(result, start - asked, time.perf_counter() - start)

        return await asyncio.get_running_loop().run_in_executor(self._threads, served)

    def close(self) -> None:
        """End the threads; calls that wait are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class ModelWorkers(Workers):
    """Worker threads that run one ONNX model, each with a session of its own.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``.
    threads : int
        Threads that one inference may use.
    workers : int
        Inferences that may run at once.
    """

    def __init__(self, model: str | Path, *, threads: int, workers: int) -> None:
        super().__init__(self._inference, workers)
        self.job: Job = job(model, threads=threads, batch=1, seconds=1, providers=None)
        self.feed = feed_of(self.job.message["inputs"])
        sessions = [_session(self.job.message) for _ in range(workers)]
        self.inputs = [(entry.name, entry.type, entry.shape) for entry in sessions[0].get_inputs()]
        self.outputs = [(entry.name, entry.type, entry.shape) for entry in sessions[0].get_outputs()]
        self._names = [name for name, _, _ in self.outputs]
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for session in sessions:
            for _ in range(settings()["serve"]["warm_up_runs"]):
                self._run(session, self.feed)
            self._idle.put(session)

    def _inference(self, feed: Mapping[str, Any]) -> list[Any]:
        session = self._idle.get()
        try:
            return self._run(session, feed)
        finally:
            self._idle.put(session)

    def _run(self, session: Any, feed: Mapping[str, Any]) -> list[Any]:
        try:
            return list(session.run(self._names, feed))
        except _runtime_errors() as error:
            reason = " ".join(str(error).split())
            raise MeasureError("measure_runtime", file=self.job.model, reason=reason) from None


def feed_of(inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Tensors for inputs of given names, types and shapes, filled as for a measurement."""
    table = settings()["inputs"]
    random = np.random.default_rng(table["seed"])
    feed: dict[str, Any] = {}
    for entry in inputs:
        kind, shape = np.dtype(entry["type"]), tuple(entry["shape"])
        is_fraction = kind.kind == "f"
        feed[entry["name"]] = (
            random.random(shape).astype(kind) if is_fraction else np.full(shape, table["whole_number"], dtype=kind)
        )
    return feed


def _session(message: Mapping[str, Any]) -> Any:
    from onnxruntime import InferenceSession, SessionOptions

    options: Any = SessionOptions()
    options.intra_op_num_threads = message["threads"]
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return InferenceSession(message["model"], options, providers=message["providers"])
    except _runtime_errors() as error:
        reason = " ".join(str(error).split())
        raise MeasureError("measure_runtime", file=message["model"], reason=reason) from None


def _runtime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a model that it cannot load or run."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = (value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception))
    return (*own, RuntimeError, ValueError, MemoryError)
