"""Errors on whole models and whole devices that a refit never saw, beside four simple predictors, on the same rows.

Usage: python benchmarks/accuracy.py [FOLDER] [--parts N] [--json FILE]

Every part of the split hides a fifth of the devices and a fifth of the models, refits all coefficients on the rest
and predicts what was hidden.  A figure is over all parts that were run; N = 5 hides every device and model once.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from fit_latency import OUT, fitted  # noqa: E402
from measured_rows import published  # noqa: E402
from roofline_fit import fold_of  # noqa: E402

from advisor import load, predict  # noqa: E402
from advisor.calibration import load_calibration  # noqa: E402
from advisor.effects import Traits, architecture  # noqa: E402
from advisor.judged import predicted, prepared  # noqa: E402
from advisor.latency import service_interval_s  # noqa: E402
from advisor.llm import load_language_calibration  # noqa: E402
from advisor.measured import LANGUAGE, measured_rows, table  # noqa: E402
from advisor.score import figures  # noqa: E402
from advisor.units import BILLION, FLOP_PER_MAC  # noqa: E402

PARTS = 5
SIDE = 100
HIDDEN = ("unseen_model", "unseen_device", "both")
KEPT = "seen"


def hidden(rows: pd.DataFrame, part: int) -> pd.Series:
    """What a part of the split hides of every row."""
    device, model = (fold_of(rows[name], PARTS).eq(part) for name in ("device", "model_key"))
    return pd.Series(np.select([device & model, device, model], ["both", *HIDDEN[1::-1]], KEPT), rows.index)


def refitted(folder: Path, rows: pd.DataFrame, out: Path) -> None:
    """Coefficients of some rows alone, in a folder of their own."""
    given = out / "measured"
    given.mkdir(parents=True)
    rows.to_csv(given / "judged.csv", index=False)
    for name in ("devices.csv", "models.csv"):
        (given / name).write_bytes((folder / name).read_bytes())
    fitted(given, ROOT / "data" / "devices", OUT, out, "of the benchmark")
    (out / "settings.toml").write_bytes((OUT / "settings.toml").read_bytes())


def roof_s(rows: pd.DataFrame) -> np.ndarray:
    """Naive roofline of rows of models that answer at once [s]."""
    saturated = rows["metric"].eq("throughput")
    batch = rows["batch_size"].fillna(1.0).to_numpy()
    work = rows["gmacs"].to_numpy() * BILLION * FLOP_PER_MAC * np.where(saturated, 1.0, batch)
    traffic = rows["weight_bytes"].to_numpy() / np.where(saturated, batch, 1.0)
    together = rows["units"].to_numpy() * np.where(saturated, rows["device_count"].fillna(1.0), 1.0)
    compute_s, memory_s = work / rows["peak"].to_numpy(), traffic / rows["bandwidth"].to_numpy()
    return np.asarray(np.fmax(compute_s, memory_s) / together, float)


def one_factor(known: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Roofline times the median ratio of device and format, else of class and format, else of the class."""
    ratio = known["measured_s"] / known["roof_s"]
    factor = pd.Series(np.nan, asked.index)
    for keys in (["device", "format"], ["device_class", "format"], ["device_class"]):
        median = ratio.groupby([known[key] for key in keys]).median()
        at = pd.MultiIndex.from_frame(asked[keys]) if len(keys) > 1 else asked[keys[0]]
        factor = factor.fillna(pd.Series(median.reindex(at).to_numpy(), asked.index))
    return (asked["roof_s"] * factor.fillna(ratio.median())).to_numpy()


