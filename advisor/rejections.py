"""Stacks that do not fit: rule, need, what there is, and what would let them in."""

from typing import TYPE_CHECKING

import numpy as np

from advisor import feasibility
from advisor.evaluation import Evaluation
from advisor.numbers import per_unit
from advisor.options import option_ids, reasons
from advisor.report import worded

if TYPE_CHECKING:
    import pandas as pd

_FLIPS = 200


def rejected_table(evaluation: Evaluation, lang: str) -> "pd.DataFrame":
    """Every stack that does not fit, with its first rule; flips are worked out for the nearest of them."""
    import pandas as pd

    ev = evaluation
    rows = np.flatnonzero(ev.mask)
    rows = rows[np.argsort(np.bitwise_count(ev.mask[rows]), kind="stable")]
    bit = feasibility.rule_bits(ev.knowledge.rules)
    names = np.array(list(bit), object)
    lowest = (
        np.bitwise_count((ev.mask[rows] & -ev.mask[rows].astype(np.int64)).astype(np.uint32) - 1) if len(rows) else rows
    )
    need, have = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for one in ev.limits:
        index = np.flatnonzero(names[lowest] == one.rule) if len(rows) else rows
        entry = feasibility.level_entries(ev.found, one.level, rows[index])
        stops = np.broadcast_to(one.stops(entry), entry.shape)
        need[index[stops]], have[index[stops]] = one.need(entry[stops]), one.have(entry[stops])
    flips = [worded(ev.knowledge, reasons(ev, ev.limits, int(row)), "flip", lang) for row in rows[:_FLIPS]]
    with np.errstate(divide="ignore", invalid="ignore"):
        margin = have / need
    rule = names[lowest] if len(rows) else np.zeros(0, object)
    units = {name: ev.knowledge.rules[name].unit for name in bit}
    factor = np.array([per_unit(units[name]) for name in rule])
    return pd.DataFrame(
        {
            "id": option_ids(ev.found, rows),
            "rule": rule,
            "need": need / factor,
            "have": have / factor,
            "unit": [units[name] for name in rule],
            "margin": margin,
            "flip": flips + [""] * (len(rows) - len(flips)),
        }
    )
