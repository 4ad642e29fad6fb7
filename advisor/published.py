"""Single published measurements, which answer for the same model, device, engine, precision and batch."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from advisor.calibration import load_calibration
from advisor.knowledge import Knowledge
from advisor.measured import ONE_SHOT, hardware, in_our_terms, measured_rows, published_engines, sheet, specs_of
from advisor.modelspec import plain
from advisor.paths import DATA
from advisor.schema import Device

if TYPE_CHECKING:
    import pandas as pd

SAME_WORK = 0.05
"""Difference of two counts of MACs, as a share, up to which they are of the same model and input."""
KEY = ("group", "plain", "format", "engine_id", "metric", "batch_size", "device_count", "units")


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
    """Measurements by key, and how well repetitions agree, by kind of device."""

    def __init__(
        self, found: Mapping[tuple[object, ...], Sequence[Measurement]], repeats: Mapping[str, Sequence[float]]
    ) -> None:
        self.found, self.repeats = found, repeats

    def answer(self, key: tuple[object, ...], gmacs: float, *, but: float | None = None) -> Answer | None:
        """Answer to a key of ``KEY``; None where nothing was measured.

        Parameters
        ----------
        key : tuple
            Values of ``KEY``.
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


def keys_of(rows: "pd.DataFrame") -> list[tuple[object, ...]]:
    """Key of every row of ``measured.hardware``; units are told apart by three digits."""
    ready = rows.assign(
        plain=rows["model_key"].astype(str).map(plain),
        batch_size=rows["batch_size"].fillna(1.0).where(rows["metric"].eq("latency"), rows["batch_size"].fillna(-1.0)),
        device_count=rows["device_count"].fillna(1.0).clip(lower=1.0),
        units=[float(f"{units:.3g}") for units in rows["units"]],
    )
    return list(zip(*(ready[name] for name in KEY), strict=True))


def key_of(device: str, model: str, precision: str, engine: str, batch: int, units: float) -> tuple[object, ...]:
    """Key of the latency of one batch on one device of the catalogue."""
    return (device, plain(model), precision, engine, "latency", float(batch), 1.0, float(f"{units:.3g}"))


def load_published(knowledge: Knowledge, folder: Path = DATA / "measured") -> Published:
    """Packed measurements of models that answer at once, whose engine is known; kept with the knowledge."""
    found: Published = knowledge.kept(("published", folder), lambda: _read(folder, knowledge.devices))
    return found


def _read(folder: Path, devices: Mapping[str, Device]) -> Published:
    import pandas as pd

    settings = load_calibration().settings
    rows = pd.concat([measured_rows(path) for path in sorted(folder.glob("*.csv.xz"))], ignore_index=True)
    rows = in_our_terms(
        rows[rows["metric"].isin(ONE_SHOT)].reset_index(drop=True), devices, settings, published_engines()
    )
    rows = hardware(rows, specs_of(sheet(folder / "devices.csv", "device")), devices, settings)
    rows = rows[rows["engine_id"].ne("") & rows["format"].notna() & rows["gmacs"].gt(0) & rows["measured_s"].gt(0)]
    found: dict[tuple[object, ...], list[Measurement]] = defaultdict(list)
    texts = (rows[name].astype(str) for name in ("kind", "source", "date"))
    figures = zip(rows["measured_s"], rows["gmacs"], *texts, strict=True)
    for key, figure in zip(keys_of(rows), figures, strict=True):
        found[key].append(Measurement(*figure))
    return Published(found, settings["measured"])
