"""A trace -> plotly figure: traffic, replicas and p99 over time, one above the other."""

from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.numbers import number
from advisor.text import sentence
from advisor.trace import Trace
from advisor.units import MS_PER_S, SECONDS_PER_HOUR
from advisor.view.plots import BEHIND_WORDS, SLO_LINE, TICKS, layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROWS = {"rate": ("#56B4E9", "y3"), "replicas": ("#E69F00", "y2"), "p99": ("#0072B2", "y")}
_DOMAINS = {"yaxis3": [0.72, 1.0], "yaxis2": [0.36, 0.64], "yaxis": [0.0, 0.28]}
_HEIGHT = 620


def trace_figure(found: Trace, lang: str) -> "go.Figure":
    """Requests a second, replicas, and the p99 of each interval, over hours since the first request.

    Parameters
    ----------
    found : Trace
    lang : str
        Language id.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    table = found.table
    hours = (table["start_s"] - table["start_s"].iloc[0]) / SECONDS_PER_HOUR
    drawn = {
        "rate": table["arrivals"] / found.interval_s,
        "replicas": table["replicas"],
        "p99": table["p99_s"] * MS_PER_S,
    }
    figure = go.Figure(layout=layout(lang, x="view.trace.hours_since", y="view.trace.p99"))
    for name, values in drawn.items():
        figure.add_trace(_line(name, hours, values, lang))
    figure.update_layout(
        {
            axis: {
                "domain": _DOMAINS[axis],
                "title": {"text": sentence(f"view.trace.{name}", lang)},
                "gridcolor": "#ddd",
                "automargin": True,
                "rangemode": "tozero",
                "tickformat": TICKS,
            }
            for axis, name in (("yaxis3", "rate"), ("yaxis2", "replicas"), ("yaxis", "p99"))
        }
    )
    objective_ms = found.response_s * MS_PER_S
    figure.add_hline(y=objective_ms, line=SLO_LINE)
    figure.add_annotation(
        y=objective_ms, x=0, xref="paper", xanchor="left", yanchor="bottom", showarrow=False, bgcolor=BEHIND_WORDS,
        text=sentence("view.plot.slo", lang, value=number(objective_ms)),
    )  # fmt: skip
    figure.update_xaxes(tickformat=TICKS, anchor="y")
    figure.update_layout(showlegend=False, height=_HEIGHT)
    return figure


def _line(name: str, hours: Any, values: Any, lang: str) -> "go.Scatter":
    import plotly.graph_objects as go

    colour, axis = _ROWS[name]
    title = sentence(f"view.trace.{name}", lang)
    return go.Scatter(
        x=np.asarray(hours).tolist(),
        y=np.asarray(values, float).tolist(),
        yaxis=axis,
        mode="lines",
        name=title,
        line={"color": colour, "shape": "hv", "width": 1.5},
        hovertemplate=sentence("view.trace.hover", lang, name=title),
    )
