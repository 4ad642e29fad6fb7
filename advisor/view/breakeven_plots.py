"""Break-even -> plotly figure: what two ways of serving cost along an axis, and where they cross."""

from typing import TYPE_CHECKING

import numpy as np

from advisor.breakeven import BreakEven, Contender
from advisor.breakeven_words import place_text, short_names
from advisor.text import sentence
from advisor.view.plots import BEHIND_WORDS, TICKS, layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

_COLOURS = ("#0072B2", "#E69F00")
_DASHES = ("solid", "dash")
_WIDE = ("qps", "tokens", "sites")
"""Axes that reach over several powers of ten."""
_MOST_NAMED = 4
"""Crossings up to which each is named beside its line."""


def break_even_figure(found: BreakEven, lang: str) -> "go.Figure":
    """Cost of both over the axis; a line where they cross, and where the question stands.

    Parameters
    ----------
    found : BreakEven
    lang : str
        Language id.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    wide, names = found.axis in _WIDE, short_names(found, lang)
    figure = go.Figure(layout=layout(lang, x=f"view.breakeven.axes.{found.axis}", y=f"view.breakeven.{found.money}"))
    for one, colour, dash in zip((found.first, found.second), _COLOURS, _DASHES, strict=True):
        figure.add_trace(_curve(found, one, names[one.id], {"color": colour, "dash": dash, "width": 2.5}))
    for at in found.crossings:
        figure.add_vline(x=at, line={"color": "#D55E00", "width": 1.5})
        if len(found.crossings) <= _MOST_NAMED:
            _name(figure, np.log10(at) if wide else at, 1, place_text(found.axis, at, lang))
    if found.here is not None:
        figure.add_vline(x=found.here, line={"color": "#000", "dash": "dot", "width": 1.5})
        _name(figure, np.log10(found.here) if wide else found.here, 0, sentence("view.breakeven.here", lang))
    figure.update_xaxes(tickformat=TICKS, **({"type": "log", "dtick": 1} if wide else {"rangemode": "tozero"}))
    figure.update_yaxes(tickformat=TICKS, **({"type": "log", "dtick": 1} if wide else {"rangemode": "tozero"}))
    return figure


def _curve(found: BreakEven, one: Contender, name: str, line: dict[str, object]) -> "go.Scatter":
    import plotly.graph_objects as go

    return go.Scatter(
        x=list(found.at),
        y=list(one.usd),
        mode="lines",
        name=name,
        line=line,
        connectgaps=False,
        hovertemplate=f"{name}<br>%{{x:,.3~g}}: USD %{{y:,.4~r}}<extra></extra>",
    )


def _name(figure: "go.Figure", x: float, y: float, text: str) -> None:
    """Write beside a line what it stands for."""
    figure.add_annotation(
        x=x, y=y, yref="paper", xanchor="left", yanchor="top" if y else "bottom", showarrow=False, text=text,
        bgcolor=BEHIND_WORDS,
    )  # fmt: skip
