"""Tables of runs that were kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from advisor.lab.contrasts import ratio_of
from advisor.lab.machine import Machine
from advisor.lab.runs import Run
from advisor.results import Interval

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
SAME_MACHINE = ("cpu", "cores", "logical_cpus", "usable_cpus", "system", "onnxruntime")
"""What has to agree for two records to be of one machine in one state of installation."""
_SIDES = ("", "_low", "_high")
_RUNS = (
    "id", "model", "sha256", "machine", "threads", "batch", "precision", "started", "n",
    *(f"{name}{side}_s" for name in QUANTILES for side in _SIDES), "cancelled", "sweep",
)  # fmt: skip
_RATIOS = (
    "id", "model", "threads", "batch", "same_model", "same_machine", "interleaved",
    *(f"{name}{side}" for name in QUANTILES for side in _SIDES),
)  # fmt: skip


def row_of(record_id: str, run: Run, part_of: Mapping[str, Any] | None) -> dict[str, Any]:
    """Row of ``Store.runs``."""
    return {
        "id": record_id,
        "model": run.model,
        "sha256": run.sha256,
        "machine": run.machine.cpu,
        "threads": run.threads,
        "batch": run.batch,
        "precision": getattr(run, "precision", None),
        "started": run.started,
        "n": len(run.samples_s),
        **{
            f"{name}{side}_s": value
            for name, q in QUANTILES.items()
            for side, value in _bounds(run.quantile(q)).items()
        },
        "cancelled": run.cancelled,
        "sweep": (part_of or {}).get("sweep"),
    }


def runs_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Table of ``Store.runs``."""
    return pd.DataFrame(rows, columns=_RUNS, dtype=object)


def ratios_table(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Table of ``Store.compare``."""
    first = next(iter(runs.values()))
    rows = [
        {
            "id": record_id,
            "model": run.model,
            "threads": run.threads,
            "batch": run.batch,
            "same_model": run.sha256 == first.sha256,
            "same_machine": not machine_differences(first.machine, run.machine),
            "interleaved": False,
            **{
                f"{name}{side}": value
                for name, q in QUANTILES.items()
                for side, value in _bounds(ratio_of(first.quantile(q), run.quantile(q))).items()
            },
        }
        for record_id, run in runs.items()
    ]
    return pd.DataFrame(rows[1:], columns=_RATIOS, dtype=object)


def machine_differences(one: Machine, other: Machine) -> list[str]:
    """Fields in which two machines differ that make a run on the one no run on the other."""
    return [name for name in SAME_MACHINE if getattr(one, name) != getattr(other, name)]


def _bounds(interval: Interval | None) -> dict[str, float | None]:
    if interval is None:
        return dict.fromkeys(_SIDES)
    return {"": interval.mid, "_low": interval.low, "_high": interval.high}
