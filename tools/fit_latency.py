"""Fit latency coefficients from a folder of published measurements; writes ``data/calibrations``.

Usage: python tools/fit_latency.py [FOLDER] [--out FOLDER] [--devices FOLDER] [--settings FOLDER] [--date YYYY-MM-DD]
"""

import argparse
import hashlib
import tomllib
from pathlib import Path

import fit_llm
import numpy as np
import pandas as pd
from fit_effects import effect_columns, factors, fit_effects, write_effects
from measured_rows import ROOT, one_shot, read, records, row_files
from roofline_fit import ANY, achieved, balances, engine_factors, engine_table, fold_of, nearest, robust, spreads, write

from advisor import load
from advisor.measured import ONE_SHOT
from advisor.published import INDEX, measurements, write_index
from advisor.units import BILLION

CLASS_KEYS, OWN_KEYS = ["kind", "format"], ["kind", "group", "format"]
OUT = ROOT / "data" / "calibrations"
METHOD = (
    "Roofline t = f (o + max(W b / P, Q / B) n^(1 - gamma) / e): overhead o (from small batches) and efficiency e "
    "(from all rows) minimise the soft absolute log residual, each group (device and precision within kind and "
    "precision within kind within all) drawn to its parent; every (device, model) pair weighs once, for kinds "
    "every device once. Engine factor f: median over devices of the median residual, shrunk. Throughput rows "
    "count as saturated: no overhead, one stream a unit. Intervals: 10 % and 90 % quantiles of residuals of whole "
    "held-out devices (class) or models (calibrated), widened for few groups. Tables: each row predicted with its "
    "device or model held out, its interval taken from the other folds; figures count a (device, model) pair "
    "once, coverage_once each held-out one once. Language models: prefill first, then bandwidth efficiency, step "
    "overhead and collectives; calibrated intervals are no narrower than those of the class, as few models were "
    "measured. Left out of fit and tables: rows that beat the roof impossibly, those of MLPerf's open division whose "
    "network may be another one, engines and models named in the settings. The settings were chosen with these "
    "tables in view, so expect slightly worse on rows from "
    "elsewhere."
)


