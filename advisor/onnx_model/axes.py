"""Sizes for the dynamic axes of a model's inputs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from onnx import GraphProto, TensorProto, TensorShapeProto, ValueInfoProto

from advisor.errors import RequirementError
from advisor.schema import Assumption
from advisor.sizes import limits, shape_within_limits

_IDS = (TensorProto.INT32, TensorProto.INT64)
_IMAGE_RANK = 4


@dataclass(frozen=True, slots=True)
class FixedInputs:
    """Inputs with every axis set, and what had to be assumed for it."""

    shapes: Mapping[str, tuple[int, ...]]
    names: Mapping[str, int]
    """Sizes of the dynamic axes that have a name."""
    assumptions: tuple[Assumption, ...]


def real_inputs(graph: GraphProto) -> list[ValueInfoProto]:
    """Inputs that a caller feeds: tensors of the graph's inputs that no weight fills."""
    filled = {weight.name for weight in graph.initializer}
    return [entry for entry in graph.input if entry.name not in filled and entry.type.HasField("tensor_type")]


def holds_a_past(name: str) -> bool:
    """Whether an input holds the keys and values of earlier tokens."""
    return any(word in name.lower() for word in limits()["onnx"]["cache_words"])


def fixed_inputs(graph: GraphProto, chosen: Mapping[str, int]) -> FixedInputs:
    """Set every dynamic axis of the inputs, in place.

    Parameters
    ----------
    graph : GraphProto
        The graph; its inputs get their sizes.
    chosen : mapping of str to int
        Sizes that the caller wants, by the axis' name or ``"input[axis]"``.

    Notes
    -----
    Other axes follow ``data/limits.toml``: by the words in their names, else the first axis is the batch, an axis of an
    image is its side or its channels, any other one a sequence.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    named: dict[str, int] = {}
    assumptions: list[Assumption] = []
    _refuse_strangers(graph, chosen)
    for entry in real_inputs(graph):
        if not entry.type.tensor_type.HasField("shape"):
            assumptions.append(("input_without_shape", (("input", entry.name),)))
            continue
        for axis, label in _dynamic(entry):
            size = named.get(label) or chosen.get(label) or _usual_size(entry, axis, label)
            if label not in named and label not in chosen:
                assumptions.append(("dynamic_axis", (("axis", label), ("size", size))))
            named[label] = size
            entry.type.tensor_type.shape.dim[axis].dim_value = size
        shapes[entry.name] = tuple(dim.dim_value for dim in entry.type.tensor_type.shape.dim)
    return FixedInputs(shapes, named, tuple(assumptions))


def _refuse_strangers(graph: GraphProto, chosen: Mapping[str, int]) -> None:
    if chosen:
        shape_within_limits(list(chosen.values()))
    known = [label for entry in real_inputs(graph) for _, label in _dynamic(entry)]
    for label in chosen:
        if label not in known:
            names = ", ".join(dict.fromkeys(known)) or "-"
            raise RequirementError("unknown_axis", field="axes", value=label, known=names)


def _dynamic(entry: ValueInfoProto) -> Iterator[tuple[int, str]]:
    for axis, dim in enumerate(entry.type.tensor_type.shape.dim):
        if dim.dim_value <= 0:
            yield axis, dim.dim_param or f"{entry.name}[{axis}]"


def _usual_size(entry: ValueInfoProto, axis: int, label: str) -> int:
    size: int = limits()["onnx"]["axes"][_meaning(entry, axis, label)]
    return size


def _meaning(entry: ValueInfoProto, axis: int, label: str) -> str:
    for meaning, words in limits()["onnx"]["words"].items():
        if _says(label, words):
            return str(meaning)
    tensor = entry.type.tensor_type
    if axis == 0:
        return "batch"
    if holds_a_past(entry.name):
        return "sequence"
    if len(tensor.shape.dim) == _IMAGE_RANK and tensor.elem_type not in _IDS:
        return "channels" if axis == _channel_axis(tensor.shape) else "image_side"
    return "sequence"


def _says(label: str, words: list[str]) -> bool:
    parts = [part for part in re.split(r"[^a-z]+", label.split("[", maxsplit=1)[0].lower()) if part]
    return any(part == word or (len(word) > 2 and part.startswith(word)) for part in parts for word in words)


def _channel_axis(shape: TensorShapeProto) -> int:
    last = shape.dim[_IMAGE_RANK - 1].dim_value
    return _IMAGE_RANK - 1 if last in limits()["onnx"]["channel_counts"] else 1
