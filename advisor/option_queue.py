"""The queue that a stack of an answer was sized as, for those who want to look at it by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from advisor.columns import HIGH, LOW, MID
from advisor.contest import rows_named
from advisor.errors import UnknownIdError
from advisor.evaluation import Evaluation
from advisor.full_advice import FullAdvice
from advisor.numbers import interval_text, number
from advisor.report import stack_name
from advisor.results import Interval, Option
from advisor.text import sentence
from advisor.units import MS_PER_S

Kind = Literal["plain", "batched", "functions", "language"]


@dataclass(frozen=True)
class OptionQueue:
    """Traffic, service and objective of a stack at its peak."""

    kind: Kind
    """plain: requests served one by one; batched: several as one; functions, which do not queue; language models."""
    replicas: int
    """At one place, without spare ones."""
    workers: int
    """Workers of a replica."""
    arrivals_per_s: float
    service_s: Interval
    """Mean of one service."""
    sized_s: float
    """The end of it that the replicas were reckoned with."""
    service_cv: float
    arrival_cv: float
    network_s: float
    """Network at that end."""
    response_s: float | None
    """Objective on the response quantile less the network; None where there is none."""
    at_middle: bool
    """Whether that end is the middle, since no number of replicas holds the objective at the upper end."""


def option_queue(evaluation: Evaluation, option_id: str) -> OptionQueue:
    """Queue of a stack.

    Raises
    ------
    UnknownIdError
        If no stack of the evaluation has that id.
    """
    ev, found, sized = evaluation, evaluation.found, evaluation.sized
    rows = rows_named(found, option_id)
    if not rows:
        raise UnknownIdError("unknown_option", value=option_id, known="")
    run = int(found.run[rows[0]])
    cells, cell, at_middle = sized.cells, int(sized.cell[run]), bool(sized.misses_high[run])
    times = [float(cells.service_s[end][cell]) for end in (LOW, MID, HIGH)]
    network_s = float((ev.trips.mid_s if at_middle else ev.trips.high_s)[sized.trip[run]])
    objective_s = ev.asking.response_s
    return OptionQueue(
        kind=_kind(ev, run, cell),
        replicas=int(sized.replicas[run] - ev.asking.asked.spare_replicas),
        workers=max(int(sized.workers[run]), 1),
        arrivals_per_s=float(cells.arrivals_per_s[cell]),
        service_s=Interval(*sorted(times)),
        sized_s=times[MID if at_middle else HIGH],
        service_cv=float(cells.service_cv),
        arrival_cv=float(np.broadcast_to(cells.arrival_cv, cells.arrivals_per_s.shape)[cell]),
        network_s=network_s,
        response_s=None if objective_s is None else objective_s - network_s,
        at_middle=at_middle,
    )


def _kind(evaluation: Evaluation, run: int, cell: int) -> Kind:
    sized = evaluation.sized
    if sized.functions is not None and sized.functions.at(run) is not None:
        return "functions"
    if evaluation.asking.generates:
        return "language"
    return "batched" if sized.cells.batch[cell] > 1 else "plain"


class Shown(NamedTuple):
    """The queue to look at for a stack: its own, or that of the best one whose requests are served one by one."""

    looked_at: Option
    kind: Kind
    """Of the stack that is looked at."""
    option: Option | None
    """The stack whose queue it is; None where no ranked one has such a queue."""
    queue: OptionQueue | None


def shown_queue(advice: FullAdvice, option_id: str | None) -> Shown:
    """Queue to look at for a stack of an advice in which something fits.

    Parameters
    ----------
    advice : FullAdvice
    option_id : str, optional
        Stack that is looked at; the first choice by default.

    Raises
    ------
    UnknownIdError
        If no stack of the advice that fits has that id.
    """
    looked_at = advice.option(option_id)
    kind = option_queue(advice.evaluation, looked_at.id).kind
    for option in (looked_at, *advice.shortlist):
        queue = option_queue(advice.evaluation, option.id)
        if queue.kind == "plain":
            return Shown(looked_at, kind, option, queue)
    return Shown(looked_at, kind, None, None)


def origin_lines(shown: Shown, lang: str) -> Iterator[str]:
    """Why the stack that is looked at has no such queue, and whose numbers are shown."""
    if shown.kind != "plain":
        yield sentence(f"option_queue.{shown.kind}", lang, name=stack_name(shown.looked_at, lang))
    if shown.option is None or shown.queue is None:
        yield sentence("option_queue.none", lang)
    else:
        queue = shown.queue
        times = (queue.service_s.low, queue.service_s.mid, queue.service_s.high)
        yield sentence(
            "option_queue.without" if queue.response_s is None else "option_queue.of",
            lang,
            name=stack_name(shown.option, lang),
            service=interval_text(Interval(*(time * MS_PER_S for time in times)), lang),
            fidelity=sentence(f"fidelity.{shown.option.fidelity}", lang),
            end=sentence(f"option_queue.{'middle' if queue.at_middle else 'upper'}", lang),
            network=number(queue.network_s * MS_PER_S),
        )
