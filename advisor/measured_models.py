"""Sizes of measured models, and what the formulas of language models take of a row, as columns."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.llm import kv_bytes_per_token
from advisor.modelspec import plain
from advisor.paths import DATA
from advisor.schema import Model
from advisor.sizes import precisions
from advisor.units import BILLION, MILLION

if TYPE_CHECKING:
    import pandas as pd

SIZES = ("params_m", "active_params_m", "gmacs", "layers", "hidden", "heads", "kv_heads", "head_dim")

_ALWAYS = {
    "active_params": "active",
    "weight_bytes": "weight_bytes",
    "layers": "layers",
    "peak_flop_per_s": "peak",
    "bandwidth_bytes_per_s": "bandwidth",
    "units": "units",
}


def sized(rows: "pd.DataFrame", models: "pd.DataFrame") -> "pd.DataFrame":
    """Rows with the sizes of their models: their own first, then those of the input, then those of the name.

    Parameters
    ----------
    rows : DataFrame
        Of ``measured.in_our_terms``, numbered from 0.
    models : DataFrame
        Columns ``model``, ``input``, ``family``, ``note`` and ``SIZES``, as far as they are there; the first line of a
        name and input counts.
    """
    import pandas as pd

    sheet = models.reindex(columns=["model", "input", "family", "note", *SIZES])
    sheet = sheet.assign(key=sheet["model"].astype(str).map(plain))
    keys = rows["model_key"].astype(str).map(plain)
    by_name = sheet.drop_duplicates("key").set_index("key").reindex(keys).reset_index(drop=True)
    at = pd.MultiIndex.from_arrays([keys, rows["input_shape"]])
    by_input = sheet.drop_duplicates(["key", "input"]).set_index(["key", "input"]).reindex(at).reset_index(drop=True)
    found = {name: pd.to_numeric(by_input[name]).fillna(pd.to_numeric(by_name[name])) for name in SIZES}
    family = rows["family"].where(rows["family"].ne(""), by_name["family"].astype(object).fillna(""))
    own = {name: rows[name].fillna(found[name]) for name in ("params_m", "gmacs")}
    formats = precisions()
    per_weight = {name: size + formats["overhead"].get(name, 0.0) for name, size in formats["bytes"].items()}
    return rows.assign(
        **found | own, family=family, model_note=by_name["note"].astype(object).fillna(""),
        weight_bytes=own["params_m"] * MILLION * rows["format"].map(per_weight),
    )  # fmt: skip


def activations_per_mac(rows: "pd.DataFrame", models: Mapping[str, Model]) -> "pd.Series":
    """Numbers that convolutions and linear layers write, by MAC.

    Of a row's note, else of the record of its model, else of ``data/measured/activations.csv``; NaN where unknown.
    """
    import pandas as pd

    sheet = pd.read_csv(DATA / "measured" / "activations.csv")
    known = dict(
        zip(sheet["model"].map(plain), sheet["activations_m"] / sheet["gmacs"] * MILLION / BILLION, strict=True)
    )
    known |= {
        plain(name): record.activations / record.macs
        for record in models.values()
        if record.activations and record.macs
        for name in (record.id, record.name, *record.aliases)
    }
    notes = rows["notes"] if "notes" in rows else pd.Series("", index=rows.index)
    written = pd.to_numeric(notes.astype(object).fillna("").astype(str).str.extract(r"macts_m=([0-9.]+)")[0])
    own = written * MILLION / (rows["gmacs"] * BILLION)
    names = rows["model"].astype(str)
    for key in (names, names.str.rsplit(":").str[-1]):
        own = own.fillna(key.map(plain).map(known))
    return own


def with_tokens(rows: "pd.DataFrame", words: Mapping[str, Any]) -> "pd.DataFrame":
    """Rows of language models with the arguments of ``advisor.llm``; usual lengths where a row states none.

    Parameters
    ----------
    rows : DataFrame
        Of ``sized``, with hardware.
    words : mapping
        ``[language]`` of ``data/calibrations/settings.toml``.
    """
    active = rows["active_params_m"].fillna(rows["params_m"])
    context = (rows["input_tokens"] + rows["output_tokens"].fillna(0) / 2).fillna(words["context_tokens"])
    return rows.assign(
        active=active * MILLION,
        share=(active / rows["params_m"]).clip(upper=1.0),
        tokens=rows["input_tokens"].fillna(words["input_tokens"]),
        answer=rows["output_tokens"].fillna(words["output_tokens"]).clip(lower=1.0),
        cache=_cache_bytes_per_token(rows, words) * context,
        batch=rows["batch_size"].fillna(1.0),
        units=rows["units"] * rows["device_count"].fillna(1.0).clip(lower=1.0),
    )


def prefill_arguments(rows: "pd.DataFrame") -> dict[str, np.ndarray]:
    """Arguments of ``llm.prefill_s`` but the coefficients, of rows of ``with_tokens``."""
    return _arguments(rows, _ALWAYS | {"input_tokens": "tokens"})


def step_arguments(rows: "pd.DataFrame") -> dict[str, np.ndarray]:
    """Arguments of ``llm.decode_step_s`` but the coefficients, of rows of ``with_tokens``."""
    return _arguments(rows, _ALWAYS | {"active_share": "share", "kv_bytes_per_sequence": "cache", "batch": "batch"})


def _arguments(rows: "pd.DataFrame", names: Mapping[str, str]) -> dict[str, np.ndarray]:
    return {argument: rows[column].to_numpy(float) for argument, column in names.items()}


def _cache_bytes_per_token(rows: "pd.DataFrame", words: Mapping[str, Any]) -> np.ndarray:
    """Keys and values of one token [B]; 0 where heads are unknown."""
    head_size = rows["head_dim"].fillna(rows["hidden"] / rows["heads"])
    bytes_ = kv_bytes_per_token(
        layers=rows["layers"], kv_heads=rows["kv_heads"], head_size=head_size, bytes_per_element=words["kv_bytes"]
    )
    latent, hybrid = words["attention"]["latent"], words["attention"]["hybrid"]
    few = rows["layers"].to_numpy() * latent["elements"] * words["kv_bytes"]
    bytes_ = np.where(rows["model_note"].str.contains(latent["word"], regex=False), few, bytes_)
    share = np.where(rows["model_note"].str.contains(hybrid["word"], regex=False), hybrid["share"], 1.0)
    return np.asarray(np.nan_to_num(bytes_) * share)
