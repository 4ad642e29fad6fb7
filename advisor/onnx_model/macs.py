"""Multiply-accumulate operations of one operator, from the shapes of its tensors."""

import math
from collections.abc import Callable, Mapping

from onnx import NodeProto, helper

Shapes = Mapping[str, tuple[int, ...]]

_STANDARD = ("", "ai.onnx")


class UnknownShapeError(Exception):
    """A tensor that the count needs has no known shape."""


def macs_of(node: NodeProto, shapes: Shapes) -> int | None:
    """MACs of an operator.

    Parameters
    ----------
    node : NodeProto
        The operator.
    shapes : mapping of str to tuple of int
        Known shapes of its tensors.

    Returns
    -------
    int or None
        MACs, 0 for an operator that multiplies no matrices; None if it does or may and the count is not possible.
    """
    if node.domain not in _STANDARD:
        return None
    counter = _COUNTERS.get(node.op_type)
    if counter is None:
        return 0
    try:
        return counter(node, shapes)
    except UnknownShapeError:
        return None


def written_by_weights(node: NodeProto, shapes: Shapes) -> int:
    """Numbers that a convolution or a linear layer writes; 0 for products of two tensors that the input decides."""
    place = _WEIGHT_PLACE.get(node.op_type)
    if place is None or (node.op_type in _PRODUCTS and len(shapes.get(node.input[place], ())) != _MATRIX):
        return 0
    return math.prod(shapes.get(node.output[0], (0,)))


def _shape(shapes: Shapes, name: str) -> tuple[int, ...]:
    if name not in shapes:
        raise UnknownShapeError(name)
    return shapes[name]


def _attribute(node: NodeProto, name: str, default: int) -> int:
    return next((int(helper.get_attribute_value(entry)) for entry in node.attribute if entry.name == name), default)


def _convolution(weight: int) -> Callable[[NodeProto, Shapes], int]:
    def count(node: NodeProto, shapes: Shapes) -> int:
        kernel = _shape(shapes, node.input[weight])
        return math.prod(_shape(shapes, node.output[0])) * math.prod(kernel[1:])

    return count


def _transposed_convolution(node: NodeProto, shapes: Shapes) -> int:
    return math.prod(_shape(shapes, node.input[0])) * math.prod(_shape(shapes, node.input[1])[1:])


def _product(node: NodeProto, shapes: Shapes) -> int:
    return math.prod(_shape(shapes, node.output[0])) * _shape(shapes, node.input[0])[-1]


def _general_product(node: NodeProto, shapes: Shapes) -> int:
    left = _shape(shapes, node.input[0])
    return math.prod(_shape(shapes, node.output[0])) * left[0 if _attribute(node, "transA", 0) else -1]


def _recurrent(node: NodeProto, shapes: Shapes) -> int:
    steps = math.prod(_shape(shapes, node.input[0])[:2])
    return steps * sum(math.prod(_shape(shapes, name)) for name in node.input[1:3])


def _attention(node: NodeProto, shapes: Shapes) -> int:
    keys = _shape(shapes, node.input[1])[-2]
    if len(node.input) > 4 and node.input[4]:
        keys += _shape(shapes, node.input[4])[-2]
    queries = math.prod(_shape(shapes, node.input[0]))
    return keys * (queries + math.prod(_shape(shapes, node.output[0])))


def _einstein_sum(node: NodeProto, shapes: Shapes) -> int:
    equation = next(helper.get_attribute_value(entry) for entry in node.attribute if entry.name == "equation").decode()
    terms = equation.replace(" ", "").split("->")[0].split(",")
    if len(terms) == 1:
        return 0
    if len(terms) > 2 or "." in equation:
        raise UnknownShapeError(equation)
    sizes: dict[str, int] = {}
    for term, name in zip(terms, node.input, strict=True):
        sizes |= dict(zip(term, _shape(shapes, name), strict=True))
    return math.prod(sizes.values())


_COUNTERS: Mapping[str, Callable[[NodeProto, Shapes], int]] = {
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "DeformConv": _convolution(1),
    "QLinearConv": _convolution(3),
    "ConvTranspose": _transposed_convolution,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearMatMul": _product,
    "Gemm": _general_product,
    "RNN": _recurrent,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "Attention": _attention,
    "Einsum": _einstein_sum,
}
_PRODUCTS = ("MatMul", "MatMulInteger", "QLinearMatMul")
_MATRIX = 2
_WEIGHT_PLACE = {
    "Conv": 1, "ConvInteger": 1, "DeformConv": 1, "QLinearConv": 3, "ConvTranspose": 1,
    "MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3, "Gemm": 1,
}  # fmt: skip
"""Input of an operator that may hold weights; in a product those are a matrix, and attention's operands are not."""
