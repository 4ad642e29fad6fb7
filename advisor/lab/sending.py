"""Sending requests at their moments, on an event loop of its own."""

import asyncio
import gc
import math
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from advisor.errors import MeasureError
from advisor.lab.delays import DelayClock
from advisor.lab.settings import settings
from advisor.lab.targets import Answer, Target

T = TypeVar("T")
OnSamples = Callable[[NDArray[np.float64]], object]
OnProgress = Callable[[float], object]

_clock = time.perf_counter


class Sample(NamedTuple):
    """One request, in seconds by the clock of the client."""

    intended: float
    sent: float
    done: float
    answer: Answer

    @property
    def response_s(self) -> float:
        """Seconds from the intended moment to the answer; infinite for a request that got none."""
        return math.inf if self.answer.failure else self.done - self.intended


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on while requests are sent, and may end it."""

    on_samples: OnSamples | None = None
    on_progress: OnProgress | None = None
    cancel: threading.Event | None = None


class Course:
    """Requests of a test while they are sent.

    Parameters
    ----------
    seconds : float
        Time within which they are to be sent.
    cancel : threading.Event, optional
        Once set, nothing more is sent, and what is not answered soon counts as failed.
    """

    def __init__(self, seconds: float, cancel: threading.Event | None = None) -> None:
        self.start = math.nan
        self.seconds = seconds
        self.over = False
        self.samples: list[Sample] = []
        self.client_delay_s: float | None = None
        self.cancelled = False
        self.abandoned = False
        """Whether nobody waits for the result any more."""
        self._whole_s = seconds
        self._cancel = cancel
        self._limits: set[asyncio.Timeout] = set()

    @property
    def progress(self) -> float:
        """Share of the time that is over, from 0 to 1; 0 before the start."""
        share = 1.0 if self.over else (_clock() - self.start) / self._whole_s
        return min(1.0, share) if math.isfinite(share) else 0.0

    @asynccontextmanager
    async def limited(self, seconds: float) -> AsyncIterator[None]:
        """Block that has to end within so many seconds, and soon once the test is cancelled."""
        most = min(seconds, settings()["load"]["stop_s"]) if self.cancelled else seconds
        async with asyncio.timeout(most) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    async def watch(self) -> None:
        """Wait for the wish to end it, and hand it on."""
        while not (self.abandoned or (self._cancel is not None and self._cancel.is_set())):
            await asyncio.sleep(settings()["load"]["notice_s"])
        self.cancelled = True
        self.seconds = min(self.seconds, _clock() - self.start)
        last = asyncio.get_running_loop().time() + settings()["load"]["stop_s"]
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(min(limit.when() or last, last))


def sent(
    target: Target, requests: Callable[[Course], Awaitable[None]], course: Course, timeout_s: float, watch: Watch
) -> None:
    """Send requests to a target from its opening to its closing.

    Parameters
    ----------
    target : Target
    requests : callable
        Sends the requests of a course that has started.
    course : Course
        Takes what comes back.
    timeout_s : float
        Time within which the target has to get ready.  [s]
    watch : Watch
        What it names is called in this thread.
    """

    async def opened_and_closed() -> None:
        watching = asyncio.create_task(course.watch())
        try:
            await _ready(target, course, timeout_s)
            with _garbage_kept():
                delayed = DelayClock()
                before = delayed()
                course.start = _clock()
                await requests(course)
                after = delayed()
                course.over = not course.cancelled
            course.client_delay_s = None if before is None or after is None else after - before
        finally:
            watching.cancel()
            await target.close()

    _finished(opened_and_closed(), course, watch)


async def open_loop(target: Target, due: Sequence[float], timeout_s: float, course: Course) -> None:
    """Send requests when they are due, whatever became of those before."""
    tasks = []
    for moment in due:
        await _until(moment, course)
        if course.cancelled:
            break
        tasks.append(asyncio.create_task(_asked(target, moment, timeout_s, course)))
    await asyncio.gather(*tasks)


async def closed_loop_client(target: Target, *, end: float, gap_s: float, timeout_s: float, course: Course) -> None:
    """Send requests of one client that waits for each answer, then for what is left of the gap since it sent."""
    due = course.start
    while due < end:
        await _until(due, course)
        if course.cancelled:
            return
        moment = _clock()
        await _asked(target, moment, timeout_s, course)
        due = max(moment + gap_s, _clock())


async def _asked(target: Target, intended: float, timeout_s: float, course: Course) -> None:
    moment = _clock()
    try:
        async with course.limited(timeout_s):
            answer = await target.ask()
    except TimeoutError:
        answer = Answer(failure="cancelled" if course.cancelled else "timeout")
    course.samples.append(Sample(intended, moment, _clock(), answer))


async def _until(moment: float, course: Course) -> None:
    """Wait for a moment, the last part of it awake, for timers of the event loop are coarse; or for the wish to end."""
    table = settings()["load"]
    while (left := moment - _clock() - table["spin_s"]) > 0 and not course.cancelled:
        await asyncio.sleep(min(left, table["notice_s"]))
    while _clock() < moment and not course.cancelled:
        await asyncio.sleep(0)


async def _ready(target: Target, course: Course, timeout_s: float) -> None:
    try:
        async with course.limited(timeout_s):
            await target.open()
    except TimeoutError:
        if not course.cancelled:
            raise MeasureError("load_refused", value=target.name, reason="timeout") from None


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """No collection of garbage while requests are sent."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _finished(work: Coroutine[Any, Any, T], course: Course, watch: Watch) -> T:
    """Result of asynchronous work, in a thread of its own, which ends with this one."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(asyncio.run, work)
        seen = 0
        try:
            while not wait([running], settings()["load"]["look_s"]).done:
                seen = _look(course, watch, seen)
            result = running.result()
            _look(course, watch, seen)
            return result
        finally:
            course.abandoned = True


def _look(course: Course, watch: Watch, seen: int) -> int:
    """Tell what came back since the last look; returns how many requests have been told."""
    known = len(course.samples)
    if watch.on_samples is not None and known > seen:
        watch.on_samples(np.array([sample.response_s for sample in course.samples[seen:known]]))
    if watch.on_progress is not None:
        watch.on_progress(course.progress)
    return known
