"""Figures of the card -> plotly; nothing is worked out here but where to draw."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from advisor.calibration import ANY
from advisor.card import HIDDEN, HeldOut, repository_of
from advisor.comparison import Comparison, Measured, intervals_of
from advisor.knowledge import Knowledge
from advisor.numbers import interval_text, number, percent
from advisor.results import Interval
from advisor.text import sentence
from advisor.view.card_tables import engine_name, kind_name

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe and Ito's colours; the shape says the same once more.
_COLOURS = {"devices": "#D55E00", "models": "#0072B2"}
_SHAPES = {"devices": "circle", "models": "diamond"}
_SHIFT = {"devices": -0.16, "models": 0.16}
_SAID, _FORMULA, _DOT = "#0072B2", "#888888", "#D55E00"
_ROW, _FRAME = 34, 130
_FACTORS = (1, 1.25, 1.5, 2, 3, 4, 5, 7, 10, 15, 20)
_TICKS = ",.3~r"
_STEPS = ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1,))
_MOST_TICKS = 12


def errors(lines: Sequence[HeldOut], lang: str) -> "go.Figure":
    """Median and 90 % factor of every kind of device, on hidden devices and on hidden models.

    Parameters
    ----------
    lines : sequence of HeldOut
    lang : str
        Language id.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    order = _by_error(lines)
    names = [kind_name(kind, lang) for kind in order]
    figure = go.Figure(layout=_layout(names, sentence("card.plot.factor", lang)))
    for hidden in HIDDEN:
        own = [line for line in lines if line.hidden == hidden]
        figure.add_trace(_factors(own, order, lang))
    figure.add_vline(x=1, line={"color": "#444", "width": 1})
    figure.update_xaxes(type="log", tickvals=_FACTORS, ticktext=[f"× {factor:g}" for factor in _FACTORS])
    return figure


def _by_error(lines: Sequence[HeldOut]) -> list[str]:
    """All kinds together first, then the kinds from the smallest error on."""
    first = {line.kind: line.median_factor for line in reversed(lines)}
    return sorted(first, key=lambda kind: (kind != ANY, first[kind]))


def _factors(lines: Sequence[HeldOut], order: Sequence[str], lang: str) -> "go.Scatter":
    import plotly.graph_objects as go

    hidden = lines[0].hidden
    shape, colour = _SHAPES[hidden], _COLOURS[hidden]
    return go.Scatter(
        x=[line.median_factor for line in lines],
        y=[order.index(line.kind) + _SHIFT[hidden] for line in lines],
        name=sentence(f"card.hidden.{hidden}", lang),
        mode="markers",
        marker={
            "color": ["#fff" if line.thin else colour for line in lines],
            "size": 10,
            "symbol": shape,
            "line": {"width": 2, "color": colour},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "thickness": 2,
            "width": 0,
            "color": colour,
            "array": [line.p90_factor - line.median_factor for line in lines],
            "arrayminus": [0.0 for _ in lines],
        },
        hovertemplate="%{text}<extra></extra>",
        text=[_factor_hover(line, lang) for line in lines],
    )


def _factor_hover(line: HeldOut, lang: str) -> str:
    return sentence(
        "card.plot.hover",
        lang,
        kind=kind_name(line.kind, lang),
        hidden=sentence(f"card.hidden.{line.hidden}", lang),
        median=f"{line.median_factor:.2f}",
        p90=f"{line.p90_factor:.2f}",
        inside=percent(line.coverage),
        rows=f"{line.rows:,}",
        devices=line.devices,
        thin=sentence("card.plot.thin", lang) if line.thin else "",
    )


