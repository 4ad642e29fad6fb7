"""Results -> plotly figures; nothing is worked out here but where to draw."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from advisor.money import cost_text
from advisor.numbers import interval_text
from advisor.report import label
from advisor.results import Option
from advisor.schema import FAMILIES
from advisor.text import sentence
from advisor.units import MS_PER_S

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe and Ito's colours, told apart with any colour vision; the shape says the same once more.
_COLOURS = dict(zip(FAMILIES, ("#009E73", "#0072B2", "#E69F00", "#CC79A7", "#D55E00", "#56B4E9"), strict=True))
_SHAPES = dict(zip(FAMILIES, ("square", "diamond", "circle", "triangle-up", "star", "x"), strict=True))
_BINS = 80
_NEAR = 3
_MARGIN = 1.02
_WIDE = 300
TICKS = ",.3~r"
SLO_LINE = {"dash": "dash", "color": "#444"}
BEHIND_WORDS = "rgba(255,255,255,0.85)"
_MIME = "application/vnd.plotly.v1+json"


def cost_latency(options: Sequence[Option], slo_ms: float | None, lang: str) -> "go.Figure":
    """Monthly cost against p99 with its interval, a point an option.

    Parameters
    ----------
    options : sequence of Option
        Those of unknown price or unbounded latency cannot be drawn, see :func:`drawable`.
    slo_ms : float or None
        Objective to draw as a line.  [ms]
    lang : str
        Language id.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    drawn = drawable(options)
    figure = go.Figure(layout=layout(lang, x="view.plot.cost", y="view.plot.p99"))
    for family in FAMILIES:
        members = [option for option in drawn if option.family == family]
        if members:
            figure.add_trace(_points(members, family, lang))
    if slo_ms is not None:
        figure.add_hline(y=slo_ms, line=SLO_LINE)
        figure.add_annotation(
            y=np.log10(slo_ms),
            x=1,
            xref="paper",
            xanchor="right",
            yanchor="top",
            showarrow=False,
            bgcolor=BEHIND_WORDS,
            text=sentence("view.plot.slo", lang, value=f"{slo_ms:g}"),
        )
    figure.update_xaxes(type="log", tickformat=TICKS, dtick="D2" if _narrow(drawn) else 1)
    figure.update_yaxes(type="log", tickformat=TICKS, dtick="D2")
    return figure


def drawable(options: Sequence[Option]) -> list[Option]:
    """Options that have a place on the plane of cost and latency."""
    return [
        option
        for option in options
        if option.usd_per_month and option.usd_per_month_known and np.isfinite(option.p99_ms.high)
    ]


def latency_histogram(samples_s: ArrayLike, slo_ms: float | None, lang: str) -> "go.Figure":
    """How often each latency was measured; both axes are logarithmic, so that the rare slow runs show.

    Parameters
    ----------
    samples_s : array
        One entry an inference.  [s]
    slo_ms : float or None
        Objective to draw as a line, unless it is so far away that the line would squeeze the rest.  [ms]
    lang : str
        Language id.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    samples_ms = np.asarray(samples_s, float) * MS_PER_S
    edges = np.geomspace(samples_ms.min() / _MARGIN, samples_ms.max() * _MARGIN, _BINS + 1)
    counts, _ = np.histogram(samples_ms, edges)
    figure = go.Figure(layout=layout(lang, x="view.plot.latency", y="view.plot.inferences"))
    figure.add_trace(
        go.Bar(
            x=np.sqrt(edges[:-1] * edges[1:]).tolist(),
            y=counts.tolist(),
            width=np.diff(edges).tolist(),
            marker={"color": "#0072B2"},
            hovertemplate="%{x:.3g} ms: %{y}<extra></extra>",
        )
    )
    if slo_ms is not None and samples_ms.min() / _NEAR <= slo_ms <= samples_ms.max() * _NEAR:
        figure.add_vline(x=slo_ms, line=SLO_LINE)
        figure.add_annotation(
            x=np.log10(slo_ms),
            y=1,
            yref="paper",
            xanchor="left",
            yanchor="top",
            showarrow=False,
            bgcolor=BEHIND_WORDS,
            text=sentence("view.plot.slo", lang, value=f"{slo_ms:g}"),
        )
    figure.update_xaxes(type="log", tickformat=TICKS, nticks=8)
    figure.update_yaxes(type="log", tickformat=",d", dtick=1)
    figure.update_layout(showlegend=False, bargap=0)
    return figure


def as_output(figure: "go.Figure") -> tuple[dict[str, Any], ...]:
    """Figure as the content of an ``ipywidgets.Output``, which JupyterLab and Voilà draw without a network."""
    document = json.loads(figure.to_json())
    document["config"] = {"displaylogo": False, "responsive": True, "showSendToCloud": False}
    return ({"output_type": "display_data", "metadata": {}, "data": {_MIME: document, "text/plain": "figure"}},)


def _points(options: Sequence[Option], family: str, lang: str) -> "go.Scatter":
    import plotly.graph_objects as go

    middle = [option.p99_ms.mid for option in options]
    return go.Scatter(
        x=[option.usd_per_month for option in options],
        y=middle,
        name=sentence(f"family.{family}", lang),
        mode="markers",
        marker={
            "color": _COLOURS[family],
            "symbol": _SHAPES[family],
            "size": 11,
            "line": {"width": 1, "color": "#333"},
        },
        error_y={
            "type": "data",
            "symmetric": False,
            "thickness": 1.2,
            "array": [option.p99_ms.high - option.p99_ms.mid for option in options],
            "arrayminus": [option.p99_ms.mid - option.p99_ms.low for option in options],
        },
        hovertemplate="%{text}<extra></extra>",
        text=[_hover(option, lang) for option in options],
    )


def _hover(option: Option, lang: str) -> str:
    return sentence(
        "view.plot.hover",
        lang,
        system=label(option.names, "system", lang),
        hardware=label(option.names, "hardware", lang),
        precision=option.precision,
        cost=cost_text(option, lang),
        p99=interval_text(option.p99_ms, lang),
    )


def _narrow(options: Sequence[Option]) -> bool:
    costs = [option.usd_per_month for option in options if option.usd_per_month]
    return not costs or max(costs) < min(costs) * _WIDE


def layout(lang: str, *, x: str, y: str) -> dict[str, Any]:
    """Frame that every figure of the product shares; axes are named by codes of sentences."""
    return {
        "template": "none",
        "height": 420,
        "margin": {"l": 70, "r": 20, "t": 40, "b": 64},
        "uirevision": "kept",
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "hovermode": "closest",
        "showlegend": True,
        "xaxis": {"title": {"text": sentence(x, lang)}, "gridcolor": "#ddd", "automargin": True},
        "yaxis": {"title": {"text": sentence(y, lang)}, "gridcolor": "#ddd", "automargin": True},
        "modebar": {"remove": ["sendChartToCloud", "sendDataToCloud", "lasso2d", "select2d"]},
    }
