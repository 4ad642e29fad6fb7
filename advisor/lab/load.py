"""Load tests: requests sent at moments fixed beforehand, and latency counted from those moments."""

import asyncio
import math
import platform
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Unpack

import numpy as np

from advisor.errors import MeasureError
from advisor.lab.delays import processor_times, stolen_share
from advisor.lab.jobs import within_bounds
from advisor.lab.load_runs import FloatArray, LoadRun
from advisor.lab.machine import runtime_version, this_machine
from advisor.lab.sending import Course, OnProgress, OnSamples, Watch, closed_loop_client, open_loop, sent
from advisor.lab.settings import settings
from advisor.lab.targets import Goal, Target, TargetOptions, target_of
from advisor.units import MS_PER_S


def load_test(
    target: Goal,
    *,
    rate_per_s: float | None = None,
    seconds: float = 10,
    slo_ms: float | None = None,
    trace: Sequence[float] | None = None,
    timeout_s: float | None = None,
    seed: int | None = None,
    on_samples: OnSamples | None = None,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
    **options: Unpack[TargetOptions],
) -> LoadRun:
    """Open-loop load test: each request is sent when it is due, whatever became of those before it.

    Latency counts from the moment that was intended, so a target that freezes is charged with every request that it
    kept waiting, also those that a waiting client would not have sent ("coordinated omission").

    Parameters
    ----------
    target : str, Path or callable
        ONNX file or model of ``advisor.lab.zoo``, run in this process; address of an endpoint; or a function.
    rate_per_s : float, optional
        Mean rate of Poisson arrivals.  [1/s]
    seconds : float, default 10
        Time within which they are sent.
    slo_ms : float, optional
        Objective for the p99.  [ms]
    trace : sequence of float, optional
        Arrival times in ascending order, in place of a rate.  [s]
    timeout_s : float, optional
        Time after which a request counts as failed.
    seed : int, optional
        Seed of the arrivals.
    on_samples : callable, optional
        Called with the response times that came since the last call, about every 0.2 s; infinite for a failure.  [s]
    on_progress : callable, optional
        Called as often with the share of the time that is over, from 0 to 1.
    cancel : threading.Event, optional
        Once set, nothing more is sent; what is not answered within a second counts as failed, and the run holds the
        requests so far.
    **options
        How the target is asked: ``workers``, ``threads``, ``kind``, ``body``, ``headers``, ``yes_this_is_my_server``;
        see ``advisor.lab.targets.TargetOptions``.

    Returns
    -------
    LoadRun

    Raises
    ------
    MeasureError, ModelFileError, UnknownIdError, MissingExtraError
        Whatever keeps the test from being made, as one sentence.

    Examples
    --------
    >>> run = load_test("digits", rate_per_s=100, seconds=1)
    >>> len(run.response_s) == len(run.failures)
    True
    """
    table = settings()["load"]
    seed = table["seed"] if seed is None else seed
    timeout_s = table["timeout_s"] if timeout_s is None else timeout_s
    if (rate_per_s is None) == (trace is None):
        raise MeasureError("load_rate_or_trace")
    due_s = _poisson(rate_per_s, seconds, seed) if rate_per_s is not None else _traced(trace or ())
    if trace is not None:
        seconds = float(due_s[-1]) or 1.0
    _within(timeout_s=timeout_s, requests=len(due_s), seconds=seconds)
    facts = {
        "loop": "open",
        "rate_per_s": rate_per_s or len(due_s) / seconds,
        "seconds": seconds,
        "poisson": trace is None,
        "seed": seed if trace is None else None,
        "timeout_s": timeout_s,
        "slo_s": _slo_s(slo_ms),
    }
    asked = target_of(target, options)

    async def requests(course: Course) -> None:
        await open_loop(asked, (course.start + due_s).tolist(), timeout_s, course)

    return _made(asked, requests, facts, Watch(on_samples, on_progress, cancel))


