"""Published measurements -> columns in the product's terms: ids, kinds, formats, peak and bandwidth of one unit."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.device import peak_at, rate_orders
from advisor.errors import RowsError, why_not
from advisor.paths import DATA
from advisor.schema import Device
from advisor.units import BILLION, BYTES_PER_GB, THOUSAND

if TYPE_CHECKING:
    import pandas as pd

TRILLION = BILLION * THOUSAND
ONE_SHOT = ("latency", "throughput")
LANGUAGE = ("tpot", "tpot_batched", "ttft", "ttft_loaded", "offline_tokens")
PEAK_COLUMNS = {
    "fp32": "peak_fp32_tflops",
    "fp16": "peak_fp16_tflops",
    "int8": "peak_int8_tops",
    "fp8": "peak_fp8_tflops",
}
SPEC_COLUMNS = ("vendor", "mem_bw_gbs", "mem_gb", "spec_note", *PEAK_COLUMNS.values())
OPTIONAL_NUMBERS = (
    "params_m", "gmacs", "batch_size", "threads", "device_count", "input_tokens", "output_tokens", "concurrency",
    "peak_flop_per_s", "bandwidth_bytes_per_s",
)  # fmt: skip
OPTIONAL_TEXTS = ("engine", "notes", "family", "input_shape")
NEEDED = ("model_key", "device", "device_class", "precision_norm", "metric", "measured_s")


def table(path: str | Path) -> "pd.DataFrame":
    """CSV or Parquet file.

    Raises
    ------
    RowsError
        If it cannot be read, or is Parquet and pyarrow is not installed.
    """
    import pandas as pd

    path = Path(path)
    try:
        return pd.read_parquet(path) if path.suffix.lower() == ".parquet" else pd.read_csv(path, low_memory=False)
    except OSError as error:
        raise RowsError("rows_file", file=str(path), reason=why_not(error)) from None
    except ImportError:
        raise RowsError("rows_parquet", file=str(path)) from None
    except ValueError:  # of pandas, for what is no table, and of pyarrow
        raise RowsError("rows_format", file=str(path)) from None


def measured_rows(path: str | Path) -> "pd.DataFrame":
    """Rows in the schema of judged measurements, with every column that predictions may use.

    Raises
    ------
    RowsError
        If the file cannot be read, or a column that is needed is missing or holds other than numbers.
    """
    rows = table(path)
    if missing := [name for name in NEEDED if name not in rows]:
        raise RowsError("rows_column", file=str(path), field=missing[0], known=", ".join(NEEDED))
    for name in ("measured_s", *OPTIONAL_NUMBERS):
        rows[name] = _numbers(rows, name, path)
    for name in OPTIONAL_TEXTS:
        rows[name] = rows[name].astype(object).fillna("").astype(str) if name in rows else ""
    return rows


def sheet(path: str | Path, key: str) -> "pd.DataFrame":
    """Table of devices or models that have a name each.

    Raises
    ------
    RowsError
        If the file cannot be read, or lacks the column of the names.
    """
    found = table(path)
    if key not in found:
        raise RowsError("rows_column", file=str(path), field=key, known=key)
    return found


def _numbers(rows: "pd.DataFrame", name: str, path: str | Path) -> "pd.Series":
    import pandas as pd

    if name not in rows:
        return pd.Series(np.nan, index=rows.index)
    values = pd.to_numeric(rows[name], errors="coerce")
    if (strange := values.isna() & rows[name].notna()).any():
        line = int(np.flatnonzero(strange)[0])
        raise RowsError("rows_number", file=str(path), field=name, value=rows[name].iloc[line], row=line + 2)
    return values.astype(float)


@cache
def published_engines(folder: Path = DATA / "calibrations") -> Sequence[Mapping[str, Any]]:
    """Words in published names of runtimes, and the ids that they stand for."""
    engines: Sequence[Mapping[str, Any]] = tomllib.loads((folder / "engines.toml").read_text(encoding="utf-8"))[
        "engines"
    ]
    return engines


def engine_ids(rows: "pd.DataFrame", engines: Sequence[Mapping[str, Any]]) -> "pd.Series":
    """Engine id of every row, by its published name and, where an entry has some, its sources; empty where unknown."""
    import pandas as pd

    def one(name: str, source: str) -> str:
        low = name.lower()
        fits = (
            entry["id"]
            for entry in engines
            if any(word in low for word in entry["words"])
            and any(part in source for part in entry.get("sources", [""]))
        )
        return next(fits, "")

    texts = rows.reindex(columns=["engine", "source"]).astype(object).fillna("").astype(str)
    pairs = list(texts.itertuples(index=False, name=None))
    found = {pair: one(*pair) for pair in set(pairs)}
    return pd.Series([found[pair] for pair in pairs], index=rows.index, dtype=object)


def device_ids(names: "pd.Series", devices: Mapping[str, Device]) -> "pd.Series":
    """Record id of every measured device name, by name or alias; empty where none is known."""
    known = {
        name.casefold(): device.id for device in devices.values() for name in (device.id, device.name, *device.aliases)
    }
    return names.fillna("").map(lambda name: known.get(str(name).casefold(), ""))


def in_our_terms(
    rows: "pd.DataFrame",
    devices: Mapping[str, Device],
    settings: Mapping[str, Any],
    engines: Sequence[Mapping[str, Any]],
) -> "pd.DataFrame":
    """Rows with the columns name, id, kind, model, format, engine_id and group.

    A number format without a counterpart is left empty.
    """
    rows = rows.assign(
        name=rows["device"], id=device_ids(rows["device"], devices), kind=rows["device_class"], model=rows["model_key"],
        format=rows["precision_norm"].map(settings["precision"]), engine_id=engine_ids(rows, engines),
    )  # fmt: skip
    rows["kind"] = [devices[i].kind if i else kind for i, kind in zip(rows["id"], rows["kind"], strict=True)]
    rows["kind"] = rows["kind"].replace(settings["kinds"]["same_silicon"])
    rows["group"] = np.where(rows["id"].ne(""), rows["id"], rows["name"])
    return rows


def stated_or_usual(rows: "pd.DataFrame", settings: Mapping[str, Any]) -> "pd.Series":
    """Number format of every row; the usual one of served language models where a row says that it is unknown."""
    unstated = rows["metric"].isin(LANGUAGE) & rows["precision_norm"].eq("unknown")
    return rows["format"].mask(unstated, settings["language"]["unknown_format"])


def specs_of(devices: "pd.DataFrame | None") -> "pd.DataFrame":
    """Data sheets by measured name, every column there."""
    import pandas as pd

    sheet = pd.DataFrame({"device": []}) if devices is None else devices.drop_duplicates("device")
    return sheet.set_index("device").reindex(columns=list(SPEC_COLUMNS))


def hardware(
    rows: "pd.DataFrame", specs: "pd.DataFrame", devices: Mapping[str, Device], settings: Mapping[str, Any]
) -> "pd.DataFrame":
    """Peak and bandwidth of one unit, memory of a whole device, and the units that a row used.

    Parameters
    ----------
    rows : DataFrame
        Of ``in_our_terms``, numbered from 0.
    specs : DataFrame
        Of ``specs_of``.
    devices : mapping of str to Device
        The product's own records, whose figures are taken wherever there are some.
    settings : mapping
        ``data/calibrations/settings.toml``.
    """
    import pandas as pd

    rows = rows.assign(peak_flop_per_s=_peak_of_threads(rows, settings["kinds"]))
    sort = rows["metric"].isin(LANGUAGE)  # language models may compute at another rate
    whole = rows.groupby(["name", "format", sort], dropna=False)["peak_flop_per_s"].transform("max")
    spec = specs.reindex(rows["name"]).reset_index(drop=True)
    orders = _orders(rows, settings)
    sheets = zip(*(spec[column] for column in PEAK_COLUMNS.values()), orders, strict=True)
    listed = pd.Series([peak_of(dict(zip(PEAK_COLUMNS, line, strict=False)), line[-1]) for line in sheets])
    whole = whole.fillna(listed)
    stated = pd.to_numeric(spec["spec_note"].astype(object).astype(str).str.extract(r"(\d+) cores")[0])
    cores = stated.fillna(rows.groupby("name")["threads"].transform("max")).fillna(1)
    share = np.where(stated.notna() & rows["threads"].notna(), rows["threads"] / cores, rows["peak_flop_per_s"] / whole)
    share = np.nan_to_num(np.clip(share, None, 1), nan=1.0)
    per_vcpu = rows["kind"].isin(settings["kinds"]["per_vcpu"])
    x86 = spec["vendor"].isin(settings["kinds"]["x86_vendors"])
    per_core = np.where(x86, settings["kinds"]["vcpu_per_core"]["x86"], settings["kinds"]["vcpu_per_core"]["other"])
    count = np.where(per_vcpu, cores * per_core, 1.0)
    bandwidth = rows["bandwidth_bytes_per_s"].fillna(spec["mem_bw_gbs"] * BILLION)
    memory = spec["mem_gb"].astype(float) * BYTES_PER_GB
    rows = rows.assign(peak=whole / count, bandwidth=bandwidth / count, memory=memory, units=share * count)
    return _of_records(rows, devices, settings)


def _orders(rows: "pd.DataFrame", settings: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Formats at whose rate every row computes, the best first."""
    once, tokens = (rate_orders(settings, generates=generates) for generates in (False, True))
    language = rows["metric"].isin(LANGUAGE)
    return [(tokens if one else once).get(name, ()) for one, name in zip(language, rows["format"], strict=True)]


