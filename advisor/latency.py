"""Time that one inference, or a batch, holds a device: roofline with fitted efficiency and overhead, as an interval."""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.effects import UNKNOWN, Effects, Traits, load_effects
from advisor.paths import DATA
from advisor.results import Fidelity

FloatArray = NDArray[np.float64]
Ends = tuple[FloatArray, FloatArray, FloatArray]

FIDELITIES: tuple[Fidelity, ...] = get_args(Fidelity)
"""Names of the fidelity codes: a code is the position of its name here."""
ANY = "*"
"""Stands in a table for every kind, device, precision or engine."""


def peak_at(peaks: Mapping[Any, float], precision: str, fallback: Mapping[str, Sequence[str]]) -> float | None:
    """Rate at which a device runs a number format, by the formats it has a rate for.

    Parameters
    ----------
    peaks : mapping
        Precision -> dense peak.  [FLOP/s]
    precision : str
        Precision that is asked for.
    fallback : mapping
        Precision -> precisions at whose rate it runs instead, the best first.

    Returns
    -------
    float or None
        Peak; None where the device cannot run the format.  [FLOP/s]

    Examples
    --------
    >>> peak_at({"fp32": 1e12}, "int8", {"int8": ("fp16", "fp32")})
    1000000000000.0
    """
    return next((peaks[p] for p in (precision, *fallback.get(precision, ())) if p in peaks), None)


def roofline_s(*, work_flop: ArrayLike, traffic_bytes: ArrayLike, peak_flop_per_s: ArrayLike,
               bandwidth_bytes_per_s: ArrayLike, efficiency: ArrayLike = 1.0) -> FloatArray:  # fmt: skip
    r"""Lower-bound latency by the roofline model [1]_.

    Parameters
    ----------
    work_flop : float or array
        Floating-point operations.  [FLOP]
    traffic_bytes : float or array
        Bytes moved between memory and processor.  [B]
    peak_flop_per_s : float or array
        Dense peak of the units used.  [FLOP/s]
    bandwidth_bytes_per_s : float or array
        Memory bandwidth of the units used; NaN where unknown, then the compute roof alone holds.  [B/s]
    efficiency : float or array, default 1
        Share of the roof that calibration found attainable.  [unitless]

    Returns
    -------
    array
        Latency, in the broadcast shape of the arguments.  [s]

    Notes
    -----
    .. math:: t = \max(W / P, Q / B) / \eta

    References
    ----------
    .. [1] S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance model for multicore
       architectures," Communications of the ACM, vol. 52, no. 4, pp. 65-76, 2009, doi:10.1145/1498765.1498785.

    Examples
    --------
    >>> float(roofline_s(work_flop=8e9, traffic_bytes=1e8, peak_flop_per_s=1e12, bandwidth_bytes_per_s=1e11))
    0.008
    """
    compute_s = np.divide(work_flop, peak_flop_per_s)
    memory_s = np.divide(traffic_bytes, bandwidth_bytes_per_s)
    return np.asarray(np.fmax(compute_s, memory_s) / efficiency, float)


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What calibration found for each service class; arrays of one shape."""

    efficiency: FloatArray
    """Share of the roof that is attained.  [unitless]"""
    overhead_s: FloatArray
    """Time that every batch takes besides.  [s]"""
    low_factor: FloatArray
    high_factor: FloatArray
    """Central 80 % around the middle, as factors.  [unitless]"""
    gamma: FloatArray
    """Thread scaling: n units do the work of ``n ** gamma``.  [unitless]"""
    engine_factor: FloatArray
    """Time under the engine relative to the kind's usual one.  [unitless]"""
    fidelity: NDArray[np.int8]
    """Position in ``FIDELITIES``."""
    blind_factor: FloatArray
    """Widening of the interval where the bandwidth is unknown.  [unitless]"""

    def with_axes(self, count: int) -> "Coefficients":
        """The same with so many axes of length one behind, to broadcast over shapes and batches."""
        values = (getattr(self, field.name) for field in fields(self))
        return Coefficients(*(value.reshape(value.shape + (1,) * count) for value in values))


