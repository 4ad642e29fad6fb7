"""Predicted against measured p99 of a real HTTP server around ONNX Runtime on this machine.

Usage: python benchmarks/http_queue.py [--quick | --table | --intervals]

Three models are served with one worker at utilisations of 0.3 to 0.8 and three with two at 0.3 to 0.5, each in a run of
its own under open-loop Poisson load of at least 10,000 requests, in an order that was shuffled once for all.  In a run
one client at a time tells the service time, which sets the rate; then comes the load; the p99 is predicted from the
service times of the load and from the mean time outside the server.  A run in which a thread of server or client waited
for a processor for more than 5 % of the time, or the host kept more than 5 %, is interfered: it is repeated after all
others, up to three times.  Every attempt is kept.  Runs that are finished are left out, so that it can be interrupted.

--quick       four short runs, which are not kept
--table       no runs: the table alone, from the results that are there
--intervals   no runs: how often the interval of a measured p99 holds the true one, in simulated queues

Results: benchmarks/results/http_queue/; table: docs/methodology/capacity.md.  Linux alone; the machine has to be quiet.
"""

import argparse
import asyncio
import itertools
import os
import random
import selectors
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from http_queue_table import FAILED, REQUESTS, RESULTS, SURPLUS, Attempt, attempts, held, shown, written  # noqa: E402

from advisor.lab import LoadRun, closed_loop, load_test  # noqa: E402
from advisor.lab.served import served  # noqa: E402
from advisor.lab.settings import settings  # noqa: E402
from advisor.units import NS_PER_S, SECONDS_PER_MINUTE, US_PER_S  # noqa: E402

TOKENS: Mapping[str, Mapping[int, int | None]] = {
    "tinybert-4l-312": {1: 32, 2: 80},
    "minilm-l6": {1: 16, 2: 40},
    "mobilenetv3-large": {1: None},
    "minilm-l12": {2: 16},
}
"""Models, and tokens of a request by workers; none for pictures.  With two workers, front end and client share the
processors with them, so texts are longer for these to weigh less, and no pictures are sent, each of 600 kB."""
UTILISATIONS = {1: (0.3, 0.4, 0.5, 0.6, 0.7, 0.8), 2: (0.3, 0.4, 0.5)}
QUICK_REQUESTS = 800
REPEATS = 3
SIMULATED = 300
"""Runs of each simulated queue."""
WARM_S, ALONE_S = 0.5, 2.0
STARTING_S = 3.0
"""Estimate: a server starts and is warm."""
ORDER_SEED = 6
SPIN_S = 0.00006
"""Timers of ``select`` are finer than those of ``epoll``, so the client need not wait awake for longer."""


class Planned(NamedTuple):
    """A run of the plan."""

    number: int
    model: str
    workers: int
    utilisation: float


