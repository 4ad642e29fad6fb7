"""How far the answers for batches, language models and autoscalers are from simulations, and how fast these are.

Usage: python benchmarks/batching.py [--grid] [--quick] [--only NAME ...]

Writes the tables of docs/methodology/batching.md between their markers.  --grid first remakes data/batching.csv.gz,
which takes half an hour; --quick simulates a tenth and writes nothing; --only makes some of the tables.
"""

import argparse
import csv
import gzip
import io
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from advisor.batching import AXES, batched_quantile_s  # noqa: E402
from advisor.capacity_sim import (  # noqa: E402
    Service,
    arrivals,
    autoscale,
    scaler,
    simulate,
    simulate_batches,
    simulate_generation,
)
from advisor.continuous import generation_s  # noqa: E402
from advisor.sim_many import simulated_quantiles_s  # noqa: E402
from advisor.sim_service import service_times  # noqa: E402

PAGE = ROOT / "docs" / "methodology" / "batching.md"
QUANTILES = (0.5, 0.9, 0.95, 0.99)
GRID = {
    "batch": (2, 4, 16, 64, 256),
    "instances": (1, 2, 4, 10, 30, 100),
    "utilisation": (0.05, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.92, 0.96),
    "exponent": (0.0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0),
    "service_cv": (0.0, 0.15, 0.3, 0.5),
}
BUSY = 0.7
"""Utilisation above which a quantile needs so many batches rather than so many requests."""
REQUESTS, BATCHES, MOST = 150_000, 15_000, 2_000_000
STREAMS = 7
"""Streams of arrivals that take turns, so that no chance of one marks the whole grid."""
LOADS = (0.3, 0.6, 0.8, 0.9)
DELAYS_S = (0.0, 0.002, 0.01, 0.05)
ALONE_S = 0.01
Table = tuple[Sequence[str], list[Sequence[str]]]