def service_s(*, work_flop: ArrayLike, weight_bytes: ArrayLike, activation_bytes: ArrayLike = 0.0,
              batch: ArrayLike = 1.0, peak_flop_per_s: ArrayLike, bandwidth_bytes_per_s: ArrayLike,
              units: ArrayLike = 1.0, coefficients: Coefficients) -> FloatArray:  # fmt: skip
    r"""Middle estimate of the time that one batch holds its units.

    Parameters
    ----------
    work_flop : float or array
        Floating-point operations of one inference.  [FLOP]
    weight_bytes, activation_bytes : float or array
        Bytes of the weights, read once a batch, and of the activations of one inference.  [B]
    batch : float or array, default 1
        Inferences that are served as one.
    peak_flop_per_s, bandwidth_bytes_per_s : float or array
        Figures of one unit of the device; the bandwidth is NaN where unknown.  [FLOP/s], [B/s]
    units : float or array, default 1
        Units that work together: virtual CPUs, or 1 accelerator.
    coefficients : Coefficients
        From ``Calibration.lookup``.

    Returns
    -------
    array
        Service time, in the broadcast shape of the arguments.  [s]

    Notes
    -----
    .. math:: t = f \left(o + \max\left(\frac{W b}{P n}, \frac{Q}{B n}\right)
              \frac{\max(n, 1)^{1 - \gamma}}{\eta}\right)
    """
    units = np.asarray(units, float)
    roof_s = roofline_s(
        work_flop=np.multiply(work_flop, batch),
        traffic_bytes=np.add(weight_bytes, np.multiply(activation_bytes, batch)),
        peak_flop_per_s=np.multiply(peak_flop_per_s, units),
        bandwidth_bytes_per_s=np.multiply(bandwidth_bytes_per_s, units),
        efficiency=coefficients.efficiency,
    )
    scaling = np.maximum(units, 1.0) ** (1.0 - coefficients.gamma)
    return np.asarray(coefficients.engine_factor * (coefficients.overhead_s + roof_s * scaling), float)


def service_interval_s(work_flop: tuple[ArrayLike, ArrayLike, ArrayLike], weight_bytes: ArrayLike,
                       activation_bytes: ArrayLike, batch: ArrayLike, peak_flop_per_s: ArrayLike,
                       bandwidth_bytes_per_s: ArrayLike, units: ArrayLike,
                       coefficients: Coefficients) -> Ends:  # fmt: skip
    """Low, middle and high (central 80 %) of ``service_s``.

    Parameters
    ----------
    work_flop : three floats or arrays
        Low, middle and high of the work of one inference; the same number three times where it is known.  [FLOP]
    weight_bytes, activation_bytes, batch, peak_flop_per_s, bandwidth_bytes_per_s, units, coefficients
        As in ``service_s``.

    Returns
    -------
    three arrays
        In the broadcast shape of the arguments.  [s]

    Notes
    -----
    The spread of the calibration, of the work and of a missing bandwidth add up in quadrature of their logarithms.
    """

    def at(work: ArrayLike) -> FloatArray:
        return service_s(
            work_flop=work, weight_bytes=weight_bytes, activation_bytes=activation_bytes, batch=batch, units=units,
            peak_flop_per_s=peak_flop_per_s, bandwidth_bytes_per_s=bandwidth_bytes_per_s, coefficients=coefficients,
        )  # fmt: skip

    low_work, mid_work, high_work = work_flop
    mid = at(mid_work)
    blind = np.where(np.isnan(bandwidth_bytes_per_s), np.log(coefficients.blind_factor), 0.0)
    known = low_work is mid_work and high_work is mid_work
    below = np.zeros(()) if known else np.log(mid / at(low_work))
    above = np.zeros(()) if known else np.log(at(high_work) / mid)
    low = mid * np.exp(-np.sqrt(np.log(coefficients.low_factor) ** 2 + below**2 + blind**2))
    high = mid * np.exp(np.sqrt(np.log(coefficients.high_factor) ** 2 + above**2 + blind**2))
    return low, mid, high


class Fit(NamedTuple):
    """One line of ``latency.csv``."""

    efficiency: float
    overhead_s: float
    low_factor: float
    high_factor: float


class EngineFactor(NamedTuple):
    """One line of ``engine_factors.csv``."""

    factor: float
    low_factor: float
    high_factor: float


