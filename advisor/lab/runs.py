"""A run: what was measured, on what and how, and what its samples say."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from advisor.errors import MeasureError, why_not
from advisor.lab import drifting, statistics
from advisor.lab.drifting import Drift
from advisor.lab.machine import Machine
from advisor.lab.run_parts import ColdStart, Memory, Throttling, WarmUp
from advisor.lab.settings import settings
from advisor.results import Interval
from advisor.schema import Assumption

FloatArray = NDArray[np.float64]
Verdict = Literal["pass", "fail", "undecided"]

_FORMAT = 2
_READ = (1, 2)
"""Formats that are read: the first one lacks what came later."""
_HASH_DIGITS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Samples of one measurement, and all that is needed to make it again."""

    model: str
    sha256: str
    samples_s: FloatArray
    """Time of each inference of one batch, in order, warm-up left out.  [s]"""
    batch: int
    threads: int
    providers: tuple[str, ...]
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    """Names and shapes."""
    started: str
    """UTC, ISO 8601."""
    machine: Machine
    versions: tuple[tuple[str, str], ...]
    warm_up: WarmUp
    delay_share: float | None
    """Share of the time in which the measuring thread waited for a processor; None where the system does not tell."""
    cancelled: bool
    assumptions: tuple[Assumption, ...]
    sizes: tuple[int, ...] = ()
    """Samples in each burst; () in runs from before there were bursts."""
    began_s: tuple[float, ...] = ()
    """When each burst began, from the first one.  [s]"""
    canary_s: tuple[float, ...] = ()
    """Time of a fixed piece of work when each burst began: the longer, the slower was the machine itself.  [s]"""
    cold_start: ColdStart | None = None
    memory: Memory | None = None
    throttling: Throttling | None = None
    precision: str = "fp32"
    """Number format of the weights."""
    variant: str | None = None
    """How the model was made from the file; None for the file itself."""

    def __post_init__(self) -> None:
        samples = np.array(self.samples_s, dtype=np.float64)
        samples.flags.writeable = False
        object.__setattr__(self, "samples_s", samples)

    @property
    def interfered(self) -> bool | None:
        """Whether other work on the machine took its time; None where the system does not tell."""
        return None if self.delay_share is None else self.delay_share > settings()["interference"]["delay_share"]

    @property
    def drift(self) -> Drift | None:
        """Whether the times rose or fell through the run, and the machine with them; None with few bursts."""
        return drifting.drift(self.samples_s, self.sizes, self.began_s, self.canary_s)

    def quantile(self, q: float) -> Interval | None:
        """Quantile of the inference time with its 95 % confidence interval.

        Parameters
        ----------
        q : float
            Between 0 and 1: 0.99 for the p99.

        Returns
        -------
        Interval or None
            Seconds; None when the sample is smaller than ``needed_samples(q)``.

        Raises
        ------
        MeasureError
            If ``q`` is not between 0 and 1.

        Notes
        -----
        The interval is the wider one of two at each end.  One is that of the order statistics, which holds for
        independent samples; the other takes a burst as one draw, since neighbouring samples are alike.  Both speak of
        the time over which the bursts were spread: another hour may well lie outside.  The tail beyond the p90 shows
        itself in few bursts, and its interval is too narrow more often than stated.
        """
        return quantile_of(self.samples_s, q, self.sizes)

    def verdict(self, slo_s: float, q: float = 0.99) -> Verdict:
        """Whether the quantile meets an objective: undecided while its interval holds the objective or is unknown.

        Parameters
        ----------
        slo_s : float
            Objective.  [s]
        q : float, default 0.99
            Quantile that the objective is about.
        """
        if not 0 < slo_s < float("inf"):
            raise MeasureError("field", field="slo_s", value=slo_s, must="> 0")
        return verdict_of(self.quantile(q), slo_s)

    def save(self, folder: str | Path) -> Path:
        """Write the run to a new JSON file; a file that is there is never written over.

        Raises
        ------
        MeasureError
            If the folder cannot be written.
        """
        home = Path(folder).expanduser()
        text = json.dumps(self.record(), ensure_ascii=False, allow_nan=False)
        try:
            home.mkdir(parents=True, exist_ok=True)
            return _written_to_new_file(home, self._file_name(), text)
        except OSError as error:
            raise MeasureError("run_not_saved", folder=str(home), reason=why_not(error)) from None

    @classmethod
    def load(cls, path: str | Path) -> "Run":
        """Run that ``save`` wrote.

        Raises
        ------
        MeasureError
            If the file cannot be read or holds no run.
        """
        try:
            record = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(**_fields(record))
        except OSError as error:
            raise MeasureError("run_missing", file=str(path), reason=why_not(error)) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise MeasureError("run_unreadable", file=str(path)) from None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Run":
        """Run from what ``record`` gave.

        Raises
        ------
        MeasureError
            If it is no such record.
        """
        try:
            return cls(**_fields(record))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise MeasureError("record_unreadable", kind="run") from None

    def record(self) -> dict[str, Any]:
        """Every field, ready for JSON."""
        fields = asdict(self)
        return {"format": _FORMAT, **fields, "samples_s": self.samples_s.tolist()}

    def _file_name(self) -> str:
        model = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(self.model).stem).strip("-") or "model"
        moment = re.sub(r"[^0-9TZ]", "", self.started.split(".")[0].split("+")[0])
        return f"{moment}Z-{model}-{self.sha256[:_HASH_DIGITS]}"


