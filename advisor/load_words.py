"""Response against load in words: how many replicas are needed, how busy they are, how far the traffic may grow."""

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING

from advisor.load_curve import QUANTILES, LoadCurves
from advisor.numbers import number, percent
from advisor.text import sentence
from advisor.units import MS_PER_S, PERCENT

if TYPE_CHECKING:
    import pandas as pd


def load_lines(found: LoadCurves, lang: str) -> Iterator[str]:
    """What is needed, what there is, and how far the traffic may grow."""
    queue, fleet = found.queue, found.chosen
    rate, objective = number(queue.arrivals_per_s), number(queue.response_s * MS_PER_S)
    if not isfinite(found.needed):
        yield sentence("load_curve.never", lang, objective=objective, alone=number(found.alone_s * MS_PER_S))
    else:
        yield sentence("load_curve.needed", lang, count=int(found.needed), rate=rate, objective=objective)
    said = {"count": fleet.replicas, "load": percent(fleet.load), "rate": rate}
    if fleet.load >= 1:
        yield sentence("load_curve.unstable", lang, **said)
    else:
        yield sentence("load_curve.here", lang, p99=number(fleet.here_s[-1] * MS_PER_S), **said)
    if fleet.most_per_s > 0:
        code = "grow" if found.growth >= 0 else "shrink"
        yield sentence(f"load_curve.{code}", lang, most=number(fleet.most_per_s), share=percent(abs(found.growth)))


def load_table(found: LoadCurves, lang: str) -> "pd.DataFrame":
    """The same fleets that are drawn, a row each: quantiles at the traffic there is, load, and the knee."""
    import pandas as pd

    rows = [
        {
            "replicas": str(fleet.replicas),
            **{quantile_name(q): number(time * MS_PER_S) for q, time in zip(QUANTILES, fleet.here_s, strict=True)},
            "load": percent(fleet.load),
            "most": number(fleet.most_per_s),
        }
        for fleet in found.fleets
    ]
    quantiles = {name: sentence("load_curve.column.ms", lang, what=name) for name in map(quantile_name, QUANTILES)}
    named = {name: sentence(f"load_curve.column.{name}", lang) for name in ("replicas", "load", "most")}
    return pd.DataFrame(rows).rename(columns=quantiles | named)


def quantile_name(q: float) -> str:
    """What people call a quantile, such as p99."""
    return f"p{q * PERCENT:g}"
