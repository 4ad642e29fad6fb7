"""Axes of a break-even: the same question asked at every place of one of its quantities."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, log10
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from advisor.cost import requests_per_month
from advisor.crossings import Split, even_split, log_split, whole_split
from advisor.question import Question
from advisor.requirements import Requirements
from advisor.requirements import settings as bounds_of
from advisor.units import HOURS_PER_DAY

AxisName = Literal["qps", "hours", "months", "sites", "tokens"]
AXES: tuple[AxisName, ...] = get_args(AxisName)


class Axis(NamedTuple):
    """Places at which a question is asked again, and how."""

    here: float
    """Where the question stands."""
    grid: Sequence[float]
    """Places to begin with."""
    split: Split
    asked: Callable[[float], Requirements]
    """The question at a place."""
    whole: bool = False
    """Whether only whole numbers make sense."""


def axis_of(name: AxisName, asking: Question, settings: Mapping[str, Any]) -> Axis:
    """Axis of traffic, of active hours, of sites or of tokens.

    Parameters
    ----------
    name : str
        "qps" (mean requests a second and site), "hours" (active hours a day), "sites", or "tokens" (read and written
        a month, at all sites, at the lengths of the question).
    asking : Question
    settings : mapping
        Table ``axes`` of ``data/breakeven.toml``.
    """
    asked, terms = asking.asked, settings[name]
    if name == "hours":
        places = np.append(np.arange(terms["step"], HOURS_PER_DAY, terms["step"]), HOURS_PER_DAY)
        grid = np.unique(np.r_[terms["resolution"], places, asked.hours_per_day])
        return Axis(
            asked.hours_per_day, grid.tolist(), even_split(terms["resolution"]), _setting(asked, "hours_per_day")
        )
    if name == "sites":
        grid = np.unique(np.round(_spread(asked.sites, terms, bounds_of()["bounds"]["sites"])))
        return Axis(asked.sites, grid.tolist(), whole_split, _setting(asked, "sites", int), whole=True)
    grid, here = _spread(asked.qps, terms, bounds_of()["bounds"]["qps"]), asked.qps
    asked_at = _setting(asked, "qps")
    if name == "qps":
        return Axis(here, grid.tolist(), log_split(terms["resolution"]), asked_at)
    per_qps = tokens_per_month(asking) / asked.qps
    return Axis(
        here * per_qps,
        (grid * per_qps).tolist(),
        log_split(terms["resolution"]),
        lambda tokens: asked_at(tokens / per_qps),
    )


def requests_of(asking: Question) -> float:
    """Requests of a month, at all sites [1/month]."""
    asked = asking.asked
    return float(requests_per_month(qps=asked.qps * asked.sites, hours_per_day=asked.hours_per_day))


def tokens_per_month(asking: Question) -> float:
    """Tokens read and written in a month, at all sites [1/month]."""
    return requests_of(asking) * (asking.input_tokens + asking.output_tokens)


def with_horizon(asked: Requirements, months: int) -> Requirements:
    """The question with another time of use of owned hardware."""
    return _setting(asked, "horizon_months", int)(months)


def _setting(
    asked: Requirements, field: str, kind: Callable[[float], float] = float
) -> Callable[[float], Requirements]:
    wishes = dict(asked)
    return lambda value: Requirements(**{**wishes, field: kind(value)})


def _spread(here: float, terms: Mapping[str, float], bounds: Mapping[str, float]) -> Any:
    """Places around one, evenly apart in the logarithm, that one among them, within the bounds of the quantity."""
    steps = ceil(log10(terms["factor"]) * terms["per_decade"])
    places = here * terms["factor"] ** (np.arange(-steps, steps + 1) / steps)
    least = bounds.get("least", 0.0)
    return places[(places >= least) & (places <= bounds["most"])]
