"""Rules -> what stops a stack, by how much.

A limit compares what is needed with what there is.  Limits live on the level where they differ (a machine, a
platform, a service class), so that a million candidates are judged by a few thousand comparisons and a gather.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.columns import Column, IntArray, Stacks
from advisor.schema import Rule, Skills

Level = Literal["machine", "platform", "class", "run", "candidate"]
SKILL_LEVELS: tuple[str, ...] = get_args(Skills)
DATA_SCOPES = ("anywhere", "country", "on-premises", "on-device")


Side = Callable[[IntArray | slice], Column]
"""One side of a comparison for some entries of a level; worked out when asked, since few entries are ever shown."""
EVERY = slice(None)


def _nameless(_: int) -> str:
    return ""


@dataclass(frozen=True)
class Limit:
    """One rule at work: what each entry of a level needs against what it has."""

    rule: str
    level: Level
    need: Side
    have: Side
    name: Callable[[int], str] = _nameless
    """What the rule's sentences speak of by name at an entry of the level, such as a number format or a successor."""

    def stops(self, rows: IntArray | slice = EVERY) -> NDArray[np.bool_]:
        """Whether the limit stops some entries of its level; an unknown on either side stops nothing."""
        return np.asarray(self.need(rows) > self.have(rows))


def side(values: ArrayLike, index: IntArray | None = None) -> Side:
    """One number for all entries, a column of the level, or a column that an index of the level picks from."""
    column = np.asarray(values)
    if column.ndim == 0:
        return lambda _: column
    if index is None:
        return lambda rows: column[rows]
    return lambda rows: column[index[rows]]


def stopped(limits: Sequence[Limit], level: Level, bit: Mapping[str, int]) -> NDArray[np.uint32]:
    """Bit mask of the rules that stop each entry of a level, shape (1,) where nothing does."""
    mask = np.zeros(1, np.uint32)
    for one in limits:
        if one.level == level:
            stops = np.atleast_1d(one.stops())
            mask = mask if len(mask) >= len(stops) else np.broadcast_to(mask, stops.shape).copy()
            np.bitwise_or(mask, np.uint32(1 << bit[one.rule]), out=mask, where=stops)
    return mask


def mask_of_candidates(limits: Sequence[Limit], found: Stacks, bit: Mapping[str, int]) -> NDArray[np.uint32]:
    """Bit mask of the rules that stop each candidate, gathered from the levels that it stands on."""
    of_class = stopped(limits, "class", bit)
    of_machine = stopped(limits, "machine", bit)
    of_run = stopped(limits, "run", bit) | _spread(of_class, found.run_class) | _spread(of_machine, found.run_machine)
    mask = np.take(of_run, found.run) if len(of_run) > 1 else np.repeat(of_run, len(found))
    for other in (_spread(stopped(limits, "platform", bit), found.platform), stopped(limits, "candidate", bit)):
        np.bitwise_or(mask, other, out=mask)
    return mask


def _spread(mask: NDArray[np.uint32], index: IntArray) -> NDArray[np.uint32]:
    return np.take(mask, index) if len(mask) > 1 and mask.any() else mask[:1]


def level_entries(found: Stacks, level: Level, rows: IntArray) -> IntArray:
    """Entries of a level that candidates stand on."""
    if level == "candidate":
        return rows
    if level == "platform":
        return found.platform[rows].astype(np.intp)
    run = found.run[rows].astype(np.intp)
    return (
        run if level == "run" else {"class": found.run_class, "machine": found.run_machine}[level][run].astype(np.intp)
    )


def rule_bits(rules: Mapping[str, Rule]) -> dict[str, int]:
    """Bit of every rule that rejects, in the order of their ids."""
    rejecting = sorted(name for name, rule in rules.items() if rule.severity == "reject")
    return {rule: bit for bit, rule in enumerate(rejecting)}


def rules_of(mask: int, bit: Mapping[str, int]) -> list[str]:
    """Rules whose bits are set, in the order of the bits."""
    return [rule for rule, place in bit.items() if mask >> place & 1]


class Shortfall(NamedTuple):
    """A limit that stops a candidate."""

    rule: str
    need: float
    have: float
    name: str


def shortfalls(limits: Sequence[Limit], found: Stacks, candidate: int) -> list[Shortfall]:
    """Every limit that stops a candidate."""
    found_short = []
    for one in limits:
        entry = level_entries(found, one.level, np.array([candidate]))
        if one.stops(entry).any():
            need, have = (float(np.ravel(side(entry))[0]) for side in (one.need, one.have))
            found_short.append(Shortfall(one.rule, need, have, one.name(int(entry[0]))))
    return found_short
