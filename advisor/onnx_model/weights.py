"""Weights of an ONNX graph: how many, in which number format, and whether their external files are there."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, numpy_helper

from advisor.errors import ModelFileError
from advisor.schema import Precision
from advisor.sizes import limits

_FORMAT: Mapping[int, Precision] = {
    TensorProto.FLOAT: "fp32",
    TensorProto.DOUBLE: "fp32",
    TensorProto.FLOAT16: "fp16",
    TensorProto.BFLOAT16: "fp16",
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "int8",
    TensorProto.INT32: "int8",
    TensorProto.FLOAT8E4M3FN: "fp8",
    TensorProto.FLOAT8E4M3FNUZ: "fp8",
    TensorProto.FLOAT8E5M2: "fp8",
    TensorProto.FLOAT8E5M2FNUZ: "fp8",
    TensorProto.INT4: "int4",
    TensorProto.UINT4: "int4",
}
_TAKES_WEIGHTS = frozenset(
    {"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LSTM", "GRU", "RNN", "Unsqueeze"}
)


@dataclass(frozen=True, slots=True)
class Weights:
    """Constant tensors that hold what was learned."""

    params: int
    precision: Precision | None
    shapes: Mapping[str, tuple[int, ...]]
    """Shapes of all constant tensors, indices and shapes included."""


def weights_of(graph: GraphProto, path: Path) -> Weights:
    """Weights of a graph and of the bodies inside it.

    Parameters
    ----------
    graph : GraphProto
        The graph, with the contents of its small tensors.
    path : Path
        The model file as it was named, beside which external weights lie.

    Raises
    ------
    ModelFileError
        If an external file is missing, too short, or outside the folder of the model.

    Notes
    -----
    Initializers, constants, and weights that a constant fill of known shape stands for all count; 64-bit integers,
    booleans and text do not, being indices and shapes.  32-bit integers are the biases of int8 models.

    Where the path is a symbolic link, weights are looked for beside the link, and may lead to the folder of its target,
    as in a cache of downloads: what ONNX Runtime 1.32 does.
    """
    counts: Counter[Precision] = Counter()
    shapes: dict[str, tuple[int, ...]] = {}
    for name, element_type, shape in _constants(graph, path):
        shapes[name] = shape
        if element_type in _FORMAT:
            counts[_FORMAT[element_type]] += math.prod(shape)
    precision = counts.most_common(1)[0][0] if counts.total() else None
    return Weights(counts.total(), precision, shapes)


def without_contents(graph: GraphProto) -> None:
    """Drop the numbers in large weights, in place: shape inference needs their shapes only."""
    kept = limits()["onnx"]["contents_kept"]
    for tensor in graph.initializer:
        if math.prod(tensor.dims) > kept and tensor.data_type in _FORMAT:
            for field in ("raw_data", "float_data", "int32_data", "double_data"):
                tensor.ClearField(field)


def _constants(graph: GraphProto, path: Path) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    small: dict[str, TensorProto] = {}
    taken = {name for node in graph.node if node.op_type in _TAKES_WEIGHTS for name in node.input}
    for tensor in graph.initializer:
        _external_file_is_there(tensor, path)
        small[tensor.name] = tensor
        yield tensor.name, tensor.data_type, tuple(tensor.dims)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _constants(attribute.g, path)
        if node.op_type == "Constant":
            yield from _of_constant(node, path)
        elif node.op_type == "ConstantOfShape" and node.output[0] in taken and node.input[0] in small:
            yield _of_fill(node, small[node.input[0]])


def _of_constant(node: NodeProto, path: Path) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    for attribute in node.attribute:
        if attribute.name == "value":
            _external_file_is_there(attribute.t, path)
            yield node.output[0], attribute.t.data_type, tuple(attribute.t.dims)


def _of_fill(node: NodeProto, shape: TensorProto) -> tuple[str, int, tuple[int, ...]]:
    stated = (attribute.t.data_type for attribute in node.attribute if attribute.name == "value")
    element_type = next(stated, TensorProto.FLOAT)
    return node.output[0], element_type, tuple(int(size) for size in numpy_helper.to_array(shape))


def _external_file_is_there(tensor: TensorProto, path: Path) -> None:
    if tensor.data_location != TensorProto.EXTERNAL:
        return
    entries = {entry.key: entry.value for entry in tensor.external_data}
    file = path.parent / entries.get("location", "")
    folders = (path.parent.resolve(), path.resolve().parent)
    if not any(file.resolve().is_relative_to(folder) for folder in folders):
        raise ModelFileError("external_weights_outside", file=str(path), external=str(file))
    if not file.is_file():
        raise ModelFileError("external_weights_missing", file=str(path), external=str(file))
    if file.stat().st_size < int(entries.get("offset", 0)) + int(entries.get("length", 0)):
        raise ModelFileError("external_weights_short", file=str(path), external=str(file))
