"""What a model's work is taken to be when only its family and its sizes are known."""

import math
import re
import sys
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple, get_args

from advisor.errors import RequirementError
from advisor.paths import DATA
from advisor.schema import ModelFamily

COUNTS = ("params", "active_params", "layers", "hidden", "heads", "kv_heads", "head_size", "vocabulary", "context")
_NUMBERS = (*COUNTS, "macs", "activations", "activation_bytes")
_AT_MOST = (("active_params", "params"), ("kv_heads", "heads"))
_NEAREST = 3


class Spread(NamedTuple):
    """A number with the central 80 % around it."""

    low: float
    mid: float
    high: float


@cache
def limits() -> Mapping[str, Any]:
    """Bounds of models and rules for model files, from ``data/limits.toml``."""
    return tomllib.loads((DATA / "limits.toml").read_text(encoding="utf-8"))


@cache
def precisions() -> Mapping[str, Any]:
    """Bytes of each number format, from ``data/precisions.toml``."""
    return tomllib.loads((DATA / "precisions.toml").read_text(encoding="utf-8"))


@cache
def estimates() -> Mapping[str, Any]:
    """Fitted relations between sizes and work, from ``data/estimates/macs.toml``."""
    return tomllib.loads((DATA / "estimates" / "macs.toml").read_text(encoding="utf-8"))


def checked_sizes(given: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Sizes of a model within their limits, counts as whole numbers.

    Parameters
    ----------
    given : mapping
        What a person states, by field.
    fields : tuple of str
        Fields that there are.

    Raises
    ------
    RequirementError
        If a field is unknown, missing, of the wrong type, out of its bounds, or contradicts another.
    """
    for field, value in given.items():
        if field not in fields:
            near = get_close_matches(field, fields, n=_NEAREST) or ["family", "params", "macs"]
            raise RequirementError("model_field_unknown", field=field, value=value, known=", ".join(near))
    for field in ("family", "params"):
        if field not in given:
            raise RequirementError("model_field_missing", field=field)
    families = get_args(ModelFamily)
    if given["family"] not in families:
        near = get_close_matches(str(given["family"]), families, n=_NEAREST, cutoff=0.4) or list(families)
        raise RequirementError("unknown_family", field="family", value=given["family"], known=", ".join(near))
    numbers = {field: size_within_limits(field, value) for field, value in given.items() if field in _NUMBERS}
    for lesser, greater in _AT_MOST:
        if (less := numbers.get(lesser, 0)) > (most := numbers.get(greater, math.inf)):
            raise RequirementError("model_exceeds", field=lesser, value=less, other=greater, other_value=most)
    shapes = {"input_shape": shape_within_limits(given["input_shape"])} if "input_shape" in given else {}
    return {**given, **numbers, **shapes}


def size_within_limits(field: str, value: Any) -> float:
    """The size, a whole number where it counts something.

    Raises
    ------
    RequirementError
        If it is no number, out of its bounds, or a count that is not whole (such as millions given as 25.6).
    """
    return _within(field, value, limits()["model"][field], whole=field in COUNTS)


def shape_within_limits(value: Any) -> tuple[int, ...]:
    """The shape, made of whole sizes.

    Raises
    ------
    RequirementError
        If it is no sequence of positive whole numbers.
    """
    if not isinstance(value, list | tuple) or not value:
        raise RequirementError("model_shape", field="input_shape", value=value)
    return tuple(int(_within("input_shape", size, limits()["model"]["dimension"], whole=True)) for size in value)


def _within(field: str, value: Any, bounds: Mapping[str, float], *, whole: bool) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequirementError("model_number", field=field, value=value)
    if not bounds["least"] <= value <= bounds["most"]:
        raise RequirementError("model_bounds", field=field, value=value, least=bounds["least"], most=bounds["most"])
    if not whole:
        return float(value)
    if not math.isclose(value, round(value), rel_tol=4 * sys.float_info.epsilon):
        raise RequirementError("model_whole", field=field, value=value)
    return round(value)


def shape_of(text: str) -> tuple[int, ...] | None:
    """Shape that a record or a table states in words.

    Parameters
    ----------
    text : str
        Such as ``"1x3x224x224"``, ``"224x224x3"`` or ``"seq 128"``.

    Returns
    -------
    tuple of int or None
        The shape, ``(1, 128)`` for 128 tokens; None if the text states none.

    Examples
    --------
    >>> shape_of("1x3x224x224")
    (1, 3, 224, 224)
    >>> shape_of("seq 128")
    (1, 128)
    """
    if match := re.fullmatch(r"seq (\d+)", text):
        return (1, int(match[1]))
    if re.fullmatch(r"\d+(x\d+)+", text):
        return tuple(int(size) for size in text.split("x"))
    return None


def pixels(shape: tuple[int, ...]) -> int:
    """Pixels of one image in a shape with or without batch and channels.

    Examples
    --------
    >>> pixels((1, 3, 224, 224)), pixels((224, 224, 3)), pixels((640, 480))
    (50176, 50176, 307200)
    """
    image = shape[-3:]
    if len(image) < 3:
        return math.prod(image)
    channel_counts = limits()["onnx"]["channel_counts"]
    channels_last = image[-1] in channel_counts and image[0] not in channel_counts
    return math.prod(image[:-1] if channels_last else image[1:])


def usual_input(family: str) -> int | None:
    """Side of the image or length of the text that a family usually takes; None where it makes no difference here."""
    size: int | None = limits()["model"]["input"].get(family)
    return size


def macs_spread(family: str, params: float, shape: tuple[int, ...] | None) -> Spread:
    """Multiply-accumulate operations of one inference by family and size.

    Parameters
    ----------
    family : str
        A model family.
    params : float
        Parameters that take part in one inference.
    shape : tuple of int, optional
        Input; by default the one that the family usually takes.

    Returns
    -------
    Spread
        Middle and central 80 % of a model of that kind.  [MAC]
    """
    fit = estimates()["macs"][family]
    return _spread(fit, params, _units(fit["unit"], family, shape))


def language_spread(what: str, params: float) -> Spread:
    """Number of ``layers``, or of ``kv_elements`` that one token caches, in a language model of that size."""
    return _spread(estimates()["llm"][what], params, 1)


def _spread(fit: Mapping[str, float], params: float, units: float) -> Spread:
    middle = fit["factor"] * params ** fit["exponent"] * units
    return Spread(middle * fit["low"], middle, middle * fit["high"])


def _units(unit: str, family: str, shape: tuple[int, ...] | None) -> float:
    usual = usual_input(family) or 1
    if unit == "pixel":
        return pixels(shape or (usual, usual))
    return (shape or (usual,))[-1] if unit == "token" else 1