def comparison(found: Comparison, knowledge: Knowledge, lang: str) -> "go.Figure":
    """Interval of a prediction, and under it what was measured in the same setting, a line an engine.

    Parameters
    ----------
    found : Comparison
        With an answer that is no refusal.
    knowledge : Knowledge
    lang : str
        Language id.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    bars = _bars(found, lang)
    dots: dict[str, list[Measured]] = {}
    for one in found.measured:
        if one.same:
            dots.setdefault(_line_of(one, found, knowledge, lang), []).append(one)
    names = [*bars, *dots]
    figure = go.Figure(layout=_layout(names, sentence("card.plot.ms", lang)))
    for place, (name, (interval, colour)) in enumerate(bars.items()):
        figure.add_trace(_bar(name, place, interval, colour, lang))
    for place, ones in enumerate(dots.values(), start=len(bars)):
        figure.add_trace(
            go.Scatter(
                x=[one.ms for one in ones],
                y=[place for _ in ones],
                mode="markers",
                marker={"color": _DOT, "size": 10, "opacity": 0.75, "line": {"width": 1, "color": "#333"}},
                hovertemplate="%{text}<extra></extra>",
                text=[_dot_hover(one, lang) for one in ones],
            )
        )
    ends = [
        *(one.ms for one in found.measured if one.same),
        *(end for one, _ in bars.values() for end in (one.low, one.high)),
    ]
    figure.update_xaxes(type="log", tickformat=_TICKS, tickvals=_ticks(min(ends), max(ends)))
    figure.update_layout(showlegend=False, margin={"t": 16})
    return figure


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers around a range, as many as have room."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in _STEPS:
        ticks = [
            step * 10.0**decade for decade in decades for step in steps if low / 2 <= step * 10.0**decade <= high * 2
        ]
        if len(ticks) <= _MOST_TICKS:
            break
    return ticks


def _bars(found: Comparison, lang: str) -> dict[str, tuple[Interval, str]]:
    """Intervals to draw by their names: the answer, and the formula alone where a measurement answers."""
    said = "card.plot.looked_up" if found.formula else "card.plot.said"
    drawn = [(found.intervals(), said, _SAID)]
    if found.formula:
        drawn.append((intervals_of(found.formula), "card.plot.formula", _FORMULA))
    return {
        _named(metric, sentence(code, lang), len(intervals) > 1, lang): (interval, colour)
        for intervals, code, colour in drawn
        for metric, interval in intervals.items()
    }


def _named(metric: str, what: str, several: bool, lang: str) -> str:
    return sentence("card.plot.metric", lang, metric=metric.upper(), what=what) if several else what


def _line_of(one: Measured, found: Comparison, knowledge: Knowledge, lang: str) -> str:
    """Name of the line that a measurement is drawn on: metric and engine."""
    what = f"{sentence('card.plot.measured', lang)} · {engine_name(one, knowledge, lang)}"
    return _named(one.metric, what, len(found.intervals()) > 1, lang)


def _bar(name: str, place: int, interval: Interval, colour: str, lang: str) -> "go.Scatter":
    import plotly.graph_objects as go

    return go.Scatter(
        x=[interval.mid],
        y=[place],
        mode="markers",
        marker={"color": colour, "size": 13, "symbol": "diamond"},
        error_x={
            "type": "data",
            "symmetric": False,
            "thickness": 5,
            "width": 8,
            "color": colour,
            "array": [interval.high - interval.mid],
            "arrayminus": [interval.mid - interval.low],
        },
        hovertemplate="%{text}<extra></extra>",
        text=[sentence("card.plot.interval_hover", lang, what=name, interval=interval_text(interval, lang))],
    )


def _dot_hover(one: Measured, lang: str) -> str:
    return sentence(
        "card.plot.dot_hover",
        lang,
        ms=number(one.ms),
        engine=one.engine or sentence("card.engine_unknown", lang),
        source=repository_of(one.source),
        date=one.date,
    )


def _layout(names: Sequence[str], x: str) -> Mapping[str, Any]:
    """Rows from the top down, as high as they need."""
    return {
        "template": "none",
        "height": _FRAME + _ROW * len(names),
        "margin": {"l": 20, "r": 20, "t": 44, "b": 56},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "hovermode": "closest",
        "xaxis": {"title": {"text": x, "standoff": 10}, "gridcolor": "#ddd", "automargin": True},
        "yaxis": {
            "tickvals": [*range(len(names))],
            "ticktext": [*names],
            "range": [len(names) - 0.4, -0.6],
            "gridcolor": "#eee",
            "zeroline": False,
            "automargin": True,
            "ticks": "outside",
            "ticklen": 8,
            "tickcolor": "rgba(0,0,0,0)",
        },
        "modebar": {"remove": ["sendChartToCloud", "sendDataToCloud", "lasso2d", "select2d"]},
    }
