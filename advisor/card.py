"""Card of the latency predictions: what they are fitted on, how far off they were, where nothing was measured."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, get_args
from urllib.parse import quote

from advisor.calibration import ANY, load_calibration
from advisor.judged import prepared
from advisor.knowledge import Knowledge
from advisor.measured import measured_rows, sheet
from advisor.schema import DeviceKind, Precision

if TYPE_CHECKING:
    import pandas as pd

PARTS = {"once": "", "prefill": "_prefill", "step": "_step"}
"""What is predicted -> ending of its tables of errors."""
HIDDEN = ("devices", "models")
"""What the fit had not seen when it was asked."""
FORMATS = get_args(Precision)
_SOURCE = re.compile(r"github:([^/@]+/[^/@]+)(?:/([^@]*))?(?:@(\w+))?(?: .*)?")
_SPAN = re.compile(r"\.\.|(?<=^\d{4})-(?=\d{4}$)")


class Source(NamedTuple):
    """Measurements of one publisher: a file of ``data/measured``."""

    file: str
    repositories: tuple[str, ...]
    """The one with most rows first."""
    rows: int
    devices: int
    models: int
    since: str
    until: str
    licences: tuple[str, ...]


class HeldOut(NamedTuple):
    """Errors of a kind of device on what was hidden from the fit; every (device, model) pair counts once."""

    hidden: str
    kind: str
    rows: int
    devices: int
    models: int
    median_factor: float
    p90_factor: float
    coverage: float
    """Share of the measurements inside their 80 % interval."""

    @property
    def thin(self) -> bool:
        """Whether fewer devices were measured than an interval of their own takes."""
        enough: int = load_calibration().settings["fit"]["enough_groups"]
        return self.kind != ANY and self.devices < enough


@dataclass(frozen=True)
class Kind:
    """How much was measured of a kind of device."""

    kind: str
    records: int
    """Devices of the catalogue."""
    calibrated: int
    """Those of them with coefficients of their own."""
    rows: Mapping[str, int]
    """By number format, of models that answer at once."""
    language_rows: int


def fit_of(knowledge: Knowledge) -> Mapping[str, Any]:
    """Date, method, counts and errors of the fit."""
    return knowledge.table("calibrations/latency")


def measurements(knowledge: Knowledge) -> "pd.DataFrame":
    """Every packed measurement as published, with its file; read once."""
    made: pd.DataFrame = knowledge.kept("card.measurements", lambda: _read(knowledge))
    return made


def _read(knowledge: Knowledge) -> "pd.DataFrame":
    import pandas as pd

    paths = sorted((knowledge.folder / "measured").glob("*.csv.xz"))
    return pd.concat([measured_rows(path).assign(file=path.name) for path in paths], ignore_index=True)


def in_product_terms(knowledge: Knowledge) -> "pd.DataFrame":
    """Every packed measurement with the product's devices, formats, engines and units; made once."""
    folder = knowledge.folder / "measured"

    def made() -> "pd.DataFrame":
        devices, models = sheet(folder / "devices.csv", "device"), sheet(folder / "models.csv", "model")
        return prepared(measurements(knowledge), knowledge, load_calibration(), devices=devices, models=models)

    rows: pd.DataFrame = knowledge.kept("card.in_product_terms", made)
    return rows


def sources(knowledge: Knowledge) -> list[Source]:
    """Publishers, the one with most measurements first."""
    found = [_source(str(file), rows) for file, rows in measurements(knowledge).groupby("file")]
    return sorted(found, key=lambda source: -source.rows)


def _source(file: str, rows: "pd.DataFrame") -> Source:
    spans = [span_of(str(date)) for date in rows["date"].unique()]
    repositories = rows["source"].map(repository_of).value_counts(sort=True)
    return Source(
        file, tuple(repositories.index), len(rows), rows["device"].nunique(), rows["model_key"].nunique(),
        min(since for since, _ in spans), max(until for _, until in spans), tuple(sorted(rows["licence"].unique())),
    )  # fmt: skip


def span_of(date: str) -> tuple[str, str]:
    """First and last day, month or year of a date as published."""
    parts = _SPAN.split(date)
    return parts[0], parts[-1]


def repository_of(source: str) -> str:
    """Owner and name of the repository that a source lies in; the source itself elsewhere."""
    found = _SOURCE.fullmatch(source)
    return found[1] if found else source


def address_of(source: str) -> str | None:
    """Address of the page that a measurement was read from, as it was then; None where it is not on the web."""
    if (told := source.rpartition(" ")[2]).startswith("https://"):
        return told
    if (found := _SOURCE.fullmatch(source)) is None:
        return None
    repository, path, commit = found.groups()
    inside = f"/blob/{commit}/{quote(path)}" if path and commit else ""
    return f"https://github.com/{repository}{inside}"


def held_out(knowledge: Knowledge, part: str) -> list[HeldOut]:
    """Errors by kind of device, hidden devices first; those of all kinds together lead each.

    Parameters
    ----------
    knowledge : Knowledge
    part : str
        Key of ``PARTS``.
    """
    tables = {hidden: fit_of(knowledge)[f"held_out_{hidden}{PARTS[part]}"] for hidden in HIDDEN}
    return [
        HeldOut(hidden, *(line[name] for name in HeldOut._fields[1:])) for hidden in HIDDEN for line in tables[hidden]
    ]


def kinds(knowledge: Knowledge) -> list[Kind]:
    """Every kind of device that the product knows, with what was measured of it."""
    once, language = (_lines(knowledge, name) for name in ("latency", "llm"))
    same = load_calibration().settings["kinds"]["same_silicon"]
    return [
        Kind(
            kind,
            sum(device.kind == kind for device in knowledge.devices.values()),
            len({line["device"] for line in once} & {d.id for d in knowledge.devices.values() if d.kind == kind}),
            {
                line["precision"]: int(line["rows"])
                for line in once
                if (line["kind"], line["device"]) == (same.get(kind, kind), ANY) and line["precision"] != ANY
            },
            sum(
                int(line["rows"]) for line in language if (line["kind"], line["device"]) == (same.get(kind, kind), ANY)
            ),
        )
        for kind in get_args(DeviceKind)
    ]


def _lines(knowledge: Knowledge, name: str) -> list[dict[str, str]]:
    with (knowledge.folder / "calibrations" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def left_out(knowledge: Knowledge) -> Mapping[str, Mapping[str, int]]:
    """Measurements that no prediction can use, by kind of device or number format as published."""
    rows = measurements(knowledge)
    settings = load_calibration().settings
    strange = {
        "device_class": ~rows["device_class"].isin([*get_args(DeviceKind), *settings["kinds"]["same_silicon"]]),
        "precision_norm": ~rows["precision_norm"].isin([*settings["precision"]]),
    }
    counts = {name: rows.loc[where, name].value_counts() for name, where in strange.items()}
    return {name: {str(key): int(n) for key, n in found.items()} for name, found in counts.items()}
