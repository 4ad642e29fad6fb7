"""Fitted coefficients of latency, by device, kind, precision and engine: found as closely as something was measured."""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from advisor.device import peak_at, rate_orders
from advisor.effects import UNKNOWN, Effects, Traits, load_effects
from advisor.knowledge import HERE
from advisor.latency import FIDELITIES, Coefficients
from advisor.paths import DATA
from advisor.results import Fidelity

ANY = "*"
"""Stands in a table for every kind, device, precision or engine."""
_OF_CLASS = FIDELITIES.index("class")
NO_BALANCE = (0.0, 1.0)
"""Exponent and balance of a kind of device whose balance shows no influence."""


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


class Residual(NamedTuple):
    """What a model showed on a user's own machine beyond what was predicted there."""

    chip: str
    """Kind of the machine."""
    precision: str
    engine: str
    model: Traits
    log_factor: float


@dataclass(frozen=True)
class Calibration:
    """Fitted coefficients by device, kind, precision and engine."""

    fits: Mapping[tuple[str, str, str], Fit]
    """(kind, device, precision) -> coefficients; ``*`` stands for every one."""
    engines: Mapping[tuple[str, str], EngineFactor]
    """(kind, engine) -> factor."""
    gammas: Mapping[str, float]
    """Kind -> thread scaling."""
    balances: Mapping[str, tuple[float, float]]
    """Kind -> exponent and balance [FLOP/B]."""
    effects: Effects
    settings: Mapping[str, Any]
    residuals: tuple[Residual, ...] = ()
    """Of what was measured on a machine of the user's."""

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
        behind = self.settings["engines"]["runs_on"]
        engines = [behind.get(engine, engine) for engine in engines]
        keys = list(zip(device_ids, kinds, precisions, engines, strict=True))
        lines = {key: self._line(*key) for key in dict.fromkeys(keys)}
        columns = np.array([lines[key] for key in keys], float).reshape(len(keys), len(fields(Coefficients))).T
        values = {field.name: column for field, column in zip(fields(Coefficients), columns, strict=True)}
        same = self.settings["kinds"]["same_silicon"]
        chips = [same.get(kind, kind) for kind in kinds]
        whole, work = self.effects.of_classes(device_ids, chips, precisions, engines, models, metric)
        values["engine_factor"] = values["engine_factor"] * whole
        values["efficiency"] = values["efficiency"] / work
        traits = [models] * len(keys) if isinstance(models, Traits) else models
        strange = np.array([not self.effects.measured(one.family) for one in traits], bool)
        wider = np.where(strange, self.settings["widening"]["unmeasured_family"], 1.0)
        for name, sign in (("low_factor", -1), ("high_factor", 1)):
            values[name] = np.exp(sign * np.hypot(np.log(values[name]), np.log(wider)))
        if self.residuals:
            heard = [self._heard(*one) for one in zip(device_ids, chips, precisions, engines, traits, strict=True)]
            factor, narrowing = np.array(heard, float).reshape(len(keys), 2).T
            values["engine_factor"] = values["engine_factor"] * factor
            values |= {name: values[name] ** narrowing for name in ("low_factor", "high_factor")}
        values["fidelity"] = np.where(strange, np.maximum(values["fidelity"], _OF_CLASS), values["fidelity"])
        return Coefficients(**values | {"fidelity": values["fidelity"].astype(np.int8)})

    def _heard(self, device: str, chip: str, precision: str, engine: str, model: Traits) -> tuple[float, float]:
        """Factor on times and exponent on intervals, from what the model showed on the user's machine."""
        shown = [one for one in self.residuals if one.model.resembles(model)]
        if not shown or (device in ("", HERE) and (precision, engine) == shown[0][1:3]):
            return 1.0, 1.0
        for line in self.settings["transfer"]["lines"]:
            if shown[0].chip in line["of"] and chip in line["to"] and precision in line["precisions"]:
                return float(np.exp(line["share"] * np.median([one.log_factor for one in shown]))), line["narrowing"]
        return 1.0, 1.0

    def peak_flop_per_s(self, peaks: Mapping[Any, float], precision: str, *, generates: bool = False) -> float | None:
        """Rate at which a device computes a model of a number format; None where it cannot  [FLOP/s]."""
        return peak_at(peaks, rate_orders(self.settings, generates=generates).get(precision, (precision,)))

    def _line(self, device: str, kind: str, precision: str, engine: str) -> tuple[float, ...]:
        kind = self.settings["kinds"]["same_silicon"].get(kind, kind)
        fit, fidelity, widening = self._fit(device, kind, precision)
        factor = self.engines.get((kind, engine), self.engines[ANY, ANY])
        low = 1 / _wider(fit.low_factor, factor.low_factor, widening)
        high = _wider(fit.high_factor, factor.high_factor, widening)
        return (
            fit.efficiency, fit.overhead_s, low, high, self.gammas.get(kind, 1.0),
            *self.balances.get(kind, NO_BALANCE), factor.factor, FIDELITIES.index(fidelity),
            self.settings["widening"]["unknown_bandwidth"],
        )  # fmt: skip

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
    balances = {r["kind"]: (float(r["exponent"]), float(r["balance"])) for r in _rows(folder / "balance.csv")}
    settings = tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8"))
    centres = settings["effects"]["centres"]
    effects = load_effects(folder / "effects.csv", tuple(centres.items()))
    return Calibration(fits, engines, gammas, balances, effects, settings)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _numbers(row: Mapping[str, str], names: tuple[str, ...]) -> list[float]:
    return [float(row[name]) for name in names]