class FineTimers(asyncio.DefaultEventLoopPolicy):
    """Event loops that wake when they are asked to, and not up to a millisecond later."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(selectors.SelectSelector())


def plan() -> list[Planned]:
    """All runs in the order in which they are made."""
    every = [
        (model, workers, utilisation)
        for model, by_workers in TOKENS.items()
        for workers in by_workers
        for utilisation in UTILISATIONS[workers]
    ]
    numbered = [Planned(number, *what) for number, what in enumerate(every)]
    random.Random(ORDER_SEED).shuffle(numbered)
    return numbered


def quick_plan() -> list[Planned]:
    """One run of each model."""
    return [Planned(number, model, max(workers), 0.3) for number, (model, workers) in enumerate(TOKENS.items())]


def request(model: str, workers: int) -> dict[str, Any] | None:
    """Body of a request: a text of the length of the plan; None for a model whose inputs have one shape alone."""
    if not (tokens := TOKENS[model].get(workers)):
        return None
    values = {"input_ids": range(1, tokens + 1), "attention_mask": [1] * tokens, "token_type_ids": [0] * tokens}
    inputs = [
        {"name": name, "shape": [1, tokens], "datatype": "INT64", "data": list(data)} for name, data in values.items()
    ]
    return {"inputs": inputs, "parameters": {"binary_data_output": True}}


def made(run: Planned, number: int, least: int) -> Attempt:
    """One attempt at a run."""
    processors = sorted(os.sched_getaffinity(0))
    body = request(run.model, run.workers)
    with served(run.model, workers=run.workers) as address:
        server = server_process()
        closed_loop(address, clients=2 * run.workers, seconds=WARM_S, body=body)
        try:
            placed(server, processors, run.workers)
            alone = closed_loop(address, seconds=ALONE_S, body=body)
            busy = alone if run.workers == 1 else closed_loop(address, clients=run.workers, seconds=ALONE_S, body=body)
            rate = run.utilisation * run.workers / float(np.nanmean(busy.service_s))
            seed = run.number + number * len(plan())
            before = waits_s(server)
            load = load_test(address, rate_per_s=rate, seconds=SURPLUS * least / rate, body=body, seed=seed)
            after = waits_s(server)
        finally:
            os.sched_setaffinity(0, processors)
    shares = {name: (after[name] - before.get(name, 0.0)) / load.seconds for name in after}
    shares |= {"client": (load.client_delay_s or 0.0) / load.seconds, "stolen": load.stolen_share or 0.0}
    facts = {"plan": run._asdict(), "attempt": number, "waited_shares": shares, **described(alone, busy, load)}
    limit = settings()["interference"]["delay_share"]
    facts["interfered"] = max(shares.values()) > limit
    return Attempt(facts, in_us(load.response_s), in_us(load.service_s), load.queue_s == 0)


def described(alone: LoadRun, busy: LoadRun, load: LoadRun) -> dict[str, Any]:
    """What was asked, what was known before the load, and how the load went besides response and service times."""
    return {
        "started": load.started,
        "rate_per_s": load.rate_per_s,
        "seconds": load.seconds,
        "seed": load.seed,
        "failed": load.failed,
        "before": {
            "requests": len(alone.failures),
            "service_s": float(np.nanmean(busy.service_s)),
            "outside_s": float(np.nanmedian(alone.outside_s)),
        },
        "outside_s": quantiles(load.outside_s),
        "lag_s": quantiles(load.lag_s),
        "machine": asdict(load.machine),
        "versions": dict(load.versions),
    }


def quantiles(times_s: np.ndarray) -> dict[str, float]:
    return {f"p{q:g}": float(np.nanpercentile(times_s, q)) for q in (5, 50, 95, 99)}


def in_us(times_s: np.ndarray) -> np.ndarray:
    """Whole microseconds."""
    return np.where(np.isfinite(times_s), np.rint(times_s * US_PER_S), FAILED).astype(np.uint32)


def server_process() -> int:
    """Process of the only server that this one has started."""
    (found,) = (child.pid for child in psutil.Process().children() if "advisor.lab.served" in child.cmdline())
    return found


def placed(server: int, processors: list[int], workers: int) -> None:
    """One worker gets a processor to itself, beside that of front end and client.

    Two get one each and yield it at once, one to the front end and the other to the client, so that these do not wait.
    """
    first, second = processors[:2]
    of_workers = [thread for thread in threads(server) if thread != server]
    if workers > 1:
        for thread, processor in zip(of_workers, itertools.cycle(processors[:workers])):
            os.sched_setaffinity(thread, {processor})
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
        os.sched_setaffinity(server, {first})
        os.sched_setaffinity(0, {second})
        return
    for thread in of_workers:
        os.sched_setaffinity(thread, {first})
    for thread in (server, 0):
        os.sched_setaffinity(thread, {second})


def threads(process: int) -> Iterator[int]:
    return (int(entry.name) for entry in Path(f"/proc/{process}/task").iterdir())


def waits_s(server: int) -> dict[str, float]:
    """Time that each thread of the server was ready and had no processor; the first one is its front end."""
    return {
        "front end" if thread == server else f"thread {thread - server}": int(
            Path(f"/proc/{server}/task/{thread}/schedstat").read_text(encoding="ascii").split()[1]
        )
        / NS_PER_S
        for thread in threads(server)
    }


def due(runs: list[Planned], folder: Path, round_: int) -> list[Planned]:
    """Runs that have no attempt without interference, and not more than a number of attempts."""
    known = {run.number: [each for each in attempts(folder) if each.number == run.number] for run in runs}
    return [
        run
        for run in runs
        if len(known[run.number]) <= round_ and all(each.facts["interfered"] for each in known[run.number])
    ]


def expected_s(runs: list[Planned], least: int) -> float:
    """Estimate of the time that some runs take, from a short look at each model."""
    service_s = {}
    for model, workers in sorted({(run.model, run.workers) for run in runs}):
        with served(model) as address:
            looked = closed_loop(address, seconds=WARM_S, body=request(model, workers))
        service_s[model, workers] = float(np.nanmedian(looked.service_s))
    loads = (
        SURPLUS * least * service_s[run.model, run.workers] / run.workers / run.utilisation
        + STARTING_S + WARM_S + run.workers * ALONE_S
        for run in runs
    )  # fmt: skip
    return sum(loads)


def all_made(runs: list[Planned], folder: Path, least: int, repeats: int) -> None:
    """Make what is missing, repeats after everything else."""
    missing = due(runs, folder, repeats)
    minutes = expected_s(missing, least) / SECONDS_PER_MINUTE
    print(f"{len(missing)} of {len(runs)} runs, about {minutes:.0f} minutes without repeats", flush=True)
    for round_ in range(repeats + 1):
        for run in due(runs, folder, round_):
            started = time.perf_counter()
            number = sum(each.number == run.number for each in attempts(folder))
            attempt = made(run, number, least)
            attempt.save(folder)
            share, who = max((share, who) for who, share in attempt.facts["waited_shares"].items())
            took_s = time.perf_counter() - started
            print(f"{attempt.line()}  {took_s:.0f} s, {who} waited {share:.1%} of it", flush=True)


def main() -> None:
    parts = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    one = parts.add_mutually_exclusive_group()
    one.add_argument("--quick", action="store_true")
    one.add_argument("--table", action="store_true")
    one.add_argument("--intervals", action="store_true")
    asked = parts.parse_args()
    if asked.intervals:
        for workers, utilisations in UTILISATIONS.items():
            shares = (f"{u}: {held(workers, u, REQUESTS, SIMULATED):.0%}" for u in utilisations)
            print(f"{workers} workers, utilisation {', '.join(shares)}")
        return
    if not Path("/proc/thread-self/schedstat").exists() or len(os.sched_getaffinity(0)) < 2:
        parts.error("needs Linux and two processors")
    asyncio.set_event_loop_policy(FineTimers())
    settings()["load"]["spin_s"] = SPIN_S
    if asked.quick:
        with tempfile.TemporaryDirectory() as folder:
            all_made(quick_plan(), Path(folder), QUICK_REQUESTS, 0)
            print(shown(attempts(Path(folder))))
        return
    if not asked.table:
        all_made(plan(), RESULTS, REQUESTS, REPEATS)
    print(written(shown(attempts(RESULTS))))


if __name__ == "__main__":
    main()
