"""Utilities over fixed bounds, weights, order, and how sure the first place is.

No bound and no weight is worked out from the list at hand: adding an absurd stack leaves the order of the others as
it was.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from advisor.columns import Bill, BoolArray, Column, FloatArray, IntArray, Network, Sized, Stacks
from advisor.question import Question


def utility(value: ArrayLike, *, best: float, worst: float, decades: float) -> Column:
    """Utility of a quantity of which less is better.

    Parameters
    ----------
    value : float or array
        In the unit of the bounds; NaN counts as the worst.
    best, worst : float
        Fixed bounds; values are clipped to them.
    decades : float
        Factors of ten that make a utility of 1, the same for every criterion.

    Returns
    -------
    array
        ``log10(worst / value) / decades``.
    """
    useful = np.array(value, dtype=np.result_type(value, np.float32))
    np.fmin(useful, worst, out=useful)
    np.maximum(useful, best, out=useful)
    np.log10(useful, out=useful)
    np.subtract(np.log10(worst), useful, out=useful)
    return np.asarray(np.divide(useful, decades, out=useful))


_UNKNOWN_COST_STEP = 10.0
"""More than any score."""


class Criterion(NamedTuple):
    """What a criterion looks at, on the level where it differs."""

    value: Column
    entry: IntArray | None = None
    """Entry of the level that each stack stands on; None where there is one value a stack."""


def scores(
    values: Mapping[str, Criterion],
    weights: Mapping[str, float],
    settings: Mapping[str, Any],
    penalty: Criterion | None = None,
) -> Column:
    """Weighted mean of the utilities of every stack, less a penalty.

    Parameters
    ----------
    values : mapping of str to Criterion
        "privacy" holds decades, the others quantities in the unit of their bounds.
    weights : mapping of str to float
        Positive weights; criteria that are not named weigh nothing.
    settings : mapping
        ``data/ranking.toml``.
    penalty : Criterion, optional
        Utility that conditions cost a stack.

    Notes
    -----
    Criteria of one level are added up there, so that a level is spread over the stacks once.
    """
    levels: dict[int, tuple[Column, IntArray | None]] = {}
    if penalty is not None:
        levels[id(penalty.entry)] = (-penalty.value, penalty.entry)
    for name, weight in weights.items():
        entry = values[name].entry
        useful = utility_of(name, values[name].value, settings).astype(np.float32, copy=False)
        useful *= np.float32(weight / sum(weights.values()))
        if former := levels.get(id(entry)):
            useful += former[0]
        levels[id(entry)] = (useful, entry)
    score: Column = np.zeros(1, np.float32)
    for useful, entry in levels.values():
        spread = useful if entry is None else np.take(useful, entry)
        score = np.add(score, spread, out=spread if len(spread) >= len(score) else score)
    return score


def utility_of(name: str, value: Column, settings: Mapping[str, Any]) -> Column:
    """Utility of a criterion; privacy is stated in decades, the others by their bounds."""
    if name == "privacy":
        return np.asarray(value / settings["decades"])
    bounds = settings["criteria"][name]
    return utility(value, best=bounds["best"], worst=bounds["worst"], decades=settings["decades"])


def penalties(sized: Sized, trips: Network, settings: Mapping[str, float]) -> Column:
    """Utility that the conditions of a run cost it, shape (runs,)."""
    late = sized.misses_high * np.float32(settings["measure-first"])
    return np.asarray(late + trips.crosses_border[sized.trip] * np.float32(settings["mainland-border"]))


def rank_key(score: Column, *, unknown_cost: IntArray, stopped: BoolArray) -> Column:
    """Key by which stacks are ranked, the highest first; minus infinity where one is stopped.

    Parameters
    ----------
    score : array, shape (stacks,)
    unknown_cost : array, shape (stacks,)
        0 where every line of the bill has a price, 1 where the least that has to be paid is known, 2 where nothing
        is; they come in this order, whatever their scores.
    stopped : bool array, shape (stacks,)
    """
    key = np.array(score, dtype=np.float32)
    key -= np.multiply(unknown_cost, np.float32(_UNKNOWN_COST_STEP))
    key[stopped] = -np.inf
    return key


def probability_best(
    score: FloatArray,
    *,
    latency_log_sd: FloatArray,
    cost_log_sd: FloatArray,
    source: Sequence[int],
    weights: Mapping[str, float],
    settings: Mapping[str, Any],
    seed: int = 0,
) -> FloatArray:
    """Share of draws from all intervals in which a stack comes first.

    Parameters
    ----------
    score : array, shape (stacks,)
    latency_log_sd, cost_log_sd : array, shape (stacks,)
        Standard deviation of the natural logarithm of latency and cost.
    source : sequence of int, shape (stacks,)
        Stacks with the same number share their latency error, since they stand on the same measurement.
    """
    draws = settings["uncertainty"]["draws"]
    total = sum(weights.values())
    decades = settings["decades"] * np.log(10)
    rng = np.random.default_rng(seed)
    _, shared = np.unique(np.asarray(source), return_inverse=True)
    latency = rng.standard_normal((draws, int(shared.max(initial=0)) + 1))[:, shared] * latency_log_sd
    price = rng.standard_normal((draws, len(score))) * cost_log_sd
    shift = weights.get("latency", 0.0) * latency + weights.get("cost", 0.0) * price
    drawn = score - shift / total / decades
    return np.asarray(np.bincount(drawn.argmax(axis=1), minlength=len(score)) / draws)


def criteria_of(
    asking: Question,
    found: Stacks,
    trips: Network,
    sized: Sized,
    bill: Bill,
    carbon_kg: FloatArray,
    settings: Mapping[str, Any],
) -> dict[str, Criterion]:
    """What every criterion that carries weight looks at."""
    terms = [system.platform for system in found.platforms if system.platform]
    rows = found.machines
    makers: dict[str, Callable[[], Criterion]] = {
        "cost": lambda: Criterion(bill.usd_per_month),
        "latency": lambda: Criterion(_latency_ratio(asking, sized), found.run),
        "operations": lambda: Criterion(bill.hours_per_month),
        "launch": lambda: Criterion(np.array([p.launch_days for p in terms]), found.platform),
        "elasticity": lambda: Criterion(
            np.array([np.nan if p.scale is None else p.scale for p in terms]), found.platform
        ),
        "privacy": lambda: Criterion(
            _privacy(trips, settings["privacy"])[trips.row(rows.site, rows.place)][found.run_machine], found.run
        ),
        "carbon": lambda: Criterion(carbon_kg),
    }
    return {name: makers[name]() for name in asking.asked.weights}


def _latency_ratio(asking: Question, sized: Sized) -> FloatArray:
    """Upper end of the p99 over its objective; of the time to the first token where only that is asked."""
    if asking.response_s is not None:
        return np.asarray(sized.response_high_s / asking.response_s, np.float32)
    return np.asarray(sized.first_s / (asking.first_s or np.inf), np.float32)


def _privacy(trips: Network, utilities: Mapping[str, float]) -> FloatArray:
    """Utility of where the data stay, in decades, per row of the network table."""
    clouds = np.where(trips.same_country, utilities["same-country"], utilities["abroad"])
    clouds[-2:] = utilities["on-premises"], utilities["device"]
    return clouds
