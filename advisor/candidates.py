"""Candidates in short: the best of each family, nearest misses, and the cheaper stacks that one rule alone stops."""

import numpy as np

from advisor.bills import bill_lines, total_of
from advisor.dates import span
from advisor.document import Candidate
from advisor.evaluation import Evaluation
from advisor.options import names_of, option_at, option_ids, reasons
from advisor.results import Option


def candidate_at(evaluation: Evaluation, row: int) -> Candidate:
    """One candidate in short, with its conditions, or with the rules that stop it."""
    ev, found = evaluation, evaluation.found
    if not ev.mask[row]:
        return candidate_of(option_at(ev, row, p_best=0.0))
    run = int(found.run[row])
    bill = bill_lines(ev, row)
    return Candidate(
        id=str(option_ids(found, np.array([row]))[0]),
        names=names_of(ev, row),
        region=str(found.machines.region[found.run_machine[run]]),
        precision=found.classes[int(found.run_class[run])].precision,
        fits=False,
        usd_per_month=total_of(bill),
        usd_per_month_known=all(line.usd_per_month is not None for line in bill),
        price_dates=span(line.dated for line in bill),
        p99_ms=None,
        reasons=reasons(ev, ev.limits, row),
    )


def candidate_of(option: Option) -> Candidate:
    """An option in short."""
    return Candidate(
        id=option.id,
        names=option.names,
        region=option.region,
        precision=option.precision,
        fits=True,
        usd_per_month=option.usd_per_month,
        usd_per_month_known=option.usd_per_month_known,
        price_dates=option.price_dates,
        p99_ms=option.p99_ms,
        reasons=option.conditions,
    )


def cheaper_miss(evaluation: Evaluation, usd_per_month: float | None) -> int | None:
    """Row of the best-scored candidate that costs less and that one rule alone stops; None where there is none."""
    ev = evaluation
    if usd_per_month is None:
        return None
    rows = np.flatnonzero((np.bitwise_count(ev.mask) == 1) & ev.bill.known & (ev.bill.usd_per_month < usd_per_month))
    return int(rows[ev.score[rows].argmax()]) if len(rows) else None
