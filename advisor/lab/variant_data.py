"""Inputs for a variant: what it is calibrated on, and what it is judged by."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.errors import MeasureError, why_not
from advisor.lab.sessions import feed_of
from advisor.lab.settings import settings

Data = Mapping[str, ArrayLike] | str | Path
Arrays = Mapping[str, NDArray[Any]]

_LABELS = "labels"
_FED = "fiub"
"""Kinds of NumPy numbers that an input is filled with."""


@dataclass(frozen=True, slots=True)
class Input:
    """What one input of a model takes."""

    name: str
    dtype: np.dtype[Any]
    dims: tuple[int | None, ...]
    """Sizes of the axes; None where any size goes."""

    @property
    def items(self) -> int:
        """Items in one run along the first axis."""
        return (self.dims[0] or 1) if self.dims else 1


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs of so many runs; the first part is for calibration, the rest is held out."""

    arrays: Arrays
    """By input, the runs along the first axis."""
    labels: NDArray[np.intp] | None
    """Of the items, run after run."""
    count: int
    calibration: int
    generated: bool

    @property
    def held_out_labels(self) -> NDArray[np.intp] | None:
        """Labels of the part that is held out."""
        return None if self.labels is None else self.labels[self.calibration * len(self.labels) // self.count :]

    @property
    def sha256(self) -> str:
        """Hash of all of it."""
        found = hashlib.sha256(f"{self.calibration} {self.generated}".encode())
        named = dict(self.arrays) if self.labels is None else {**self.arrays, f"/{_LABELS}": self.labels}
        for name, array in sorted(named.items()):
            found.update(f"{name} {array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()


def inputs_of(path: Path) -> tuple[Input, ...]:
    """Inputs of an ONNX file."""
    from onnx import helper, load_model

    from advisor.onnx_model.axes import real_inputs

    found = []
    for entry in real_inputs(load_model(path, load_external_data=False).graph):
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(entry.type.tensor_type.elem_type))
        if dtype.kind not in _FED:
            raise MeasureError("measure_input", input=entry.name, value=str(dtype))
        dims = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in entry.type.tensor_type.shape.dim)
        found.append(Input(entry.name, dtype, dims))
    return tuple(found)


def generated(inputs: tuple[Input, ...], shapes: Mapping[str, tuple[int, ...]]) -> Samples:
    """Random inputs of given shapes, for the calibration of a variant whose speed alone counts."""
    count, table = settings()["variants"]["generated"], settings()["inputs"]
    filled = [
        {"name": entry.name, "type": entry.dtype.name, "shape": (count, *shapes.get(entry.name, ()))}
        for entry in inputs
    ]
    return Samples(feed_of(filled, **table), None, count, count, generated=True)


def digit_pictures() -> Samples:
    """Pictures of the packed digit classifier: those it was trained on for the calibration, the others held out."""
    from advisor.lab import zoo

    calibration = settings()["variants"]["calibration"]
    training, held_out = zoo.labelled_pictures("training"), zoo.labelled_pictures("held-out")
    images = np.concatenate([training[0][:calibration], held_out[0]])
    labels = np.concatenate([training[1][:calibration], held_out[1]])
    return Samples({"image": images[:, None, None]}, labels, len(images), calibration, generated=False)


def samples_of(inputs: tuple[Input, ...], data: Data, labels: ArrayLike | None) -> Samples:
    """Inputs of the user's own.

    Parameters
    ----------
    inputs : tuple of Input
    data : mapping or path
        Arrays by the name of the input, or the path of an ``.npz`` file of such; for a single input an ``.npy`` file
        too.  Items lie along the first axis; an array with one axis more than its input holds whole runs.  An array
        ``labels`` counts as labels unless an input has that name.
    labels : array, optional
        Class of each item.

    Raises
    ------
    MeasureError
        If a file cannot be read, or the arrays do not fit the inputs, hold no numbers, or are too few.
    """
    given = dict(data) if isinstance(data, Mapping) else _read(Path(data).expanduser(), inputs)
    if _LABELS in given and all(entry.name != _LABELS for entry in inputs):
        found = given.pop(_LABELS)
        labels = found if labels is None else labels
    wanted = [entry.name for entry in inputs]
    if sorted(given) != sorted(wanted):
        raise MeasureError("variant_names", value=", ".join(sorted(given)) or "-", known=", ".join(wanted))
    arrays = {entry.name: _runs(entry, given[entry.name]) for entry in inputs}
    counts = {name: len(array) for name, array in arrays.items()}
    given_count = min(counts.values())
    if given_count != max(counts.values()):
        told = ", ".join(f"{name}: {number}" for name, number in counts.items())
        raise MeasureError("variant_counts", value=told)
    if given_count < 2:
        raise MeasureError("variant_few", value=given_count)
    table = settings()["variants"]
    calibration = min(table["calibration"], given_count // 2)
    count = min(given_count, calibration + table["held_out"])
    first = arrays[wanted[0]]
    items = first.shape[1] if first.ndim > 1 else 1
    known = None if labels is None else _known(labels, given_count * items)[: count * items]
    fed = {entry.name: _fed(entry, arrays[entry.name][:count]) for entry in inputs}
    return Samples(fed, known, count, calibration, generated=False)


def _read(path: Path, inputs: tuple[Input, ...]) -> dict[str, ArrayLike]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {inputs[0].name: loaded}
        with loaded:
            return dict(loaded)
    except OSError as error:
        raise MeasureError("variant_data_missing", file=str(path), reason=why_not(error)) from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile):
        raise MeasureError("variant_data_unreadable", file=str(path)) from None


def _runs(entry: Input, values: ArrayLike) -> NDArray[Any]:
    """What one input is given, the runs along the first axis."""
    array = np.asarray(values)
    if array.dtype.kind not in _FED or (entry.dtype.kind != "f" and array.dtype.kind == "f"):
        raise MeasureError("variant_type", input=entry.name, value=str(array.dtype), must=str(entry.dtype))
    if array.ndim == len(entry.dims) and array.ndim and len(array) % entry.items == 0:
        array = array.reshape(len(array) // entry.items, entry.items, *array.shape[1:])
    if array.ndim != len(entry.dims) + 1 or any(
        wanted not in (None, size) for wanted, size in zip(entry.dims, array.shape[1:], strict=True)
    ):
        raise MeasureError("variant_shape", input=entry.name, value=np.shape(values), must=_shape_words(entry))
    return array


def _fed(entry: Input, array: NDArray[Any]) -> NDArray[Any]:
    """Runs in the number format of the model."""
    with np.errstate(over="ignore"):
        fed = np.ascontiguousarray(array, dtype=entry.dtype)
    known = np.isfinite(fed) if entry.dtype.kind == "f" else fed == array
    good = known.all(axis=tuple(range(1, known.ndim)))
    if not good.all():
        raise MeasureError("variant_values", input=entry.name, value=int(good.argmin()), must=str(entry.dtype))
    return fed


def _shape_words(entry: Input) -> str:
    sizes = ["?" if size is None else str(size) for size in entry.dims[1:]]
    first = "n" if entry.items == 1 else f"{entry.items} n"
    return f"({', '.join([first, *sizes])})"


def _known(labels: ArrayLike, items: int) -> NDArray[np.intp]:
    array = np.asarray(labels)
    if array.dtype.kind not in "iu" or array.shape != (items,) or (array < 0).any():
        raise MeasureError("variant_labels", value=f"{array.dtype} {array.shape}", items=items)
    return array.astype(np.intp)
