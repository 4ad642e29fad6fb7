"""A sweep: what each configuration did, and which one is best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from advisor.errors import AdvisorError, MeasureError
from advisor.lab.contrasts import honest_difference, widened
from advisor.lab.runs import Run, quantile_of
from advisor.lab.settings import settings
from advisor.lab.sweep_plans import Place, Plan, Refused
from advisor.results import Interval

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
Goal = Literal["latency", "throughput"]
Found = tuple[Place, Run | Refused]

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One configuration of a sweep: its run in each pass, or why there is none."""

    threads: int
    batch: int
    runs: Mapping[int, Run]
    """By pass, from 0."""
    refusal: MeasureError | None

    def quantile(self, q: float) -> Interval | None:
        """Quantile of the inference time over all passes, wide enough to hold that of each pass.

        Parameters
        ----------
        q : float
            Between 0 and 1.

        Returns
        -------
        Interval or None
            Seconds; None where all passes together have too few samples.  A pass counts with its interval, or with its
            quantile alone where it is too short for one: what differs between processes and moments shows.
        """
        runs = [*self.runs.values()]
        pooled = quantile_of(np.sort(np.concatenate([run.samples_s for run in runs])), q) if runs else None
        return None if pooled is None else widened(pooled, [_quantile(run, q) for run in runs])

    def value(self, goal: Goal) -> float | None:
        """Geometric mean over the passes: median time of an inference [s], or items a second back to back."""
        return float(np.exp(np.mean([*self.logs(goal).values()]))) if self.runs else None

    def logs(self, goal: Goal) -> dict[int, float]:
        """Logarithm of the value of each pass."""
        return {turn: _log(run, goal) for turn, run in self.runs.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The configuration that a sweep recommends, and how sure that is."""

    cell: Cell
    runner_up: Cell | None
    ratio: float | None
    """Value of the runner-up over that of the best."""
    within_noise: bool | None
    """Whether the two may be alike; None where the sweep does not tell its noise, or there is one configuration."""
    undecided: tuple[Cell, ...]
    """Configurations that would be better, and of which it is not known whether they meet the objective."""


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What a sweep has measured so far."""

    id: str
    plan: Plan
    cells: tuple[Cell, ...]
    """Every configuration of the plan, those without a run or a refusal too."""
    not_saved: AdvisorError | None
    """Why something could not be kept on disk; it is in ``cells`` all the same."""

    @property
    def complete(self) -> bool:
        """Whether every configuration has its runs or is refused."""
        return all(
            cell.refusal is not None or sum(not run.cancelled for run in cell.runs.values()) == self.plan.passes
            for cell in self.cells
        )

    def drift(self) -> float | None:
        """Median time of an inference in the last pass over that in the first, all configurations taken together."""
        logs = self._logs("latency")
        return None if logs is None else float(np.exp(np.mean(logs[:, -1] - logs[:, 0])))

    def noise(self, goal: Goal = "throughput") -> float | None:
        """Relative difference up to which two configurations of this sweep may be alike.

        Parameters
        ----------
        goal : {"throughput", "latency"}

        Returns
        -------
        float or None
            Share, at least the ``least_floor`` of comparisons; None before two configurations have two passes.
        """
        logs = self._logs(goal)
        if logs is None or min(logs.shape) < 2:
            return None
        confidence = settings()["quantiles"]["interval_confidence"]
        difference = float(np.expm1(honest_difference(logs, confidence=confidence)))
        return max(difference, float(settings()["comparison"]["least_floor"]))

    def best(self, goal: Goal = "throughput", slo_s: float | None = None, q: float = 0.99) -> Best | None:
        """Configuration with the highest throughput or the shortest median time of those that meet an objective.

        Parameters
        ----------
        goal : {"throughput", "latency"}
        slo_s : float, optional
            Objective for the time of one inference; the whole interval of the quantile has to meet it.  [s]
        q : float, default 0.99
            Quantile that the objective is about.

        Returns
        -------
        Best or None
            None where no configuration is shown to meet the objective.

        Raises
        ------
        MeasureError
            If the goal is unknown or the objective is not above 0.
        """
        _check(goal, slo_s)
        sign = -1 if goal == "throughput" else 1
        ranked = sorted((cell for cell in self.cells if cell.runs), key=lambda cell: sign * (cell.value(goal) or 0.0))
        meeting = [cell for cell in ranked if _meets(cell, slo_s, q) == "yes"]
        if not meeting:
            return None
        first, second = meeting[0], meeting[1] if len(meeting) > 1 else None
        better = ranked[: ranked.index(first)]
        undecided = tuple(cell for cell in better if _meets(cell, slo_s, q) == "unknown")
        if second is None:
            return Best(first, None, None, None, undecided)
        ratio = (second.value(goal) or 0.0) / (first.value(goal) or 1.0)
        noise = self.noise(goal)
        return Best(first, second, ratio, None if noise is None else max(ratio, 1 / ratio) <= 1 + noise, undecided)

    def table(self) -> "pd.DataFrame":
        """Table of the configurations.

        Returns
        -------
        DataFrame
            threads, batch, n, p50_s, p90_s, p99_s with intervals, items_per_s, refusal.
        """
        import pandas as pd

        return pd.DataFrame([_row(cell) for cell in self.cells], dtype=object)

    def _logs(self, goal: Goal) -> FloatArray | None:
        """Values of the configurations that have a whole run in each pass that all of these have."""
        kept = [cell for cell in self.cells if cell.refusal is None]
        whole = [{t: v for t, v in cell.logs(goal).items() if not cell.runs[t].cancelled} for cell in kept]
        measured = [values for values in whole if values]
        turns = sorted({turn for values in measured for turn in values})
        full = [turn for turn in turns if all(turn in values for values in measured)]
        if len(full) < 2:
            return None
        return np.array([[values[turn] for turn in full] for values in measured])


def sweep_of(sweep_id: str, plan: Plan, found: Sequence[Found], error: AdvisorError | None) -> Sweep:
    """Sweep of what was found; a whole run counts before one that was cancelled."""
    cells = []
    for threads, batch in plan.grid:
        here = [(place, one) for place, one in found if (place.threads, place.batch) == (threads, batch)]
        runs = [(place.turn, one) for place, one in here if isinstance(one, Run)]
        refusals = [one.error for _, one in here if isinstance(one, Refused)]
        by_turn = dict(sorted(runs, key=lambda pair: (pair[0], not pair[1].cancelled)))
        cells.append(Cell(threads, batch, by_turn, refusals[0] if refusals else None))
    return Sweep(sweep_id, plan, tuple(cells), error)


def _quantile(run: Run, q: float) -> Interval:
    value = float(np.quantile(run.samples_s, q))
    return run.quantile(q) or Interval(value, value, value)


def _log(run: Run, goal: Goal) -> float:
    if goal == "latency":
        return float(np.log(np.median(run.samples_s)))
    return float(np.log(run.batch * len(run.samples_s) / run.samples_s.sum()))


def _meets(cell: Cell, slo_s: float | None, q: float) -> Literal["yes", "no", "unknown"]:
    interval = cell.quantile(q)
    if slo_s is None or (interval is not None and interval.high <= slo_s):
        return "yes"
    return "unknown" if interval is None or interval.low <= slo_s else "no"


def _check(goal: str, slo_s: float | None) -> None:
    if goal not in get_args(Goal):
        raise MeasureError("field", field="goal", value=goal, must=", ".join(get_args(Goal)))
    if slo_s is not None and not 0 < slo_s < float("inf"):
        raise MeasureError("field", field="slo_s", value=slo_s, must="> 0")


def _row(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {"threads": cell.threads, "batch": cell.batch}
    row["n"] = sum(len(run.samples_s) for run in cell.runs.values())
    for name, q in _QUANTILES.items():
        interval = cell.quantile(q)
        for side, field in (("", "mid"), ("_low", "low"), ("_high", "high")):
            row[f"{name}{side}_s"] = None if interval is None else getattr(interval, field)
    return row | {"items_per_s": cell.value("throughput"), "refusal": cell.refusal}