def _peak_of_threads(rows: "pd.DataFrame", kinds: Mapping[str, Any]) -> "pd.Series":
    """Published peak of the cores used; where it is less than the threads' slowest cores do, it counted too few."""
    halves = rows["format"].eq("fp16").groupby(rows["name"]).transform("any")
    floor = rows["kind"].map(kinds["slowest_core"]) * rows["threads"]
    few = halves & rows["format"].isin(["fp16", "int8"]) & rows["threads"].gt(1) & rows["peak_flop_per_s"].lt(floor)
    counted = rows["threads"].clip(upper=kinds["cores_per_cluster"])
    return rows["peak_flop_per_s"].where(~few, rows["peak_flop_per_s"] * counted)


def peak_of(trillions: Mapping[str, float], order: Sequence[str]) -> float:
    """Peak of a data sheet in the first of some number formats that it has; NaN where it has none of them."""
    peaks = {name: value * TRILLION for name, value in trillions.items() if value > 0}
    return peak_at(peaks, order) or float("nan")


def _of_records(rows: "pd.DataFrame", devices: Mapping[str, Device], settings: Mapping[str, Any]) -> "pd.DataFrame":
    """The product's own peak, bandwidth and memory wherever it has a record of the device."""
    import pandas as pd

    known = rows["id"].ne("")
    own = [
        peak_at(devices[i].peak, order) if i else None
        for i, order in zip(rows["id"], _orders(rows, settings), strict=True)
    ]
    bandwidth = [devices[i].bandwidth if i else None for i in rows["id"]]
    memory = pd.Series([devices[i].memory if i else None for i in rows["id"]], dtype=float)
    return rows.assign(
        memory=memory.fillna(rows["memory"]),
        peak=np.where(known, pd.Series(own, dtype=float), rows["peak"]),
        bandwidth=np.where(known, pd.Series(bandwidth, dtype=float), rows["bandwidth"]),
    )
