"""Measured rows -> what the product predicts for each, as columns; nothing measured on a row is used for it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from advisor.calibration import Calibration
from advisor.effects import Traits, architecture
from advisor.knowledge import Knowledge
from advisor.latency import Coefficients, service_interval_s
from advisor.llm import LanguageCalibration, decode_interval_s, prefill_interval_s
from advisor.measured import LANGUAGE, ONE_SHOT, hardware, in_our_terms, published_engines, specs_of, stated_or_usual
from advisor.measured_models import activations_per_mac, prefill_arguments, sized, step_arguments, with_tokens
from advisor.published import Published, keys_of
from advisor.schema import Device
from advisor.units import BILLION, FLOP_PER_MAC, MILLION

if TYPE_CHECKING:
    import pandas as pd

_SATURATED_BATCH = MILLION
"""Batch that stands for throughput measured without one: weights are read once for all."""
MID = 1


def predicted(
    rows: "pd.DataFrame",
    knowledge: Knowledge,
    calibration: Calibration,
    language: LanguageCalibration,
    *,
    devices: "pd.DataFrame | None" = None,
    models: "pd.DataFrame | None" = None,
    published: Published | None = None,
) -> "pd.DataFrame":
    """Low, mid and high of every row in the unit of its metric, or why it is refused.

    Parameters
    ----------
    rows : DataFrame
        Of ``measured.measured_rows``.
    knowledge, calibration, language
        What predictions stand on.
    devices, models : DataFrame, optional
        Data sheets of devices, and sizes of models, that the product does not know.
    published : Published, optional
        Measurements that answer for the very same thing; never for themselves.

    Returns
    -------
    DataFrame
        Columns ``low_s``, ``mid_s``, ``high_s`` [s] and ``refusal``: "" or one of metric, kind, precision, peak, sizes.
    """
    import pandas as pd

    rows = prepared(rows, knowledge, calibration, devices=devices, models=models)
    refusal = _refusals(rows)
    ends = np.full((len(rows), 3), np.nan)
    shots, tokens = (
        np.flatnonzero(rows["metric"].isin(metrics).to_numpy() & (refusal == "")) for metrics in (ONE_SHOT, LANGUAGE)
    )
    if len(shots):
        ends[shots] = np.array(_one_shot_s(rows.iloc[shots], calibration)).T
        if published:
            _answer(ends, shots, rows, published, calibration)
    if len(tokens):
        ends[tokens] = np.array(_language_s(rows.iloc[tokens], language)).T
    return pd.DataFrame({"low_s": ends[:, 0], "mid_s": ends[:, 1], "high_s": ends[:, 2], "refusal": refusal})


def prepared(
    rows: "pd.DataFrame",
    knowledge: Knowledge,
    calibration: Calibration,
    *,
    devices: "pd.DataFrame | None" = None,
    models: "pd.DataFrame | None" = None,
) -> "pd.DataFrame":
    """Rows in the product's terms, with hardware and the sizes of their models; arguments as in ``predicted``."""
    import pandas as pd

    rows = in_our_terms(rows.reset_index(drop=True), knowledge.devices, calibration.settings, published_engines())
    rows["format"] = stated_or_usual(rows, calibration.settings)
    rows = hardware(rows, specs_of(devices), knowledge.devices, calibration.settings)
    own = _catalogue(knowledge)
    rows = sized(rows, own if models is None else pd.concat([models, own], ignore_index=True))
    return rows.assign(activations_per_mac=activations_per_mac(rows, knowledge.models))


def _answer(
    ends: np.ndarray, shots: np.ndarray, rows: "pd.DataFrame", published: Published, calibration: Calibration
) -> None:
    """Measurements of others in the place of predictions, and those nearby as ``anchors.anchored`` takes them."""
    asked, near = rows.iloc[shots], {}
    for place, key, gmacs, own in zip(shots, keys_of(asked), asked["gmacs"], asked["measured_s"], strict=True):
        if answer := published.answer(key, gmacs, but=own):
            ends[place] = answer[:3]
        elif found := published.nearest(key, gmacs):
            near[place] = found
    if near:
        keys, answers, weights = zip(*near.values(), strict=True)
        there = rows.iloc[list(near)].assign(batch_size=[k.batch for k in keys], units=[k.units for k in keys])
        ratio = np.array([answer.mid_s for answer in answers]) / _one_shot_s(there, calibration)[MID]
        ends[list(near)] *= (ratio ** np.array(weights))[:, None]


def _catalogue(knowledge: Knowledge) -> "pd.DataFrame":
    """The product's own models in the columns of a table of models, one line a name."""
    import pandas as pd

    lines = [
        {
            "model": name, "input": model.input, "family": model.family, "params_m": model.params / MILLION,
            "active_params_m": (model.active_params or model.params) / MILLION,
            "gmacs": None if model.macs is None else model.macs / BILLION, "layers": model.layers,
            "hidden": model.hidden, "heads": model.heads, "kv_heads": model.kv_heads, "head_dim": model.head_size,
        }
        for model in knowledge.models.values()
        for name in dict.fromkeys((model.id, model.name, *model.aliases))
    ]  # fmt: skip
    return pd.DataFrame(lines)


