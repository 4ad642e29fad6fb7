"""Results of ``http_queue.py``: how they are kept, what they predict, and the table that they make."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapreplace
from pathlib import Path
from typing import Any

import numpy as np

from advisor.lab.load import _poisson
from advisor.lab.queueing import predicted_response_s
from advisor.lab.runs import quantile_of
from advisor.results import Interval
from advisor.sample_queue import _responses, response_quantile_from_sample_s
from advisor.units import MS_PER_S, PERCENT, US_PER_S

RESULTS = Path(__file__).resolve().parent / "results" / "http_queue"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "methodology" / "capacity.md"
MARKS = ("<!-- table of benchmarks/http_queue.py -->", "<!-- end of the table -->")
SAMPLES = ("response_us", "service_us", "found_idle")
FAILED = np.iinfo(np.uint32).max
"""Microseconds of a request that got no answer."""
Q = 0.99
REQUESTS = 10_000
SURPLUS = 1.035
"""The number of Poisson arrivals varies: more are asked for by three and a half standard deviations."""
BATCHES = 20
"""Stretches of time that a run is cut into for the interval of its p99; what they hold is late together."""
CV, FILLING = 0.15, 500
COLUMNS = ("model", "workers", "utilisation", "as run", "requests", "service, ms (CV)",
           "p99, ms", "predicted", "error", "inside", "formula")  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """One run under load: facts, and times in whole microseconds in the order of the requests."""

    facts: dict[str, Any]
    response_us: np.ndarray
    service_us: np.ndarray
    found_idle: np.ndarray
    """Whether the request found a worker idle."""

    @property
    def number(self) -> int:
        """Of the run in the plan."""
        return int(self.facts["plan"]["number"])

    @property
    def interfered(self) -> bool:
        return bool(self.facts["interfered"])

    @property
    def arrivals_per_s(self) -> float:
        return len(self.response_us) / float(self.facts["seconds"])

    @property
    def answered(self) -> np.ndarray:
        return np.asarray(self.service_us < FAILED)

    @cached_property
    def service_s(self) -> np.ndarray:
        """Service times of the requests that were answered."""
        return self.service_us[self.answered] / US_PER_S

    @cached_property
    def measured_s(self) -> Interval:
        """Measured p99 with its 95 % confidence interval."""
        return p99(np.where(self.response_us < FAILED, self.response_us / US_PER_S, np.inf))

    @cached_property
    def in_queue_s(self) -> float:
        """Predicted p99 in the queue of the service times of the run."""
        found = response_quantile_from_sample_s(
            Q,
            servers=self.facts["plan"]["workers"],
            arrivals_per_s=self.arrivals_per_s,
            samples_s=self.service_s,
            found_idle=self.found_idle[self.answered],
        )
        return float(found)

    @property
    def outside_s(self) -> float:
        """Mean time outside queue and service in the run, from its quantiles."""
        at = [float(name.removeprefix("p")) / PERCENT for name in self.facts["outside_s"]]
        times = [*self.facts["outside_s"].values()]
        return float(np.trapezoid([times[0], *times, times[-1]], [0.0, *at, 1.0]))

    @property
    def predicted_s(self) -> float:
        """Predicted p99: queue and overhead."""
        return self.in_queue_s + self.outside_s

    @property
    def beforehand_s(self) -> float:
        """The same with the overhead that one client met before the load."""
        return self.in_queue_s + float(self.facts["before"]["outside_s"])

    @property
    def replayed_s(self) -> float:
        """The same where the moments are those of the run too: what is left is neither arrivals nor service."""
        rate = self.facts["rate_per_s"]
        moments = _poisson(rate, SURPLUS * REQUESTS / rate, self.facts["seed"])
        free = [0.0] * self.facts["plan"]["workers"]
        responses = []
        for moment, service in zip(moments.tolist(), (self.service_us / US_PER_S).tolist(), strict=True):
            done = max(free[0], moment) + service
            heapreplace(free, done)
            responses.append(done - moment)
        return float(np.quantile(responses, Q)) + self.outside_s

    @property
    def formula_s(self) -> float:
        """The same by the closed form, from mean and variation of the service times."""
        found = predicted_response_s(
            Q,
            arrivals_per_s=self.arrivals_per_s,
            service_s=self.service_s,
            outside_s=np.array([self.outside_s]),
            workers=self.facts["plan"]["workers"],
        )
        return float("nan") if found is None else float(found)

    def error(self, predicted_s: float) -> float:
        return predicted_s / self.measured_s.mid - 1

    def inside(self, predicted_s: float) -> bool:
        return self.measured_s.low <= predicted_s <= self.measured_s.high

    def line(self) -> str:
        """Row of the table."""
        plan, measured, mean = self.facts["plan"], self.measured_s, float(self.service_s.mean())
        low, mid, high = (f"{MS_PER_S * x:.1f}" for x in (measured.low, measured.mid, measured.high))
        cells = (
            plan["model"],
            plan["workers"],
            plan["utilisation"],
            f"{self.arrivals_per_s * mean / plan['workers']:.2f}",
            len(self.response_us),
            f"{MS_PER_S * mean:.2f} ({self.service_s.std() / mean:.2f})",
            f"{mid} ({low} to {high})",
            f"{MS_PER_S * self.predicted_s:.1f}",
            f"{PERCENT * self.error(self.predicted_s):+.0f} %",
            "interfered" if self.interfered else "yes" if self.inside(self.predicted_s) else "no",
            f"{PERCENT * self.error(self.formula_s):+.0f} %",
        )
        return row(cells)

    def save(self, folder: Path) -> None:
        """Write samples, then facts: an attempt without facts was cut off."""
        folder.mkdir(parents=True, exist_ok=True)
        plan = self.facts["plan"]
        name = f"{self.number:02}-{plan['model']}-w{plan['workers']}-u{plan['utilisation']}-a{self.facts['attempt']}"
        with (folder / f"{name}.npz").open("xb") as file:
            np.savez_compressed(file, **{name: getattr(self, name) for name in SAMPLES})
        (folder / f"{name}.json").write_text(json.dumps(self.facts, indent=1) + "\n", encoding="utf-8")


def p99(response_s: np.ndarray) -> Interval:
    """The p99 of responses in the order of the requests, with its 95 % confidence interval."""
    interval = quantile_of(response_s, Q, [len(batch) for batch in np.array_split(response_s, BATCHES)])
    if interval is None:
        raise ValueError(f"{len(response_s)} requests are too few for a p99")
    return interval


def held(workers: int, utilisation: float, requests: int, runs: int) -> float:
    """How often the interval of a run holds the true p99, in simulated queues with services of CV 0.15."""
    random = np.random.default_rng(0)
    services = random.gamma(CV**-2, CV**2, 100 * requests)
    gaps = random.exponential(1 / (utilisation * workers), (requests + FILLING, runs))
    starts = np.arange(runs) / runs
    simulated = _responses(gaps, services, services, starts, servers=workers, apart=False)[FILLING:]
    true = np.quantile(simulated, Q)
    return float(np.mean([(found := p99(run)).low <= true <= found.high for run in simulated.T]))


def attempts(folder: Path) -> list[Attempt]:
    """All that were kept, by run, in the order in which they were made."""
    found = []
    for file in sorted(folder.glob("*.json")):
        with np.load(file.with_suffix(".npz")) as samples:
            found.append(Attempt(json.loads(file.read_text(encoding="utf-8")), *(samples[name] for name in SAMPLES)))
    return found


def judged(made: Iterable[Attempt]) -> list[Attempt]:
    """Of each run the first attempt without interference."""
    first: dict[int, Attempt] = {}
    for attempt in made:
        if not attempt.interfered:
            first.setdefault(attempt.number, attempt)
    return [first[number] for number in sorted(first)]


def row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def shown(made: Sequence[Attempt]) -> str:
    """Table of the runs, and what they say together."""
    counted = judged(made)
    never = {each.number for each in made} - {each.number for each in counted}
    interfered = [each for each in made if each.interfered]
    lines = [row(COLUMNS), row(["---"] * len(COLUMNS)), *(each.line() for each in counted)]
    lines += [each.line() for each in interfered if each.number in never]
    said = f"Interfered: {len(interfered)} of {len(made)} attempts, and all attempts of {len(never)} runs."
    return "\n\n".join(["\n".join(lines), said, *(summary(counted) if counted else ())])


def summary(counted: Sequence[Attempt]) -> tuple[str, str]:
    """Errors and coverage, and where and when they were found."""
    machine, versions = counted[0].facts["machine"], counted[0].facts["versions"]
    days = sorted(each.facts["started"][:10] for each in counted)
    found = (
        f"Error of the p99 over {len(counted)} runs: {held_by(counted, 'predicted_s')}. "
        f"With the overhead that one client met beforehand: {held_by(counted, 'beforehand_s')}. "
        f"By the closed form: {held_by(counted, 'formula_s')}. "
        f"With the moments of the requests too: {held_by(counted, 'replayed_s')}."
    )
    where = (
        f"{machine['cpu']}, {machine['logical_cpus']} processors, {machine['system']}; Python {versions['python']}, "
        f"ONNX Runtime {versions['onnxruntime']}; {days[0]} to {days[-1]}."
    )
    return found, where


def held_by(counted: Sequence[Attempt], name: str) -> str:
    """Errors of one of the predictions, and how often it lies in the measured interval."""
    predicted = [(each, getattr(each, name)) for each in counted]
    errors = PERCENT * np.abs([each.error(value) for each, value in predicted])
    inside = sum(each.inside(value) for each, value in predicted)
    return (
        f"{np.median(errors):.1f} % in the median, {errors.max():.0f} % at most, inside the interval in {inside} "
        f"({PERCENT * inside / len(counted):.0f} %)"
    )


def written(table: str) -> str:
    """Put the table between its marks on the page, and return it."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    PAGE.write_text(f"{text[:before]}\n\n{table}\n\n{text[after:]}", encoding="utf-8")
    return table
