"""The measuring child process: one job as a JSON line on stdin, JSON lines of samples on stdout.

It ends when the samples are complete, when an error was sent, when stdin closes, or when its time is over.  A job with
``on_request`` gives its samples in bursts, one for each further line on stdin, until stdin closes.
"""

import gc
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from advisor.lab.sessions import feed_of, reason_of, runtime_errors, session_of
from advisor.units import NS_PER_S

Send = Callable[[Mapping[str, Any]], None]
Inference = Callable[[], object]

_CRASHED = 70
_DELAYS = Path("/proc/self/schedstat")
_LINE_BYTES = 64


def main() -> int:
    """Exit status of one job: 0, or 1 after an error was sent."""
    channel = _private_stdout()
    job = json.loads(sys.stdin.buffer.readline())
    _end_after(job["limit_s"])

    def send(message: Mapping[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    import onnxruntime

    missing = sorted(set(job["providers"]) - set(onnxruntime.get_available_providers()))
    if missing:
        known = ", ".join(onnxruntime.get_available_providers())
        send({"error": "measure_provider", "values": {"value": ", ".join(missing), "known": known}})
        return 1
    try:
        return _measured(job, send)
    except runtime_errors() as error:
        send({"error": "measure_runtime", "values": {"file": job["model"], "reason": reason_of(error)}})
        return 1


def _measured(job: Mapping[str, Any], send: Send) -> int:
    session = session_of(job["model"], job["threads"], job["providers"])
    if not job.get("on_request"):
        _end_with_parent()
    used = session.get_providers()
    if used[0] != job["providers"][0]:
        send({"error": "measure_provider", "values": {"value": job["providers"][0], "known": ", ".join(used)}})
        return 1
    feed = feed_of(job["inputs"], seed=job["seed"], whole_number=job["whole_number"])
    outputs = [entry.name for entry in session.get_outputs()]

    def inference() -> object:
        return session.run(outputs, feed)

    warm_up = warmed_up(inference, seconds=job["seconds"], **job["warm_up"])
    send({"providers": used, "warm_up": warm_up})
    if job.get("on_request"):
        for part in _requested(inference, job):
            send(part)
        return 0
    for part in samples(inference, seconds=job["seconds"], flush_s=job["flush_s"], settle_s=job["settle_s"]):
        send(part)
    send({"end": True})
    return 0


def warmed_up(
    inference: Inference,
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


def samples(inference: Inference, *, seconds: float, flush_s: float, settle_s: float) -> Iterator[dict[str, Any]]:
    """Parts of a measurement, each about ``flush_s`` long; nothing but the inference runs between two clock readings.

    Handing on a part cools the caches, so inferences shorter than ``settle_s`` are first run untimed for so long.
    """
    clock = time.perf_counter_ns
    gc.collect()
    gc.freeze()
    gc.disable()
    _settle(inference, settle_s)
    start = now = clock()
    end = start + int(seconds * NS_PER_S)
    delay_at_start = _run_queue_delay_ns()
    while now < end:
        part: list[int] = []
        flush = min(clock() + int(flush_s * NS_PER_S), end)
        while now < flush:
            before = clock()
            inference()
            now = clock()
            part.append(now - before)
        delay = _run_queue_delay_ns()
        share = None if delay is None or delay_at_start is None else (delay - delay_at_start) / (now - start)
        yield {"samples_ns": part, "elapsed_s": (now - start) / NS_PER_S, "delay_share": share}
        if part[-1] < settle_s * NS_PER_S:
            _settle(inference, settle_s)
    gc.enable()


def _requested(inference: Inference, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    gc.collect()
    gc.freeze()
    gc.disable()
    look_ns = int(job["look_s"] * NS_PER_S)
    delay_ns = _delay_reader()
    for line in sys.stdin.buffer:
        _settle(inference, job["settle_s"])
        yield burst(inference, **json.loads(line), look_ns=look_ns, delay_ns=delay_ns)


def burst(
    inference: Inference, *, seconds: float, least: int, look_ns: int, delay_ns: Callable[[], int | None]
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


def _settle(inference: Inference, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        inference()


def _timed(inference: Inference) -> int:
    before = time.perf_counter_ns()
    inference()
    return time.perf_counter_ns() - before


def _run_queue_delay_ns() -> int | None:
    """Time for which this thread was ready and had no processor, where the system tells."""
    try:
        return int(_DELAYS.read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _delay_reader() -> Callable[[], int | None]:
    """As ``_run_queue_delay_ns``, in a tenth of the time."""
    if _run_queue_delay_ns() is None:
        return lambda: None
    file = os.open(_DELAYS, os.O_RDONLY)
    return lambda: int(os.pread(file, _LINE_BYTES, 0).split()[1])


def _private_stdout() -> TextIO:
    """Channel to the parent; what libraries print goes to stderr."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


def _end_after(limit_s: float) -> None:
    """End this process after ``limit_s`` in any case."""
    last = threading.Timer(limit_s, os._exit, (_CRASHED,))
    last.daemon = True
    last.start()


def _end_with_parent() -> None:
    """End this process when the parent closes stdin or is gone.

    To be called when every library is loaded: on Windows, loading one waits while another thread reads a pipe at stdin.
    """

    def wait_for_parent() -> None:
        while os.read(0, 1):
            pass
        os._exit(_CRASHED)

    threading.Thread(target=wait_for_parent, daemon=True).start()


if __name__ == "__main__":
    raise SystemExit(main())
