"""What would change the first choice: the question asked again with one requirement changed at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import floor, log10, sqrt
from typing import Any

from advisor.candidates import candidate_of
from advisor.document import WhatIf
from advisor.errors import RequirementError
from advisor.requirements import Requirements
from advisor.results import Option

Answering = Callable[[Requirements], Option | None]
"""First choice for a question."""
_DIGITS = 2


def what_ifs(asked: Requirements, best: Option | None, answer: Answering, settings: Mapping[str, Any]) -> list[WhatIf]:
    """First choice under every change of the table, the points at which it changes included.

    Parameters
    ----------
    asked : Requirements
        Question that was answered.
    best : Option or None
        Its first choice.
    answer : callable
        Asks another question.
    settings : mapping
        Table ``what_if``: fields to search up and down, and fields with the values to try.
    """
    found: list[WhatIf] = []
    for field in settings["search"]["fields"]:
        if getattr(asked, field) is not None:
            for factor in (settings["search"]["factor"], 1 / settings["search"]["factor"]):
                found += _searched(asked, best, answer, field, factor, settings["search"]["halvings"])
    for change in settings["changes"]:
        for value in _other_values(asked, change["field"], change["values"]):
            found += _asked_once(asked, best, answer, change["field"], value)
    return found


def same_kind(one: Option | None, other: Option | None) -> bool:
    """Whether two first choices are the same kind of stack: same platform, same hardware."""
    if one is None or other is None:
        return one is other
    return (one.system, one.device) == (other.system, other.device)


def _other_values(asked: Requirements, field: str, values: Sequence[Any]) -> Iterator[Any]:
    return (value for value in values if value != getattr(asked, field))


def _asked_once(asked: Requirements, best: Option | None, answer: Answering, field: str, value: Any) -> list[WhatIf]:
    """The first choice at one other value; nothing where that question contradicts itself."""
    try:
        other = answer(_changed(asked, field, value))
    except RequirementError:
        return []
    return [_what_if(asked, best, field, value, other, searched=False)]


def _searched(
    asked: Requirements, best: Option | None, answer: Answering, field: str, factor: float, halvings: int
) -> list[WhatIf]:
    """First value on the way to ``factor`` times the asked one at which the first choice is another kind."""
    start = float(getattr(asked, field))
    near, far = start, _rounded(start * factor)
    try:
        other = answer(_changed(asked, field, far))
        if same_kind(best, other):
            return [_what_if(asked, best, field, far, other, searched=False)]
        for _ in range(halvings):
            middle = _rounded(sqrt(near * far))
            if middle in (near, far):
                break
            found = answer(_changed(asked, field, middle))
            near, far, other = (middle, far, other) if same_kind(best, found) else (near, middle, found)
    except RequirementError:
        return []
    return [_what_if(asked, best, field, far, other, searched=True)]


def _changed(asked: Requirements, field: str, value: Any) -> Requirements:
    return Requirements(**{**dict(asked), field: value})


def _rounded(value: float) -> float:
    return round(value, _DIGITS - 1 - floor(log10(abs(value))))


def _what_if(
    asked: Requirements, best: Option | None, field: str, value: Any, other: Option | None, *, searched: bool
) -> WhatIf:
    brief = None if other is None else candidate_of(other)
    return WhatIf(field, getattr(asked, field), value, searched, same_kind(best, other), brief)
