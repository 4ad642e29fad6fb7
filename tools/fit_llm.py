"""Fit prefill and decoding coefficients of language models to published measurements."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from measured_rows import table, weighed
from roofline_fit import ANY, achieved, engine_factors, engine_table, fold_of, nearest, robust, spreads, wider, write

from advisor.llm import Coefficients, Fit, decode_step_s, prefill_s
from advisor.measured_models import prefill_arguments, sized, step_arguments, with_tokens

PREFILL, STEP = (
    ("compute_efficiency", "prefill_layer_s"),
    ("bandwidth_efficiency", "cache_efficiency", "step_layer_s", "collective_s", "sequence_s"),
)
NAMES = PREFILL + STEP
NO_FACTOR = {(ANY, ANY, ANY): (1.0, 0, 0)}
DECODING = ("tpot", "tpot_batched")


def language_rows(rows: pd.DataFrame, models: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows of single prompts and of decoding with the sizes that the formulas take."""
    words = settings["language"]
    rows = rows[rows["metric"].isin(["ttft", *DECODING]) & ~rows["model"].isin(words["encoders"])]
    rows = sized(rows.reset_index(drop=True), models)
    rows = rows[rows["layers"].notna() & rows["peak"].gt(0)].reset_index(drop=True)
    rows = with_tokens(rows, words)
    in_turn = rows["engine_id"].isin(words["in_turn_engines"]) & ~rows["kind"].isin(settings["kinds"]["per_vcpu"])
    return weighed(rows.assign(y=rows["measured_s"], in_turn=in_turn.astype(float)))


def prefill_of(rows: pd.DataFrame, found: Coefficients) -> np.ndarray:
    return prefill_s(**prefill_arguments(rows), coefficients=found)


def token_of(rows: pd.DataFrame, found: Coefficients) -> np.ndarray:
    """Time per output token; under load the prompts of the other sequences interrupt decoding."""
    step = decode_step_s(**step_arguments(rows), coefficients=found)
    loaded = rows["metric"].eq("tpot_batched") & rows["output_tokens"].gt(0)
    return step + np.where(loaded, rows["batch"] * prefill_of(rows, found) / rows["answer"], 0)


def seconds(rows: pd.DataFrame, found: Coefficients) -> np.ndarray:
    return np.where(rows["metric"].eq("ttft"), prefill_of(rows, found), token_of(rows, found))


class LanguageModel:
    """Fitted coefficients; keys are (kind, group), ``*`` for every one; values are logs as in ``PREFILL + STEP``."""

    def __init__(self, rows: pd.DataFrame, settings: dict, *, devices: bool) -> None:
        self.fit, self.words = settings["fit"], settings["language"]
        usual = np.log([self.words["start"][name] for name in NAMES])
        self.engines: dict[tuple[str, str, str], tuple[float, int, int]] = dict(NO_FACTOR)
        self.fits: dict[tuple, np.ndarray] = {}
        for _ in range(self.fit["engine_rounds"]):
            self._fit_all(rows, usual, devices=False)
            residual = np.log(rows["y"] / self.predicted(rows) * self.engine_factor(rows))
            self.engines = self._engines(rows, residual)
        self._fit_all(rows, usual, devices=devices)

    def _fit_all(self, rows: pd.DataFrame, usual: np.ndarray, *, devices: bool) -> None:
        self.fits = {(ANY, ANY): self._fit(rows, "device_weight", usual)}
        for key, part, weight in self._groups(rows, devices=devices):
            self.fits[(*key, ANY)[:2]] = self._fit(part, weight, nearest(self.fits, (key[0], ANY)))

    def engine_factor(self, rows: pd.DataFrame) -> np.ndarray:
        keys = zip(phase_of(rows), rows["engine_id"], rows["format"], strict=True)
        return np.array([nearest(self.engines, key)[0] if key[1] else 1.0 for key in keys])

    def _engines(self, rows: pd.DataFrame, residual: pd.Series) -> dict[tuple[str, str, str], tuple[float, int, int]]:
        """Factor of every engine, and of its number formats, some of which it computes much more slowly."""
        phase, group = phase_of(rows), rows["group"]
        any_format = pd.Series(ANY, rows.index)
        every = engine_factors(residual, [phase, rows["engine_id"], any_format], group, self.fit)
        keys = zip(phase, rows["engine_id"], any_format, strict=True)
        rest = residual - np.log([every.get(key, (1.0,))[0] for key in keys])
        fine = engine_factors(rest, [phase, rows["engine_id"], rows["format"]], group, self.fit)
        return NO_FACTOR | every | {k: (v[0] * every[k[0], k[1], ANY][0], *v[1:]) for k, v in fine.items()}

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
        """Prefill and decoding together, as prompts interrupt decoding; drawn to the parent."""
        bounds = [self.words["bounds"][name] for name in NAMES]
        ends = tuple(np.array([bound[end] for bound in bounds]) for end in (0, 1))
        y = rows["y"].to_numpy() / self.engine_factor(rows)
        settings = self.fit | {"prior_pairs": self.words["prior_pairs"]}

        def predicted(values: np.ndarray) -> np.ndarray:
            return seconds(rows, coefficients([np.log(values)] * len(rows), rows["in_turn"].to_numpy()))

        return robust(predicted, y, self._weight(rows, weight), parent, ends, settings)

    def _weight(self, rows: pd.DataFrame, name: str) -> np.ndarray:
        return rows[name].to_numpy() ** self.words["evenness"]

    def predicted(self, rows: pd.DataFrame) -> np.ndarray:
        logs = [nearest(self.fits, key) for key in zip(rows["kind"], rows["group"], strict=True)]
        found = coefficients(logs, rows["in_turn"].to_numpy())
        return self.engine_factor(rows) * seconds(rows, found)


def phase_of(rows: pd.DataFrame) -> pd.Series:
    return rows["metric"].eq("ttft").map({True: "prefill", False: "step"})


def coefficients(logs: list[np.ndarray], in_turn: np.ndarray) -> Coefficients:
    one = np.ones(len(logs))
    fitted = dict(zip(NAMES, np.exp(np.array(logs)).T, strict=True))
    neutral = dict.fromkeys(
        ("prefill_low", "prefill_high", "step_low", "step_high", "prefill_engine", "step_engine"), one
    )
    return Coefficients(**fitted, **neutral, in_turn=in_turn, fidelity=one.astype(np.int8))


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
        found = coefficients([logs], np.zeros(1))
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
    write(out / "llm_engine_factors.csv", engine_table(model.engines, ["phase", "engine", "format"]))
    tables, fit = {}, spread_settings(settings)
    for phase in ("prefill", "step"):
        devices, models = (held[held["phase"].eq(phase)] for held in (by_device, by_model))
        tables[f"held_out_devices_{phase}"] = achieved(devices, "group", ["kind"], fit)
        tables[f"held_out_models_{phase}"] = achieved(models, "model", ["kind"], fit, at_least=devices)
    return tables


def models_of(folder: Path) -> pd.DataFrame:
    return table(folder / "models.csv")
