"""Published measurements -> rows that a roofline can be fitted to: licence, names, precisions, peaks of one unit."""

import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from advisor.measured import (  # noqa: E402
    device_ids,
    engine_ids,
    hardware,
    in_our_terms,
    specs_of,
    stated_or_usual,
    table,
)
from advisor.schema import Device  # noqa: E402
from advisor.units import BILLION, FLOP_PER_MAC, MILLION  # noqa: E402

__all__ = [
    "as_named",
    "device_ids",
    "engine_ids",
    "one_shot",
    "permissive",
    "published",
    "read",
    "records",
    "row_files",
    "table",
    "weighed",
]


def row_files(folder: Path) -> list[Path]:
    """Files of measured rows of a folder: one a source, or all in one."""
    found = sorted(folder.glob("*.csv.xz")) or sorted(folder.glob("judged.*"))
    if not found:
        raise SystemExit(f"{folder}: neither SOURCE.csv.xz nor judged.parquet nor judged.csv is there")
    return found


def published(folder: Path) -> pd.DataFrame:
    """All measured rows of a folder."""
    return pd.concat([table(path) for path in row_files(folder)], ignore_index=True)


def records(folder: Path) -> dict[str, Device]:
    return {
        path.stem: Device(**tomllib.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.toml"))
    }


def permissive(licences: pd.Series, rule: dict) -> pd.Series:
    """Whether a row's licence begins permissively and holds no refused word."""
    text = licences.fillna("").astype(str)
    return text.str.startswith(tuple(rule["permissive"])) & ~text.str.contains(
        "|".join(map(re.escape, rule["refused"]))
    )


def as_named(sources: pd.Series, rule: dict) -> pd.Series:
    """Whether a row surely ran the network that it names, by its source; in an open division it may be another one."""
    text = sources.fillna("").astype(str)
    unchanged = text.str.contains("|".join(map(re.escape, rule["as_named"])))
    return unchanged | ~text.str.contains(rule["source"], regex=False)


def read(folder: Path, devices: dict[str, Device], settings: dict, engines: list[dict]) -> pd.DataFrame:
    """Permissive rows of the networks that they name: ids, kind, precision, and one unit's peak and bandwidth."""
    rows = published(folder)
    rows = rows[permissive(rows["licence"], settings["licence"]) & rows["measured_s"].gt(0)]
    rows = rows[as_named(rows["source"], settings["open_division"])]
    rows = in_our_terms(rows, devices, settings, engines)
    rows["format"] = stated_or_usual(rows, settings)
    kinds = set(Device.model_fields["kind"].annotation.__args__)
    rows = rows[rows["format"].notna() & rows["device_class"].isin(kinds)].reset_index(drop=True)
    for name in sorted(set(rows["id"]) - {""}):
        if (devices[name].unit == "vCPU") != (devices[name].kind in settings["kinds"]["per_vcpu"]):
            raise SystemExit(
                f"{name}: a {devices[name].kind} counts per {devices[name].unit}, not as [kinds] per_vcpu says"
            )
    return hardware(rows, specs_of(table(folder / "devices.csv")), devices, settings)


def one_shot(rows: pd.DataFrame, weight_bytes: dict[str, float], settings: dict) -> pd.DataFrame:
    """Rows of models that answer at once: seconds y, and seconds at the roof; impossibly fast ones are left out."""
    rows = rows[rows["metric"].isin(["latency", "throughput"]) & rows["gmacs"].gt(0) & rows["peak"].gt(0)]
    batch = rows["batch_size"].fillna(np.inf).where(rows["metric"].eq("throughput"), rows["batch_size"].fillna(1))
    latency = rows["metric"].eq("latency")
    work = rows["gmacs"] * BILLION * FLOP_PER_MAC
    traffic = rows["params_m"].fillna(0) * MILLION * rows["format"].map(weight_bytes)
    memory = (traffic / rows["bandwidth"]).fillna(0)
    compute = np.where(latency, work * batch, work) / rows["peak"]
    memory = np.where(latency, memory, memory / batch)
    streams = rows["device_count"].clip(lower=1)
    rows = rows.assign(
        batch=batch,
        y=np.where(latency, rows["measured_s"], rows["measured_s"] * streams),
        waits=latency.astype(float),
        compute=compute / rows["units"],
        memory=memory / rows["units"],
        roof=np.maximum(compute, memory) / rows["units"],
    )
    return weighed(rows[rows["roof"] <= rows["y"] * settings["fit"]["impossible"]].reset_index(drop=True))


def weighed(rows: pd.DataFrame) -> pd.DataFrame:
    """Weight of a row: every (device, model) pair counts once, and every device once among its kind."""
    pair = 1 / rows.groupby(["group", "model"])["y"].transform("size")
    return rows.assign(pair=pair, device_weight=pair / pair.groupby(rows["group"]).transform("sum"))
