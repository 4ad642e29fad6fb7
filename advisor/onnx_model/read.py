"""Reading an ONNX file: sizes, work and what had to be assumed."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships without types
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    inliner,
    load_model,
    shape_inference,
)

from advisor.errors import ModelFileError, why_not
from advisor.onnx_model.axes import fixed_inputs, real_inputs
from advisor.onnx_model.bounds import check_operators
from advisor.onnx_model.family import Signs, family_of
from advisor.onnx_model.macs import macs_of, written_by_weights
from advisor.onnx_model.weights import Weights, weights_of, without_contents
from advisor.schema import Assumption, ModelFamily, Precision

_MOVES_NOTHING = frozenset(
    {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Shape", "Size", "Constant", "ConstantOfShape"}
)
_BODIES = ("If", "Loop", "Scan")
_REMEMBERED_FILES = 16
_DAMAGED = (KeyError, IndexError, TypeError, ValueError)
"""What a graph with impossible types, names or shapes runs into."""


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """What a file says about its model."""

    family: ModelFamily
    params: int
    precision: Precision | None
    """Number format of most weights."""
    macs: int
    """MACs of one run at the shapes assumed."""
    tokens: int
    """Tokens that one run reads, for a language model; else 1."""
    macs_by_operator: tuple[tuple[str, float], ...]
    """Operator types that multiply matrices, most work first."""
    activations: float
    """Numbers that convolutions and linear layers write."""
    activation_bytes: float
    """Bytes that the operators write, views left out."""
    operators: tuple[str, ...]
    opset: int
    input_shape: tuple[int, ...] | None
    """Shape of the first input."""
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    assumptions: tuple[Assumption, ...]


def read(path: Path, axes: Mapping[str, int] | None = None) -> OnnxModel:
    """Sizes and work of the model in a file.

    Parameters
    ----------
    path : Path
        The file.
    axes : mapping of str to int, optional
        Sizes of dynamic axes by name or ``"input[axis]"``; others follow ``data/limits.toml``.

    Returns
    -------
    OnnxModel

    Raises
    ------
    ModelFileError
        If the file is missing, empty, truncated, no ONNX, without weights, or lacks its external weights.
    RequirementError
        If a size of an axis is no positive whole number, or the model has no such dynamic axis.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ModelFileError("model_file_missing", file=str(path), reason=why_not(error)) from None
    return _remembered(path.absolute(), state.st_mtime_ns, state.st_size, tuple(sorted((axes or {}).items())))


@lru_cache(maxsize=_REMEMBERED_FILES)
def _remembered(path: Path, _changed: int, size: int, axes: tuple[tuple[str, int], ...]) -> OnnxModel:
    if size == 0:
        raise ModelFileError("model_file_empty", file=str(path))
    model = _loaded(path)
    try:
        return _described(model, path, dict(axes))
    except _DAMAGED:
        raise ModelFileError("model_file_unreadable", file=str(path)) from None


def _loaded(path: Path) -> ModelProto:
    try:
        model = load_model(path, load_external_data=False)
    except OSError as error:
        raise ModelFileError("model_file_missing", file=str(path), reason=why_not(error)) from None
    except (DecodeError, ValueError):
        raise ModelFileError("model_file_unreadable", file=str(path)) from None
    if not model.graph.node or not model.opset_import:
        raise ModelFileError("model_file_unreadable", file=str(path))
    check_operators(model, path)
    return inliner.inline_local_functions(model) if model.functions else model


def _described(model: ModelProto, path: Path, axes: Mapping[str, int]) -> OnnxModel:
    weights = weights_of(model.graph, path)
    if not weights.params:
        raise ModelFileError("model_file_without_weights", file=str(path))
    fixed = fixed_inputs(model.graph, axes)
    whole = frozenset(entry.name for entry in real_inputs(model.graph) if _is_whole(entry))
    graph = _inferred(model, fixed.names).graph
    work = _work(graph, weights)
    macs = sum(work.macs.values())
    outputs = tuple(shape for entry in graph.output if (shape := _known_shape(entry)) is not None)
    signs = Signs(work.operators, fixed.shapes, whole, outputs, weights.params, macs)
    family, told = family_of(signs)
    tokens = _tokens(fixed.shapes, whole) if family == "llm" else 1
    return OnnxModel(
        family=family,
        params=weights.params,
        precision=weights.precision,
        macs=macs,
        tokens=tokens,
        macs_by_operator=tuple((name, float(count)) for name, count in work.macs.most_common() if count),
        activations=work.activations,
        activation_bytes=work.written_bytes,
        operators=tuple(sorted(work.operators)),
        opset=_opset(model),
        input_shape=next(iter(fixed.shapes.values()), None),
        inputs=tuple(fixed.shapes.items()),
        assumptions=(*fixed.assumptions, *work.assumptions(), told),
    )


