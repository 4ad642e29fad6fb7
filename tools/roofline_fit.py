"""Robust fit of efficiency and overhead, group within group, and intervals from what was held out."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

ANY = "*"
ROUNDS = 8
NUDGE = 0.01
"""Keeps the constants of a format with hardly a row within bounds."""


def robust(predicted: Callable[[np.ndarray], np.ndarray], y: np.ndarray, weight: np.ndarray, parent: np.ndarray,
           bounds: tuple[np.ndarray, np.ndarray], settings: dict) -> np.ndarray:  # fmt: skip
    """Log parameters with the least soft absolute log residual, drawn to the parent's as if by ``prior_pairs``."""
    scale = settings["robust_scale"]
    own = np.r_[np.zeros(len(weight), bool), np.ones(len(parent), bool)]
    weights = np.r_[weight, np.full(len(parent), float(settings["prior_pairs"]))]

    def residual(log_parameters: np.ndarray) -> np.ndarray:
        return np.r_[np.log(y / predicted(np.exp(log_parameters))), (log_parameters - parent) * np.sqrt(scale)]

    def loss(z: np.ndarray) -> np.ndarray:
        root = np.sqrt(1 + np.where(own, 0.0, z))
        return weights * np.where(
            own, [z, np.ones_like(z), np.zeros_like(z)], [2 * (root - 1), 1 / root, -0.5 / root**3]
        )

    low, high = (np.log(bound) for bound in bounds)
    start = np.clip(parent, low + 1e-6, high - 1e-6)
    return least_squares(residual, start, bounds=(low, high), loss=loss, f_scale=scale, xtol=1e-6, ftol=1e-6).x


def engine_factors(residual: pd.Series, keys: list[pd.Series], groups: pd.Series, settings: dict) -> dict:
    """Key (an engine second) -> (factor, rows, devices): median over devices of their median residual, shrunk."""
    named = keys[1].ne("")
    each = residual[named].groupby([*(key[named] for key in keys), groups[named]], sort=True).agg(["median", "size"])
    found, prior = {}, settings["engine_prior_devices"]
    for key, part in each.groupby(level=list(range(len(keys))), sort=True):
        devices = len(part)
        found[key] = (
            float(np.exp(part["median"].median() * devices / (devices + prior))),
            int(part["size"].sum()),
            devices,
        )
    return found


def balances(
    residual: pd.Series, rows: pd.DataFrame, before: dict[str, tuple[float, float, int, int]], settings: dict
) -> dict[str, tuple[float, float, int, int]]:
    """Kind -> (exponent, balance, rows, devices): robust slope of devices' median residuals on peak over bandwidth.

    ``residual`` is what predictions with the exponents ``before`` leave; formats have constants of their own.
    """
    known = rows.assign(residual=residual, balance=np.log(rows["peak"] / rows["bandwidth"])).dropna(subset=["balance"])
    found, most = {}, settings["balance_rows"]
    for kind, part in known.groupby("kind", sort=True):
        each = part.groupby(["group", "format"], sort=True).agg(
            residual=("residual", "median"), rows=("residual", "size"), balance=("balance", "mean")
        )
        devices = each.index.get_level_values("group").nunique()
        if devices < settings["enough_groups"]:
            continue
        weight = each["rows"].clip(upper=most).to_numpy(float) / most
        old = before.get(kind, (0.0, np.exp(np.average(each["balance"], weights=weight)), 0, 0))
        shift = each["balance"].to_numpy() - np.log(old[1])
        formats = pd.get_dummies(each.index.get_level_values("format")).to_numpy(float)
        slope = _robust_slope(shift, formats, each["residual"].to_numpy() + old[0] * shift, weight, settings)
        found[kind] = (float(np.clip(slope, *settings["balance"])), float(old[1]), len(part), devices)
    return found


def _robust_slope(x: np.ndarray, constants: np.ndarray, y: np.ndarray, weight: np.ndarray, settings: dict) -> float:
    """Slope on x beside the constants, drawn to none; residuals beyond thrice the robust scale count linearly."""
    columns = np.c_[x, constants]
    draw = np.diag([settings["balance_draw"], *[NUDGE] * constants.shape[1]])
    soft, scale = weight, 3 * settings["robust_scale"]
    for _ in range(ROUNDS):
        found = np.linalg.solve(columns.T @ (columns * soft[:, None]) + draw, columns.T @ (soft * y))
        soft = weight * np.minimum(1, scale / np.maximum(np.abs(y - columns @ found), scale))
    return float(found[0])


def fold_of(names: pd.Series, folds: int) -> pd.Series:
    """Fold of every name, the same on every machine."""
    return names.map({name: zlib.crc32(str(name).encode()) % folds for name in names.unique()})


def weighted_quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order])
    return float(np.interp(q * mass[-1], mass - weights[order] / 2, values[order]))


