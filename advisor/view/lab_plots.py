"""Sweeps, precisions and load tests -> plotly figures; nothing is worked out here but where to draw."""

from typing import TYPE_CHECKING

import numpy as np

from advisor.lab.load_runs import LoadRun
from advisor.lab.sweep_results import Sweep
from advisor.numbers import number
from advisor.text import sentence
from advisor.units import MS_PER_S
from advisor.view.plots import layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SCALE = "YlGnBu"
_LOOPS = ("#D55E00", "#0072B2")


def heat_map(sweep: Sweep, lang: str) -> "go.Figure":
    """Items a second over threads and batch; each field says its median time, refused ones stay empty.

    Parameters
    ----------
    sweep : Sweep
    lang : str
        Language id.
    """
    import plotly.graph_objects as go

    plan = sweep.plan
    cells = {(cell.threads, cell.batch): cell for cell in sweep.cells}
    rows = [[cells[threads, batch] for batch in plan.batch] for threads in plan.threads]
    figure = go.Figure(layout=layout(lang, x="view.sweep.across", y="view.sweep.up"))
    figure.add_trace(
        go.Heatmap(
            x=[str(batch) for batch in plan.batch],
            y=[str(threads) for threads in plan.threads],
            z=[[cell.value("throughput") for cell in row] for row in rows],
            text=[[_field(cell.value("throughput"), cell.value("latency"), lang) for cell in row] for row in rows],
            texttemplate="%{text}",
            colorscale=_SCALE,
            colorbar={"title": {"text": sentence("view.sweep.rate", lang)}},
            hovertemplate="%{text}<extra></extra>",
            hoverongaps=False,
            xgap=2,
            ygap=2,
        )
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category")
    figure.update_layout(showlegend=False, height=320)
    return figure


def both_loops(open_loop: LoadRun, closed_loop: LoadRun, lang: str) -> "go.Figure":
    """Response of every request over the moment at which it was due, as either client tells it."""
    import plotly.graph_objects as go

    figure = go.Figure(layout=layout(lang, x="view.omission.due", y="view.omission.response"))
    for run, code, colour in zip((open_loop, closed_loop), ("open", "closed"), _LOOPS, strict=True):
        answered = np.isfinite(run.response_s)
        figure.add_trace(
            go.Scatter(
                x=run.intended_s[answered].tolist(),
                y=(run.response_s[answered] * MS_PER_S).tolist(),
                mode="markers",
                name=sentence(f"view.omission.{code}", lang),
                marker={"color": colour, "size": 6, "symbol": "circle" if code == "open" else "x"},
                hovertemplate="%{x:.2f} s: %{y:.3g} ms<extra></extra>",
            )
        )
    figure.update_yaxes(type="log", tickformat=",.3~r", dtick="D2")
    return figure


def _field(rate_per_s: float | None, median_s: float | None, lang: str) -> str:
    if rate_per_s is None or median_s is None:
        return ""
    return sentence("view.sweep.field", lang, rate=number(rate_per_s), p50=number(median_s * MS_PER_S))
