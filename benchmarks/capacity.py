"""The queueing formula against long simulations, and its speed; the tables of ``docs/methodology/capacity.md``.

    pip install numba
    python benchmarks/capacity.py            everything, some 30 CPU minutes, and the tables written
    python benchmarks/capacity.py speed      a million quantiles and a million sizings, CPU seconds

No cell lies on a node of the table of corrections except by chance; seeds are others than those it was fitted on.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from advisor.capacity import response_quantile_s, servers_for  # noqa: E402
from advisor.queue_model import service_quantile  # noqa: E402

PAGE = ROOT / "docs" / "methodology" / "capacity.md"
SERVERS = (1, 2, 3, 5, 8, 16, 32, 64)
UTILISATION = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
SERVICE_CV = (0.0, 0.3, 0.7, 1.0, 1.4, 2.0)
ARRIVAL_CV = (0.5, 0.8, 1.0, 1.4, 2.0)
QUANTILES = (0.5, 0.9, 0.95, 0.99)
CUSTOMERS, MOST_CUSTOMERS, MEMORIES = 1_500_000, 16_000_000, 3000
"""Customers of a run: at least, at most, and in units of the length of its memory."""
SEED = 20_000_000
SIZINGS = 300
MILLION = 1_000_000


def customers_of(utilisation: float, service_cv: float, arrival_cv: float) -> int:
    """Customers of a run, more where it forgets slowly."""
    memory = utilisation * (arrival_cv**2 + service_cv**2) / (1 - utilisation) ** 2
    return int(np.clip(MEMORIES * memory, CUSTOMERS, MOST_CUSTOMERS))


def compared(cells: Iterator[tuple[int, float, float, float]], law: str = "gamma") -> pd.DataFrame:
    """Simulated and predicted quantiles of each cell."""
    from queue_simulation import quantile, simulated

    rows = []
    for number, (servers, utilisation, service_cv, arrival_cv) in enumerate(cells):
        seen = simulated(
            servers=servers,
            utilisation=utilisation,
            service_cv=service_cv,
            arrival_cv=arrival_cv,
            customers=customers_of(utilisation, service_cv, arrival_cv),
            seed=SEED + number,
            law=law,
        )
        said = response_quantile_s(
            QUANTILES,
            servers=servers,
            arrivals_per_s=utilisation * servers,
            service_s=1.0,
            service_cv=service_cv,
            arrival_cv=arrival_cv,
        )
        for q, predicted in zip(QUANTILES, np.atleast_1d(said), strict=True):
            shown = quantile(seen.response, q)
            rows.append((servers, utilisation, service_cv, arrival_cv, q, shown, predicted, predicted / shown - 1))
    names = ["servers", "utilisation", "service_cv", "arrival_cv", "q", "simulated", "predicted", "error"]
    return pd.DataFrame(rows, columns=names)


def table_of(cells: pd.DataFrame, by: str, q: float = 0.99) -> list[str]:
    """Rows of a table: cells, median, 90 % and worst error of a quantile by one property."""
    rows = []
    for value, group in cells[cells["q"] == q].groupby(by):
        error = group["error"].abs()
        figures = (error.median(), error.quantile(0.9), error.max(), group["error"].median())
        rows.append(
            f"| {by} {value:g} | {len(group)} | " + " | ".join(f"{100 * figure:.1f} %" for figure in figures) + " |"
        )
    return rows


def accuracy(out: Path | None) -> list[str]:
    """Tables of the grid, in the law that the corrections were made for, and in heavier ones."""
    cells = compared(itertools.product(SERVERS, UTILISATION, SERVICE_CV, ARRIVAL_CV))
    if out:
        cells.to_csv(out, index=False, float_format="%.5g")
    held = cells[cells["utilisation"] <= 0.9]
    head = ["| cells | number | median | 90 % | worst | bias |", "|---|---|---|---|---|---|"]
    lines = [f"p99 up to a utilisation of 0.9, {len(held) // len(QUANTILES)} queues:", "", *head]
    error = held.loc[held["q"] == 0.99, "error"]
    figures = (error.abs().median(), error.abs().quantile(0.9), error.abs().max(), error.median())
    lines.append(f"| all | {len(error)} | " + " | ".join(f"{100 * figure:.1f} %" for figure in figures) + " |")
    for by in ("servers", "service_cv", "arrival_cv"):
        lines += table_of(held, by)
    lines += ["", "p99 by utilisation, and the other quantiles up to 0.9:", "", *head, *table_of(cells, "utilisation")]
    for q in QUANTILES[:-1]:
        lines += [
            row.replace("utilisation 1", f"p{100 * q:g}")
            for row in table_of(held.assign(utilisation=1), "utilisation", q)
        ]
    lines += [
        "",
        "p99 with heavier tails of service than the gamma law's, CV 2, Poisson arrivals, up to 0.9:",
        "",
        *head,
    ]
    for law in ("lognormal", "hyperexponential"):
        other = compared(itertools.product(SERVERS, UTILISATION[:-1], (2.0,), (1.0,)), law)
        lines += [row.replace("service_cv 2", law) for row in table_of(other, "service_cv")]
    return lines


class Case(NamedTuple):
    """Traffic to be served within an objective, in mean service times."""

    offered: float
    service_cv: float
    arrival_cv: float
    objective: float
    seed: int

    def fewest_said(self) -> int:
        """Servers by the formula."""
        said = servers_for(
            0.99,
            response_s=self.objective,
            arrivals_per_s=self.offered,
            service_s=1.0,
            service_cv=self.service_cv,
            arrival_cv=self.arrival_cv,
        )
        return int(said)

    def held_by(self, servers: int) -> bool:
        """Whether so many servers hold the objective in a simulation."""
        from queue_simulation import quantile, simulated

        if self.offered >= servers:
            return False
        utilisation = self.offered / servers
        seen = simulated(
            servers=servers,
            utilisation=utilisation,
            service_cv=self.service_cv,
            arrival_cv=self.arrival_cv,
            customers=customers_of(utilisation, self.service_cv, self.arrival_cv),
            seed=self.seed,
        )
        return quantile(seen.response, 0.99) <= self.objective

    def off_by(self) -> int:
        """Servers by the formula less the fewest that hold the objective."""
        said = fewest = self.fewest_said()
        while self.held_by(fewest - 1):
            fewest -= 1
        while fewest >= said and not self.held_by(fewest):
            fewest += 1
        return said - fewest


def sizings() -> list[str]:
    """Fewest servers by the formula against the fewest that hold the objective in simulations."""
    rng = np.random.default_rng(11)
    off = []
    for number in range(SIZINGS):
        service_cv, arrival_cv = float(rng.uniform(0, 2)), float(rng.uniform(0.5, 2))
        objective = float(rng.uniform(1.1, 3)) * float(service_quantile(0.99, service_cv**2))
        offered = float(np.exp(rng.uniform(np.log(0.3), np.log(50))))
        off.append(Case(offered, service_cv, arrival_cv, objective, SEED + number).off_by())
    away = np.array(off)
    shares = [(away == 0).mean(), (away < 0).mean(), (away > 0).mean()]
    said = (
        f"Fewest servers for {SIZINGS} random objectives: load 0.3 to 50, service CV 0 to 2, gap CV 0.5 to 2, p99 "
        "within 1.1 to 3 times that of the service."
    )
    return [
        said,
        "",
        "| exact | too few | too many | fewest by formula less by simulation |",
        "|---|---|---|---|",
        "| " + " | ".join(f"{100 * share:.1f} %" for share in shares) + f" | {away.min()} to {away.max()} |",
    ]


def cpu_s(work: Callable[[], object]) -> float:
    """Processor seconds of some work."""
    started = time.process_time()
    work()
    return time.process_time() - started


def speed() -> list[str]:
    """CPU seconds of a million quantiles and of a million sizings, every argument an array."""
    rng = np.random.default_rng(3)
    servers = rng.integers(1, 65, MILLION).astype(float)
    queues = {
        "arrivals_per_s": servers * rng.uniform(0.3, 0.95, MILLION),
        "service_s": np.ones(MILLION),
        "service_cv": rng.uniform(0, 2, MILLION),
        "arrival_cv": rng.uniform(0.5, 2, MILLION),
    }
    objective = rng.uniform(1.1, 3, MILLION) * service_quantile(0.99, queues["service_cv"] ** 2)
    quantiles = cpu_s(lambda: response_quantile_s(0.99, servers=servers, **queues))
    sizes = cpu_s(lambda: servers_for(0.99, response_s=objective, **queues))
    return [f"A million p99 take {quantiles:.1f} CPU seconds, a million sizings {sizes:.1f}, every argument an array."]


def written(name: str, lines: list[str]) -> None:
    """Lines put between the markers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = text.split(begin)
    after = rest.split(end, 1)[1]
    PAGE.write_text(before + begin + "\n".join(lines) + "\n" + end + after, encoding="utf-8")


def main() -> None:
    """The parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=("accuracy", "sizings", "speed"), default=[])
    parser.add_argument("--cells", type=Path, help="CSV of every cell")
    given = parser.parse_args()
    parts = {"accuracy": lambda: accuracy(given.cells), "sizings": sizings, "speed": speed}
    for name in given.parts or parts:
        lines = parts[name]()
        print("\n".join(lines), flush=True)
        written(name, lines)


if __name__ == "__main__":
    main()