def factor_and_overhead(known: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Least relative squares of a factor and an overhead, by device and format, else by class and format."""
    answer = np.full(len(asked), np.nan)
    for keys in (["device", "format"], ["device_class", "format"]):
        for key, part in known.groupby(keys):
            columns = np.c_[part["roof_s"], np.ones(len(part))] / part["measured_s"].to_numpy()[:, None]
            if len(part) < PARTS:
                continue
            found = np.linalg.lstsq(columns, np.ones(len(part)), rcond=None)[0]
            here = asked[keys].eq(list(key)).all(axis=1).to_numpy() & np.isnan(answer)
            answer[here] = np.maximum(asked["roof_s"][here] * max(found[0], 0.0) + found[1], asked["roof_s"][here])
    return np.where(np.isnan(answer), one_factor(known, asked), answer)


def boosting(known: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Gradient boosting of the ratio to the roofline; needs scikit-learn."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    words = ["device_class", "format", "family", "engine_id", "metric"]
    codes = {name: {word: n for n, word in enumerate(sorted(known[name].astype(str).unique()))} for name in words}

    def columns(rows: pd.DataFrame) -> np.ndarray:
        numbers = [rows[n].astype(float) for n in ("gmacs", "params_m", "peak", "bandwidth", "batch_size", "units")]
        named = [rows[name].astype(str).map(codes[name]).astype(float) for name in words]
        sizes = [np.log(values.clip(lower=1e-9)) for values in (*numbers, rows["roof_s"])]
        return np.column_stack([*sizes, *named])

    model = HistGradientBoostingRegressor(max_iter=400, learning_rate=0.06, random_state=0)
    model.fit(columns(known), np.log(known["measured_s"] / known["roof_s"]))
    return np.asarray(asked["roof_s"] * np.exp(model.predict(columns(asked))), float)


def baselines() -> dict[str, Callable[[pd.DataFrame, pd.DataFrame], np.ndarray]]:
    found = {
        "roofline": lambda _, asked: asked["roof_s"].to_numpy(),
        "one factor": one_factor,
        "factor and overhead": factor_and_overhead,
    }
    try:
        import sklearn  # noqa: F401
    except ImportError:
        sys.stderr.write("gradient boosting left out: scikit-learn is not installed\n")
        return found
    return found | {"gradient boosting": boosting}


def language_factor(known: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Bandwidth or compute roof of a language model times the median ratio of device and metric, else of the metric."""
    ratio = known["measured_s"] / known["roof_s"]
    near = ratio.groupby([known["device"], known["metric"]]).median()
    found = pd.Series(near.reindex(pd.MultiIndex.from_frame(asked[["device", "metric"]])).to_numpy(), asked.index)
    return (asked["roof_s"] * found.fillna(asked["metric"].map(ratio.groupby(known["metric"]).median()))).to_numpy()


def language_roof_s(rows: pd.DataFrame) -> np.ndarray:
    """Weights read once a step, or the work of a prompt, on all devices at once [s]."""
    devices = rows["units"] * rows["device_count"].fillna(1.0).clip(lower=1.0)
    active = rows["active_params_m"].fillna(rows["params_m"]) / rows["params_m"]
    reading = rows["weight_bytes"] * active / (rows["bandwidth"] * devices)
    work = FLOP_PER_MAC * rows["params_m"] * 1e6 * active * rows["input_tokens"].fillna(512) / (rows["peak"] * devices)
    roof = np.where(rows["metric"].str.startswith("ttft"), work, reading)
    return np.where(rows["metric"].eq("offline_tokens"), roof / rows["batch_size"].fillna(1.0), roof)


def compared(rows: pd.DataFrame, folder: Path, part: int) -> list[pd.DataFrame]:
    """Hidden rows of one part with what every predictor says of them."""
    knowledge, devices, models = load(), table(folder / "devices.csv"), table(folder / "models.csv")
    what = hidden(rows, part)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        refitted(folder, rows[what.eq(KEPT)], out)
        calibration, language = load_calibration(out), load_language_calibration(out)
    test = rows[what.ne(KEPT)].reset_index(drop=True)
    said = predicted(test, knowledge, calibration, language, devices=devices, models=models)
    test["holdout"] = what[what.ne(KEPT)].to_numpy()
    found = [test.join(said).assign(predictor="advisor")]
    ready = prepared(rows, knowledge, calibration, devices=devices, models=models)
    generates = ready["metric"].isin(LANGUAGE)
    ready["roof_s"] = np.where(generates, language_roof_s(ready), roof_s(ready))
    sound = ready["roof_s"].gt(0) & ready["format"].notna()
    for mask, predictors in ((~generates, baselines()), (generates, {"one factor": language_factor})):
        known, asked = (ready[mask & sound & what.eq(KEPT)], ready[mask & sound & what.ne(KEPT)])
        for name, predictor in predictors.items():
            mid = predictor(known, asked)
            plain = rows.loc[asked.index].assign(holdout=what[asked.index], predictor=name)
            found.append(plain.assign(mid_s=mid, low_s=mid, high_s=mid, refusal="").reset_index(drop=True))
    return found


def results(compared_rows: pd.DataFrame) -> pd.DataFrame:
    """Figures of every predictor and group."""
    lines, ends = [], ["low_s", "mid_s", "high_s", "refusal"]
    for name, part in compared_rows.groupby("predictor", sort=False):
        rows = part.reset_index(drop=True)
        lines += [
            {"predictor": name, "group": one.group, "rows": one.rows, "refused": one.refused,
             "median error": one.ape_median, "90 % error": one.ape_p90, "factor": one.factor_median,
             "factor, pairs once": one.factor_median_pairs, "inside 80 %": one.coverage80,
             "pairs in order": one.pairs_ordered}
            for one in figures(rows.drop(columns=ends), rows[ends])
        ]  # fmt: skip
    return pd.DataFrame(lines)


def widths(compared_rows: pd.DataFrame) -> pd.Series:
    """Median of high over low of the advisor's intervals, by class of device."""
    own = compared_rows[compared_rows["predictor"].eq("advisor") & compared_rows["refusal"].eq("")]
    return (own["high_s"] / own["low_s"]).groupby(own["device_class"]).median()


def speed() -> dict[str, float]:
    """Seconds of a million predictions (100 devices, 100 models, 100 batches), and of one warm ``predict``."""
    knowledge, calibration = load(), load_calibration()
    devices = [one for one in knowledge.devices.values() if one.peak.get("fp16")] * SIDE
    models = [one for one in knowledge.models.values() if one.macs] * SIDE
    started = time.perf_counter()
    pairs = [(device, model) for device in devices[:SIDE] for model in models[:SIDE]]
    traits = [Traits(model.family, architecture(model.name), float(model.params)) for _, model in pairs]
    ids, kinds = [device.id for device, _ in pairs], [device.kind for device, _ in pairs]
    found = calibration.lookup(ids, kinds, ["fp16"] * len(pairs), [""] * len(pairs), traits).with_axes(1)
    work = FLOP_PER_MAC * np.array([[model.macs or 0.0] for _, model in pairs], float)
    weights = 2.0 * np.array([[model.params] for _, model in pairs], float)
    peak = np.array([[device.peak["fp16"]] for device, _ in pairs], float)
    bandwidth = np.array([[device.bandwidth or np.nan] for device, _ in pairs], float)
    batches = np.arange(1.0, SIDE + 1)
    low, mid, high = service_interval_s((work, work, work), weights, 0.0, batches, peak, bandwidth, 1.0, found)
    a_million = time.perf_counter() - started
    if mid.shape != (SIDE * SIDE, SIDE) or not ((low <= mid) & (mid <= high)).all():
        raise SystemExit("these are not a million intervals")
    predict("resnet50", "nvidia-t4")
    started = time.perf_counter()
    for _ in range(SIDE):
        predict("resnet50", "nvidia-t4")
    return {"a million predictions, s": a_million, "one warm predict, s": (time.perf_counter() - started) / SIDE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "data" / "measured")
    parser.add_argument("--parts", type=int, default=PARTS, help="parts of the split that are run, 1 to 5")
    parser.add_argument("--json", type=Path, help="file for the figures")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "rows.csv"
        published(asked.folder).to_csv(path, index=False)
        rows = measured_rows(path)
    parts = []
    for part in range(asked.parts):
        started = time.perf_counter()
        parts += compared(rows, asked.folder, part)
        sys.stderr.write(f"part {part + 1} of {asked.parts}: {time.perf_counter() - started:.0f} s\n")
    everything = pd.concat(parts, ignore_index=True)
    found, wide, fast = results(everything), widths(everything), speed()
    print(found.to_string(index=False, float_format=lambda value: f"{value:.2f}", na_rep="-"))
    print(f"\nmedian width of the interval, high over low\n{wide.to_string(float_format=lambda v: f'{v:.2f}')}")
    print("\n" + "\n".join(f"{key} {value:.4f}" for key, value in fast.items()))
    if asked.json:
        content = {"figures": found.to_dict("records"), "widths": wide.to_dict(), "speed": fast}
        asked.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
