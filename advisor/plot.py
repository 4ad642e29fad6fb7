"""Cost against latency as a drawing that needs no script: one SVG, its points numbered by rank."""

import io
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from advisor.results import Option
from advisor.text import sentence

_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "advisor", "font.family": "sans-serif", "font.size": 9.0}
_FIRST, _REST, _SLO = "#D55E00", "#0072B2", "#444444"
_NUMBERED = 12
_SIZE = (7.2, 3.7)


def drawable(options: Sequence[Option]) -> list[tuple[int, Option]]:
    """Rank and option of those that have a place on the plane of cost and latency."""
    ranked = enumerate(options, start=1)
    return [(rank, o) for rank, o in ranked if o.usd_per_month and o.usd_per_month_known and np.isfinite(o.p99_ms.high)]


def cost_latency_svg(options: Sequence[Option], slo_ms: float | None, lang: str) -> str:
    """Monthly cost against p99 with its 80 % interval.

    Parameters
    ----------
    options : sequence of Option
        In rank order; those of unknown price are left out, see :func:`drawable`.
    slo_ms : float or None
        Objective to draw as a line.  [ms]
    lang : str
        Language id.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    drawn = drawable(options)
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        for rank, option in drawn:
            _point(axes, rank, option)
        if slo_ms is not None:
            axes.axhline(slo_ms, color=_SLO, linestyle="--", linewidth=1)
            text = sentence("view.plot.slo", lang, value=f"{slo_ms:g}")
            place = axes.get_yaxis_transform()
            axes.text(1.0, slo_ms, text, transform=place, ha="right", va="bottom", color=_SLO)
        axes.set(xscale="log", yscale="log")
        axes.set_xlabel(sentence("view.plot.cost", lang))
        axes.set_ylabel(sentence("view.plot.p99", lang))
        axes.grid(color="#dddddd", linewidth=0.6)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axis.set_minor_formatter("")
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _element(written.getvalue())


def _point(axes: Any, rank: int, option: Option) -> None:
    p99, cost = option.p99_ms, option.usd_per_month or 0.0
    colour = _FIRST if rank == 1 else _REST
    axes.errorbar(
        [cost], [p99.mid], yerr=[[p99.mid - p99.low], [p99.high - p99.mid]], fmt="o", color=colour, ms=5, lw=1, zorder=3
    )
    if rank <= _NUMBERED:
        axes.annotate(str(rank), (cost, p99.mid), xytext=(4, 3), textcoords="offset points")


def _element(document: str) -> str:
    """SVG element of a document, as wide as the page, its fonts those of the reader."""
    element = document[document.index("<svg") :].strip()
    element = re.sub(r"<metadata>.*?</metadata>", "", element, count=1, flags=re.DOTALL)
    element = re.sub(r"font-family: [^;\"]*", "font-family: inherit", element)
    return re.sub(r'width="[^"]*" height="[^"]*" ', 'role="img" ', element, count=1)