class Model:
    """Fitted one-shot coefficients; keys are (kind, precision, group), ``*`` for every one."""

    def __init__(self, rows: pd.DataFrame, gammas: dict[str, float], settings: dict, *, devices: bool) -> None:
        self.settings, self.gammas = settings["fit"], gammas
        self.fits: dict[tuple, np.ndarray] = {}
        self.engines: dict[tuple[str, str], tuple[float, int, int]] = {}
        self.balances: dict[str, tuple[float, float, int, int]] = {}
        for _ in range(self.settings["engine_rounds"]):
            self._fit_kinds(rows)
            residual = np.log(rows["y"] / sum(self.parts(rows)) * self.engine_factor(rows))
            self.engines = engine_factors(residual, [rows["kind"], rows["engine_id"]], rows["group"], self.settings)
            residual = np.log(rows["y"] / sum(self.parts(rows)))
            self.balances = balances(residual, rows, self.balances, self.settings)
        self._fit_kinds(rows)
        if devices:
            for key, part in self._enough(rows, ["kind", "format", "group"], of="own"):
                self.fits[key] = self._fit(part, part["pair"], key)
        self.effects = fit_effects(rows, *self.parts(rows), settings)

    def _fit_kinds(self, rows: pd.DataFrame) -> None:
        start = self.settings["start"]
        self.fits = {(ANY, ANY, ANY): np.log([start["efficiency"], start["overhead_s"]])}
        self.fits[ANY, ANY, ANY] = self._fit(rows, rows["device_weight"], (ANY, ANY, ANY))
        for keys in (["kind"], ["kind", "format"]):
            for found, part in self._enough(rows, keys):
                key = (*found, *[ANY] * (3 - len(keys)))
                self.fits[key] = self._fit(part, part["device_weight"], key)

    def _enough(self, rows: pd.DataFrame, keys: list[str], *, of: str = "enough"):
        least = self.settings[f"{of}_rows"], self.settings[f"{of}_models"]
        for key, part in rows.groupby(keys, sort=True):
            models = min(least[1], self.settings["few_models"].get(key[0], least[1]))
            if len(part) >= least[0] and part["model"].nunique() >= models:
                yield key, part

    def _fit(self, rows: pd.DataFrame, weight: pd.Series, key: tuple) -> np.ndarray:
        """Overhead from rows of small batches, then the efficiency from all rows."""
        parent = nearest(self.fits, key)
        small = rows["waits"].eq(1) & rows["batch"].le(self.settings["small_batch"])
        overhead = (
            self._robust(rows[small], weight[small], parent, parent[1], free=2)[1]
            if small.sum() >= self.settings["enough_rows"]
            else parent[1]
        )
        return np.r_[self._robust(rows, weight, parent, overhead, free=1)[0], overhead]

    def _robust(
        self, rows: pd.DataFrame, weight: pd.Series, parent: np.ndarray, overhead: float, *, free: int
    ) -> np.ndarray:
        ends = tuple(
            np.array([self.settings["efficiency"][end], self.settings["overhead_s"][end]][:free]) for end in (0, 1)
        )
        roof, waits, y = self.roof(rows), rows["waits"].to_numpy(), rows["y"].to_numpy() / self.engine_factor(rows)
        fixed = np.exp(overhead)

        def predicted(values: np.ndarray) -> np.ndarray:
            return waits * (values[1] if free == 2 else fixed) + roof / values[0]

        return robust(predicted, y, weight.to_numpy(), parent[:free], ends, self.settings)

    def engine_factor(self, rows: pd.DataFrame) -> np.ndarray:
        return np.array([self.engines.get(key, (1.0,))[0] for key in zip(rows["kind"], rows["engine_id"], strict=True)])

    def roof(self, rows: pd.DataFrame) -> np.ndarray:
        gamma = rows["kind"].map(self.gammas).fillna(1.0)
        exponent, balance = (rows["kind"].map({k: v[i] for k, v in self.balances.items()}) for i in (0, 1))
        fed = (rows["peak"] / rows["bandwidth"] / balance) ** exponent
        roof = np.maximum(rows["compute"] * fed.fillna(1.0), rows["memory"])
        return np.where(rows["waits"].eq(1), roof * rows["units"] ** (1 - gamma), roof)

    def parts(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Overhead and work of every row in seconds, without the effects."""
        keys = list(zip(rows["kind"], rows["format"], rows["group"], strict=True))
        lines = {key: nearest(self.fits, key) for key in dict.fromkeys(keys)}
        efficiency, overhead = np.exp(np.array([lines[key] for key in keys])).T
        engine = self.engine_factor(rows)
        return engine * rows["waits"].to_numpy() * overhead, engine * self.roof(rows) / efficiency

    def predicted(self, rows: pd.DataFrame) -> np.ndarray:
        """Seconds of every row, effects included."""
        overhead, work = self.parts(rows)
        on_whole, on_work = factors(self.effects, rows)
        return on_whole * (overhead + work * on_work)


def thread_scaling(rows: pd.DataFrame, settings: dict) -> dict[str, tuple[float, int, int]]:
    """Kind -> (gamma, rows, devices): median over devices measured with several thread counts, overhead apart."""
    kinds, fit = settings["kinds"]["threads"], settings["fit"]
    threads = rows[rows["threads"].notna() & rows["kind"].isin(kinds) & rows["waits"].eq(1)]
    threads = threads[threads.groupby("name")["units"].transform("nunique").gt(1)]
    each = {name: device_gamma(part, fit) for name, part in threads.groupby("name", sort=True)}
    gammas = pd.Series(each, dtype=float)
    kind_of = threads.groupby("name")["kind"].first().reindex(gammas.index)
    usual = float(gammas.median()) if len(gammas) else 1.0
    found = {kind: (float(part.median()), int(threads["kind"].eq(kind).sum()), len(part))
             for kind, part in gammas.groupby(kind_of) if len(part) >= fit["enough_thread_devices"]}  # fmt: skip
    return {kind: found.get(kind, (usual, 0, 0)) for kind in kinds}


def device_gamma(rows: pd.DataFrame, fit: dict) -> float:
    """Exponent of one device, fitted together with its efficiency and overhead."""
    start = np.log([fit["start"]["efficiency"], fit["start"]["overhead_s"], fit["start"]["gamma"]])
    bounds = tuple(np.array([fit["efficiency"][end], fit["overhead_s"][end], fit["gamma"][end]]) for end in (0, 1))
    roof, units = rows["roof"].to_numpy(), rows["units"].to_numpy()
    weight = 1 / rows.groupby("model")["y"].transform("size").to_numpy()
    found = robust(lambda p: p[1] + roof * units ** (1 - p[2]) / p[0], rows["y"].to_numpy(), weight, start, bounds, fit)
    return float(np.exp(found[2]))


def held_out(rows: pd.DataFrame, of: str, gammas: dict[str, float], settings: dict) -> pd.DataFrame:
    """Residuals of every row, predicted by fits that saw nothing of its group (``of``)."""
    fold, parts = fold_of(rows[of], settings["fit"]["folds"]), []
    for number in sorted(fold.unique()):
        model = Model(rows[fold != number], gammas, settings, devices=True)
        test = rows[fold == number]
        fitted = [(k, f, g) in model.fits for k, f, g in zip(test["kind"], test["format"], test["group"], strict=True)]
        test = test[fitted] if of == "model" else test
        parts.append(test.assign(residual=np.log(test["y"] / model.predicted(test))))
    return pd.concat(parts).sort_index()


def latency_lines(model: Model, rows: pd.DataFrame, class_spread: dict, own_spread: dict) -> list[dict]:
    lines = []
    for key, logs in sorted(model.fits.items()):
        kind, precision, group = key
        part = rows[
            rows["kind"].eq(kind)
            & (rows["format"].eq(precision) | (precision == ANY))
            & (rows["group"].eq(group) | (group == ANY))
        ]
        if kind == ANY:
            continue
        low, high = nearest(
            class_spread if group == ANY else own_spread,
            (kind, precision) if group == ANY else (kind, group, precision),
        )
        lines.append({"kind": kind, "device": group, "precision": precision,
                      "efficiency": np.exp(logs[0]), "overhead_s": np.exp(logs[1]),
                      "low_factor": low, "high_factor": high, "rows": len(part), "models": part["model"].nunique(),
                      "fidelity": "class" if group == ANY else "calibrated"})  # fmt: skip
    return lines


def toml(value: object) -> str:
    if isinstance(value, list):
        return "[\n" + "".join(f"  {toml(item)},\n" for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    return f"{value:.4g}" if isinstance(value, float) else str(value) if isinstance(value, int) else f'"{value}"'


def provenance(
    folder: Path, date: str, tables: dict[str, pd.DataFrame], counts: dict[str, object], settings: dict
) -> str:
    head = {"title": "published inference measurements, one source named a row", "dated": date, "method": METHOD,
            "licence_permissive": ", ".join(settings["licence"]["permissive"]),
            "licence_refused": ", ".join(settings["licence"]["refused"])}  # fmt: skip
    files = {
        "rows": row_files(folder),
        "devices": [folder / "devices.csv"],
        "models": [folder / "models.csv"],
        "activations": [ROOT / "data" / "measured" / "activations.csv"],
    }
    sums = {f"sha256_{name}": _sum(paths) for name, paths in files.items()}
    body = head | sums | counts | {name: table.to_dict("records") for name, table in tables.items()}
    return "# Made by tools/fit_latency.py; do not edit by hand.\n" + "".join(
        f"{key} = {toml(value)}\n" for key, value in body.items()
    )


def _sum(paths: list[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def fitted(folder: Path, devices_folder: Path, settings_folder: Path, out: Path, date: str) -> dict[str, pd.DataFrame]:
    """Fit everything and write it; the tables of errors and coverage on what was held out."""
    settings = tomllib.loads((settings_folder / "settings.toml").read_text(encoding="utf-8"))
    engines = tomllib.loads((settings_folder / "engines.toml").read_text(encoding="utf-8"))["engines"]
    formats = tomllib.loads((ROOT / "data" / "precisions.toml").read_text(encoding="utf-8"))
    weight_bytes = {name: size + formats["overhead"].get(name, 0) for name, size in formats["bytes"].items()}
    rows = read(folder, records(devices_folder), settings, engines)
    shots = effect_columns(one_shot(rows, weight_bytes, settings), settings)
    tokens = fit_llm.language_rows(rows, fit_llm.models_of(folder), settings)
    out.mkdir(parents=True, exist_ok=True)
    tables = one_shot_files(shots, out, settings) | fit_llm.files(tokens, out, settings)
    known = rows.loc[rows["id"].ne(""), "id"]
    counts = {
        "support": support(shots, tokens),
        "rows_permissive": len(rows),
        "rows_one_shot": len(shots),
        "rows_language": len(tokens),
        "device_records_measured": known.nunique(),
    }
    engines_of_ours = {system.id for system in load().systems.values() if system.engine}
    once = rows[rows["metric"].isin(ONE_SHOT)]
    write_index(out / INDEX, measurements(once), set(known), engines_of_ours)
    (out / "latency.toml").write_text(
        provenance(folder, date, tables, counts, settings), encoding="utf-8", newline="\n"
    )
    return tables


def support(shots: pd.DataFrame, tokens: pd.DataFrame) -> dict[str, float]:
    """Least work, and most of everything, that was measured: far beyond, predictions have nothing to stand on."""
    columns = {"macs": shots["gmacs"] * BILLION, "batch": shots["batch"].replace(np.inf, np.nan),
               "active_params": tokens["active"], "input_tokens": tokens["input_tokens"],
               "concurrency": tokens["batch_size"]}  # fmt: skip
    least = {f"{name}_least": float(columns[name].min()) for name in ("macs", "active_params")}
    return least | {f"{name}_most": float(values.max()) for name, values in columns.items()}


def one_shot_files(rows: pd.DataFrame, out: Path, settings: dict) -> dict[str, pd.DataFrame]:
    threads = thread_scaling(rows, settings)
    gammas = {kind: gamma for kind, (gamma, _, _) in threads.items()}
    model = Model(rows, gammas, settings, devices=True)
    by_device, by_model = (held_out(rows, of, gammas, settings) for of in ("group", "model"))
    fit = settings["fit"]
    class_spread, own_spread = spreads(by_device, "group", CLASS_KEYS, fit), spreads(by_model, "model", OWN_KEYS, fit)
    write(out / "latency.csv", latency_lines(model, rows, class_spread, own_spread))
    lines = [
        {"kind": kind, "exponent": exponent, "balance": balance, "rows": count, "devices": devices}
        for kind, (exponent, balance, count, devices) in sorted(model.balances.items())
    ]
    write(out / "balance.csv", lines, columns=["kind", "exponent", "balance", "rows", "devices"])
    write(out / "engine_factors.csv", engine_table(model.engines, ["kind", "engine"]))
    write_effects(out / "effects.csv", model.effects)
    write(
        out / "threads.csv",
        [
            {"kind": kind, "gamma": gamma, "rows": count, "devices": devices}
            for kind, (gamma, count, devices) in threads.items()
        ],
    )
    return {
        "held_out_devices": achieved(by_device, "group", CLASS_KEYS, fit),
        "held_out_models": achieved(by_model, "model", OWN_KEYS, fit),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=ROOT / "data" / "measured",
        help="folder with SOURCE.csv.xz or judged.parquet (or .csv), devices.csv and models.csv",
    )
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--devices", type=Path, default=ROOT / "data" / "devices", help="folder of device records")
    parser.add_argument("--settings", type=Path, default=OUT, help="folder of settings.toml and engines.toml")
    parser.add_argument("--date", default="2026-11-25", help="date that the provenance states")
    asked = parser.parse_args()
    for name, table in fitted(asked.folder, asked.devices, asked.settings, asked.out, asked.date).items():
        print(f"{name}\n{table.to_string(index=False, float_format=lambda value: f'{value:.2f}')}")


if __name__ == "__main__":
    main()
