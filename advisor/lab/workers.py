"""Worker threads that run one model, or any function, and the times of each call."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from advisor.errors import MeasureError
from advisor.lab.delays import DelayClock
from advisor.lab.jobs import Job, job, within_bounds
from advisor.lab.sessions import feed_of, reason_of, runtime_errors, session_of
from advisor.lab.settings import settings


class Served(NamedTuple):
    """What a worker made of one call."""

    result: Any
    queue_s: float
    """Wait until the worker was done with the call before.  [s]"""
    service_s: float
    """From then on, or from the call if it was idle: hand-over and work.  [s]"""
    delay_s: float
    """Part of the service in which the worker waited for a processor; NaN where the system does not tell.  [s]"""


class _Own(threading.local):
    """What each worker knows of itself."""

    def __init__(self) -> None:
        self.clock = DelayClock()
        self.done = -math.inf
        self.delayed_s = self.clock()


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
        self._own = _Own()

    async def call(self, *arguments: Any) -> Served:
        """Result of one call, and its times."""
        asked = time.perf_counter()

        def served() -> Served:
            own = self._own
            start, before = max(asked, own.done), own.delayed_s
            try:
                result = self._work(*arguments)
            finally:
                own.done, own.delayed_s = time.perf_counter(), own.clock()
            service_s, after = own.done - start, own.delayed_s
            delay_s = math.nan if before is None or after is None else min(after - before, service_s)
            return Served(result, start - asked, service_s, delay_s)

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
        self.feed = usual_feed(self.job.message["inputs"])
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
        except runtime_errors() as error:
            raise MeasureError("measure_runtime", file=self.job.model, reason=reason_of(error)) from None


def usual_feed(inputs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Tensors for inputs of given names, types and shapes, filled as for a measurement."""
    return feed_of(inputs, **settings()["inputs"])


def _session(message: Mapping[str, Any]) -> Any:
    try:
        return session_of(message["model"], message["threads"], message["providers"])
    except runtime_errors() as error:
        raise MeasureError("measure_runtime", file=message["model"], reason=reason_of(error)) from None
