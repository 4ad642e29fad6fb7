"""Errors of the serverless formulas against a simulation event by event: the tables of docs/methodology/serverless.md.

Usage: python benchmarks/serverless.py [REQUESTS]
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from simulated_functions import day_of_arrivals, gaps_s, services_s, simulated, steady  # noqa: E402

from advisor.capacity import service_quantile  # noqa: E402
from advisor.cold_mixture import mixed_quantile_s  # noqa: E402
from advisor.cold_starts import cold_share, levels  # noqa: E402
from advisor.function_day import day  # noqa: E402

RATES = (0.0005, 0.005, 0.05, 0.5, 2.0, 10.0)
SETTINGS = [(rate, service, alive) for service in (0.2, 2.0) for alive in (60.0, 600.0) for rate in RATES]
BURSTS = (2.0, 4.0, 8.0)
FEWEST = 200
"""Cold starts below which a run says too little to be judged."""


def simple(rate: float, service_s: float, keep_alive_s: float) -> float:
    """The form with an exponential tail of the mean first passage."""
    busy = np.arange(64)
    seen = stats.poisson.pmf(busy, rate * service_s)
    with np.errstate(divide="ignore", over="ignore"):
        passage = np.cumsum(seen) / (rate * seen)
        return float((seen * np.exp(-keep_alive_s / passage)).sum())


def row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print(f"\n### {title}\n\n{row(head)}\n{row('---' for _ in head)}")
    for cells in rows:
        print(row(cells))


def percent(found: float, true: float) -> str:
    return f"{100 * (found / true - 1):+.1f} %"


def summary(name: str, found: NDArray[np.float64], true: NDArray[np.float64]) -> list[str]:
    error = np.abs(found / true - 1) * 100
    return [name, f"{error.mean():.1f} %", f"{np.median(error):.1f} %", f"{error.max():.1f} %"]


def shares(count: int) -> None:
    rows, kept = [], []
    for rate, service, alive in SETTINGS:
        run = steady(rate, service, alive, count=count)
        if run.cold_share * count < FEWEST:
            continue
        exact = float(cold_share(arrivals_per_s=rate, service_s=service, keep_alive_s=alive))
        rough, lone = simple(rate, service, alive), float(np.exp(-rate * alive))
        kept.append((run.cold_share, exact, rough, lone))
        rows.append([rate, service, alive, f"{run.cold_share:.5f}", f"{exact:.5f}", percent(exact, run.cold_share)])
    table("Share at a steady rate", ["rate 1/s", "service s", "keep-alive s", "simulated", "formula", "error"], rows)
    true, exact, rough, lone = np.array(kept).T
    judged = [
        summary(*one, true) for one in (("formula", exact), ("mean first passage", rough), ("exp(-rate T)", lone))
    ]
    table("All cells", ["", "mean error", "median", "worst"], judged)


def bursts(count: int) -> None:
    rows = []
    for burstiness in BURSTS:
        for rate, service, alive in ((0.005, 0.2, 60.0), (0.05, 2.0, 60.0), (0.5, 2.0, 60.0), (4.0, 2.0, 60.0)):
            found = float(cold_share(arrivals_per_s=rate, service_s=service, keep_alive_s=alive, burstiness=burstiness))
            poisson = float(cold_share(arrivals_per_s=rate, service_s=service, keep_alive_s=alive))
            even, varied = (
                steady(rate, service, alive, burstiness=burstiness, service_cv=cv, count=count).cold_share
                for cv in (0.2, 1.0)
            )
            rows.append(
                [
                    burstiness,
                    rate,
                    service,
                    f"{varied:.4f}",
                    percent(found, varied),
                    percent(found, even),
                    percent(poisson, even),
                ]
            )
    head = ["squared CV", "rate 1/s", "service s", "simulated", "error, service CV 1", "CV 0.2", "as Poisson, CV 0.2"]
    table("Bursty arrivals", head, rows)


def kept_warm(count: int) -> None:
    rows = []
    for rate, service, alive in ((0.05, 2.0, 60.0), (0.5, 2.0, 60.0)):
        found = levels(arrivals_per_s=rate, service_s=service, keep_alive_s=alive)
        for kept in (0, 1, 2, 3, 4):
            run = steady(rate, service, alive, kept=kept, count=count)
            cold, living = found.cold[0, kept:].sum(), found.alive[0, kept:].sum()
            rows.append([rate, kept, f"{run.cold_share:.5f}", f"{cold:.5f}", f"{run.alive:.3f}", f"{living:.3f}"])
    table("Instances kept warm", ["rate 1/s", "kept", "cold, simulated", "formula", "others alive", "formula"], rows)


def many_busy(count: int) -> None:
    rows = []
    for load in (30.0, 100.0, 300.0, 1000.0):
        run = steady(load, 1.0, 20.0, count=count)
        found = float(cold_share(arrivals_per_s=load, service_s=1.0, keep_alive_s=20.0))
        rows.append([f"{load:.0f}", f"{run.cold_share:.5f}", f"{found:.5f}", percent(found, run.cold_share)])
    table("Many busy instances, keep-alive of 20 service times", ["busy", "simulated", "formula", "error"], rows)


def responses(count: int) -> None:
    rows, rng = [], np.random.default_rng(2)
    for rate, alive in (
        (0.008, 600.0),
        (0.01, 600.0),
        (0.05, 600.0),
        (0.1, 60.0),
        (0.5, 60.0),
        (1.0, 60.0),
        (3.0, 60.0),
    ):
        start = 0.6 * np.exp(0.3 * rng.standard_normal(count))
        arrivals = np.cumsum(gaps_s(rng, count, rate))
        run = simulated(arrivals, services_s(rng, count, 0.4, 0.3), start, alive)
        true = float(np.quantile(run.response_s, 0.99))
        share = float(cold_share(arrivals_per_s=rate, service_s=0.4, keep_alive_s=alive))
        mixed = float(
            mixed_quantile_s(0.99, cold_share=share, service_s=0.4, service_cv=0.3, start_s=0.6, start_log_sd=0.3)
        )
        whole = 0.4 * float(service_quantile(0.99, 0.09)) + (0.6 if share > 0.01 else 0.0)
        rows.append([rate, alive, f"{share:.4f}", f"{true:.3f}", percent(mixed, true), percent(whole, true)])
    head = ["rate 1/s", "keep-alive s", "cold share", "p99 simulated s", "mixture", "whole start or none"]
    table("p99: service 0.4 s (CV 0.3), start lognormal of median 0.6 s", head, rows)


def days() -> None:
    rows, rng = [], np.random.default_rng(3)
    for mean, factor, service in ((0.002, 3, 2.0), (0.02, 3, 2.0), (0.2, 3, 2.0), (0.02, 10, 2.0), (0.2, 1.5, 0.3)):
        arrivals = day_of_arrivals(rng, mean, factor, days=int(min(400, 4000 / mean / 864)), length_s=86_400)
        run = simulated(arrivals, services_s(rng, len(arrivals), service, 0.3), np.zeros(len(arrivals)), 600.0)
        found = day(
            peak_per_s=np.array([mean * factor]), peak_factor=factor, service_s=np.array([service]),
            keep_alive_s=np.array([600.0]),
        )  # fmt: skip
        at_mean = float(cold_share(arrivals_per_s=mean, service_s=service, keep_alive_s=600.0))
        cold = float(found.cold[0, 0])
        rows.append(
            [mean, factor, f"{run.cold_share:.5f}", percent(cold, run.cold_share), percent(at_mean, run.cold_share)]
        )
    table("Days, keep-alive 600 s", ["mean rate 1/s", "peak factor", "simulated", "whole day", "mean rate alone"], rows)


if __name__ == "__main__":
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 400_000
    shares(requests)
    bursts(requests)
    kept_warm(requests)
    many_busy(requests)
    responses(requests)
    days()