def closed_loop(
    target: Goal,
    *,
    seconds: float = 10,
    rate_per_s: float | None = None,
    clients: int = 1,
    slo_ms: float | None = None,
    timeout_s: float | None = None,
    on_samples: OnSamples | None = None,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
    **options: Unpack[TargetOptions],
) -> LoadRun:
    """Closed-loop load test, for teaching: each client waits for its answer and counts from its own send.

    While the target is frozen such a client sends nothing, so its percentiles leave out the requests that real users
    would have sent meanwhile.  Use ``load_test`` to learn about users.

    Parameters
    ----------
    target, seconds, slo_ms, timeout_s, on_samples, on_progress, cancel, **options
        As for ``load_test``.
    rate_per_s : float, optional
        Rate that the clients keep to together, as far as they do not wait; by default they pause for nothing.
    clients : int, default 1
        Clients that ask side by side.

    Returns
    -------
    LoadRun
    """
    timeout_s = settings()["load"]["timeout_s"] if timeout_s is None else timeout_s
    _within(timeout_s=timeout_s, seconds=seconds, clients=clients)
    if rate_per_s is not None:
        _within(rate_per_s=rate_per_s)
    facts = {
        "loop": "closed",
        "rate_per_s": rate_per_s,
        "seconds": seconds,
        "poisson": False,
        "seed": None,
        "timeout_s": timeout_s,
        "slo_s": _slo_s(slo_ms),
    }
    gap_s = 0.0 if rate_per_s is None else clients / rate_per_s
    asked = target_of(target, options)

    async def together(course: Course) -> None:
        end = course.start + seconds
        each = (
            closed_loop_client(asked, end=end, gap_s=gap_s, timeout_s=timeout_s, course=course) for _ in range(clients)
        )
        await asyncio.gather(*each)

    return _made(asked, together, facts, Watch(on_samples, on_progress, cancel))


def _made(
    target: Target, requests: Callable[[Course], Awaitable[None]], facts: Mapping[str, Any], watch: Watch
) -> LoadRun:
    machine = this_machine()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    course, before = Course(facts["seconds"], watch.cancel), processor_times()
    sent(target, requests, course, facts["timeout_s"], watch)
    if not course.samples:
        raise MeasureError("measure_no_samples", model=target.name)
    samples = sorted(course.samples, key=lambda sample: (sample.intended, sample.sent))
    answers = [sample.answer for sample in samples]
    intended = np.array([sample.intended for sample in samples])
    versions = {
        "python": platform.python_version(),
        "onnxruntime": runtime_version() or "",
        "numpy": np.__version__,
    }
    known = {
        **facts,
        "target": target.name,
        "failures": tuple(answer.failure for answer in answers),
        "workers": target.workers,
        "seconds": course.seconds,
        "client_delay_s": course.client_delay_s,
        "stolen_share": stolen_share(before, processor_times()),
        "cancelled": course.cancelled,
        "started": started,
        "machine": machine,
        "versions": tuple(versions.items()),
    }
    return LoadRun(
        intended_s=intended - course.start,
        sent_s=np.array([sample.sent for sample in samples]) - course.start,
        done_s=np.array([sample.done for sample in samples]) - course.start,
        queue_s=np.array([answer.queue_s for answer in answers]),
        service_s=np.array([answer.service_s for answer in answers]),
        delay_s=np.array([answer.delay_s for answer in answers]),
        ttft_s=np.array([answer.first_token for answer in answers]) - intended,
        tpot_s=np.array([answer.tpot_s for answer in answers]),
        **known,
    )


def _within(**values: object) -> None:
    for field, value in values.items():
        within_bounds(field, value, settings()["load"]["bounds"])


def _slo_s(slo_ms: float | None) -> float | None:
    if slo_ms is not None and not 0 < slo_ms < math.inf:
        raise MeasureError("field", field="slo_ms", value=slo_ms, must="> 0")
    return None if slo_ms is None else slo_ms / MS_PER_S


def _poisson(rate_per_s: float, seconds: float, seed: int) -> FloatArray:
    """Moments of Poisson arrivals: their number is Poisson, and they are uniform in time."""
    _within(rate_per_s=rate_per_s, seconds=seconds, seed=seed)
    random = np.random.default_rng(seed)
    count = max(1, int(random.poisson(rate_per_s * seconds)))
    return np.sort(random.uniform(0, seconds, count))


def _traced(trace: Sequence[float]) -> FloatArray:
    try:
        due_s = np.array(trace, dtype=np.float64)
    except (TypeError, ValueError):
        due_s = np.empty(0)
    if due_s.ndim != 1 or not len(due_s) or not np.isfinite(due_s).all() or due_s[0] < 0 or (np.diff(due_s) < 0).any():
        raise MeasureError("load_trace")
    return due_s
