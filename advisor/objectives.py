"""Latency objectives of a question: what the best fleet of every run reaches, and what is to blame where it misses."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from advisor.columns import MID, Column, FloatArray, IntArray, Network, Sized
from advisor.feasibility import Limit, side
from advisor.question import Question

_BLAMED = ("round-trip", "cold-start")
"""Rules that speak in place of the objective's own where the network, or a cold start, is what breaks it."""


def objective_limits(asking: Question, trips: Network, sized: Sized) -> Iterator[Limit]:
    """Objectives for the first token and for the whole response; exactly one rule speaks for each that is missed."""
    cold = sized.functions
    if asking.first_s is not None:
        added = None if cold is None else cold.cold_first_s[MID]
        yield from _limits("ttft", trips, sized, sized.first_s, asking.first_s, added)
    if asking.response_s is not None:
        added = None if cold is None else cold.cold_s[MID]
        yield from _limits("p99", trips, sized, sized.reachable_s, asking.response_s, added)


def _limits(
    rule: str, trips: Network, sized: Sized, reachable_s: Column, objective_s: float, cold_s: FloatArray | None
) -> Iterator[Limit]:
    """One limit for each cause that occurs: the network, a cold start, else the fleet itself."""
    above = np.nextafter(np.float32(objective_s), np.float32(np.inf))
    blamed = _blame(trips, sized, reachable_s, objective_s, cold_s)

    def need(runs: IntArray | slice, cause: int) -> Column:
        reached = reachable_s[runs]
        best = np.where(np.isfinite(sized.replicas[runs]), np.minimum(reached, objective_s), np.maximum(reached, above))
        return best if blamed is None else np.where(blamed[runs] == cause, best, 0.0)

    def of(cause: int) -> Callable[[IntArray | slice], Column]:
        return lambda runs: need(runs, cause)

    yield Limit(rule, "run", of(0), side(objective_s))
    for cause, name in enumerate(_BLAMED, start=1):
        if blamed is not None and (blamed == cause).any():
            yield Limit(name, "run", of(cause), side(objective_s))


def _blame(
    trips: Network, sized: Sized, reachable_s: Column, objective_s: float, added: FloatArray | None
) -> NDArray[np.int8] | None:
    """What breaks an objective, as 1 + the place in ``_BLAMED`` or 0 for the fleet itself, shape (runs,)."""
    far = trips.mid_s > objective_s
    cold = sized.functions
    if not far.any() and (added is None or not added.any()):
        return None
    blamed = far[sized.trip].astype(np.int8)
    if cold is not None and added is not None:
        reached = reachable_s[cold.runs]
        starts = (reached > objective_s) & (reached - added <= objective_s)
        blamed[cold.runs] = np.where(starts, 2, blamed[cold.runs])
    return blamed
