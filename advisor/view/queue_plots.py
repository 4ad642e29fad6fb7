"""Queues -> plotly figures; nothing is worked out here but where to draw."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.load_curve import QUANTILES, Fleet, LoadCurves
from advisor.load_words import quantile_name
from advisor.numbers import number
from advisor.text import sentence
from advisor.units import MS_PER_S
from advisor.view.plots import BEHIND_WORDS, SLO_LINE, TICKS, layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

_COLOURS = ("#56B4E9", "#009E73", "#E69F00", "#0072B2")
_DASHES = ("dot", "dashdot", "dash", "solid")
_OTHER = "#888"
_KNEE, _HERE = "#D55E00", "#000"
_ABOVE = 4
"""Times the objective up to which curves are drawn."""
_BELOW = 0.7


def load_figure(found: LoadCurves, lang: str) -> "go.Figure":
    """Response quantiles against load for a fleet, its p99 with one replica fewer and one more, knee and objective.

    Parameters
    ----------
    found : LoadCurves
    lang : str
        Language id.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    queue, chosen = found.queue, found.chosen
    figure = go.Figure(layout=layout(lang, x="view.queue.rate", y="view.queue.response"))
    for traces in (_quantiles(chosen, lang), _others(found.fleets, chosen, lang), _points(found, lang)):
        for trace in traces:
            figure.add_trace(trace)
    objective_line(figure, queue.response_s, lang)
    top = _ABOVE * max(queue.response_s, found.alone_s)
    low = _BELOW * min(float(chosen.response_s[0, 0]), queue.response_s) * MS_PER_S
    figure.update_yaxes(type="log", tickformat=TICKS, dtick="D2", range=np.log10([low, top * MS_PER_S]).tolist())
    figure.update_xaxes(tickformat=TICKS, rangemode="tozero")
    return figure


def objective_line(figure: "go.Figure", response_s: float, lang: str) -> None:
    """Draw the objective across a figure with a logarithmic ordinate."""
    objective_ms = response_s * MS_PER_S
    figure.add_hline(y=objective_ms, line=SLO_LINE)
    figure.add_annotation(
        y=np.log10(objective_ms),
        x=0,
        xref="paper",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        bgcolor=BEHIND_WORDS,
        text=sentence("view.plot.slo", lang, value=number(objective_ms)),
    )


def _quantiles(fleet: Fleet, lang: str) -> Iterator["go.Scatter"]:
    for q, colour, dash, times in zip(QUANTILES, _COLOURS, _DASHES, fleet.response_s, strict=True):
        name = sentence("view.queue.curve", lang, what=quantile_name(q), count=fleet.replicas)
        yield curve(fleet.rates_per_s, times, name, {"color": colour, "dash": dash, "width": 2}, lang)


def _others(fleets: Sequence[Fleet], chosen: Fleet, lang: str) -> Iterator["go.Scatter"]:
    for fleet in fleets:
        if fleet is not chosen:
            fewer = fleet.replicas < chosen.replicas
            name = sentence("view.queue.curve", lang, what=quantile_name(QUANTILES[-1]), count=fleet.replicas)
            line = {"color": _OTHER, "dash": "longdash" if fewer else "longdashdot", "width": 1.5}
            yield curve(fleet.rates_per_s, fleet.response_s[-1], name, line, lang)


def curve(rates_per_s: Any, times_s: Any, name: str, line: dict[str, Any], lang: str) -> "go.Scatter":
    """Response over load."""
    import plotly.graph_objects as go

    times_ms = np.asarray(times_s) * MS_PER_S
    return go.Scatter(
        x=np.asarray(rates_per_s).tolist(),
        y=np.where(np.isfinite(times_ms), times_ms, np.nan).tolist(),
        mode="lines",
        name=name,
        line=line,
        hovertemplate=sentence("view.queue.hover", lang, name=name) + "<extra></extra>",
    )


def _points(found: LoadCurves, lang: str) -> Iterator["go.Scatter"]:
    """The knee, and where the traffic stands."""
    queue, chosen = found.queue, found.chosen
    if chosen.most_per_s > 0:
        text = sentence("view.queue.knee", lang, rate=number(chosen.most_per_s))
        yield point(chosen.most_per_s, queue.response_s, text, colour=_KNEE, symbol="diamond")
    if chosen.load < 1:
        text = sentence("view.queue.here", lang, rate=number(queue.arrivals_per_s))
        yield point(queue.arrivals_per_s, chosen.here_s[-1], text, colour=_HERE, symbol="circle")


def point(rate_per_s: float, time_s: float, name: str, *, colour: str, symbol: str) -> "go.Scatter":
    """One place on a curve, named in the legend."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=[rate_per_s],
        y=[time_s * MS_PER_S],
        mode="markers",
        name=name,
        marker={"color": colour, "symbol": symbol, "size": 13, "line": {"width": 1, "color": "#fff"}},
        hovertemplate="%{y:.3~g} ms<extra></extra>",
    )