def _is_whole(entry: ValueInfoProto) -> bool:
    return entry.type.tensor_type.elem_type in (TensorProto.INT32, TensorProto.INT64)


def _tokens(shapes: Mapping[str, tuple[int, ...]], whole: frozenset[str]) -> int:
    return next((math.prod(shape) for name, shape in shapes.items() if name in whole), 1)


def _opset(model: ModelProto) -> int:
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def _inferred(model: ModelProto, sizes: Mapping[str, int]) -> ModelProto:
    """Model with every shape that inference finds, and without the contents of large weights."""
    without_contents(model.graph)
    for entry in model.graph.output:
        entry.type.tensor_type.ClearField("shape")
    kept = [entry for entry in model.graph.value_info if _settled(entry, sizes)]
    del model.graph.value_info[:]
    foreign = {name for node in model.graph.node if node.domain not in ("", "ai.onnx") for name in node.output}
    model.graph.value_info.extend(entry for entry in kept if entry.name in foreign)
    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except (shape_inference.InferenceError, ValueError):
        return model


def _settled(entry: ValueInfoProto, sizes: Mapping[str, int]) -> bool:
    for dim in entry.type.tensor_type.shape.dim:
        if dim.dim_param in sizes:
            dim.dim_value = sizes[dim.dim_param]
    return True


@dataclass(slots=True)
class _Work:
    operators: Counter[str]
    macs: Counter[str]
    uncounted: Counter[str]
    activations: int = 0
    written_bytes: float = 0.0
    unsized: int = 0
    in_bodies: int = 0

    def assumptions(self) -> Iterator[Assumption]:
        if self.in_bodies:
            yield "bodies_counted_once", (("operators", self.in_bodies),)
        if self.uncounted:
            names = ", ".join(sorted(self.uncounted))
            yield "operators_uncounted", (("operators", self.uncounted.total()), ("types", names))
        if self.unsized:
            yield "outputs_unsized", (("outputs", self.unsized),)


def _work(graph: GraphProto, weights: Weights) -> _Work:
    work = _Work(Counter(), Counter(), Counter())
    _add(work, graph, dict(weights.shapes), {})
    return work


def _add(work: _Work, graph: GraphProto, shapes: dict[str, tuple[int, ...]], item_bytes: dict[str, float]) -> None:
    for entry in (*graph.input, *graph.value_info, *graph.output):
        shape = _known_shape(entry)
        if shape is not None:
            shapes[entry.name] = shape
            item_bytes[entry.name] = _item_bytes(entry.type.tensor_type.elem_type)
    used = {name for node in graph.node for name in node.input} | {entry.name for entry in graph.output}
    for node in graph.node:
        work.operators[node.op_type] += 1
        if node.op_type in _BODIES:
            _add_bodies(work, node, shapes, item_bytes)
            continue
        macs = macs_of(node, shapes)
        if macs is None:
            work.uncounted[node.op_type] += 1
        work.macs[node.op_type] += macs or 0
        work.activations += written_by_weights(node, shapes) if macs else 0
        if node.op_type not in _MOVES_NOTHING:
            _add_written(work, used.intersection(node.output), shapes, item_bytes)


def _add_bodies(
    work: _Work, node: NodeProto, shapes: Mapping[str, tuple[int, ...]], item_bytes: Mapping[str, float]
) -> None:
    """A loop's body once, and the branch of a condition that multiplies most."""
    bodies = []
    for attribute in node.attribute:
        if attribute.HasField("g"):
            body = _Work(Counter(), Counter(), Counter())
            _add(body, attribute.g, dict(shapes), dict(item_bytes))
            bodies.append(body)
    costliest = max(bodies, key=lambda body: body.macs.total(), default=None)
    if costliest is None:
        return
    work.operators += sum((body.operators for body in bodies), Counter())
    work.macs += costliest.macs
    work.uncounted += costliest.uncounted
    work.activations += costliest.activations
    work.written_bytes += costliest.written_bytes
    work.unsized += costliest.unsized
    work.in_bodies += costliest.operators.total()


def _add_written(
    work: _Work, names: set[str], shapes: Mapping[str, tuple[int, ...]], item_bytes: Mapping[str, float]
) -> None:
    for name in filter(None, names):
        if name in shapes and name in item_bytes:
            work.written_bytes += math.prod(shapes[name]) * item_bytes[name]
        else:
            work.unsized += 1


def _known_shape(entry: ValueInfoProto) -> tuple[int, ...] | None:
    tensor = entry.type.tensor_type
    if not entry.type.HasField("tensor_type") or not tensor.HasField("shape"):
        return None
    sizes = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim)
    return None if any(size < 0 for size in sizes) else sizes


def _item_bytes(element_type: int) -> float:
    return float(helper.tensor_dtype_to_np_dtype(element_type).itemsize) if element_type else 0.0
