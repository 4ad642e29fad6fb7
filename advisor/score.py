"""Predictions against measurements: errors, coverage and order, over all rows and by group."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.measured import LANGUAGE, ONE_SHOT

if TYPE_CHECKING:
    import pandas as pd

APART = 1.25
"""Devices whose measurements differ by more than this have an order."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How well one group of rows was predicted; None where no row of it was."""

    group: str
    rows: int
    refused: int
    ape_median: float | None
    ape_p90: float | None
    """Absolute error over the measured value."""
    factor_median: float | None
    factor_median_pairs: float | None
    """Predicted over measured, or the reverse where that is larger; over rows, and with each (device, model) once."""
    coverage80: float | None
    """Share of the rows that lie inside the 80 % interval."""
    pairs_ordered: float | None
    """Share of device pairs that are ordered rightly; None where no pair is apart."""
    refusals: Mapping[str, int]
    """Why rows were refused, and how many: code -> rows."""


def figures(rows: "pd.DataFrame", predicted: "pd.DataFrame") -> list[Figures]:
    """Figures of all one-shot rows, of every device class and hold-out, and of every language-model metric.

    Parameters
    ----------
    rows : DataFrame
        Of ``measured.measured_rows``; a column ``holdout`` makes groups of its own.
    predicted : DataFrame
        Of ``judged.predicted``, line by line.
    """
    both = rows.reset_index(drop=True).join(predicted)
    return [_figures(name, part) for name, part in _groups(both) if len(part)]


def _groups(rows: "pd.DataFrame") -> Iterator[tuple[str, "pd.DataFrame"]]:
    shots = rows[rows["metric"].isin(ONE_SHOT)]
    yield "all", shots
    for name, part in shots.groupby("device_class", sort=True):
        yield f"class:{name}", part
    yield from _held_out("holdout:", shots)
    for metric in LANGUAGE:
        part = rows[rows["metric"].eq(metric)]
        yield f"llm:{metric}", part
        yield from _held_out(f"llm:{metric}:", part)
    if len(strange := rows[~rows["metric"].isin([*ONE_SHOT, *LANGUAGE])]):
        yield "unknown", strange


def _held_out(prefix: str, rows: "pd.DataFrame") -> Iterator[tuple[str, "pd.DataFrame"]]:
    if "holdout" in rows:
        named = rows[rows["holdout"].notna() & rows["holdout"].ne("")]
        yield from ((f"{prefix}{name}", part) for name, part in named.groupby("holdout", sort=True))


def _figures(group: str, rows: "pd.DataFrame") -> Figures:
    answered = rows[rows["refusal"].eq("") & rows["measured_s"].gt(0)]
    refusals = {
        str(code): int(count) for code, count in rows.loc[rows["refusal"].ne(""), "refusal"].value_counts().items()
    }
    refused = sum(refusals.values())
    if not len(answered):
        return Figures(group, len(rows), refused, None, None, None, None, None, None, refusals)
    ratio = answered["mid_s"] / answered["measured_s"]
    error, factor = (ratio - 1).abs(), ratio.where(ratio.ge(1), 1 / ratio)
    inside = answered["measured_s"].between(answered["low_s"], answered["high_s"])
    pairs = factor.groupby([answered["device"], answered["model_key"]]).median()
    return Figures(
        group=group,
        rows=len(rows),
        refused=refused,
        ape_median=float(error.median()),
        ape_p90=float(error.quantile(0.9)),
        factor_median=float(factor.median()),
        factor_median_pairs=float(pairs.median()),
        coverage80=float(inside.mean()),
        pairs_ordered=_ordered(answered),
        refusals=refusals,
    )


def _ordered(rows: "pd.DataFrame") -> float | None:
    """Share of device pairs in the right order: same model, metric and batch, each device by its fastest run."""
    keys = ["model_key", "metric", "batch_size", "device"]
    fastest = rows.loc[rows.groupby(keys, dropna=False)["measured_s"].idxmin()]
    right = apart = 0
    for _, same in fastest.groupby(keys[:-1], dropna=False):
        measured, said = np.log(same["measured_s"].to_numpy()), np.log(same["mid_s"].to_numpy())
        first, second = np.triu_indices(len(same), 1)
        gap = measured[first] - measured[second]
        clear = np.abs(gap) > np.log(APART)
        apart += int(clear.sum())
        right += int((gap * (said[first] - said[second]) > 0)[clear].sum())
    return right / apart if apart else None


def document(found: list[Figures]) -> list[dict[str, Any]]:
    """Figures as plain objects for JSON."""
    return [asdict(one) for one in found]


def score(
    rows: str,
    *,
    devices: str | None = None,
    models: str | None = None,
) -> list[Figures]:
    """Score the packed predictions on a file of measured rows.

    Parameters
    ----------
    rows : str
        CSV or Parquet, one row a judged figure: ``metric`` and ``measured_s`` beside the columns that describe it.
    devices, models : str, optional
        CSV or Parquet: data sheets of devices, and sizes of models, that the product does not know.

    Returns
    -------
    list of Figures

    Raises
    ------
    RowsError
        If a file cannot be read or lacks a column.
    """
    from advisor.calibration import load_calibration
    from advisor.judged import predicted
    from advisor.knowledge import load
    from advisor.llm import load_language_calibration
    from advisor.measured import measured_rows, sheet
    from advisor.published import all_published

    measured, knowledge = measured_rows(rows), load()
    said = predicted(
        measured,
        knowledge,
        load_calibration(),
        load_language_calibration(),
        devices=None if devices is None else sheet(devices, "device"),
        models=None if models is None else sheet(models, "model"),
        published=all_published(knowledge),
    )
    return figures(measured, said)