@dataclass(frozen=True)
class Calibration:
    """Fitted coefficients by device, kind, precision and engine."""

    fits: Mapping[tuple[str, str, str], Fit]
    """(kind, device, precision) -> coefficients; ``*`` stands for every one."""
    engines: Mapping[tuple[str, str], EngineFactor]
    """(kind, engine) -> factor."""
    gammas: Mapping[str, float]
    """Kind -> thread scaling."""
    effects: Effects
    settings: Mapping[str, Any]

    def lookup(self, device_ids: Sequence[str], kinds: Sequence[str], precisions: Sequence[str], engines: Sequence[str],
               models: Traits | Sequence[Traits] = UNKNOWN, metric: str = "latency") -> Coefficients:  # fmt: skip
        """Coefficients with the models' effects: of the device, else of its kind and precision, of its kind, a range.

        Parameters
        ----------
        device_ids, kinds, precisions, engines : sequence of str, length (classes,)
            Ids of ``data/devices`` and ``data/systems``; an engine that is not known is one without measurements.
        models : Traits or sequence of Traits, length (classes,)
            What runs; by default nothing is known of it.
        metric : str
            "latency", or "throughput" of a saturated device.

        Returns
        -------
        Coefficients
            Arrays of shape (classes,).
        """
        keys = list(zip(device_ids, kinds, precisions, engines, strict=True))
        lines = {key: self._line(*key) for key in dict.fromkeys(keys)}
        columns = np.array([lines[key] for key in keys], float).reshape(len(keys), len(fields(Coefficients))).T
        values = {field.name: column for field, column in zip(fields(Coefficients), columns, strict=True)}
        same = self.settings["kinds"]["same_silicon"]
        chips = [same.get(kind, kind) for kind in kinds]
        whole, work = self.effects.of_classes(device_ids, chips, precisions, engines, models, metric)
        values["engine_factor"] = values["engine_factor"] * whole
        values["efficiency"] = values["efficiency"] / work
        return Coefficients(**values | {"fidelity": values["fidelity"].astype(np.int8)})

    def peak_flop_per_s(self, peaks: Mapping[Any, float], precision: str) -> float | None:
        """``peak_at`` in FLOP/s, with the fallbacks of the settings."""
        return peak_at(peaks, precision, self.settings["fallback"])

    def _line(self, device: str, kind: str, precision: str, engine: str) -> tuple[float, ...]:
        kind = self.settings["kinds"]["same_silicon"].get(kind, kind)
        fit, fidelity, widening = self._fit(device, kind, precision)
        factor = self.engines.get((kind, engine), self.engines[ANY, ANY])
        low = 1 / _wider(fit.low_factor, factor.low_factor, widening)
        high = _wider(fit.high_factor, factor.high_factor, widening)
        return (fit.efficiency, fit.overhead_s, low, high, self.gammas.get(kind, 1.0), factor.factor,
                FIDELITIES.index(fidelity), self.settings["widening"]["unknown_bandwidth"])  # fmt: skip

    def _fit(self, device: str, kind: str, precision: str) -> tuple[Fit, Fidelity, float]:
        if fit := self.fits.get((kind, device, precision)):
            return fit, "calibrated", 1.0
        if fit := self.fits.get((kind, ANY, precision)):
            return fit, "class", 1.0
        if fit := self.fits.get((kind, ANY, ANY)):
            return fit, "class", self.settings["widening"]["fallback_precision"]
        return Fit(**self.settings["theoretical"]), "theoretical", 1.0


def _wider(*factors: float) -> float:
    return float(np.exp(np.linalg.norm(np.log(factors))))


@cache
def load_calibration(folder: Path = DATA / "calibrations") -> Calibration:
    """Calibration of a folder in the layout of ``data/calibrations``; by default the packed one."""
    fits = {
        (r["kind"], r["device"], r["precision"]): Fit(*_numbers(r, Fit._fields)) for r in _rows(folder / "latency.csv")
    }
    engines = {
        (r["kind"], r["engine"]): EngineFactor(*_numbers(r, EngineFactor._fields))
        for r in _rows(folder / "engine_factors.csv")
    }
    gammas = {r["kind"]: float(r["gamma"]) for r in _rows(folder / "threads.csv")}
    settings = tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8"))
    centres = settings["effects"]["centres"]
    return Calibration(fits, engines, gammas, load_effects(folder / "effects.csv", tuple(centres.items())), settings)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _numbers(row: Mapping[str, str], names: tuple[str, ...]) -> list[float]:
    return [float(row[name]) for name in names]
