"""The measuring child process: one job as a JSON line on stdin, JSON lines of samples on stdout.

It ends when the samples are complete, when an error was sent, when stdin closes, or when its time is over.  A job with
``on_request`` gives its samples in bursts, one for each further line on stdin, until stdin closes.
"""

import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import repeat
from typing import Any, TextIO

from advisor.lab import guarding
from advisor.lab.surroundings import delay_reader, hindrances, resident_bytes
from advisor.units import NS_PER_S

Send = Callable[[Mapping[str, Any]], None]
Delay = Callable[[], int | None]


@dataclass(frozen=True, slots=True)
class Inference:
    """An inference, and what it is made with."""

    run: Callable[[Any, Any], object]
    outputs: Sequence[str]
    feed: Mapping[str, Any]

    def __call__(self) -> object:
        """Make it."""
        return self.run(self.outputs, self.feed)


def main() -> int:
    """Exit status of one job: 0, or 1 after an error was sent."""
    guarding.be_expendable()
    channel = _private_stdout()
    job = json.loads(sys.stdin.buffer.readline())
    guarding.end_after(job["limit_s"])
    if sys.platform != "win32" and not job.get("on_request"):
        guarding.end_with_parent()

    def send(message: Mapping[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    import_s = _import_s()
    import onnxruntime

    from advisor.lab.sessions import reason_of, runtime_errors

    missing = sorted(set(job["providers"]) - set(onnxruntime.get_available_providers()))
    if missing:
        known = ", ".join(onnxruntime.get_available_providers())
        send({"error": "measure_provider", "values": {"value": ", ".join(missing), "known": known}})
        return 1
    try:
        return _measured(job, send, import_s)
    except runtime_errors() as error:
        send({"error": "measure_runtime", "values": {"file": job["model"], "reason": reason_of(error)}})
        return 1


def _import_s() -> float:
    """Time that loading the runtime takes in a fresh process."""
    start = time.perf_counter()
    for library in ("numpy", "onnxruntime"):
        import_module(library)
    return time.perf_counter() - start


def _measured(job: Mapping[str, Any], send: Send, import_s: float) -> int:
    from advisor.lab.sessions import feed_of, session_of

    on_request = job.get("on_request")
    tell = (lambda _: None) if on_request else send
    imported_bytes, _ = resident_bytes()
    tell({"stage": "load"})
    start = time.perf_counter()
    session = session_of(job["model"], job["threads"], job["providers"])
    load_s = time.perf_counter() - start
    loaded_bytes, _ = resident_bytes()
    if sys.platform == "win32" and not on_request:
        guarding.end_with_parent()
    used = session.get_providers()
    if used[0] != job["providers"][0]:
        send({"error": "measure_provider", "values": {"value": job["providers"][0], "known": ", ".join(used)}})
        return 1
    tell({"stage": "first_run"})
    feed = feed_of(job["inputs"], seed=job["seed"], whole_number=job["whole_number"])
    inference = Inference(session.run, [entry.name for entry in session.get_outputs()], feed)
    first_run_s = _timed(inference) / NS_PER_S
    tell({"stage": "measure"})
    warm_up = warmed_up(inference, seconds=job["seconds"], **job["warm_up"])
    cold_start = {"import_s": import_s, "load_s": load_s, "first_run_s": first_run_s}
    memory = {"imported_bytes": imported_bytes, "loaded_bytes": loaded_bytes}
    send({"providers": used, "warm_up": warm_up, "cold_start": cold_start, "memory": memory})
    parts = _requested(inference, job) if on_request else _bursts(inference, job)
    for part in parts:
        send(part)
    tell({"end": True, "resident_bytes": resident_bytes(), "hindrances": hindrances()})
    return 0


def warmed_up(
    inference: Callable[[], object],
    *,
    seconds: float,
    windows: int,
    agreement: float,
    least_runs: int,
    window_runs: int,
    window_s: float,
) -> dict[str, Any]:
    """Facts of a warm-up: runs, seconds, and whether a steady state was reached within ``seconds``."""
    medians: list[float] = []
    runs = 0
    start = time.perf_counter()
    while True:
        window: list[int] = []
        while len(window) < window_runs or sum(window) < window_s * NS_PER_S:
            window.append(_timed(inference))
            if time.perf_counter() - start >= seconds:
                return {"runs": runs + len(window), "seconds": time.perf_counter() - start, "steady": False}
        runs += len(window)
        medians = [*medians, statistics.median(window)][-windows:]
        agree = len(medians) == windows and max(medians) <= (1 + agreement) * min(medians)
        if agree and runs >= least_runs:
            return {"runs": runs, "seconds": time.perf_counter() - start, "steady": True}


def _bursts(inference: Inference, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    from advisor.lab.canary import canary

    _rest_the_collector()
    yield from bursts(
        inference,
        canary(job["canary_side"], job["canary_s"]),
        delay_reader(),
        seconds=job["seconds"],
        over=job["over"],
        count=job["bursts"],
        flush_s=job["flush_s"],
        stretch_s=job["stretch_s"],
        settle_s=job["settle_s"],
    )


def bursts(
    inference: Inference,
    canary: Callable[[], float],
    delay_ns: Delay,
    *,
    seconds: float,
    over: float,
    count: int,
    flush_s: float,
    stretch_s: float,
    settle_s: float,
) -> Iterator[dict[str, Any]]:
    """Parts of a measurement of ``seconds`` of inferences in ``count`` bursts, which begin evenly ``over`` a time.

    The first part of each burst says when it began, how fast the machine was then and what held it back so far.  A
    measurement of long inferences ends with fewer bursts.
    """
    start = time.perf_counter()
    measured_s = last_s = 0.0
    for number in range(count):
        if measured_s >= seconds:
            return
        time.sleep(max(0.0, start + number * over / count - time.perf_counter()))
        opening = {"canary_s": canary(), "hindrances": hindrances(), "resident_bytes": resident_bytes()}
        if last_s < settle_s:
            _settle(inference, settle_s)
        opening["began_s"] = time.perf_counter() - start
        length_s = (seconds - measured_s) / (count - number)
        times = {"flush_s": flush_s, "stretch_s": stretch_s, "settle_s": settle_s}
        for part in samples(inference, delay_ns, seconds=length_s, **times):
            measured_s, last_s = measured_s + part["elapsed_ns"] / NS_PER_S, part["samples_ns"][-1] / NS_PER_S
            yield {**part, **opening}
            opening = {}


def samples(
    inference: Inference, delay_ns: Delay, *, seconds: float, flush_s: float, stretch_s: float, settle_s: float
) -> Iterator[dict[str, Any]]:
    """Parts of a burst, alike and about ``flush_s`` long; the time is looked at in stretches of ``stretch_s``.

    Handing on a part cools the caches, so inferences shorter than ``settle_s`` are first run untimed for so long.
    """
    clock = time.perf_counter_ns
    parts = max(1, round(seconds / flush_s))
    measured_ns, wanted_ns, stretch_ns = 0, int(seconds * NS_PER_S), int(stretch_s * NS_PER_S)
    for left in range(parts, 0, -1):
        part: list[int] = []
        waited = delay_ns()
        start = now = clock()
        end = start + (wanted_ns - measured_ns) // left
        while now < end or not part:
            usual_ns = max(1, part[-1]) if part else stretch_ns
            _take(inference, max(1, min(stretch_ns, end - now) // usual_ns), clock, part.append)
            now = clock()
        known = delay_ns()
        measured_ns += now - start
        waited_ns = None if known is None or waited is None else known - waited
        yield {"samples_ns": part, "elapsed_ns": now - start, "waited_ns": waited_ns}
        if measured_ns >= wanted_ns:
            return
        if part[-1] < settle_s * NS_PER_S:
            _settle(inference, settle_s)


def _take(inference: Inference, count: int, clock: Callable[[], int], keep: Callable[[int], None]) -> None:
    """Time so many inferences; nothing else runs between two clock readings, and as little as can be around them."""
    run, outputs, feed = inference.run, inference.outputs, inference.feed
    for _ in repeat(None, count):
        before = clock()
        run(outputs, feed)
        keep(clock() - before)


def _requested(inference: Inference, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    _rest_the_collector()
    look_ns = int(job["look_s"] * NS_PER_S)
    delay_ns = delay_reader()
    for line in sys.stdin.buffer:
        _settle(inference, job["settle_s"])
        yield burst(inference, **json.loads(line), look_ns=look_ns, delay_ns=delay_ns)


def burst(
    inference: Callable[[], object], *, seconds: float, least: int, look_ns: int, delay_ns: Delay
) -> dict[str, Any]:
    """Samples of about so many seconds, at least so many, and the waits for a processor within them.

    The wait is read when ``look_ns`` have gone by, between two inferences, and ascribed to the longest inference since
    the last reading.
    """
    clock = time.perf_counter_ns
    part: list[int] = []
    delays: list[tuple[int, int]] = []
    at_start = known = delay_ns()
    seen = 0
    start = now = look = clock()
    end = start + int(seconds * NS_PER_S)
    while now < end or len(part) < least:
        before = clock()
        inference()
        now = clock()
        part.append(now - before)
        if now >= look:
            known, before_it = delay_ns(), known
            if known != before_it and known is not None and before_it is not None:
                longest = max(range(seen, len(part)), key=part.__getitem__)
                delays.append((longest, known - before_it))
            seen, look = len(part), now + look_ns
    waited = None if known is None or at_start is None else known - at_start
    return {"samples_ns": part, "elapsed_ns": now - start, "waited_ns": waited, "delays_ns": delays}


def _rest_the_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.disable()


def _settle(inference: Callable[[], object], seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        inference()


def _timed(inference: Callable[[], object]) -> int:
    before = time.perf_counter_ns()
    inference()
    return time.perf_counter_ns() - before


def _private_stdout() -> TextIO:
    """Channel to the parent; what libraries print goes to stderr."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    raise SystemExit(main())