def law(batch: np.ndarray, exponent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fixed time and time an item, in times of a request alone, of an exponent."""
    item = (batch**exponent - 1) / (batch - 1)
    return 1 - item, item


def remake_grid() -> None:
    """Simulate every point of the grid and write the file."""
    points = np.array(list(itertools.product(*GRID.values())))
    batch, instances, utilisation, exponent, cv = points.T
    fixed, item = law(batch, exponent)
    rate = utilisation * instances * batch / batch**exponent
    requests = np.where(utilisation > BUSY, np.clip(BATCHES * batch, REQUESTS, MOST), REQUESTS).astype(int)
    found = np.empty((len(QUANTILES), len(points)))
    for number, stream in itertools.product(np.unique(requests), range(STREAMS)):
        some = (requests == number) & (np.arange(len(points)) % STREAMS == stream)
        found[:, some] = simulated_quantiles_s(
            QUANTILES, servers=instances[some], arrivals_per_s=rate[some], fixed_s=fixed[some], item_s=item[some],
            batch=batch[some], service_cv=cv[some], requests=int(number), seed=stream,
        )  # fmt: skip
        print(f"{some.sum()} points of {number} requests, stream {stream}", flush=True)
    shape = tuple(len(knots) for knots in GRID.values())
    rising = np.maximum.accumulate(found.reshape(-1, *shape), axis=3).reshape(len(QUANTILES), -1)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*AXES, *(f"p{q * 100:.0f}" for q in QUANTILES)])
    for point, values in zip(points, rising.T, strict=True):
        writer.writerow([f"{value:g}" for value in point] + [f"{value:.4g}" for value in values])
    with (ROOT / "data" / "batching.csv.gz").open("wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
        packed.write(text.getvalue().encode())


def error_cells(errors: np.ndarray) -> list[str]:
    """Median, p95 and largest of absolute errors."""
    size = np.abs(errors)
    if not size.size:
        return ["–"] * 3
    return [f"{np.median(size):.1%}", f"{np.quantile(size, 0.95):.1%}", f"{size.max():.0%}"]


def without_delay(scale: float) -> Table:
    """Batches without delay, at points that are not on the grid."""
    rng = np.random.default_rng(20)
    count = int(480 * scale)
    batch = np.round(2 ** rng.uniform(1, 6, count))
    instances = np.round(2 ** rng.uniform(0, 3, count))
    utilisation, exponent, cv = rng.uniform(0.1, 0.95, count), rng.uniform(0, 1, count), rng.uniform(0, 0.5, count)
    fixed, item = law(batch, exponent)
    asked: dict[str, Any] = {
        "arrivals_per_s": utilisation * instances * batch / batch**exponent,
        "fixed_s": fixed, "item_s": item, "batch": batch, "service_cv": cv,
    }  # fmt: skip
    truth = simulated_quantiles_s(QUANTILES, servers=instances, **asked, requests=800_000, seed=99)
    rows = []
    bands = ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.1, 0.95))
    for low, high in bands:
        some = (utilisation >= low) & (utilisation < high)
        cells = [f"{low}–{high}", f"{some.sum()}"]
        for q, true in zip(QUANTILES, truth, strict=True):
            error = batched_quantile_s(q, instances=instances, **asked) / true - 1
            cells += [" / ".join(error_cells(error[some]))]
        rows.append(cells)
    return ("utilisation", "queues", *(f"p{q * 100:.0f}" for q in QUANTILES)), rows


def with_delay(scale: float) -> Table:
    """Batches over the grid of sizes, instances, loads and delays, simulated shortly against at length."""
    combined = itertools.product((1, 4, 16, 64), (1, 2, 4, 8), (0.3, 0.5, 0.7, 0.9), DELAYS_S)
    points = np.array(list(combined))[:: max(1, int(1 / scale))]
    batch, instances, utilisation, delay = points.T
    fixed, item = 0.8 * ALONE_S, 0.2 * ALONE_S
    asked: dict[str, Any] = {
        "arrivals_per_s": utilisation * instances * batch / (fixed + item * batch),
        "fixed_s": fixed, "item_s": item, "batch": batch, "delay_s": delay, "service_cv": 0.1,
    }  # fmt: skip
    truth = simulated_quantiles_s((0.5, 0.99), servers=instances, **asked, requests=800_000, seed=77)
    rows = []
    for wait in DELAYS_S:
        some = delay == wait
        cells = [f"{wait * 1e3:g}", f"{some.sum()}"]
        for q, true in zip((0.5, 0.99), truth, strict=True):
            error = batched_quantile_s(q, instances=instances, **asked) / true - 1
            cells.append(" / ".join(error_cells(error[some])))
        alone = truth[:, delay == 0].mean(axis=1)
        cells += [f"{value:.2f}" for value in truth[:, some].mean(axis=1) / alone]
        rows.append(cells)
    return ("delay, ms", "queues", "p50", "p99", "p50 to none", "p99 to none"), rows


def bursty(scale: float) -> Table:
    """What sizing takes for bursty arrivals against what they do."""
    rng = np.random.default_rng(8)
    rows = []
    for scv in (1.0, 2.0, 4.0, 9.0):
        count = int(120 * scale)
        batch, instances = rng.choice([4.0, 16.0, 64.0], count), rng.choice([1.0, 2.0, 4.0, 8.0, 16.0], count)
        utilisation, exponent = rng.uniform(0.2, 0.85, count), rng.uniform(0.2, 0.9, count)
        fixed, item = law(batch, exponent)
        carried = instances * batch / batch**exponent
        asked: dict[str, Any] = {"fixed_s": fixed, "item_s": item, "batch": batch, "service_cv": 0.2}
        truth = simulated_quantiles_s(
            0.99, servers=instances, arrivals_per_s=utilisation * carried, arrival_cv=scv**0.5, **asked,
            requests=600_000, seed=7,
        )[0]  # fmt: skip
        taken = carried * (1 - (1 - utilisation) / (1 + HEADROOM * (scv - 1)))
        ratio = batched_quantile_s(0.99, instances=instances, arrivals_per_s=taken, **asked) / truth
        low, mid, high = np.quantile(ratio, (0.05, 0.5, 0.95))
        rows.append([f"{scv:g}", f"{count}", f"{low:.2f}", f"{mid:.2f}", f"{high:.2f}", f"{np.mean(ratio < 0.95):.0%}"])
    return ("squared CV of the gaps", "queues", "p5", "median", "p95", "more than 5 % too low"), rows


HEADROOM = 0.6
"""``burst_headroom`` of data/serving.toml."""


def language_models(scale: float) -> Table:
    """Continuous batching against the simulation step by step."""
    rng = np.random.default_rng(4)
    found: dict[tuple[float, str], list[list[float]]] = {}
    laws = {"fixed": Service(1.0, 0.0), "gamma, CV 0.6": Service(1.0, 0.6), "exponential": Service(1.0, 1.0),
            "lognormal, CV 1.5": Service(1.0, 1.5, "lognormal")}  # fmt: skip
    for number in range(int(24 * scale) + 1):
        for load, (name, lengths) in itertools.product(LOADS, laws.items()):
            shape = {"workers": int(rng.choice([1, 2, 4])), "slots": int(rng.choice([8, 32, 128])),
                     "fixed_s": rng.uniform(0.005, 0.04)}  # fmt: skip
            shape["sequence_s"] = shape["fixed_s"] * 10 ** rng.uniform(-3, -1.3)
            tokens = int(rng.choice([64, 128, 256, 512]))
            full_s = tokens * (shape["fixed_s"] + shape["sequence_s"] * shape["slots"]) / shape["slots"]
            share = rng.uniform(0.0, 0.5)
            shape["prefill_s"] = share / (1 - share) * full_s
            rate = load * shape["workers"] / (full_s + shape["prefill_s"])
            errors = _errors(shape, rate, tokens, lengths, int(120_000 * scale) + 10_000, number)
            found.setdefault((load, name), []).append(errors)
    rows = []
    for (load, name), errors in sorted(found.items()):
        table = np.abs(np.array(errors))
        rows.append([f"{load}", name, *(f"{np.median(c):.1%} / {np.quantile(c, 0.9):.0%}" for c in table.T)])
    return ("load", "lengths", "sequences", "TPOT p50", "TPOT p99", "TTFT p50", "TTFT p90", "TTFT p95", "TTFT p99",
            "response p99"), rows  # fmt: skip


def _errors(shape: dict[str, Any], rate: float, tokens: int, lengths: Service, requests: int, seed: int) -> list[float]:
    times = arrivals("poisson", rate_per_s=rate, duration_s=requests / rate, seed=seed)
    drawn = service_times(lengths, times.size, np.random.default_rng(seed))
    true = simulate_generation(times, 1 + (drawn * (tokens - 0.5)).astype(int), **shape)

    def formula(q: float) -> Any:
        return generation_s(
            q, arrivals_per_s=rate, output_tokens=tokens, length_cv=lengths.cv, **shape
        )  # fmt: skip

    warm = times.size // 20
    return [
        float(formula(0.5).sequences) / true.sequences - 1,
        *(float(formula(q).token_s) / float(np.quantile(true.token_s[warm:], q)) - 1 for q in (0.5, 0.99)),
        *(float(formula(q).first_s) / float(np.quantile(true.first_s[warm:], q)) - 1 for q in QUANTILES),
        float(formula(0.99).response_s) / float(np.quantile(true.response_s[warm:], 0.99)) - 1,
    ]


def autoscaling(scale: float) -> Table:
    """Longest wait after a step against its closed form."""
    rows = []
    for target, factor, start in ((0.7, 1.35, 60), (0.5, 1.9, 60), (0.7, 2, 60), (0.5, 3, 90), (0.7, 4, 30)):
        quiet, loud = (
            arrivals("gamma", rate_per_s=200 * k, duration_s=900 * scale + 300, gap_cv=0.2, seed=s)
            for k, s in ((1, 1), (factor, 2))
        )
        traffic = np.concatenate([quiet, 900 * scale + 300 + loud])
        cells = [f"{target}", f"{factor}", f"{start}"]
        for system in ("sagemaker", "kubernetes-hpa", "knative"):
            policy = scaler(system, target=target, start_s=start)
            free = replace(policy, growth=np.inf)
            worst = autoscale(traffic - traffic[0], service=Service(0.5, 0.2), policy=free).worst_wait_s
            expected = (start + policy.panic_window_s) * max(0, 1 - 1 / (factor * target))
            cells.append(f"{worst:.1f} ({expected:.1f})")
        rows.append(cells)
    return ("target", "step", "start, s", "SageMaker", "Kubernetes HPA", "Knative"), rows


def speeds(scale: float) -> Table:
    """Requests a CPU-second."""
    size = int(1_000_000 * scale)

    def timed(name: str, size: int, run: Callable[[], object]) -> list[str]:
        began = time.process_time()
        run()
        return [name, f"{size / (time.process_time() - began) / 1e6:.2f}"]

    def poisson(rate: float, size: int) -> np.ndarray:
        return arrivals("poisson", rate_per_s=rate, duration_s=size / rate, seed=1)

    one, eight, many = poisson(0.8, size), poisson(6.4, size), poisson(51.2, size)
    tokens = np.full(size // 10, 200)
    rows = [
        timed("one server", size, lambda: simulate(one, servers=1, service=Service(1.0, 0.5))),
        timed("8 servers", size, lambda: simulate(eight, servers=8, service=Service(1.0, 0.5))),
        timed("64 servers", size, lambda: simulate(many, servers=64, service=Service(1.0, 0.5))),
        timed("2 instances, batches up to 16", size, lambda: simulate_batches(
            eight * 0.4, instances=2, batch=16, fixed_s=0.8, item_s=0.05)),
        timed("an autoscaler, about 60 replicas", size, lambda: autoscale(
            many * 1.2, service=Service(1.0, 0.5), policy=scaler("kubernetes-hpa", target=0.7, start_s=60))),
        timed("a language model, 200 tokens, 64 sequences (requests)", len(tokens), lambda: simulate_generation(
            poisson(4.0, 2 * len(tokens))[: len(tokens)], tokens, workers=1, slots=64, fixed_s=0.02, sequence_s=1e-4,
            prefill_s=0.03)),
        timed("200 queues of 8 servers at once", size, lambda: simulated_quantiles_s(
            0.99, servers=8, arrivals_per_s=np.full(200, 6.4), fixed_s=1.0, service_cv=0.5, requests=size // 200)),
        timed("200 queues with batches up to 16 at once", size, lambda: simulated_quantiles_s(
            0.99, servers=2, arrivals_per_s=np.full(200, 16.0), fixed_s=0.8, item_s=0.05, batch=16,
            requests=size // 200)),
    ]  # fmt: skip
    return ("simulator", "million requests a CPU-second"), rows


TABLES: dict[str, Callable[[float], Table]] = {
    "without-delay": without_delay, "with-delay": with_delay, "bursty": bursty, "language-models": language_models,
    "autoscaling": autoscaling, "speeds": speeds,
}  # fmt: skip


def markdown(table: Table) -> str:
    """Table as Markdown."""
    header, rows = table
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def put(name: str, text: str) -> None:
    """Write a table between its markers."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    head, rest = page.split(begin)
    PAGE.write_text(f"{head}{begin}{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def main() -> None:
    """Make the tables."""
    parser = argparse.ArgumentParser(description="Errors of batches, language models and autoscalers.")
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    asked = parser.parse_args()
    if asked.grid:
        remake_grid()
    for name in asked.only:
        text = markdown(TABLES[name](0.1 if asked.quick else 1.0))
        print(f"{name}\n{text}\n", flush=True)
        if not asked.quick:
            put(name, text)


if __name__ == "__main__":
    main()
