"""Dynamic batching -> plotly figure: p99 against load without it, with it, and with a delay."""

from typing import TYPE_CHECKING

import numpy as np

from advisor.batch_curve import BatchCurves
from advisor.numbers import number
from advisor.text import sentence
from advisor.units import MS_PER_S
from advisor.view.plots import TICKS, layout
from advisor.view.queue_plots import curve, objective_line, point

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LINES = {
    "alone": {"color": "#888", "dash": "dash", "width": 2},
    "batched": {"color": "#0072B2", "dash": "solid", "width": 2.5},
    "delayed": {"color": "#E69F00", "dash": "dot", "width": 2.5},
}
_ABOVE, _BELOW = 4, 0.7
"""Times the objective, and the lowest p99, between which curves are drawn."""


def batch_figure(found: BatchCurves, lang: str) -> "go.Figure":
    """p99 over requests a second, with the objective, the knee of each curve, and where the traffic stands.

    Parameters
    ----------
    found : BatchCurves
    lang : str
        Language id.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    queue = found.queue
    figure = go.Figure(layout=layout(lang, x="view.queue.rate", y="view.batch.response"))
    for one in found.curves:
        name, line = sentence(f"batch_curve.way.{one.way}", lang), _LINES[one.way]
        figure.add_trace(curve(one.rates_per_s, one.response_s, name, line, lang))
        if one.most_per_s > 0:
            text = sentence("view.queue.knee", lang, rate=number(one.most_per_s))
            colour = str(line["color"])
            figure.add_trace(point(one.most_per_s, queue.response_s, text, colour=colour, symbol="diamond"))
        if np.isfinite(one.here_s):
            text = sentence("view.queue.here", lang, rate=number(queue.arrivals_per_s))
            figure.add_trace(point(queue.arrivals_per_s, one.here_s, text, colour="#000", symbol="circle"))
    objective_line(figure, queue.response_s, lang)
    lowest = min(float(one.response_s.min()) for one in found.curves)
    ends = [_BELOW * min(lowest, queue.response_s), _ABOVE * max(lowest, queue.response_s)]
    figure.update_yaxes(type="log", tickformat=TICKS, dtick="D2", range=np.log10(np.array(ends) * MS_PER_S).tolist())
    figure.update_xaxes(tickformat=TICKS, rangemode="tozero")
    shown: set[str] = set()
    for trace in figure.data:
        trace.showlegend = trace.name not in shown
        shown.add(trace.name)
    return figure