def verdict_of(interval: Interval | None, slo_s: float) -> Verdict:
    """Whether a quantile [s] meets an objective; undecided where the interval holds it or is unknown."""
    if interval is None or interval.low <= slo_s < interval.high:
        return "undecided"
    return "pass" if interval.high <= slo_s else "fail"


def quantile_of(samples_s: FloatArray, q: float, sizes: Sequence[int] = ()) -> Interval | None:
    """Quantile of samples in bursts of given sizes, as :meth:`Run.quantile` states it."""
    n = len(samples_s)
    if n < needed_samples(q):
        return None
    confidence = settings()["quantiles"]["interval_confidence"]
    alone = statistics.quantile_bounds(np.sort(samples_s), q, confidence=confidence)
    if not sizes:
        return interval_of(alone)
    together = statistics.cluster_quantile_bounds(samples_s, sizes, q, confidence=confidence)
    return interval_of(np.array([np.fmin(alone[0], together[0]), alone[1], np.fmax(alone[2], together[2])]))


def interval_of(bounds: NDArray[np.float64]) -> Interval | None:
    """Interval from its lower bound, middle and upper bound; None where they are not known."""
    return None if np.isnan(bounds).any() else Interval(*map(float, bounds))


@cache
def needed_samples(q: float) -> int:
    """Samples from which on a quantile is given: 64 for the p90, 130 for the p95, 662 for the p99.

    Parameters
    ----------
    q : float
        Between 0 and 1.

    Raises
    ------
    MeasureError
        If ``q`` is not between 0 and 1.

    Notes
    -----
    As ``advisor.lab.statistics.needed_samples``; ``data/lab/settings.toml`` holds the confidence.
    """
    if not 0 < q < 1 or not round(min(q, 1 - q), 12):
        raise MeasureError("field", field="q", value=q, must="0.5, 0.9, 0.99 ...")
    table = settings()["quantiles"]
    return statistics.needed_samples(
        q, samples_above=table["samples_above"], confidence=table["early_stopping_confidence"]
    )


def missing_samples(count: int, q: float) -> int:
    """Samples that a quantile lacks before it is given; 0 where there are enough."""
    return max(0, needed_samples(q) - count)


def _written_to_new_file(folder: Path, name: str, text: str) -> Path:
    for path in (folder / f"{name}{ending}.json" for ending in chain([""], (f"-{number}" for number in count(2)))):
        with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
            file.write(text)
            return path
    raise FileExistsError(name)


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    if record["format"] not in _READ:
        raise ValueError(record["format"])
    fields = {name: value for name, value in record.items() if name != "format"}
    return fields | {
        "samples_s": np.array(record["samples_s"], dtype=np.float64),
        "machine": Machine.from_record(record["machine"]),
        "warm_up": WarmUp(**record["warm_up"]),
        "providers": tuple(record["providers"]),
        "inputs": tuple((name, tuple(shape)) for name, shape in record["inputs"]),
        "versions": tuple((name, number) for name, number in record["versions"]),
        "assumptions": tuple((code, tuple((k, v) for k, v in values)) for code, values in record["assumptions"]),
        **{name: tuple(record.get(name, ())) for name in ("sizes", "began_s", "canary_s")},
        **_later_fields(record),
    }


def _later_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Parts that runs may lack."""
    found: dict[str, Any] = {}
    for name, kind in (("cold_start", ColdStart), ("memory", Memory)):
        if record.get(name) is not None:
            found[name] = kind(**record[name])
    if record.get("throttling") is not None:
        told = record["throttling"]
        found["throttling"] = Throttling(**{**told, "clock_hz": tuple(told["clock_hz"])})
    return found
