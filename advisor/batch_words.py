"""Dynamic batching in words: what the instances carry, how much of it holds the objective, and the p99 at present."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from advisor.batch_curve import BatchCurves
from advisor.numbers import number, percent
from advisor.text import sentence
from advisor.units import MS_PER_S

if TYPE_CHECKING:
    import pandas as pd


def batch_lines(found: BatchCurves, lang: str) -> Iterator[str]:
    """How much more of the traffic holds the objective with batching, then what the delay does."""
    queue, (alone, batched, *delayed) = found.queue, found.curves
    said = {"batch": queue.batch, "objective": number(queue.response_s * MS_PER_S)}
    if batched.most_per_s > 0 and alone.most_per_s > 0:
        gain = percent(batched.most_per_s / alone.most_per_s - 1)
        code = "more" if batched.most_per_s > alone.most_per_s else "no_more"
        yield sentence(f"batch_curve.{code}", lang, most=number(batched.most_per_s), alone=number(alone.most_per_s),
                       gain=gain, **said)  # fmt: skip
    else:
        yield sentence("batch_curve.never", lang, **said)
    for curve in delayed:
        code = "delay_helps" if curve.most_per_s > batched.most_per_s else "delay_costs"
        yield sentence(
            f"batch_curve.{code}",
            lang,
            delay=number(queue.delay_s * MS_PER_S),
            most=number(curve.most_per_s),
            before=number(batched.most_per_s),
        )


def batch_table(found: BatchCurves, lang: str) -> "pd.DataFrame":
    """A row a way of serving: what it carries, the highest load within the objective, load and p99 at present."""
    import pandas as pd

    rows = [
        {
            "way": sentence(f"batch_curve.way.{curve.way}", lang),
            "carried": number(curve.carried_per_s),
            "most": number(curve.most_per_s),
            "load": percent(found.queue.arrivals_per_s / curve.carried_per_s),
            "p99": number(curve.here_s * MS_PER_S),
        }
        for curve in found.curves
    ]
    return pd.DataFrame(rows).rename(columns=lambda name: sentence(f"batch_curve.column.{name}", lang))
