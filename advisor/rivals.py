"""Which two ways of serving are held against each other: those that are named, else the first choice and its rival."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np

from advisor.axes import AXES, AxisName
from advisor.breakeven import BreakEven, break_even
from advisor.breakeven_words import break_even_lines
from advisor.contest import Answer, contest_of, rows_named
from advisor.errors import RequirementError, UnknownIdError
from advisor.evaluation import Evaluation
from advisor.options import option_ids
from advisor.text import sentence
from advisor.tokens import API, TokenPrice, api_named, hosted

_NEAREST = 3


def rivalry(
    ev: Evaluation, answer: Answer, kinds: Sequence[int], *, first: str | None, second: str | None, axis: str, lang: str
) -> BreakEven:
    """Break-even of two stacks of an evaluation, or of a stack and an API.

    Parameters
    ----------
    ev : Evaluation
    answer : callable
        What the stages say of some stacks for another question.
    kinds : sequence of int
        Best candidate of every kind that fits, best first.
    first, second : str, optional
        Ids of stacks, ``api:provider/model``, or ``api`` for the cheapest offer of the model that is asked about; by
        default the first choice, and the best that is run otherwise: by another operation, along the months where
        machines are bought, or rented.
    axis : str
        "qps", "hours", "months", "sites" or "tokens".
    lang : str
        Language of the sentences.

    Raises
    ------
    RequirementError
        If there is no such axis, if it goes with language models only, or if there are no two to hold against each
        other.
    UnknownIdError
        If an id names nothing.
    """
    name = next((known for known in AXES if known == axis), None)
    if name is None:
        raise RequirementError("break_even_axis", field="axis", value=axis, known=", ".join(AXES))
    apis = [each for each in (first, second) if each and f"{each}:".startswith(API)]
    if (apis or axis == "tokens") and not ev.asking.generates:
        raise RequirementError(
            "break_even_language", field="axis" if axis == "tokens" else "second", value=(apis or [axis])[0]
        )
    one = _named(ev, kinds, first) if first else _default(ev, kinds, None, name)
    other = _named(ev, kinds, second) if second else _default(ev, kinds, one, name)
    if one == other or len(apis) == 2:
        raise RequirementError("break_even_same", field="second", value=second or first)
    found = break_even(contest_of(ev, answer, one, other), ev.asking, name, ev.knowledge.table("breakeven"))
    return replace(found, lines=tuple(break_even_lines(found, ev.knowledge, lang)))


def _named(ev: Evaluation, kinds: Sequence[int], option_id: str) -> int | TokenPrice:
    if option_id.startswith(API):
        return api_named(ev.knowledge, option_id, ev.asking.asked.as_of)
    if f"{option_id}:" == API:
        return _hosted(ev)
    if rows := rows_named(ev.found, option_id):
        return rows[0]
    near = get_close_matches(option_id, option_ids(ev.found, np.array(kinds, int)).tolist(), n=_NEAREST, cutoff=0.3)
    raise UnknownIdError("unknown_option", value=option_id, known=", ".join(near) or sentence("value.none_possible"))


def _hosted(ev: Evaluation) -> TokenPrice:
    """Cheapest offer of the model that is asked about."""
    spec, models = ev.asking.spec, ev.knowledge.models.values()
    model = next((one for one in models if spec.basis == "catalogue" and one.name == spec.name), None)
    offers = [] if model is None else hosted(ev.knowledge, model, ev.asking.asked.as_of)
    if not offers:
        raise RequirementError("break_even_hosted", field="second", value=spec.name or spec.family)
    return offers[0]


def _default(ev: Evaluation, kinds: Sequence[int], against: int | TokenPrice | None, axis: AxisName) -> int:
    """First choice, or the best that has a price and is run otherwise than another, else the next in rank."""
    priced = [row for row in kinds if row != against and not np.isnan(ev.bill.usd_per_month[row])]
    if not priced:
        raise RequirementError("break_even_alone", field="second", value="")
    if not isinstance(against, int):
        return priced[0]
    return next((row for row in priced if _sort(ev, row, axis) != _sort(ev, against, axis)), priced[0])


def _sort(ev: Evaluation, row: int, axis: AxisName) -> object:
    """Way of running a stack: its operation; along the months, whether its machines are bought."""
    platform = ev.found.platforms[int(ev.found.platform[row])].platform
    if axis == "months":
        return int(ev.found.machines.site[ev.found.run_machine[ev.found.run[row]]]) > 0
    return platform and platform.operation
