"""Comparing configurations on this machine: measured in turn, each in a child process of its own that stays alive."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from advisor.errors import MeasureError, why_not
from advisor.lab import processes
from advisor.lab.comparisons import Comparison, Series
from advisor.lab.harvest import run_of
from advisor.lab.jobs import Job, job, within_bounds
from advisor.lab.machine import Machine, this_machine
from advisor.lab.settings import settings
from advisor.units import NS_PER_S

FloatArray = NDArray[np.float64]
Other = str | Path | Mapping[str, Any]
"""A model, or what differs from the first configuration: model, threads, batch, providers."""

_LOOK_S = 0.05


def compare(
    model: str | Path,
    *others: Other,
    threads: int = 1,
    batch: int = 1,
    providers: Sequence[str] | None = None,
    seconds: float = 10,
    bursts: int = 20,
    seed: int = 0,
    on_progress: Callable[[float], object] | None = None,
    cancel: threading.Event | None = None,
) -> Comparison:
    """Measure configurations in turn, in bursts, with a copy of the first that shows what is noise.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``: the first configuration.
    *others : str, Path or mapping
        Configurations to hold against it: another model, or what differs: ``{"batch": 8}``.
    threads, batch, providers
        As for ``measure``; what the others do not change holds for them too.
    seconds : float, default 10
        Length of the measurement of all configurations together; loading and warm-up come on top.
    bursts : int, default 20
        Bursts of each configuration, fewer where the inferences are long.
    seed : int, default 0
        Seed of the order within each round.
    on_progress : callable, optional
        Called after each round with the share of the measurement that is over, from 0 to 1.
    cancel : threading.Event, optional
        Once set, the child processes end and the comparison holds the bursts so far.

    Returns
    -------
    Comparison

    Raises
    ------
    MeasureError, ModelFileError, UnknownIdError, MissingExtraError
        Whatever keeps a configuration from being measured, as one sentence.

    Examples
    --------
    >>> compare("digits", {"batch": 8}, seconds=3).decision()
    'slower'
    """
    for field, value in (("seconds", seconds), ("bursts", bursts), ("seed", seed)):
        within_bounds(field, value)
    first: dict[str, Any] = {"model": model, "threads": threads, "batch": batch, "providers": providers}
    wishes = [first, first, *({**first, **_changes(other)} for other in others)]
    group = _Group([job(**wish, seconds=seconds) for wish in wishes], seconds)
    machine = this_machine()
    with group.alive(cancel):
        group.measure(bursts, seed, on_progress)
    series = [each.series(machine, cancelled=group.cancelled) for each in group.members]
    return Comparison(series[0], series[1], tuple(series[2:]), seed)


def _changes(other: Other) -> Mapping[str, Any]:
    if not isinstance(other, Mapping):
        return {"model": other}
    known = ("model", "threads", "batch", "providers")
    for field, value in other.items():
        if field not in known:
            raise MeasureError("field", field=field, value=value, must=", ".join(known))
    return other


class _GoneError(Exception):
    """The child process of a configuration ended."""


class _Member:
    """One configuration while it is measured."""

    def __init__(self, task: Job, spoken: IO[bytes]) -> None:
        self.task = task
        self.spoken = spoken
        self.child = processes.started(spoken)
        self._messages = processes.messages(self.child)
        self._told: dict[str, Any] = {}
        self._bursts: list[Mapping[str, Any]] = []

    def warm_up(self, limit_s: float, seconds: float) -> None:
        """Let the child load and warm up, within so many seconds of inferences."""
        asked = {"on_request": True, "limit_s": limit_s, "seconds": seconds}
        self._told.update(self._answer({**self.task.message, **asked}))
        self._told["started"] = datetime.now(UTC).isoformat(timespec="seconds")

    def burst(self, seconds: float) -> None:
        """Keep the samples of a burst."""
        least = settings()["comparison"]["least_samples"]
        self._bursts.append(self._answer({"seconds": seconds, "least": least}))

    def _answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        message = next(self._messages, None) if processes.told(self.child, request) else None
        if message is None:
            raise _GoneError
        if "error" in message:
            raise MeasureError(message["error"], **message["values"])
        return message

    def series(self, machine: Machine, *, cancelled: bool) -> Series:
        """What was measured."""
        if not self._bursts:
            raise MeasureError("measure_no_samples", model=self.task.model)
        samples_ns = np.concatenate([np.array(burst["samples_ns"], dtype=np.float64) for burst in self._bursts])
        delays_ns = np.concatenate([_delays_ns(burst) for burst in self._bursts])
        waits = [burst["waited_ns"] for burst in self._bursts]
        known = None not in waits
        share = sum(waits) / sum(burst["elapsed_ns"] for burst in self._bursts) if known else None
        run = run_of(
            self.task, machine, self._told, samples_s=samples_ns / NS_PER_S, delay_share=share, cancelled=cancelled
        )
        sizes = tuple(len(burst["samples_ns"]) for burst in self._bursts)
        return Series(run, sizes, delays_ns / NS_PER_S if known and run.threads == 1 else None)


def _delays_ns(burst: Mapping[str, Any]) -> FloatArray:
    delays = np.zeros(len(burst["samples_ns"]))
    for place, delay in burst["delays_ns"]:
        delays[place] = delay
    return delays


class _Group:
    """The configurations of a comparison while they are measured."""

    def __init__(self, tasks: Sequence[Job], seconds: float) -> None:
        self._tasks = tasks
        self._seconds = seconds
        self._limit_s = 2 * seconds + len(tasks) * settings()["child"]["load_allowance_s"]
        self._over = threading.Event()
        self._out_of_time = False
        self._wished = False
        self.cancelled = False
        self.members: list[_Member] = []

    @contextmanager
    def alive(self, cancel: threading.Event | None) -> Iterator[None]:
        """Child processes for the time of a block; they are gone afterwards."""
        with ExitStack() as stack:
            stack.callback(self._over.set)
            for task in self._tasks:
                try:
                    member = _Member(task, stack.enter_context(tempfile.TemporaryFile()))
                except OSError as error:
                    raise MeasureError("measure_crashed", model=task.model, reason=why_not(error)) from None
                stack.callback(_end, member.child)
                self.members.append(member)
            threading.Thread(target=self._watch, args=(cancel,), daemon=True).start()
            yield

    def measure(self, bursts: int, seed: int, on_progress: Callable[[float], object] | None) -> None:
        """Warm all up, then measure round by round until the time is over, a child is gone, or the rounds are done."""
        current = self.members[0]
        share_s = self._seconds / len(self.members)
        try:
            for current in self.members:
                current.warm_up(self._limit_s + settings()["child"]["stop_s"], share_s)
            for order in self._orders(bursts, seed, on_progress):
                for current in order:
                    current.burst(share_s / bursts)
        except _GoneError:
            if not self._wished:
                raise self._crash(current) from None
            self.cancelled = True

    def _orders(self, bursts: int, seed: int, on_progress: Callable[[float], object] | None) -> Iterator[list[_Member]]:
        """Members in random order, round by round."""
        random = np.random.default_rng(seed)
        table = settings()["comparison"]
        end = time.monotonic() + table["longest"] * self._seconds
        for done in range(bursts):
            if done >= table["least_rounds"] and time.monotonic() > end:
                return
            yield [self.members[place] for place in random.permutation(len(self.members))]
            if on_progress is not None:
                on_progress((done + 1) / bursts)

    def _watch(self, cancel: threading.Event | None) -> None:
        """End the children when that is wished or the time is over."""
        end = time.monotonic() + self._limit_s
        while not self._over.wait(_LOOK_S):
            self._wished = cancel is not None and cancel.is_set()
            self._out_of_time = time.monotonic() > end
            if self._wished or self._out_of_time:
                for member in self.members:
                    member.child.kill()
                return

    def _crash(self, member: _Member) -> MeasureError:
        if self._out_of_time:
            return MeasureError("measure_out_of_time", model=member.task.model, limit=f"{self._limit_s:g}")
        member.child.wait()
        reason = processes.last_words(member.child, member.spoken)
        return MeasureError("measure_crashed", model=member.task.model, reason=reason)


def _end(child: processes.Child) -> None:
    child.kill()
    with suppress(OSError):
        child.communicate()