def central(residual: np.ndarray, weight: np.ndarray, groups: int, settings: dict) -> tuple[float, float]:
    """Factors around the prediction that hold the central share of residuals; wider for few held-out groups."""
    tail = (1 - settings["coverage"]) / 2
    level = min(1 - tail / 2, (1 - tail) * (groups + 1) / groups) if groups < settings["many_groups"] else 1 - tail
    low, high = weighted_quantile(residual, weight, 1 - level), weighted_quantile(residual, weight, level)
    return min(1.0, float(np.exp(low))), max(1.0, float(np.exp(high)))


def spreads(held: pd.DataFrame, of: str, keys: list[str], settings: dict) -> dict[tuple, tuple[float, float]]:
    """Interval factors by key, from residuals of whole held-out groups (column ``of``); pooled where they are few."""
    found: dict[tuple, tuple[float, float]] = {}
    if of == "group":
        enough = held.groupby(of)[of].transform("size") >= settings["spread_rows"]
        held = held[enough] if enough.any() else held
    for level in range(len(keys), -1, -1):
        parts = held.groupby(keys[:level], sort=True) if level else [((), held)]
        for key, rows in parts:
            groups = rows[of].nunique()
            if level == 0 or groups >= settings["enough_groups"]:
                weight = rows["pair"] / rows["pair"].groupby(rows[of]).transform("sum") ** settings["group_evenness"]
                found[(*key, *[ANY] * (len(keys) - level))] = central(
                    rows["residual"].to_numpy(), weight.to_numpy(), groups, settings
                )
    return found


def nearest(table: dict[tuple, object], key: tuple) -> object:
    """Value at the key, else at the key with its last parts replaced by ``*``."""
    return next(table[k] for n in range(len(key), -1, -1) if (k := (*key[:n], *[ANY] * (len(key) - n))) in table)


def wider(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return min(one[0], other[0]), max(one[1], other[1])


def achieved(
    held: pd.DataFrame, of: str, keys: list[str], settings: dict, at_least: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Error and coverage by the first key; the interval of a row comes from the other folds.

    ``at_least`` are held-out devices whose spread the interval is not to fall below.
    """
    fold = fold_of(held[of], settings["folds"])
    inside = pd.Series(False, index=held.index)
    for number in sorted(fold.unique()):
        seen, unseen = held[fold != number], held[fold == number]
        table = spreads(seen, of, keys, settings)
        floor = (
            table
            if at_least is None
            else spreads(at_least[fold_of(at_least[of], settings["folds"]) != number], "group", keys, settings)
        )
        ends = np.array(
            [wider(nearest(table, key), nearest(floor, key)) for key in zip(*(unseen[k] for k in keys), strict=True)]
        )
        factor = np.exp(unseen["residual"].to_numpy())
        inside.loc[unseen.index] = (factor >= ends[:, 0]) & (factor <= ends[:, 1])
    held = held.assign(inside=inside.astype(float), error=held["residual"].abs())
    lines = [(ANY, held), *held.groupby(keys[0], sort=True)]
    return pd.DataFrame([{keys[0]: name, **summary(rows, of)} for name, rows in lines])


def summary(rows: pd.DataFrame, of: str) -> dict[str, float]:
    """Figures with each (device, model) pair counted once; coverage also with each held-out group counted once."""
    once = rows["pair"] / rows["pair"].groupby(rows[of]).transform("sum")
    return {
        "rows": len(rows), "devices": rows["group"].nunique(), "models": rows["model"].nunique(),
        "median_factor": float(np.exp(weighted_quantile(rows["error"].to_numpy(), rows["pair"].to_numpy(), 0.5))),
        "p90_factor": float(np.exp(weighted_quantile(rows["error"].to_numpy(), rows["pair"].to_numpy(), 0.9))),
        "coverage": float(np.average(rows["inside"], weights=rows["pair"])),
        "coverage_once": float(np.average(rows["inside"], weights=once)),
    }  # fmt: skip


def engine_table(engines: dict[tuple, tuple[float, int, int]], names: list[str]) -> list[dict]:
    """Lines of a table of engine factors by ``names``; the first is an engine without measurements: any other."""
    known = {key: value for key, value in engines.items() if ANY not in key[:2]}
    factors = [factor for key, (factor, _, _) in known.items() if ANY in key or len(key) == 2] or [1.0]
    low, high = (float(np.quantile(factors, q)) for q in (0.1, 0.9))
    unknown = {"factor": 1.0, "low_factor": min(1.0, low), "high_factor": max(1.0, high), "rows": 0, "devices": 0}
    lines = [dict.fromkeys(names, ANY) | unknown]
    for key, (factor, rows, devices) in sorted(known.items()):
        figures = {"factor": factor, "low_factor": 1.0, "high_factor": 1.0, "rows": rows, "devices": devices}
        lines.append(dict(zip(names, key, strict=True)) | figures)
    return lines


def write(path: Path, lines: list[dict], columns: list[str] | None = None) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        pd.DataFrame(lines, columns=columns).to_csv(file, index=False, float_format="%.5g", lineterminator="\n")
