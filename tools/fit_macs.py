"""Fit MACs, layers and KV cache of a model from its family and parameters; writes ``data/estimates/macs.toml``.

Usage: python tools/fit_macs.py MODELS.csv DATE
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from advisor.sizes import pixels, shape_of
from advisor.units import BILLION, MILLION

OUT = Path(__file__).resolve().parent.parent / "data" / "estimates" / "macs.toml"
FAMILY = {
    "cnn": "cnn",
    "detector": "detector",
    "detection": "detector",
    "segmentation": "segmentation",
    "vision-transformer": "vit",
    "nlp-encoder": "nlp-encoder",
    "speech-asr": "speech",
    "recsys": "recsys",
    "diffusion": "diffusion",
    "tinyml": "tinyml",
}
UNIT = {"cnn": "pixel", "detector": "pixel", "segmentation": "pixel", "vit": "pixel", "nlp-encoder": "token"}
ENOUGH = 10
COVERAGE = 0.8
SEVERAL_EVALUATIONS = "stable-diffusion-xl-1024-20step"
LATENT_ATTENTION_OR_TWO_STACKS = ("deepseek-v3", "kimi-k2", "glm-5", "t5-3b", "flan-t5-xl")
HEAD = """\
# What a model's MACs, layers and KV cache are taken to be when only its family and size are known.
# value = factor * parameters ** exponent * units; low and high multiply it and hold the central 80 %.
# Made by tools/fit_macs.py; do not edit by hand.
"""
LINE = (
    "ordinary least squares of log {what} on log parameters; low and high from the t-distribution of a new observation"
)
FEW = "too few models for a slope: exponent 1, geometric mean of the ratio; widest spread of the others, or their own"


def units(row: pd.Series) -> float:
    """Pixels or tokens of the input, 1 for a family whose work does not follow them, NaN where the table is silent."""
    unit = UNIT.get(row["family"])
    if unit is None:
        return 1.0
    shape = shape_of(str(row["input"]))
    return float("nan") if shape is None else float(pixels(shape) if unit == "pixel" else shape[-1])


def line(x: np.ndarray, y: np.ndarray, what: str) -> dict[str, object]:
    fit = stats.linregress(np.log(x), np.log(y))
    residual = np.log(y) - fit.intercept - fit.slope * np.log(x)
    spread = np.sqrt((residual**2).sum() / (len(x) - 2) * (1 + 1 / len(x))) * stats.t.ppf(
        (1 + COVERAGE) / 2, len(x) - 2
    )
    return {
        "factor": float(np.exp(fit.intercept)),
        "exponent": float(fit.slope),
        "low": float(np.exp(-spread)),
        "high": float(np.exp(spread)),
        "n": len(x),
        "method": LINE.format(what=what),
    }


def few(x: np.ndarray, y: np.ndarray, spread: float) -> dict[str, object]:
    ratio = np.log(y / x)
    spread = max(spread, float(np.ptp(ratio)))
    return {
        "factor": float(np.exp(ratio.mean())),
        "exponent": 1.0,
        "low": float(np.exp(-spread)),
        "high": float(np.exp(spread)),
        "n": len(x),
        "method": FEW,
    }


def macs(table: pd.DataFrame) -> dict[str, dict[str, object]]:
    one = table[table["model"].ne(SEVERAL_EVALUATIONS) & table["gmacs"].notna()]
    one = one.assign(family=one["family"].map(FAMILY))
    one = one[one["family"].notna()]
    one = one.assign(work=one["gmacs"] * BILLION / one.apply(units, axis=1), params=one["params_m"] * MILLION)
    one = one[one["work"].notna()].drop_duplicates(["family", "params", "work"])
    groups = dict(iter(one.groupby("family")))
    fits = {
        family: line(rows["params"].to_numpy(), rows["work"].to_numpy(), f"MACs per {UNIT.get(family, 'inference')}")
        for family, rows in groups.items()
        if len(rows) >= ENOUGH
    }
    widest = max(float(np.log(fit["high"])) for fit in fits.values())
    for family, rows in groups.items():
        fits.setdefault(family, few(rows["params"].to_numpy(), rows["work"].to_numpy(), widest))
    fits["recsys"]["high"] = 1 / float(fits["recsys"]["factor"])
    fits["recsys"]["method"] = f"{FEW}; high: every parameter multiplied once, as in a model without embedding tables"
    fits["llm"] = {
        "factor": 1.0,
        "exponent": 1.0,
        "low": 1.0,
        "high": 1.0,
        "n": 0,
        "method": "one MAC a token for each active parameter; attention over the context comes on top",
    }
    return {family: {"unit": UNIT.get(family, "inference"), **fit} for family, fit in sorted(fits.items())}


def language(table: pd.DataFrame) -> dict[str, dict[str, object]]:
    rows = table[table["family"].eq("llm") & table["kv_heads"].notna()]
    rows = rows[~rows["model"].isin(LATENT_ATTENTION_OR_TWO_STACKS)]
    params = rows["params_m"].to_numpy() * MILLION
    elements = (2 * rows["layers"] * rows["kv_heads"] * rows["head_dim"]).to_numpy()
    return {
        "kv_elements": line(params, elements, "elements of keys and values per token"),
        "layers": line(params, rows["layers"].to_numpy(), "layers"),
    }


def text(name: str, fit: dict[str, object], dated: str) -> str:
    lines = [
        f"{key} = {value:.6g}"
        if isinstance(value, float)
        else f'{key} = "{value}"'
        if isinstance(value, str)
        else f"{key} = {value}"
        for key, value in fit.items()
    ]
    return "\n".join([f"[{name}]", *lines, f"dated = {dated}", ""])


if __name__ == "__main__":
    models = pd.read_csv(sys.argv[1])
    tables = {f"macs.{family}": fit for family, fit in macs(models).items()}
    tables |= {f"llm.{name}": fit for name, fit in language(models).items()}
    OUT.write_text("\n".join([HEAD, *(text(name, fit, sys.argv[2]) for name, fit in tables.items())]), encoding="utf-8")
