"""Single published measurements, which answer for the same model, device, engine, precision and batch."""

import csv
import lzma
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.calibration import load_calibration
from advisor.knowledge import Knowledge
from advisor.measured import ONE_SHOT, hardware, in_our_terms, measured_rows, published_engines, sheet, specs_of
from advisor.modelspec import plain
from advisor.paths import DATA

if TYPE_CHECKING:
    import pandas as pd

SAME_WORK = 0.05
"""Difference of two counts of MACs, as a share, up to which they are of the same model and input."""
INDEX = "measured.csv.xz"
"""File of the calibrations with the latencies that answer for themselves; ``make fit`` makes it from all rows."""
_COLUMNS = ("group", "plain", "format", "engine_id", "metric", "batch_size", "device_count", "units")
"""Columns of measured rows that make a key."""


class Key(NamedTuple):
    """What was measured; two figures of the same key are repetitions."""

    device: str
    """Id of the catalogue, or the published name."""
    model: str
    """Plain name."""
    precision: str
    engine: str
    metric: str
    batch: float
    devices: float
    units: float
    """Units of each device, to three digits."""


class Measurement(NamedTuple):
    """One published figure."""

    seconds: float
    gmacs: float
    kind: str
    source: str
    date: str


class Answer(NamedTuple):
    """What the measurements of one key say: their median, and the range that repetitions keep to."""

    low_s: float
    mid_s: float
    high_s: float
    sources: tuple[str, ...]


class Published:
    """Measurements by key, and how far they hold: ``[measured]`` of ``settings.toml``."""

    def __init__(self, found: Mapping[Key, Sequence[Measurement]], settings: Mapping[str, Any]) -> None:
        self.found = found
        self.settings = settings
        self.reach: float = settings["reach"]
        self.repeats: Mapping[str, Sequence[float]] = settings["repeats"]

    @cached_property
    def latencies(self) -> Mapping[str, Mapping[tuple[str, str, str], Sequence[Key]]]:
        """Model -> (device, precision, engine) -> keys of its latencies."""
        found: dict[str, dict[tuple[str, str, str], list[Key]]] = defaultdict(lambda: defaultdict(list))
        for key in self.found:
            if key.metric == "latency" and key.devices == 1:
                found[key.model][key.device, key.precision, key.engine].append(key)
        return found

    def answer(self, key: Key, gmacs: float, *, but: float | None = None) -> Answer | None:
        """Answer to a key; None where nothing was measured.

        Parameters
        ----------
        key : Key
        gmacs : float
            Work of one inference.  [GMAC]
        but : float, optional
            A measurement that must not answer for itself is left out once.  [s]
        """
        same = [one for one in self.found.get(key, ()) if abs(one.gmacs - gmacs) <= SAME_WORK * gmacs]
        own = [place for place, one in enumerate(same) if but is not None and np.isclose(one.seconds, but, rtol=1e-4)]
        left = [one for place, one in enumerate(same) if place not in own[:1]]
        if not left:
            return None
        mid = float(np.median([one.seconds for one in left]))
        sources = tuple(dict.fromkeys(f"{one.source} ({one.date})" for one in left))
        low, high = self.repeats.get(left[0].kind, self.repeats["other"])
        return Answer(mid * low, mid, mid * high, sources)

    def nearest(self, key: Key, gmacs: float) -> tuple[Key, Answer, float] | None:
        """Nearest measurement that differs in batch or units alone, and its weight there; None out of reach."""
        keys = self.latencies.get(key.model, {}).get((key.device, key.precision, key.engine), ())
        others = [other for other in keys if other != key] if key.metric == "latency" and key.devices == 1 else []
        found = [(other, one) for other in others if (one := self.answer(other, gmacs))]
        distances = [
            abs(np.log2(other.units / key.units)) + abs(np.log2(other.batch / key.batch)) for other, _ in found
        ]
        if not found or min(distances) >= self.reach:
            return None
        best = int(np.argmin(distances))
        return *found[best], float(self.weight(distances[best]))

    def weight(self, distance: ArrayLike) -> NDArray[np.float64]:
        """Share of a measurement's residual that holds so many doublings of batch and units away."""
        return np.clip(1 - np.asarray(distance, float) / self.reach, 0.0, 1.0)


