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

from advisor.latency import peak_at  # noqa: E402
from advisor.schema import Device  # noqa: E402
from advisor.units import BILLION, FLOP_PER_MAC, MILLION, THOUSAND  # noqa: E402

PEAK_COLUMNS = {
    "fp32": "peak_fp32_tflops",
    "fp16": "peak_fp16_tflops",
    "int8": "peak_int8_tops",
    "fp8": "peak_fp8_tflops",
}
TRILLION = BILLION * THOUSAND


def table(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, low_memory=False)


def judged_file(folder: Path) -> Path:
    parquet, text = folder / "judged.parquet", folder / "judged.csv"
    return parquet if parquet.exists() else text


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


def engine_ids(names: pd.Series, engines: list[dict]) -> pd.Series:
    """Engine id of every published name; empty where none is known."""

    def one(name: str) -> str:
        low = name.lower()
        return next((entry["id"] for entry in engines if any(word in low for word in entry["words"])), "")

    unique = {name: one(str(name)) for name in names.fillna("").unique()}
    return names.fillna("").map(unique)


def device_ids(names: pd.Series, devices: dict[str, Device]) -> pd.Series:
    """Record id of every measured device name, by name or alias; empty where none is known."""
    known = {
        name.casefold(): device.id for device in devices.values() for name in (device.id, device.name, *device.aliases)
    }
    return names.fillna("").map(lambda name: known.get(str(name).casefold(), ""))


def read(folder: Path, devices: dict[str, Device], settings: dict, engines: list[dict]) -> pd.DataFrame:
    """Permissive rows of either sort with ids, kind, precision, and one unit's peak and bandwidth."""
    rows = table(judged_file(folder))
    rows = rows[permissive(rows["licence"], settings["licence"]) & rows["measured_s"].gt(0)]
    rows = rows.assign(
        name=rows["device"], id=device_ids(rows["device"], devices), kind=rows["device_class"], model=rows["model_key"],
        format=rows["precision_norm"].map(settings["precision"]), engine_id=engine_ids(rows["engine"], engines),
    )  # fmt: skip
    kinds = set(Device.model_fields["kind"].annotation.__args__)
    rows = rows[rows["format"].notna() & rows["kind"].isin(kinds)]
    rows["kind"] = [devices[i].kind if i else kind for i, kind in zip(rows["id"], rows["kind"], strict=True)]
    rows["kind"] = rows["kind"].replace(settings["kinds"]["same_silicon"])
    rows["group"] = np.where(rows["id"].ne(""), rows["id"], rows["name"])
    return hardware(
        rows.reset_index(drop=True),
        table(folder / "devices.csv").drop_duplicates("device").set_index("device"),
        devices,
        settings,
    )


def hardware(rows: pd.DataFrame, specs: pd.DataFrame, devices: dict[str, Device], settings: dict) -> pd.DataFrame:
    """Peak and bandwidth of one unit, and the units that a row used."""
    whole = rows.groupby(["name", "format"])["peak_flop_per_s"].transform("max")
    spec = specs.reindex(rows["name"]).reset_index(drop=True)
    listed = pd.Series(
        [peak_of(line, f, settings) for line, f in zip(spec.to_dict("records"), rows["format"], strict=True)]
    )
    whole = whole.fillna(listed)
    stated = pd.to_numeric(spec["spec_note"].str.extract(r"(\d+) cores")[0])
    cores = stated.fillna(rows.groupby("name")["threads"].transform("max")).fillna(1)
    share = np.where(stated.notna() & rows["threads"].notna(), rows["threads"] / cores, rows["peak_flop_per_s"] / whole)
    share = np.nan_to_num(np.clip(share, None, 1), nan=1.0)
    per_vcpu = rows["kind"].isin(settings["kinds"]["per_vcpu"])
    x86 = spec["vendor"].isin(settings["kinds"]["x86_vendors"])
    per_core = np.where(x86, settings["kinds"]["vcpu_per_core"]["x86"], settings["kinds"]["vcpu_per_core"]["other"])
    count = np.where(per_vcpu, cores * per_core, 1.0)
    bandwidth = rows["bandwidth_bytes_per_s"].fillna(spec["mem_bw_gbs"] * BILLION)
    rows = rows.assign(peak=whole / count, bandwidth=bandwidth / count, units=share * count)
    return of_records(rows, devices, settings)


def peak_of(line: dict, precision: str, settings: dict) -> float:
    peaks = {p: line[column] * TRILLION for p, column in PEAK_COLUMNS.items() if line.get(column) and line[column] > 0}
    return peak_at(peaks, precision, settings["fallback"]) or np.nan


def of_records(rows: pd.DataFrame, devices: dict[str, Device], settings: dict) -> pd.DataFrame:
    """The product's own peak and bandwidth wherever it has a record of the device."""
    known = rows["id"].ne("")
    for name in sorted(rows.loc[known, "id"].unique()):
        if (devices[name].unit == "vCPU") != (devices[name].kind in settings["kinds"]["per_vcpu"]):
            raise SystemExit(
                f"{name}: a {devices[name].kind} counts per {devices[name].unit}, not as [kinds] per_vcpu says"
            )
    own = [
        peak_at(devices[i].peak, f, settings["fallback"]) if i else None
        for i, f in zip(rows["id"], rows["format"], strict=True)
    ]
    bandwidth = [devices[i].bandwidth if i else None for i in rows["id"]]
    return rows.assign(
        peak=np.where(known, pd.Series(own, dtype=float), rows["peak"]),
        bandwidth=np.where(known, pd.Series(bandwidth, dtype=float), rows["bandwidth"]),
    )  # fmt: skip


def one_shot(rows: pd.DataFrame, weight_bytes: dict[str, float], settings: dict) -> pd.DataFrame:
    """Rows of models that answer at once: seconds y, and seconds at the roof; impossibly fast ones are left out."""
    rows = rows[rows["metric"].isin(["latency", "throughput"]) & rows["gmacs"].gt(0) & rows["peak"].gt(0)]
    batch = rows["batch_size"].fillna(np.inf).where(rows["metric"].eq("throughput"), rows["batch_size"].fillna(1))
    latency = rows["metric"].eq("latency")
    work = rows["gmacs"] * BILLION * FLOP_PER_MAC
    traffic = rows["params_m"].fillna(0) * MILLION * rows["format"].map(weight_bytes)
    memory = (traffic / rows["bandwidth"]).fillna(0)
    roof = np.where(
        latency, np.maximum(work * batch / rows["peak"], memory), np.maximum(work / rows["peak"], memory / batch)
    )
    streams = rows["device_count"].clip(lower=1)
    rows = rows.assign(
        batch=batch,
        y=np.where(latency, rows["measured_s"], rows["measured_s"] * streams),
        waits=latency.astype(float),
        roof=roof / rows["units"],
    )
    return weighed(rows[rows["roof"] <= rows["y"] * settings["fit"]["impossible"]].reset_index(drop=True))


def weighed(rows: pd.DataFrame) -> pd.DataFrame:
    """Weight of a row: every (device, model) pair counts once, and every device once among its kind."""
    pair = 1 / rows.groupby(["group", "model"])["y"].transform("size")
    return rows.assign(pair=pair, device_weight=pair / pair.groupby(rows["group"]).transform("sum"))
