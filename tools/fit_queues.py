"""Corrections of the queueing formula, fitted on long simulations: ``data/queues/corrections.csv.gz``.

``simulate`` runs the grid of queues that ``data/queues/corrections.toml`` names (some 30 CPU minutes; it goes on where
it was stopped) and keeps the raw quantiles in a file; ``fit`` smooths them by their noise and writes the table.

    python tools/fit_queues.py simulate raw.npy --part 0/2 &
    python tools/fit_queues.py simulate raw.npy --part 1/2
    python tools/fit_queues.py fit raw.npy
"""

import argparse
import gzip
import itertools
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from advisor.queue_model import erlang_c, formula  # noqa: E402

OUT = ROOT / "data" / "queues"
SETTINGS = tomllib.loads((OUT / "corrections.toml").read_text(encoding="utf-8"))
GRID: dict[str, Any] = SETTINGS["grid"]
NAMES = ("servers", "waiting_logit", "service_cv", "arrival_cv")
NODES = [np.array(GRID[name], float) for name in NAMES]
QUANTILES = np.array(GRID["quantiles"], float)
SAVE_EVERY_S = 60
CERTAIN = 100.0
"""How much surer an exact value counts than the best simulated one."""
RAW = 7
"""Columns of a raw row before its quantiles: four indices, utilisation, customers, independent customers."""


def utilisation_of(servers: float, logit: float) -> float:
    """Utilisation at which the Erlang C probability has a logit."""
    return float(
        optimize.brentq(lambda u: float(special.logit(erlang_c(servers, servers * u))) - logit, 1e-12, 1 - 1e-12)
    )


def simulate(path: Path, part: int, parts: int) -> None:
    """Raw quantiles of one part of the grid, kept every minute in a file of their own."""
    from queue_simulation import quantile, simulated

    own = path.with_suffix(f".{part}.npy")
    rows = list(np.load(own)) if own.exists() else []
    cells = list(itertools.product(*(range(len(nodes)) for nodes in NODES)))
    np.random.default_rng(0).shuffle(cells)
    saved = time.monotonic()
    for number, cell in enumerate(cells[part::parts]):
        if number < len(rows):
            continue
        servers, logit, service_cv, arrival_cv = (nodes[at] for nodes, at in zip(NODES, cell, strict=True))
        utilisation = utilisation_of(servers, logit)
        apart = utilisation * (arrival_cv**2 + service_cv**2 + 0.1) / (1 - utilisation) ** 2
        run = SETTINGS["simulation"]
        customers = int(np.clip(run["independent_customers"] * apart, run["least_customers"], run["most_customers"]))
        seen = simulated(
            servers=int(servers),
            utilisation=utilisation,
            service_cv=float(service_cv),
            arrival_cv=float(arrival_cv),
            customers=customers,
            seed=number * parts + part,
        )
        times = [quantile(seen.response, q) for q in QUANTILES] + [quantile(seen.wait, q) for q in QUANTILES]
        rows.append(np.array([*cell, utilisation, customers, customers / apart, *times]))
        if time.monotonic() - saved > SAVE_EVERY_S:
            np.save(own, np.array(rows))
            saved = time.monotonic()
            print(f"{number + 1} of {len(cells[part::parts])}", flush=True)
    np.save(own, np.array(rows))


def fit(path: Path) -> None:
    """The table, smoothed along servers and waiting probability by the noise of the runs."""
    shape = tuple(len(nodes) for nodes in NODES)
    raw = np.full((*shape, RAW - 4 + 2 * len(QUANTILES)), np.nan)
    for part in sorted(path.parent.glob(f"{path.stem}.*.npy")):
        for row in np.load(part):
            raw[tuple(row[:4].astype(int))] = row[4:]
    utilisation, customers, independent = (raw[..., at, None] for at in range(3))
    response, wait = np.split(raw[..., 3:], 2, axis=-1)
    grid = np.meshgrid(*NODES, QUANTILES, indexing="ij")
    servers, _, service_cv, arrival_cv, q = grid
    plain = formula(q, servers, np.where(np.isfinite(utilisation), utilisation, 0.5), service_cv, arrival_cv)
    error = 1 / np.sqrt((1 - q) * np.minimum(customers, independent)) / -np.log1p(-q)
    error = np.maximum(error, SETTINGS["smoothing"]["least_error"])
    known = (service_cv == 1) & (arrival_cv == 1) & np.isfinite(utilisation)
    response[known] = exact_response(q[known], servers[known], np.broadcast_to(utilisation, q.shape)[known])
    wait[known] = (plain.conditional * np.maximum(plain.late, 0.0))[known]
    error[known] = SETTINGS["smoothing"]["least_error"] / CERTAIN
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.log((response - plain.service) / plain.excess)
        shift = wait / plain.conditional - plain.late
        columns = [
            smoothed(excess, error * response / (response - plain.service)),
            smoothed(np.where(wait > 0, shift, np.nan), error * response / plain.conditional),
        ]
    table = np.column_stack([*(axis.ravel() for axis in grid), *(column.ravel() for column in columns)])
    head = ",".join((*NAMES, "quantile", "log_excess_factor", "wait_shift"))
    lines = [",".join(f"{value:.4g}" for value in row) for row in table]
    with (OUT / "corrections.csv.gz").open("wb") as file, gzip.GzipFile("", "wb", mtime=0, fileobj=file) as packed:
        packed.write(("\n".join([head, *lines]) + "\n").encode())


def exact_response(
    q: NDArray[np.float64], servers: NDArray[np.float64], utilisation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Response quantiles of M/M/c, in mean service times, by halving."""
    offered = servers * utilisation
    waits, faster = erlang_c(servers, offered), servers - 1 - offered
    faster = np.where(np.abs(faster) < np.finfo(np.float32).eps, np.finfo(np.float32).eps, faster)
    low, high = np.zeros_like(q), np.full_like(q, 1e6)
    for _ in range(200):
        middle = (low + high) / 2
        beyond = np.exp(-middle) + waits / faster * (np.exp(-middle) - np.exp(-middle * (1 + faster)))
        low, high = np.where(beyond > 1 - q, middle, low), np.where(beyond > 1 - q, high, middle)
    return high


def smoothed(values: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values on the grid, each as near to the seen one as its error asks, and otherwise even; where none is, even."""
    servers, logits = values.shape[:2]
    settings = SETTINGS["smoothing"]
    slopes = np.diff(np.eye(logits), axis=0) / np.diff(NODES[1])[:, None]
    bends = np.kron(np.eye(servers), np.diff(slopes, axis=0)) / settings["bend"]
    steps = np.kron(np.diff(np.eye(servers), axis=0), np.eye(logits)) / settings["step"]
    even = bends.T @ bends + steps.T @ steps + np.finfo(np.float32).eps * np.eye(servers * logits)
    made = np.empty_like(values)
    for rest in np.ndindex(values.shape[2:]):
        value, error = (array[(slice(None), slice(None), *rest)].ravel() for array in (values, errors))
        weight = np.where(np.isfinite(value) & (error > 0), 1 / np.square(error), 0.0)
        seen = np.where(weight > 0, value, 0.0)
        made[(slice(None), slice(None), *rest)] = np.linalg.solve(even + np.diag(weight), weight * seen).reshape(
            servers, logits
        )
    return made


def main() -> None:
    """One of the two steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("simulate", "fit"))
    parser.add_argument("raw", type=Path)
    parser.add_argument("--part", default="0/1")
    given = parser.parse_args()
    if given.step == "simulate":
        simulate(given.raw, *(int(number) for number in given.part.split("/")))
    else:
        fit(given.raw)


if __name__ == "__main__":
    main()
