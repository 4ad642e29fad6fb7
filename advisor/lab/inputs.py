"""What the inputs of a model are filled with when it is measured: shapes, number formats, ranges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.errors import MeasureError
from advisor.lab.settings import settings
from advisor.schema import Assumption

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

_IMAGE_RANK = 4
_FED = "fiub"
"""Kinds of NumPy numbers that an input is filled with."""
_BYTE = 1
_KEEPS_NUMBERS = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Expand"})
"""Operators whose output holds the numbers of their first input."""
_KEEPS_ROWS = frozenset({"Cast", "Identity", "DequantizeLinear"})
"""Operators whose output has the shape of their first input."""


def filled_inputs(
    model: "ModelProto", path: Path, batch: int, axes: Mapping[str, int]
) -> tuple[list[dict[str, Any]], tuple[Assumption, ...]]:
    """Inputs to fill, as the child gets them, and what was assumed for them.

    Parameters
    ----------
    model : ModelProto
        The model; its inputs get their sizes.
    path : Path
        Its file, beside which external weights lie.
    batch : int
        Items in one inference.
    axes : mapping of str to int
        Sizes of other dynamic axes, by name or as ``"input[axis]"``.

    Raises
    ------
    MeasureError
        If the model does not take such a batch, or has an input that cannot be filled.
    RequirementError
        If there is no such axis.
    ModelFileError
        If external weights are missing.
    """
    from advisor.onnx_model.axes import fixed_inputs, real_inputs
    from advisor.onnx_model.weights import weights_of

    weights_of(model.graph, path)
    _refuse_what_is_no_tensor(model.graph)
    entries = real_inputs(model.graph)
    batch_axes = dict.fromkeys((label for entry in entries if (label := _batch_axis(entry))), batch)
    for label in set(axes) & set(batch_axes):
        raise MeasureError("measure_batch_axis", axis=label, value=axes[label])
    if not batch_axes:
        _check_fixed_batch(entries, batch)
    fixed = fixed_inputs(model.graph, {**axes, **batch_axes})
    rows = rows_looked_up(model.graph)
    fed = [_fed(entry, fixed.shapes.get(entry.name, ()), rows.get(entry.name)) for entry in entries]
    shapeless = {entry.name for entry in entries} - set(fixed.shapes)
    dynamic = [assumption for assumption in fixed.assumptions if assumption[0] == "dynamic_axis"]
    scalars: list[Assumption] = [("input_taken_scalar", (("input", name),)) for name in sorted(shapeless)]
    return fed, (*dynamic, *scalars, *_said(fed))


def _said(fed: Sequence[Mapping[str, Any]]) -> Iterator[Assumption]:
    for entry in fed:
        if "most" in entry:
            yield "input_range", (("input", entry["name"]), ("least", entry["least"]), ("most", entry["most"]))
    if not all("most" in entry for entry in fed):
        yield "inputs_filled", (("whole", settings()["inputs"]["whole_number"]),)


def _refuse_what_is_no_tensor(graph: "GraphProto") -> None:
    for entry in graph.input:
        kind = entry.type.WhichOneof("value")
        if kind not in (None, "tensor_type"):
            raise MeasureError("measure_input", input=entry.name, value=kind.removesuffix("_type"))


def _batch_axis(entry: "ValueInfoProto") -> str | None:
    """Label of the first axis, where it is dynamic and not named as a sequence."""
    from advisor.sizes import limits

    dims = entry.type.tensor_type.shape.dim
    if not dims or dims[0].dim_value > 0:
        return None
    name = dims[0].dim_param
    if any(word in name.lower() for word in limits()["onnx"]["words"]["sequence"]):
        return None
    return name or f"{entry.name}[0]"


def _check_fixed_batch(entries: Sequence["ValueInfoProto"], batch: int) -> None:
    dims = entries[0].type.tensor_type.shape.dim if entries else ()
    size = dims[0].dim_value if dims else 0
    is_batch = len(dims) == _IMAGE_RANK or batch != 1
    if is_batch and batch != (size or 1):
        raise MeasureError("measure_batch", value=batch, size=size or 1)


def _fed(entry: "ValueInfoProto", shape: tuple[int, ...], rows: int | None) -> dict[str, Any]:
    from onnx import helper

    kind = np.dtype(helper.tensor_dtype_to_np_dtype(entry.type.tensor_type.elem_type))
    if kind.kind not in _FED:
        raise MeasureError("measure_input", input=entry.name, value=str(kind))
    fed = {"name": entry.name, "type": kind.name, "shape": shape}
    if kind.kind not in "iu":
        return fed
    bounds = np.iinfo(kind)
    if rows:
        return fed | {"least": 0, "most": min(rows - 1, int(bounds.max))}
    return fed | {"least": int(bounds.min), "most": int(bounds.max)} if kind.itemsize == _BYTE else fed


def rows_looked_up(graph: "GraphProto") -> dict[str, int]:
    """Rows of the smallest table of constants that an input picks from, by the input's name; others are left out."""
    nodes = list(_all_nodes(graph))
    made = {output: node for node in nodes for output in node.output}
    tables = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    found: dict[str, int] = {}
    for node in nodes:
        if node.op_type == "Gather" and len(node.input) > 1 and (rows := _rows(node, made, tables)):
            name = _followed(node.input[1], made, _KEEPS_NUMBERS)
            found[name] = min(rows, found.get(name, rows))
    return found


def _all_nodes(graph: "GraphProto") -> Iterator["NodeProto"]:
    """Nodes of a graph and of the bodies inside it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _all_nodes(attribute.g)


def _followed(name: str, made: Mapping[str, "NodeProto"], through: Set[str]) -> str:
    """Tensor that a tensor comes from, through a few operators of some types."""
    for _ in range(settings()["inputs_found"]["operators_between"]):
        if name not in made or made[name].op_type not in through or not made[name].input:
            break
        name = made[name].input[0]
    return name


def _rows(node: "NodeProto", made: Mapping[str, "NodeProto"], tables: Mapping[str, Sequence[int]]) -> int | None:
    """Rows of the table that a lookup picks from, however it is stored."""
    name = _followed(node.input[0], made, _KEEPS_ROWS)
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    shape = tables.get(name) or _constant_shape(made.get(name))
    return shape[axis] if -len(shape) <= axis < len(shape) and shape[axis] > 0 else None


def _constant_shape(node: "NodeProto | None") -> Sequence[int]:
    attributes: Iterable[Any] = () if node is None or node.op_type != "Constant" else node.attribute
    return next((tuple(attribute.t.dims) for attribute in attributes if attribute.name == "value"), ())