def keys_of(rows: "pd.DataFrame") -> list[Key]:
    """Key of every row of ``measured.hardware``; units are told apart by three digits."""
    ready = rows.assign(
        plain=rows["model_key"].astype(str).map(plain),
        batch_size=rows["batch_size"].fillna(1.0).where(rows["metric"].eq("latency"), rows["batch_size"].fillna(-1.0)),
        device_count=rows["device_count"].fillna(1.0).clip(lower=1.0),
        units=[float(f"{units:.3g}") for units in rows["units"]],
    )
    return [Key(*values) for values in zip(*(ready[name] for name in _COLUMNS), strict=True)]


def key_of(device: str, model: str, precision: str, engine: str, batch: float, units: float) -> Key:
    """Key of the latency of one batch on one device of the catalogue."""
    return Key(device, plain(model), precision, engine, "latency", float(batch), 1.0, float(f"{units:.3g}"))


def load_published(knowledge: Knowledge, folder: Path = DATA / "calibrations") -> Published:
    """Latencies measured on devices and engines of the catalogue; kept with the knowledge."""
    found: Published = knowledge.kept(("published", folder), lambda: _indexed(folder / INDEX))
    return found


def keep_published(knowledge: Knowledge, published: Published, folder: Path = DATA / "calibrations") -> None:
    """Let measurements stand for those of a folder with a knowledge that has not looked at any yet."""
    knowledge.kept(("published", folder), lambda: published)


def _indexed(path: Path) -> Published:
    found: dict[Key, list[Measurement]] = defaultdict(list)
    with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
        for device, model, precision, engine, batch, units, *one in islice(csv.reader(file), 1, None):
            key = key_of(device, model, precision, engine, float(batch), float(units))
            found[key].append(Measurement(float(one[0]), float(one[1]), *one[2:]))
    return Published(found, load_calibration().settings["measured"])


def all_published(knowledge: Knowledge, folder: Path = DATA / "measured") -> Published:
    """Every packed measurement of models that answer at once, on any device, whose engine is known."""
    import pandas as pd

    settings = load_calibration().settings
    rows = pd.concat([measured_rows(path) for path in sorted(folder.glob("*.csv.xz"))], ignore_index=True)
    rows = rows[rows["metric"].isin(ONE_SHOT)].reset_index(drop=True)
    rows = in_our_terms(rows, knowledge.devices, settings, published_engines())
    rows = hardware(rows, specs_of(sheet(folder / "devices.csv", "device")), knowledge.devices, settings)
    return Published(measurements(rows), settings["measured"])


def measurements(rows: "pd.DataFrame") -> dict[Key, list[Measurement]]:
    """Measurements by key, of rows of ``measured.hardware``; without those whose engine or format is unknown."""
    rows = rows[rows["engine_id"].ne("") & rows["format"].notna() & rows["gmacs"].gt(0) & rows["measured_s"].gt(0)]
    found: dict[Key, list[Measurement]] = defaultdict(list)
    texts = (rows[name].astype(str) for name in ("kind", "source", "date"))
    figures = zip(rows["measured_s"], rows["gmacs"], *texts, strict=True)
    for key, figure in zip(keys_of(rows), figures, strict=True):
        found[key].append(Measurement(*figure))
    return found


def write_index(path: Path, found: Mapping[Key, Sequence[Measurement]], devices: set[str], engines: set[str]) -> None:
    """Latencies on some devices and engines, in the layout that ``load_published`` reads."""
    lines = [
        (*key[:4], key.batch, key.units, *one)
        for key, several in found.items()
        for one in several
        if key.device in devices and key.engine in engines and key.metric == "latency" and key.devices == 1
    ]
    with lzma.open(path, "wt", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow((*Key._fields[:4], "batch", "units", *Measurement._fields))
        out.writerows(sorted(lines))
