"""Time of a language model: prefill and decoding step apart, as intervals, and the batch that the cache allows."""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.paths import DATA
from advisor.results import Fidelity
from advisor.units import FLOP_PER_MAC

FloatArray = NDArray[np.float64]
Ends = tuple[FloatArray, FloatArray, FloatArray]

FIDELITIES: tuple[Fidelity, ...] = get_args(Fidelity)
ANY = "*"
KEYS_AND_VALUES = 2.0


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What calibration found for each service class; arrays of one shape."""

    compute_efficiency: FloatArray
    """Share of the compute roof that is attained.  [unitless]"""
    bandwidth_efficiency: FloatArray
    """Share of the memory bandwidth that is attained while weights are read.  [unitless]"""
    cache_efficiency: FloatArray
    """The same while keys and values are read.  [unitless]"""
    prefill_layer_s: FloatArray
    step_layer_s: FloatArray
    """Time that every layer takes besides, in a prefill and in a decoding step.  [s]"""
    collective_s: FloatArray
    """Time that a layer takes more whenever the devices double.  [s]"""
    sequence_s: FloatArray
    """Time that a layer takes more in a decoding step for every sequence.  [s]"""
    prefill_low: FloatArray
    prefill_high: FloatArray
    step_low: FloatArray
    step_high: FloatArray
    """Central 80 % around the middle, as factors.  [unitless]"""
    prefill_engine: FloatArray
    step_engine: FloatArray
    """Time under the engine relative to the usual one.  [unitless]"""
    in_turn: FloatArray
    """1 where the engine hands requests from device to device, so that more are not faster; else 0."""
    fidelity: NDArray[np.int8]
    """Position in ``FIDELITIES``."""

    def at_work(self, units: ArrayLike) -> FloatArray:
        """Units that work at the same time, of so many that share a model."""
        return np.asarray(np.where(self.in_turn > 0, np.minimum(units, 1.0), units), float)

    def with_axes(self, count: int) -> "Coefficients":
        """The same with so many axes of length one behind, to broadcast over shapes and batches."""
        values = (getattr(self, field.name) for field in fields(self))
        return Coefficients(*(value.reshape(value.shape + (1,) * count) for value in values))


def kv_bytes_per_token(*, layers: ArrayLike, kv_heads: ArrayLike, head_size: ArrayLike,
                       bytes_per_element: ArrayLike = 2.0) -> FloatArray:  # fmt: skip
    """Bytes of the key-value cache that one token leaves.

    Examples
    --------
    >>> float(kv_bytes_per_token(layers=32, kv_heads=8, head_size=128))
    131072.0
    """
    elements = np.multiply(KEYS_AND_VALUES * np.multiply(layers, kv_heads), head_size)
    return np.asarray(np.multiply(elements, bytes_per_element), float)


def largest_batch(*, memory_bytes: ArrayLike, weight_bytes: ArrayLike, kv_bytes_per_sequence: ArrayLike) -> FloatArray:
    """Sequences whose cache fits beside the weights; 0 where not even one does.

    >>> float(largest_batch(memory_bytes=24e9, weight_bytes=16e9, kv_bytes_per_sequence=1e9))
    8.0
    """
    room = np.subtract(memory_bytes, weight_bytes) / kv_bytes_per_sequence
    return np.asarray(np.floor(np.maximum(room, 0.0)), float)


def weights_read_bytes(*, weight_bytes: ArrayLike, active_share: ArrayLike, batch: ArrayLike) -> FloatArray:
    r"""Weights that one decoding step of a batch reads: all of a dense model, some experts of a sparse one.

    Parameters
    ----------
    weight_bytes : float or array
        Bytes of all weights.  [B]
    active_share : float or array
        Share of the weights that one token uses, in (0, 1].  [unitless]
    batch : float or array
        Sequences decoded together.

    Notes
    -----
    Experts drawn evenly and independently: :math:`W (1 - (1 - a)^b)`.

    Examples
    --------
    >>> float(weights_read_bytes(weight_bytes=100.0, active_share=0.5, batch=2))
    75.0
    """
    untouched = np.power(1.0 - np.asarray(active_share, float), batch)
    return np.asarray(np.multiply(weight_bytes, 1.0 - untouched), float)


def decode_step_s(*, active_params: ArrayLike, weight_bytes: ArrayLike, active_share: ArrayLike,
                  layers: ArrayLike, kv_bytes_per_sequence: ArrayLike, batch: ArrayLike, peak_flop_per_s: ArrayLike,
                  bandwidth_bytes_per_s: ArrayLike, units: ArrayLike,
                  coefficients: Coefficients) -> FloatArray:  # fmt: skip
    r"""Middle estimate of the time of one decoding step, which gives every sequence of the batch one token.

    Parameters
    ----------
    active_params : float or array
        Parameters that one token uses.
    weight_bytes, kv_bytes_per_sequence : float or array
        Bytes of all weights, and of the cache of one sequence at its present length.  [B]
    active_share, batch : float or array
        As in ``weights_read_bytes``.
    layers : float or array
    peak_flop_per_s, bandwidth_bytes_per_s : float or array
        Figures of one unit; the bandwidth is NaN where unknown, then the compute roof alone holds.  [FLOP/s], [B/s]
    units : float or array
        Accelerators, or virtual CPUs, that share the model evenly.
    coefficients : Coefficients
        From ``LanguageCalibration.lookup``.

    Returns
    -------
    array
        Time per output token, in the broadcast shape of the arguments.  [s]

    Notes
    -----
    .. math:: t = f \left(\max\left(\frac{W_b}{B n \eta_B} + \frac{b K}{B n \eta_K},
              \frac{2 p b}{P n \eta_P}\right) + L (o + c \log_2 n + q b)\right)

    with n at most 1 where devices work in turn.
    """
    at_work = coefficients.at_work(units)
    weights = weights_read_bytes(weight_bytes=weight_bytes, active_share=active_share, batch=batch)
    cache = np.multiply(batch, kv_bytes_per_sequence)
    bandwidth = np.multiply(bandwidth_bytes_per_s, at_work)
    memory_s = (weights / coefficients.bandwidth_efficiency + cache / coefficients.cache_efficiency) / bandwidth
    work = FLOP_PER_MAC * np.multiply(active_params, batch)
    compute_s = work / (np.multiply(peak_flop_per_s, at_work) * coefficients.compute_efficiency)
    layer_s = (
        coefficients.step_layer_s + _collective_s(at_work, coefficients) + np.multiply(coefficients.sequence_s, batch)
    )
    return np.asarray(coefficients.step_engine * (np.fmax(memory_s, compute_s) + np.multiply(layers, layer_s)), float)


def prefill_s(*, active_params: ArrayLike, weight_bytes: ArrayLike, layers: ArrayLike, input_tokens: ArrayLike,
              peak_flop_per_s: ArrayLike, bandwidth_bytes_per_s: ArrayLike, units: ArrayLike,
              coefficients: Coefficients) -> FloatArray:  # fmt: skip
    r"""Middle estimate of the time to read one prompt on an idle machine: the time to first token without waiting.

    Parameters
    ----------
    active_params, weight_bytes, layers, peak_flop_per_s, bandwidth_bytes_per_s, units, coefficients
        As in ``decode_step_s``.
    input_tokens : float or array
        Tokens of the prompt.

    Returns
    -------
    array
        Prefill time, in the broadcast shape of the arguments.  [s]

    Notes
    -----
    .. math:: t = f \left(\max\left(\frac{2 p s}{P n \eta_P}, \frac{W}{B n \eta_B}\right) + L (o + c \log_2 n)\right)
    """
    at_work = coefficients.at_work(units)
    work = FLOP_PER_MAC * np.multiply(active_params, input_tokens)
    compute_s = work / (np.multiply(peak_flop_per_s, at_work) * coefficients.compute_efficiency)
    bandwidth = np.multiply(bandwidth_bytes_per_s, at_work) * coefficients.bandwidth_efficiency
    memory_s = np.divide(weight_bytes, bandwidth)
    layer_s = coefficients.prefill_layer_s + _collective_s(at_work, coefficients)
    return np.asarray(
        coefficients.prefill_engine * (np.fmax(memory_s, compute_s) + np.multiply(layers, layer_s)), float
    )


def _collective_s(units: ArrayLike, coefficients: Coefficients) -> FloatArray:
    return np.asarray(coefficients.collective_s * np.log2(np.maximum(units, 1.0)), float)


def prefill_interval_s(*, coefficients: Coefficients, **arguments: ArrayLike) -> Ends:
    """Low, middle and high (central 80 %) of ``prefill_s`` in seconds, with its arguments."""
    mid = prefill_s(coefficients=coefficients, **arguments)
    return mid * coefficients.prefill_low, mid, mid * coefficients.prefill_high


def decode_interval_s(*, coefficients: Coefficients, **arguments: ArrayLike) -> Ends:
    """Low, middle and high (central 80 %) of ``decode_step_s`` in seconds, with its arguments."""
    mid = decode_step_s(coefficients=coefficients, **arguments)
    return mid * coefficients.step_low, mid, mid * coefficients.step_high


class Fit(NamedTuple):
    """One line of ``llm.csv``."""

    compute_efficiency: float
    bandwidth_efficiency: float
    cache_efficiency: float
    prefill_layer_s: float
    step_layer_s: float
    collective_s: float
    sequence_s: float
    prefill_low: float
    prefill_high: float
    step_low: float
    step_high: float


class EngineFactor(NamedTuple):
    """One line of ``llm_engine_factors.csv``."""

    factor: float
    low_factor: float
    high_factor: float


@dataclass(frozen=True)
class LanguageCalibration:
    """Fitted coefficients of language models by device, kind and engine."""

    fits: Mapping[tuple[str, str], tuple[Fit, Fidelity]]
    """(kind, device) -> coefficients; ``*`` stands for every one."""
    engines: Mapping[tuple[str, str, str], EngineFactor]
    """(prefill or step, engine, precision) -> factor; ``*`` stands for every one."""
    settings: Mapping[str, Any]

    def lookup(self, device_ids: Sequence[str], kinds: Sequence[str], precisions: Sequence[str],
               engines: Sequence[str]) -> Coefficients:  # fmt: skip
        """Coefficients of service classes: of the device, else of its kind, else of all kinds together.

        Parameters
        ----------
        device_ids, kinds, precisions, engines : sequence of str, length (classes,)
            Ids of records, kinds and number formats; an unknown engine is one without measurements.

        Returns
        -------
        Coefficients
            Arrays of shape (classes,).
        """
        keys = list(zip(device_ids, kinds, precisions, engines, strict=True))
        lines = {key: self._line(*key) for key in dict.fromkeys(keys)}
        columns = np.array([lines[key] for key in keys], float).reshape(len(keys), len(fields(Coefficients))).T
        values = {field.name: column for field, column in zip(fields(Coefficients), columns, strict=True)}
        return Coefficients(**values | {"fidelity": values["fidelity"].astype(np.int8)})

    def _line(self, device: str, kind: str, precision: str, engine: str) -> tuple[float, ...]:
        words, kind = self.settings["language"], self.settings["kinds"]["same_silicon"].get(kind, kind)
        engine = words["generates_with"].get(engine, engine)
        keys = ((kind, device), (kind, ANY), (ANY, ANY))
        fit, fidelity = next(self.fits[key] for key in keys if key in self.fits)
        first, step = (self._engine(phase, engine, precision) for phase in ("prefill", "step"))
        spread = (
            1 / _wider(fit.prefill_low, first.low_factor), _wider(fit.prefill_high, first.high_factor),
            1 / _wider(fit.step_low, step.low_factor), _wider(fit.step_high, step.high_factor),
        )  # fmt: skip
        in_turn = engine in words["in_turn_engines"] and kind not in self.settings["kinds"]["per_vcpu"]
        return (*fit[:7], *spread, first.factor, step.factor, float(in_turn), FIDELITIES.index(fidelity))

    def _engine(self, phase: str, engine: str, precision: str) -> EngineFactor:
        keys = ((phase, engine, precision), (phase, engine, ANY), (ANY, ANY, ANY))
        return next(self.engines[k] for k in keys if k in self.engines)


def _wider(*factors: float) -> float:
    return float(np.exp(np.hypot(*np.log(factors))))


@cache
def load_language_calibration(folder: Path = DATA / "calibrations") -> LanguageCalibration:
    """Language-model calibration of a folder in the layout of ``data/calibrations``; by default the packed one."""
    fits = {
        (row["kind"], row["device"]): (Fit(*_numbers(row, Fit._fields)), _fidelity(row["fidelity"]))
        for row in _rows(folder / "llm.csv")
    }
    engines = {
        (row["phase"], row["engine"], row["format"]): EngineFactor(*_numbers(row, EngineFactor._fields))
        for row in _rows(folder / "llm_engine_factors.csv")
    }
    return LanguageCalibration(fits, engines, tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8")))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _numbers(row: Mapping[str, str], names: tuple[str, ...]) -> list[float]:
    return [float(row[name]) for name in names]


def _fidelity(name: str) -> Fidelity:
    return FIDELITIES[FIDELITIES.index(name)]