def _refusals(rows: "pd.DataFrame") -> np.ndarray:
    """Why a row cannot be predicted; empty where it can."""
    language = rows["metric"].isin(LANGUAGE)
    kinds = get_args(Device.model_fields["kind"].annotation)
    causes = {
        "metric": ~(language | rows["metric"].isin(ONE_SHOT)),
        "kind": ~rows["kind"].isin(kinds),
        "precision": rows["format"].isna(),
        "peak": ~rows["peak"].gt(0),
        "sizes": ~rows["params_m"].gt(0) | (~language & ~rows["gmacs"].gt(0)) | (language & rows["layers"].isna()),
    }
    return np.select([cause.to_numpy() for cause in causes.values()], list(causes), "").astype(object)


def _one_shot_s(rows: "pd.DataFrame", calibration: Calibration) -> tuple[np.ndarray, ...]:
    """Seconds of one batch; of one sample of the whole saturated system where throughput was measured."""
    saturated = rows["metric"].eq("throughput").to_numpy()
    found = _coefficients(rows, saturated, calibration)
    batch = rows["batch_size"].fillna(1.0).where(~saturated, rows["batch_size"].fillna(_SATURATED_BATCH)).to_numpy()
    work = FLOP_PER_MAC * BILLION * rows["gmacs"].to_numpy()
    peak, bandwidth, units = (rows[name].to_numpy(float) for name in ("peak", "bandwidth", "units"))
    ends = service_interval_s(
        (work, work, work), rows["weight_bytes"].to_numpy(), 0.0, batch, peak, bandwidth, units, found
    )
    samples = np.where(saturated, batch * rows["device_count"].fillna(1.0).clip(lower=1.0).to_numpy(), 1.0)
    return tuple(end / samples for end in ends)


def _coefficients(rows: "pd.DataFrame", saturated: np.ndarray, calibration: Calibration) -> Coefficients:
    """Coefficients of every row; a saturated device shows no overhead, and its threads work apart."""
    traits = [
        Traits(family, architecture(name), params * MILLION, per_mac)
        for family, name, params, per_mac in zip(
            rows["family"].replace(calibration.settings["effects"]["families"]), rows["model"], rows["params_m"],
            rows["activations_per_mac"], strict=True,
        )
    ]  # fmt: skip
    devices, kinds, formats, engines = (rows[name].tolist() for name in ("group", "kind", "format", "engine_id"))
    one, other = (calibration.lookup(devices, kinds, formats, engines, traits, metric=metric) for metric in ONE_SHOT)
    picked = {
        field.name: np.where(saturated, getattr(other, field.name), getattr(one, field.name))
        for field in fields(Coefficients)
    }
    alone = {
        "overhead_s": np.where(saturated, 0.0, one.overhead_s),
        "gamma": np.where(saturated, 1.0, one.gamma),
    }
    return Coefficients(**(picked | alone))


def _language_s(rows: "pd.DataFrame", language: LanguageCalibration) -> tuple[np.ndarray, ...]:
    """Seconds of the metric of every row; other sequences' prompts interrupt decoding under load."""
    words, metric = language.settings["language"], rows["metric"].to_numpy(str)
    found = language.lookup(*(rows[name].tolist() for name in ("group", "kind", "format", "engine_id")))
    devices = rows["device_count"].fillna(1.0).clip(lower=1.0).to_numpy()
    sharing = np.where(metric == "offline_tokens", _fewest_devices(rows, devices, words), devices)
    alone = np.where(metric == "offline_tokens", float(words["offline_batch"]), 1.0)
    rows = with_tokens(rows, words)
    stated = rows["batch_size"].to_numpy()
    rows = rows.assign(units=rows["units"] * sharing / devices, batch=np.where(np.isnan(stated), alone, stated))
    batch, answer = rows["batch"].to_numpy(), rows["answer"].to_numpy()
    first = prefill_interval_s(**prefill_arguments(rows), coefficients=found)
    step = decode_interval_s(**step_arguments(rows), coefficients=found)
    held = tuple(s + batch * f / answer for f, s in zip(first, step, strict=True))
    engine = rows["engine_id"].map(words["loaded_engine"]).fillna(1.0).to_numpy()
    loaded = engine * _first_under_load_s(first[MID], step[MID], batch, words)
    ends = {
        "tpot": step,
        "tpot_batched": held,
        "ttft": first,
        "ttft_loaded": tuple(loaded * factor for factor in (words["loaded_low"], 1.0, words["loaded_high"])),
        "offline_tokens": tuple(end * sharing / (batch * devices) for end in held),
    }
    asked = [metric == name for name in ends]
    return tuple(np.select(asked, list(each)) for each in zip(*ends.values(), strict=True))


def _fewest_devices(rows: "pd.DataFrame", devices: np.ndarray, words: Mapping[str, Any]) -> np.ndarray:
    """Devices that share one copy of a model where all that there are work for throughput: the fewest that hold it."""
    need = rows["weight_bytes"].to_numpy() * words["room_for_weights"] / rows["memory"].to_numpy()
    doubled = 2.0 ** np.ceil(np.log2(np.maximum(np.nan_to_num(need, nan=1.0), 1.0)))
    return np.asarray(np.minimum(doubled, devices))


def _first_under_load_s(
    first_s: np.ndarray, step_s: np.ndarray, batch: np.ndarray, words: Mapping[str, Any]
) -> np.ndarray:
    """Mean time to first token when so many users ask again as soon as they are answered.

    A prompt waits for a share of the other users' prompts and for some steps of decoding, both fitted.
    """
    others = words["loaded_prompts"] * (batch - 1)
    return np.asarray(first_s * (1 + others) + np.where(batch > 1, words["loaded_steps"] * step_s, 0.0))
