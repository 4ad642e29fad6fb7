"""Fit prefill and decoding coefficients of language models to published measurements."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from measured_rows import table, weighed
from roofline_fit import ANY, achieved, engine_factors, engine_table, fold_of, nearest, robust, spreads, wider, write

from advisor.llm import Coefficients, Fit, decode_step_s, kv_bytes_per_token, prefill_s
from advisor.units import MILLION

PREFILL, STEP = (
    ("compute_efficiency", "prefill_overhead_s"),
    ("bandwidth_efficiency", "step_overhead_s", "collective_s"),
)
DECODING = ("tpot", "tpot_batched")


def language_rows(
    rows: pd.DataFrame, models: pd.DataFrame, weight_bytes: dict[str, float], settings: dict
) -> pd.DataFrame:
    """Rows of single prompts and of decoding with the sizes that the formulas take."""
    words = settings["language"]
    sizes = models.drop_duplicates("model").set_index("model")
    rows = rows[
        rows["metric"].isin(["ttft", *DECODING])
        & rows["model"].isin(sizes.index)
        & ~rows["model"].isin(words["latent_attention"])
    ]
    rows = rows[rows["peak"].gt(0) & ~rows["engine_id"].isin(words["left_out_engines"])].reset_index(drop=True)
    size = sizes.reindex(rows["model"]).reset_index(drop=True)
    head_size = size["head_dim"].fillna(size["hidden"] / size["heads"])
    cache = kv_bytes_per_token(layers=size["layers"], kv_heads=size["kv_heads"], head_size=head_size,
                               bytes_per_element=words["kv_bytes"])  # fmt: skip
    tokens = rows["input_tokens"].fillna(words["input_tokens"])
    context = (rows["input_tokens"] + rows["output_tokens"].fillna(0) / 2).fillna(words["context_tokens"])
    accelerators = rows["units"] * rows["device_count"].clip(lower=1)
    return weighed(rows.assign(
        y=rows["measured_s"], batch=rows["batch_size"].fillna(1), tokens=tokens,
        output=rows["output_tokens"], units=accelerators,
        active=size["active_params_m"] * MILLION, share=(size["active_params_m"] / size["params_m"]).clip(upper=1),
        weights=size["params_m"] * MILLION * rows["format"].map(weight_bytes), cache=np.nan_to_num(cache * context),
    ))  # fmt: skip


def prefill_of(rows: pd.DataFrame, found: Coefficients) -> np.ndarray:
    return prefill_s(
        **columns(rows, active_params="active", weight_bytes="weights", input_tokens="tokens"), coefficients=found
    )


def columns(rows: pd.DataFrame, **names: str) -> dict[str, np.ndarray]:
    """Arguments of a formula from columns; peak, bandwidth and units are always among them."""
    hardware = {"peak_flop_per_s": "peak", "bandwidth_bytes_per_s": "bandwidth", "units": "units"}
    return {argument: rows[column].to_numpy(float) for argument, column in (names | hardware).items()}


def token_of(rows: pd.DataFrame, found: Coefficients) -> np.ndarray:
    """Time per output token; under load the prompts of the other sequences interrupt decoding."""
    sizes = {"active_params": "active", "weight_bytes": "weights", "active_share": "share"}
    step = decode_step_s(**columns(rows, **sizes, kv_bytes_per_sequence="cache", batch="batch"), coefficients=found)
    loaded = rows["metric"].eq("tpot_batched") & rows["output"].gt(0)
    return step + np.where(loaded, rows["batch"] * prefill_of(rows, found) / rows["output"].where(loaded, 1), 0)


class LanguageModel:
    """Fitted coefficients; keys are (kind, group), ``*`` for every one; values are logs as in ``PREFILL + STEP``."""

    def __init__(self, rows: pd.DataFrame, settings: dict, *, devices: bool) -> None:
        self.fit, self.words = settings["fit"], settings["language"]
        start = self.words["start"]
        usual = np.log(
            [
                start["compute_efficiency"],
                start["overhead_s"],
                start["bandwidth_efficiency"],
                start["overhead_s"],
                start["collective_s"],
            ]
        )
        self.engines: dict[tuple[str, str], tuple[float, int, int]] = {}
        self.fits: dict[tuple, np.ndarray] = {}
        for _ in range(self.fit["engine_rounds"]):
            self._fit_all(rows, usual, devices=False)
            residual = np.log(rows["y"] / self.predicted(rows) * self.engine_factor(rows))
            self.engines = engine_factors(residual, [phase_of(rows), rows["engine_id"]], rows["group"], self.fit)
        self._fit_all(rows, usual, devices=devices)

    def _fit_all(self, rows: pd.DataFrame, usual: np.ndarray, *, devices: bool) -> None:
        self.fits = {(ANY, ANY): self._fit(rows, "device_weight", usual)}
        for key, part, weight in self._groups(rows, devices=devices):
            self.fits[(*key, ANY)[:2]] = self._fit(part, weight, nearest(self.fits, (key[0], ANY)))

    def engine_factor(self, rows: pd.DataFrame) -> np.ndarray:
        return np.array(
            [self.engines.get(key, (1.0,))[0] for key in zip(phase_of(rows), rows["engine_id"], strict=True)]
        )

    def _groups(self, rows: pd.DataFrame, *, devices: bool) -> Iterator[tuple[tuple, pd.DataFrame, str]]:
        levels = (
            [(["kind"], "device_weight"), (["kind", "group"], "pair")] if devices else [(["kind"], "device_weight")]
        )
        for keys, weight in levels:
            for key, part in rows.groupby(keys, sort=True):
                if len(part) >= self.fit["enough_rows"] and (
                    len(keys) == 1 or part["model"].nunique() >= self.words["enough_models"]
                ):
                    yield key, part, weight

    def _fit(self, rows: pd.DataFrame, weight: str, parent: np.ndarray) -> np.ndarray:
        found = parent.copy()
        bounds = [self.words["bounds"][name.removeprefix("prefill_").removeprefix("step_")] for name in PREFILL + STEP]
        for chosen, wanted, formula in ((slice(0, 2), ("ttft",), prefill_of), (slice(2, 5), DECODING, token_of)):
            part = rows[rows["metric"].isin(wanted)]
            if len(part):
                ends = tuple(np.array([bound[end] for bound in bounds[chosen]]) for end in (0, 1))
                y = part["y"].to_numpy() / self.engine_factor(part)
                predicted = self._formula(formula, part, found.copy(), chosen)
                found[chosen] = robust(predicted, y, part[weight].to_numpy(), parent[chosen], ends, self.fit)
        return found

    def _formula(self, formula, rows: pd.DataFrame, logs: np.ndarray, chosen: slice):
        def predicted(values: np.ndarray) -> np.ndarray:
            logs[chosen] = np.log(values)
            return formula(rows, coefficients([logs] * len(rows)))

        return predicted

    def predicted(self, rows: pd.DataFrame) -> np.ndarray:
        found = coefficients([nearest(self.fits, key) for key in zip(rows["kind"], rows["group"], strict=True)])
        return self.engine_factor(rows) * np.where(
            rows["metric"].eq("ttft"), prefill_of(rows, found), token_of(rows, found)
        )


def phase_of(rows: pd.DataFrame) -> pd.Series:
    return rows["metric"].eq("ttft").map({True: "prefill", False: "step"})


def coefficients(logs: list[np.ndarray]) -> Coefficients:
    compute, first, bandwidth, step, collective = np.exp(np.array(logs)).T
    one = np.ones_like(compute)
    return Coefficients(compute, bandwidth, first, step, collective, one, one, one, one, one, one, one.astype(np.int8))


def held_out(rows: pd.DataFrame, of: str, settings: dict) -> pd.DataFrame:
    """Residuals of every row, predicted by fits that saw nothing of its group (``of``)."""
    fold, parts = fold_of(rows[of], settings["fit"]["folds"]), []
    for number in sorted(fold.unique()):
        model = LanguageModel(rows[fold != number], settings, devices=of == "model")
        test = rows[fold == number]
        test = (
            test[[key in model.fits for key in zip(test["kind"], test["group"], strict=True)]]
            if of == "model"
            else test
        )
        parts.append(test.assign(residual=np.log(test["y"] / model.predicted(test))))
    held = pd.concat(parts).sort_index()
    return held.assign(phase=phase_of(held))


def llm_lines(
    model: LanguageModel, rows: pd.DataFrame, by_device: pd.DataFrame, by_model: pd.DataFrame, settings: dict
) -> list[dict]:
    fit = spread_settings(settings)
    shared = spreads(by_device, "group", ["phase", "kind"], fit)
    own = spreads(by_model, "model", ["phase", "kind"], fit) if len(by_model) else shared
    lines = []
    for (kind, group), logs in sorted(model.fits.items()):
        part = rows[(rows["kind"].eq(kind) | (kind == ANY)) & (rows["group"].eq(group) | (group == ANY))]
        found = coefficients([logs])
        line = {"kind": kind, "device": group} | {name: float(getattr(found, name)[0]) for name in Fit._fields}
        for phase in ("prefill", "step"):
            ends = nearest(shared, (phase, kind))
            line[f"{phase}_low"], line[f"{phase}_high"] = (
                ends if group == ANY else wider(ends, nearest(own, (phase, kind)))
            )
        fidelity = "theoretical" if kind == ANY else "class" if group == ANY else "calibrated"
        lines.append(line | {"fidelity": fidelity, "rows": len(part), "models": part["model"].nunique()})
    return lines


def spread_settings(settings: dict) -> dict:
    return settings["fit"] | {"spread_rows": settings["language"]["spread_rows"]}


def files(rows: pd.DataFrame, out: Path, settings: dict) -> dict[str, pd.DataFrame]:
    model = LanguageModel(rows, settings, devices=True)
    by_device, by_model = (held_out(rows, of, settings) for of in ("group", "model"))
    write(out / "llm.csv", llm_lines(model, rows, by_device, by_model, settings))
    write(out / "llm_engine_factors.csv", engine_table(model.engines, "phase"))
    tables, fit = {}, spread_settings(settings)
    for phase in ("prefill", "step"):
        devices, models = (held[held["phase"].eq(phase)] for held in (by_device, by_model))
        tables[f"held_out_devices_{phase}"] = achieved(devices, "group", ["kind"], fit)
        tables[f"held_out_models_{phase}"] = achieved(models, "model", ["kind"], fit, at_least=devices)
    return tables


def models_of(folder: Path) -> pd.DataFrame:
    return table(folder / "models.csv")
