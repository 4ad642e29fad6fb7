"""Sending requests at their moments, on an event loop of its own."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from advisor.errors import MeasureError
from advisor.lab.settings import settings
from advisor.lab.targets import Answer, Target

T = TypeVar("T")

_clock = time.perf_counter


class Sample(NamedTuple):
    """One request, in seconds by the clock of the client."""

    intended: float
    sent: float
    done: float
    answer: Answer


class Sent(NamedTuple):
    """Requests of a test, and the moment when it began."""

    start: float
    samples: list[Sample]


def sent(target: Target, requests: Callable[[float], Awaitable[list[Sample]]], timeout_s: float) -> Sent:
    """Requests to a target from its opening to its closing.

    Parameters
    ----------
    target : Target
    requests : callable
        Takes the moment at which the test begins, and sends.
    timeout_s : float
        Time within which the target has to get ready.  [s]
    """

    async def opened_and_closed() -> Sent:
        try:
            await _ready(target, timeout_s)
            with _garbage_kept():
                start = _clock()
                return Sent(start, await requests(start))
        finally:
            await target.close()

    return _finished(opened_and_closed())


async def open_loop(target: Target, due: Sequence[float], timeout_s: float) -> list[Sample]:
    """Requests sent when they are due, whatever became of those before."""
    tasks = []
    for moment in due:
        await _until(moment)
        tasks.append(asyncio.create_task(_asked(target, moment, timeout_s)))
    return await asyncio.gather(*tasks)


async def closed_loop_client(
    target: Target, *, start: float, end: float, gap_s: float, timeout_s: float
) -> list[Sample]:
    """Requests of one client that waits for each answer, then for what is left of the gap since it sent."""
    samples: list[Sample] = []
    due = start
    while due < end:
        await _until(due)
        samples.append(await _asked(target, _clock(), timeout_s))
        due = max(samples[-1].sent + gap_s, _clock())
    return samples


async def _asked(target: Target, intended: float, timeout_s: float) -> Sample:
    moment = _clock()
    try:
        async with asyncio.timeout(timeout_s):
            answer = await target.ask()
    except TimeoutError:
        answer = Answer(failure="timeout")
    return Sample(intended, moment, _clock(), answer)


async def _until(moment: float) -> None:
    """Wait for a moment, the last part of it awake; timers of the event loop are coarse."""
    await asyncio.sleep(max(0.0, moment - _clock() - settings()["load"]["spin_s"]))
    while _clock() < moment:
        await asyncio.sleep(0)


async def _ready(target: Target, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await target.open()
    except TimeoutError:
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


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Result of asynchronous work, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
