"""Small models that come with the product, and pictures to show them."""

import csv
import gzip
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.errors import MeasureError, UnknownIdError
from advisor.paths import DATA

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.intp]

_FOLDER = DATA / "lab"
_SIDE = 8
_WHITE = 16
"""Value of a full pixel in ``digits.csv.gz``."""


def names() -> tuple[str, ...]:
    """Names of the models, in alphabetic order."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.onnx")))


def path(name: str) -> Path:
    """ONNX file of a model.

    Raises
    ------
    UnknownIdError
        If there is no such model.
    """
    if name not in names():
        near = get_close_matches(name, names(), n=3, cutoff=0.3) or names()
        raise UnknownIdError("unknown_zoo", field="model", value=name, known=", ".join(near))
    return _FOLDER / f"{name}.onnx"


def pictures(count: int) -> tuple[FloatArray, IntArray]:
    """Pictures of handwritten digits that the classifier was not trained on.

    Parameters
    ----------
    count : int
        How many; at most the held-out part has.

    Returns
    -------
    images : array of shape (count, 8, 8)
        Ink from 0 to 1.
    labels : array of shape (count,)
        Digits that were written.

    Raises
    ------
    MeasureError
        If there are not so many.
    """
    images, labels = labelled_pictures("held-out")
    if type(count) is not int or not 1 <= count <= len(labels):
        raise MeasureError("field", field="count", value=count, must=f"1, 2, ... {len(labels)}")
    return images[:count], labels[:count]


def classify(images: ArrayLike) -> IntArray:
    """Digits that the classifier reads.

    Parameters
    ----------
    images : array of shape (n, 8, 8)
        Ink from 0 to 1.

    Returns
    -------
    array of shape (n,)

    Raises
    ------
    MeasureError
        If the images have another shape.
    MissingExtraError
        If onnxruntime is not installed.
    """
    batch = np.asarray(images, dtype=np.float32)
    if batch.ndim != 3 or batch.shape[1:] != (_SIDE, _SIDE):
        raise MeasureError("field", field="images.shape", value=batch.shape, must=f"(n, {_SIDE}, {_SIDE})")
    (logits,) = _classifier().run(None, {"image": batch[:, None]})
    digits: IntArray = np.asarray(logits).argmax(axis=1)
    return digits


@cache
def labelled_pictures(split: Literal["training", "held-out"]) -> tuple[FloatArray, IntArray]:
    """Images of shape (n, 8, 8) with ink from 0 to 1, and labels of shape (n,), of one part of ``digits.csv.gz``."""
    with gzip.open(_FOLDER / "digits.csv.gz", "rt", encoding="ascii", newline="") as file:
        rows = [row[:-1] for row in csv.reader(file) if row[-1] == split]
    numbers = np.array(rows, dtype=np.intp)
    images = (numbers[:, :-1].reshape(-1, _SIDE, _SIDE) / _WHITE).astype(np.float32)
    labels = numbers[:, -1]
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


@cache
def _classifier() -> "InferenceSession":
    from advisor.lab.jobs import need_runtime

    need_runtime()
    from onnxruntime import InferenceSession, SessionOptions

    options: Any = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return InferenceSession(path("digits"), options, providers=["CPUExecutionProvider"])
