"""Pooled effects on top of the fitted roofline: ridge regression of its residuals, robust, term by term."""

from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from measured_rows import MILLION
from roofline_fit import write

from advisor import load
from advisor.effects import PARTS, Effects, architecture
from advisor.measured_models import activations_per_mac

MOST = 3.0
"""Logarithm of the work factor is kept within this while fitting."""


def effect_columns(rows: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows with the columns that terms are made of, and the two sizes on their logarithmic scales."""
    words = settings["effects"]
    per_mac = activations_per_mac(rows, load().models)
    return rows.assign(
        device=rows["group"], precision=rows["format"], engine=rows["engine_id"],
        family=rows["family"].replace(words["families"]), architecture=rows["model"].map(architecture),
        activations=np.where(per_mac.isna(), "unknown", "known"), activations_per_mac=per_mac,
        params=rows["params_m"] * MILLION,
        log_params=np.log(rows["params_m"] * MILLION / words["centres"]["params"]).fillna(0.0),
        log_activations=np.log(per_mac / words["centres"]["activations_per_mac"]).fillna(0.0),
    )  # fmt: skip


class Design:
    """Sparse columns of every term of some rows; a key with few rows has none."""

    def __init__(self, rows: pd.DataFrame, settings: dict) -> None:
        words = settings["effects"]
        self.keys: list[tuple[str, str, str]] = []
        blocks: dict[str, list] = {part: [] for part in PARTS}
        self.draw: list[float] = []
        for part, values in zip(PARTS, (None, rows["log_params"], rows["log_activations"]), strict=True):
            for term, strength in words[part].items():
                codes, names = self._codes(rows, term)
                often = np.flatnonzero(np.bincount(codes, minlength=len(names)) >= words["fewest_rows"])
                ones = np.ones(len(rows)) if values is None else values.to_numpy()
                block = sp.csr_matrix((ones, (np.arange(len(rows)), codes)), (len(rows), len(names)))[:, often]
                blocks[part].append(block)
                self.keys += [(part, term, names[place]) for place in often]
                self.draw += [float(strength)] * len(often)
        self.whole = sp.hstack([*blocks["factor"], *blocks["params"]]).tocsr()
        self.work = sp.hstack(blocks["activations"]).tocsr()

    @staticmethod
    def _codes(rows: pd.DataFrame, term: str) -> tuple[np.ndarray, list[str]]:
        columns = [rows[name].astype(str) for name in term.split("+") if name]
        joined = columns[0].str.cat(columns[1:], sep="+") if columns else pd.Series("", index=rows.index)
        codes, names = pd.factorize(joined)
        return codes, list(names)


def fit_effects(rows: pd.DataFrame, overhead: np.ndarray, roof: np.ndarray, settings: dict) -> Effects:
    """Effects that a roofline's residuals show: Gauss-Newton steps of a ridge regression with soft absolute loss."""
    words, design = settings["effects"], Design(rows, settings)
    draw, split = np.array(design.draw), design.whole.shape[1]
    found, weight = np.zeros(len(draw)), np.sqrt(rows["pair"].to_numpy())
    scale, y = 3 * settings["fit"]["robust_scale"], np.log(rows["y"].to_numpy())
    for _ in range(words["rounds"]):
        work = roof * np.exp(np.clip(design.work @ found[split:], -MOST, MOST))
        residual = y - design.whole @ found[:split] - np.log(overhead + work)
        soft = weight * np.minimum(1, scale / np.maximum(np.abs(residual), scale))
        share = work / (overhead + work)
        step = sp.hstack([design.whole, design.work.multiply(share[:, None])]).tocsr()
        weighted = step.multiply(soft[:, None]).tocsr()
        normal = (step.T @ weighted).toarray()
        normal[np.diag_indices_from(normal)] += draw
        found = found + np.linalg.solve(normal, weighted.T @ residual - draw * found)
    return Effects(dict(zip(design.keys, found.tolist(), strict=True)), words["centres"])


def factors(effects: Effects, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Factor on the whole time, and on the work alone, of every row."""
    names = ("kind", "device", "precision", "engine", "family", "architecture", "metric")
    return effects.of(
        {name: rows[name].astype(str).tolist() for name in names},
        rows["params"].to_numpy(float),
        rows["activations_per_mac"].to_numpy(float),
    )


def write_effects(path: Path, effects: Effects) -> None:
    lines = [
        {"part": part, "term": term, "key": key, "value": value}
        for (part, term, key), value in sorted(effects.values.items())
    ]
    write(path, lines)
