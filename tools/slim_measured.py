"""Slim copy of published measurements for ``data/measured``: permissive licences, the columns that are used.

Usage: python tools/slim_measured.py FOLDER [--out FOLDER]
"""

import argparse
import lzma
import tomllib
from pathlib import Path

import pandas as pd
from measured_rows import ROOT, as_named, permissive, published, table

from advisor.units import MS_PER_S

COLUMNS = [
    "model_key", "family", "params_m", "gmacs", "input_shape", "precision_norm", "batch_size", "engine", "device",
    "device_class", "device_count", "threads", "input_tokens", "output_tokens", "metric", "measured_s",
    "peak_flop_per_s", "bandwidth_bytes_per_s", "notes", "source", "date", "licence",
]  # fmt: skip
DEVICES = [
    "device", "device_class", "vendor", "peak_fp32_tflops", "peak_fp16_tflops", "peak_int8_tops", "peak_fp8_tflops",
    "mem_bw_gbs", "mem_gb", "spec_note", "spec_source",
]  # fmt: skip
MODELS = [
    "model", "family", "params_m", "active_params_m", "gmacs", "input", "layers", "hidden", "heads", "kv_heads",
    "head_dim", "source", "note",
]  # fmt: skip
NOTES = r"(macts_m=[0-9.]+|(?:\w+_size=\d+ ?)+)"
"""What of a row's notes says more of the run than its columns: activations written, and parallelism."""


def slim(rows: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Permissive rows of the networks that they name, in an order that does not depend on that of the source."""
    rows = rows[permissive(rows["licence"], settings["licence"]) & rows["measured_s"].gt(0)]
    rows = rows[as_named(rows["source"], settings["open_division"])]
    notes = rows["notes"].astype(object).fillna("").astype(str).str.extract(NOTES)[0].str.strip()
    return rows.assign(notes=notes).sort_values(["source_id", *COLUMNS], kind="stable")


def microcontrollers(folder: Path) -> pd.DataFrame:
    """Rows of MLPerf Tiny on microcontrollers in the schema of judged rows; none where the folder has none."""
    path = folder / "tinyml.parquet"
    if not path.exists():
        return pd.DataFrame({name: [] for name in ("source_id", *COLUMNS)})
    rows = table(path)
    rows = rows[rows["device_class"].eq("mcu") & rows["latency_ms"].gt(0)]
    return rows.assign(metric="latency", measured_s=rows["latency_ms"] / MS_PER_S)


def write(folder: Path, out: Path) -> dict[str, int]:
    """Files of rows by source, of devices and of language models; the number of rows by source."""
    settings = tomllib.loads((ROOT / "data" / "calibrations" / "settings.toml").read_text(encoding="utf-8"))
    rows = slim(pd.concat([published(folder), microcontrollers(folder)], ignore_index=True), settings)
    out.mkdir(parents=True, exist_ok=True)
    for source, part in rows.groupby("source_id", sort=True):
        packed(out / f"{source}.csv.xz", part[COLUMNS])
    devices, models = table(folder / "devices.csv"), table(folder / "models.csv")
    devices = devices[devices["device"].isin(rows["device"])][DEVICES]
    models = models[models["model"].isin(rows["model_key"]) & models["layers"].notna()][MODELS]
    for name, sheet in (("devices", devices), ("models", models)):
        (out / f"{name}.csv").write_bytes(text(sheet))
    return rows["source_id"].value_counts().sort_index().to_dict()


def packed(path: Path, rows: pd.DataFrame) -> None:
    path.write_bytes(lzma.compress(text(rows), preset=9))


def text(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with judged.parquet (or .csv), devices.csv and models.csv")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "measured")
    asked = parser.parse_args()
    for source, count in write(asked.folder, asked.out).items():
        print(f"{source} {count}")


if __name__ == "__main__":
    main()
