"""Models at hand for the lab, and pictures of digits to show the smallest."""

import csv
import gzip
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.errors import MeasureError, MissingExtraError, UnknownIdError
from advisor.lab.folders import cache_folder, made
from advisor.lab.recipes import Kind, Recipe, recipes
from advisor.paths import DATA
from advisor.text import sentence

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from advisor.modelspec import ModelSpec

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.intp]

_FOLDER = DATA / "lab"
_SIDE = 8
_WHITE = 16
"""Value of a full pixel in ``digits.csv.gz``."""


@dataclass(frozen=True, slots=True)
class About:
    """What a model of the zoo is."""

    id: str
    name: str
    """What people call it, in English."""
    kind: Kind
    """"trained" ones come with the product; "generated" ones have the layers of a published model and weights from a
    seed, so that their speed is real and their answers mean nothing; "package" ones come with an installed package."""
    params: int | None
    """Parameters; None for one of a package that is not installed."""
    macs: float | None
    """Multiply-accumulate operations of one inference, of one token for a language model; None as above."""
    licence: str
    """Of the file."""
    source: str
    """Where the layers or the file come from."""
    url: str

    def in_language(self, lang: str) -> str:
        """What it is and what it is good for, in words."""
        recipe = recipes()[self.id]
        code = "cut_down" if self.kind == "generated" and recipe.name else self.kind
        told = sentence(f"zoo.{code}", lang, name=recipe.title(lang), package=recipe.package)
        return f"{told} {sentence('zoo.decodes', lang)}" if recipe.decodes else told


def names() -> tuple[str, ...]:
    """Names of the models that can be used here: trained, generated from light to heavy, then those of packages."""
    every = recipes().values()
    trained = (recipe for recipe in every if recipe.kind == "trained")
    generated = sorted((recipe for recipe in every if recipe.kind == "generated"), key=lambda recipe: recipe.size)
    packaged = (recipe for recipe in every if recipe.kind == "package" and _in_package(recipe))
    return tuple(recipe.id for recipe in (*trained, *generated, *packaged))


def path(name: str) -> Path:
    """ONNX file of a model; a generated one is written to the user's cache when it is first asked for.

    Raises
    ------
    UnknownIdError
        If there is no such model.
    MissingExtraError
        If the package that brings it is not installed.
    MeasureError
        If it has to be written and the cache takes no more; ``ADVISOR_HOME`` names another place.
    """
    recipe = _recipe(name)
    if recipe.kind == "trained":
        return _FOLDER / f"{name}.onnx"
    if recipe.kind == "generated":
        return _generated(recipe)
    file = _in_package(recipe)
    if file is None:
        raise MissingExtraError("missing_package", model=name, package=recipe.package)
    return file


def about(name: str) -> About:
    """What a model is, with its size and work counted from its graph.

    Raises
    ------
    UnknownIdError
        If there is no such model.
    """
    recipe = _recipe(name)
    counted = _sizes(recipe)
    params, macs = (None, None) if counted is None else (counted.params, counted.macs)
    return About(name, recipe.title("en"), recipe.kind, params, macs, recipe.licence, recipe.source, recipe.url)


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


def classify(images: ArrayLike, model: Literal["digits", "digits-int8"] = "digits") -> IntArray:
    """Digits that a classifier reads.

    Parameters
    ----------
    images : array of shape (n, 8, 8)
        Ink from 0 to 1.
    model : {"digits", "digits-int8"}
        Which one: in float32, or the same with 8-bit integers.

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
    (logits,) = _classifier(model).run(None, {"image": batch[:, None]})
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
def _classifier(name: str) -> "InferenceSession":
    from advisor.lab.jobs import need_runtime

    need_runtime()
    from onnxruntime import InferenceSession, SessionOptions

    options: Any = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return InferenceSession(path(name), options, providers=["CPUExecutionProvider"])


def _recipe(name: str) -> Recipe:
    known = recipes()
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.3) or known
        raise UnknownIdError("unknown_zoo", field="model", value=name, known=", ".join(near))
    return known[name]


def _generated(recipe: Recipe) -> Path:
    from advisor.lab.nets.writing import key, write

    folder = cache_folder() / "zoo" / key(recipe.architecture, recipe.arguments)
    return made(folder / f"{recipe.id}.onnx", partial(write, recipe.architecture, recipe.arguments))


def _in_package(recipe: Recipe) -> Path | None:
    """File of a model in an installed package; the package is not imported."""
    try:
        found = distribution(recipe.package)
    except PackageNotFoundError:
        return None
    matching = sorted(file for file in found.files or () if file.match(recipe.file))
    return Path(str(found.locate_file(matching[-1]))) if matching else None


def _sizes(recipe: Recipe) -> "ModelSpec | None":
    from advisor.modelspec import of_onnx

    if recipe.kind == "generated":
        return _counted(recipe.id)
    return of_onnx(path(recipe.id)) if recipe.kind == "trained" or _in_package(recipe) else None


@cache
def _counted(recipe_id: str) -> "ModelSpec":
    """Sizes of a generated model, counted without its weights."""
    from advisor.lab.nets.writing import write
    from advisor.modelspec import of_onnx

    recipe = recipes()[recipe_id]
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{recipe.id}.onnx"
        write(recipe.architecture, recipe.arguments, file, "sparse")
        return of_onnx(file)
