"""What architecture, family, engine and device add to the roofline: pooled effects, found in published measurements."""

import csv
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from advisor.modelspec import ModelSpec

FloatArray = NDArray[np.float64]
COLUMNS = ("kind", "device", "precision", "engine", "family", "architecture", "activations", "metric")
"""What a term may be made of; terms of several are written with a plus between them."""
PARTS = ("factor", "params", "activations")
"""A constant [log s], a slope on the logarithm of the parameters, an exponent on the activations per MAC."""
_WORD = re.compile("[a-z]+")


class Traits(NamedTuple):
    """What effects look at in a model that answers at once."""

    family: str = ""
    architecture: str = ""
    params: float = float("nan")
    activations_per_mac: float = float("nan")
    """Numbers that convolutions and linear layers write, by MAC; NaN where unknown."""

    def resembles(self, other: "Traits") -> bool:
        """Whether both are the same model, as files and lists count and name it."""
        near = abs(self.params - other.params) <= _SAME_PARAMS * other.params
        return near and self.architecture == other.architecture


_SAME_PARAMS = 0.02
"""Difference of two counts of parameters, as a share, up to which they are of one model."""

UNKNOWN = Traits()


def architecture(name: str) -> str:
    """First word of a model's name, which its relatives share.

    Examples
    --------
    >>> architecture("ResNet-50"), architecture("timm:resnet34d.a1_in1k"), architecture("YOLOv5s")
    ('resnet', 'resnet', 'yolov')
    """
    found = _WORD.search(name.rsplit(":", maxsplit=1)[-1].lower())
    return found.group(0) if found else ""


def traits_of(spec: "ModelSpec") -> Traits:
    """Traits of a model."""
    per_mac = spec.activations / spec.macs if spec.activations and spec.macs else float("nan")
    return Traits(spec.family, architecture(spec.name or ""), float(spec.params), per_mac)


class Effects:
    """Table of effects: (part, term, key) -> value."""

    def __init__(self, values: Mapping[tuple[str, str, str], float], centres: Mapping[str, float]) -> None:
        self.values = values
        self.centres = centres
        """Parameters, and activations per MAC, at which slope and exponent have no effect."""
        self.terms = {part: sorted({term for p, term, _ in values if p == part}) for part in PARTS}

    def measured(self, family: str) -> bool:
        """Whether anything of a family was measured; a model without a family is none of another."""
        return not family or ("factor", "family", family) in self.values

    def of_classes(
        self,
        device_ids: Sequence[str],
        kinds: Sequence[str],
        precisions: Sequence[str],
        engines: Sequence[str],
        models: Traits | Sequence[Traits],
        metric: str,
    ) -> tuple[FloatArray, FloatArray]:
        """Both factors of ``of``, for one model or one of each class."""
        traits = [models] * len(device_ids) if isinstance(models, Traits) else models
        columns = {
            "device": device_ids,
            "kind": kinds,
            "precision": precisions,
            "engine": engines,
            "family": [one.family for one in traits],
            "architecture": [one.architecture for one in traits],
            "metric": [metric] * len(traits),
        }
        params, activations = (
            np.array([getattr(one, name) for one in traits], float) for name in ("params", "activations_per_mac")
        )
        return self.of(columns, params, activations)

    def of(
        self,
        columns: Mapping[str, Sequence[str]],
        params: FloatArray,
        activations_per_mac: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        r"""Factor on the whole time, and on the work alone, of every entry.

        Parameters
        ----------
        columns : mapping of str to sequence of str, length (n,)
            ``COLUMNS`` except ``activations``, which is told here.
        params, activations_per_mac : array, shape (n,)
            NaN where unknown, which is as at the centre.

        Returns
        -------
        tuple of array
            Two factors of shape (n,).

        Notes
        -----
        .. math:: t = e^{\sum a + \log(p / p_0) \sum b}
                      \left(o + r \left(\frac{A / W}{A_0 / W_0}\right)^{\sum c}\right)

        with the overhead o and the roof r; the exponent is kept within 0 and 1: more work never takes less time.
        """
        known = np.where(np.isnan(activations_per_mac), "unknown", "known").tolist()
        keys = list(zip(*(columns[name] if name != "activations" else known for name in COLUMNS), strict=True))
        sums = {key: self._sums(dict(zip(COLUMNS, key, strict=True))) for key in dict.fromkeys(keys)}
        constant, slope, exponent = np.array([sums[key] for key in keys], float).reshape(len(keys), len(PARTS)).T
        by_params = slope * np.nan_to_num(np.log(params / self.centres["params"]))
        by_activations = np.nan_to_num(np.log(activations_per_mac / self.centres["activations_per_mac"]))
        return np.exp(constant + by_params), np.exp(np.clip(exponent, 0.0, 1.0) * by_activations)

    def _sums(self, entry: Mapping[str, str]) -> list[float]:
        return [
            sum(self.values.get((part, term, key_of(term, entry)), 0.0) for term in self.terms[part]) for part in PARTS
        ]


def key_of(term: str, entry: Mapping[str, str]) -> str:
    """Key of an entry in a term."""
    return "+".join(entry[name] for name in term.split("+") if name)


@cache
def load_effects(path: Path, centres: tuple[tuple[str, float], ...]) -> Effects:
    """Effects of a file in the layout of ``data/calibrations/effects.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    return Effects({(row["part"], row["term"], row["key"]): float(row["value"]) for row in rows}, dict(centres))
