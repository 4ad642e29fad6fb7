"""A comparison: bursts of several configurations measured in turn, and what they say of each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from advisor.lab import ratios, record_files, statistics
from advisor.lab.runs import Run, interval_of, needed_samples
from advisor.lab.settings import settings
from advisor.results import Interval

FloatArray = NDArray[np.float64]
Basis = Literal["wall", "corrected"]

KIND = "comparison"
FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Bursts of one configuration."""

    run: Run
    """All samples in order, with what they were made of."""
    sizes: tuple[int, ...]
    """Samples in each burst."""
    delays_s: FloatArray | None
    """Wait for a processor within each sample; None where it is not known: on other systems, with several threads.
    [s]
    """

    def times_s(self, basis: Basis) -> FloatArray:
        """Samples as the clock saw them, or without the wait for a processor.  [s]."""
        if basis == "wall" or self.delays_s is None:
            return self.run.samples_s
        return np.where(self.delays_s < self.run.samples_s, self.run.samples_s - self.delays_s, self.run.samples_s)

    def quantile(self, q: float, basis: Basis = "wall") -> Interval | None:
        """Quantile of the inference time over all bursts, with a 95 % interval that takes a burst as one draw.

        Parameters
        ----------
        q : float
            Between 0 and 1.
        basis : {"wall", "corrected"}
            With or without the wait for a processor.

        Returns
        -------
        Interval or None
            Seconds; None when the bursts tell less than ``needed_samples(q)`` independent samples would.
        """
        samples = self.times_s(basis)
        needed = needed_samples(q)
        confidence = settings()["quantiles"]["interval_confidence"]
        if statistics.independent_samples(samples, self.sizes, q, confidence=confidence) < needed:
            return None
        return interval_of(statistics.cluster_quantile_bounds(samples, self.sizes, q, confidence=confidence))


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Configurations that were measured in turn, in random order in every round."""

    first: Series
    copy: Series
    """The first configuration again, in a process of its own: what differs from ``first`` is noise."""
    others: tuple[Series, ...]
    seed: int
    """Seed of the order."""

    @property
    def series(self) -> tuple[Series, ...]:
        """All of them: the first, its copy, the others."""
        return self.first, self.copy, *self.others

    @property
    def rounds(self) -> int:
        """Rounds in which every configuration was measured."""
        return min(len(each.sizes) for each in self.series)

    @property
    def cancelled(self) -> bool:
        """Whether it ended before its time was over."""
        return self.first.run.cancelled

    @property
    def basis(self) -> Basis:
        """What ratios are of unless told otherwise: corrected times where they are known for all, else the clock's."""
        return "wall" if any(each.delays_s is None for each in self.series) else "corrected"

    @property
    def delay_share(self) -> float | None:
        """Largest share of the time in which a configuration waited for a processor; None where not told."""
        shares = [each.run.delay_share for each in self.series]
        return max((share for share in shares if share is not None), default=None)

    @property
    def interfered(self) -> bool | None:
        """Whether other work on the machine took the time of a configuration; None where the system does not tell."""
        share = self.delay_share
        return None if share is None else share > settings()["interference"]["delay_share"]

    def ratio(self, other: int = 0, q: float = 0.5, basis: Basis | None = None) -> Interval | None:
        """Time of one inference of another configuration over that of the first, with its 95 % interval.

        Parameters
        ----------
        other : int, default 0
            Place among ``others``.
        q : float, default 0.5
            Quantile that is compared, burst by burst.
        basis : {"wall", "corrected"}, optional
            With or without the wait for a processor; by default as ``basis``.

        Returns
        -------
        Interval or None
            None while the rounds are too few, or a burst too short for the quantile.
        """
        return interval_of(self._ratio(self.others[other], q, basis))

    def item_ratio(self, other: int = 0, q: float = 0.5, basis: Basis | None = None) -> Interval | None:
        """As ``ratio``, for the time of an inference over the items of its batch."""
        share = self.first.run.batch / self.others[other].run.batch
        return interval_of(self._ratio(self.others[other], q, basis) * share)

    def floor(self, q: float = 0.5, basis: Basis | None = None) -> float | None:
        """Relative difference that is noise on this machine now, from the copy; None while the rounds are too few."""
        floor = self._floor(q, basis)
        return None if np.isnan(floor) else floor

    def decision(self, other: int = 0, q: float = 0.5, basis: Basis | None = None) -> ratios.Decision:
        """Whether another configuration is slower or faster than the first beyond the noise floor, or the same.

        Parameters
        ----------
        other, q, basis
            As for ``ratio``.
        """
        coarsest = settings()["comparison"]["coarsest_floor"]
        return ratios.decision(self._ratio(self.others[other], q, basis), self._floor(q, basis), coarsest=coarsest)

    def record(self) -> dict[str, Any]:
        """Every sample and every field, ready for JSON."""
        return {
            "kind": KIND,
            "format": FORMAT,
            "seed": self.seed,
            "first": _record(self.first),
            "copy": _record(self.copy),
            "others": [_record(each) for each in self.others],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Comparison":
        """Comparison from what ``record`` gave.

        Raises
        ------
        MeasureError
            If it is no such record.
        """
        return record_files.made_of(record, KIND, FORMAT, _comparison_of)

    def save(self, folder: str | Path) -> Path:
        """Write it to a new JSON file, and return its path; a file that is there is never written over.

        Raises
        ------
        MeasureError
            If the folder cannot be written.
        """
        names = (Path(each.run.model).stem for each in (self.first, *self.others))
        name = record_files.file_name(self.first.run.started, KIND, *names)
        return record_files.written(self.record(), folder, name)

    @classmethod
    def load(cls, path: str | Path) -> "Comparison":
        """Comparison that ``save`` wrote.

        Raises
        ------
        MeasureError
            If the file cannot be read or holds something else.
        """
        return record_files.read(path, KIND, cls.from_record)

    def _ratio(self, other: Series, q: float, basis: Basis | None) -> FloatArray:
        needed_samples(q)
        values = self._burst_values(q, basis or self.basis)
        confidence = settings()["quantiles"]["interval_confidence"]
        return ratios.paired_ratio_bounds(values(self.first), values(other), confidence=confidence)

    def _burst_values(self, q: float, basis: Basis) -> Callable[[Series], FloatArray]:
        return lambda each: ratios.burst_quantiles(each.times_s(basis), each.sizes, q)[: self.rounds]

    def _floor(self, q: float, basis: Basis | None) -> float:
        least = settings()["comparison"]["least_floor"]
        return float(ratios.noise_floor(self._ratio(self.copy, q, basis), least=least))


def _record(each: Series) -> dict[str, Any]:
    delays = None if each.delays_s is None else each.delays_s.tolist()
    return {"run": each.run.record(), "sizes": list(each.sizes), "delays_s": delays}


def _comparison_of(record: Mapping[str, Any]) -> Comparison:
    others = tuple(_series_of(each) for each in record["others"])
    return Comparison(_series_of(record["first"]), _series_of(record["copy"]), others, int(record["seed"]))


def _series_of(record: Mapping[str, Any]) -> Series:
    run = Run.from_record(record["run"])
    sizes = tuple(int(size) for size in record["sizes"])
    delays_s = None if record["delays_s"] is None else np.array(record["delays_s"], dtype=np.float64)
    whole = sum(sizes) == len(run.samples_s) and min(sizes) > 0
    if not whole or (delays_s is not None and delays_s.shape != run.samples_s.shape):
        raise ValueError(sizes)
    return Series(run, sizes, delays_s)
