"""An ONNX file in another precision, made by the tools of ONNX Runtime; light, and run in a child process only."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, TensorProto, version_converter
from onnx.version_converter import ConvertError

from advisor.lab.sessions import reason_of, runtime_errors, session_of

Feed = Mapping[str, Any]
Note = tuple[str, dict[str, float | str]]

_CPU = ("CPUExecutionProvider",)
_BODIES = frozenset({"If", "Loop", "Scan"})
_LIFTING: tuple[type[Exception], ...] = (ConvertError, IndexError, KeyError, *runtime_errors())
"""What onnx raises for an operator that it cannot lift to another opset, and ONNX Runtime for the outcome."""


class NothingToDo(Exception):  # noqa: N818  # no fault: the model has no part of this kind
    """The model has nothing that the method turns into another precision."""


def made(wish: Mapping[str, Any], source: Path, target: Path, feeds: Sequence[Feed]) -> tuple[str, list[Note]]:
    """Write a variant of a file; what it became and what has to be said of it.

    Parameters
    ----------
    wish : mapping
        ``kind`` (static, dynamic or fp16) and what goes with it, as ``advisor.lab.variants`` makes it.
    source, target : Path
        Files; other files beside the target are written over.
    feeds : sequence of mappings
        Inputs by name, for the calibration and to see that the variant runs.
    """
    whole = target.with_name("whole.onnx")
    model = onnx.load_model(source)
    operators = {node.op_type for node in model.graph.node}
    onnx.save_model(model, whole)
    notes: list[Note] = [("variant_bodies", {})] if operators & _BODIES else []
    if wish["kind"] == "fp16":
        return "fp16", [*notes, *_halved(model, target, feeds)]
    if wish["kind"] == "dynamic" and "Conv" in operators:
        notes.append(("variant_convolutions", {}))
    method, said = _quantised(wish, whole, target, feeds)
    return method, [*notes, *said]


def runs(file: Path, feed: Feed) -> None:
    """Load a file and run it once; what keeps it from running is raised."""
    session_of(str(file), 1, _CPU).run(None, dict(feed))


def _halved(model: ModelProto, target: Path, feeds: Sequence[Feed]) -> list[Note]:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    halved = convert_float_to_float16(model, keep_io_types=True)
    if not any(kind == TensorProto.FLOAT16 for kind in _weight_types(halved.graph)):
        raise NothingToDo
    onnx.save_model(halved, target)
    runs(target, feeds[0])
    return []


def _quantised(wish: Mapping[str, Any], whole: Path, target: Path, feeds: Sequence[Feed]) -> tuple[str, list[Note]]:
    """Weights of each channel with a scale of their own where the opset allows it, else of each tensor."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = target.with_name("prepared.onnx")
    quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
    fits, notes = _lifted(prepared, wish["least_opset"])
    if fits:
        try:
            _written(wish, prepared, target, feeds, by_channel=True)
            runs(target, feeds[0])
        except runtime_errors() as error:
            notes.append(("variant_by_tensor", {"reason": reason_of(error)}))
        else:
            return f"{wish['method']}-channel", notes
    _written(wish, prepared, target, feeds, by_channel=False)
    runs(target, feeds[0])
    return f"{wish['method']}-tensor", notes


def _written(wish: Mapping[str, Any], prepared: Path, target: Path, feeds: Sequence[Feed], *, by_channel: bool) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static

    if wish["kind"] == "static":
        quantize_static(
            str(prepared),
            str(target),
            _Reader(feeds),
            quant_format=QuantFormat.QDQ,
            per_channel=by_channel,
            activation_type=QuantType[wish["activations"]],
            weight_type=QuantType.QInt8,
        )
    else:
        quantize_dynamic(
            str(prepared),
            str(target),
            per_channel=by_channel,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(wish["operators"]),
        )
    graph = onnx.load_model(target, load_external_data=False).graph
    if not any(kind in (TensorProto.INT8, TensorProto.UINT8) and size > 1 for kind, size in _weights(graph)):
        raise NothingToDo


def _lifted(file: Path, least: int) -> tuple[bool, list[Note]]:
    """Whether a file has at least an opset, lifted in place where that works, and what was done for it."""
    model = onnx.load_model(file)
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset >= least:
        return True, []
    try:
        lifted = version_converter.convert_version(model, least)
        session_of(lifted.SerializeToString(), 1, _CPU)
    except _LIFTING as error:
        return False, [("variant_opset_kept", {"opset": opset, "least": least, "reason": reason_of(error)})]
    onnx.save_model(lifted, file)
    return True, [("variant_opset", {"opset": opset, "least": least})]


def _weight_types(graph: GraphProto) -> Iterator[int]:
    for kind, _ in _weights(graph):
        yield kind


def _weights(graph: GraphProto) -> Iterator[tuple[int, int]]:
    """Types and numbers of values of the tensors in a graph and in the bodies within it."""
    for tensor in graph.initializer:
        yield tensor.data_type, int(np.prod(tensor.dims))
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t.data_type, int(np.prod(attribute.t.dims))
            if attribute.HasField("g"):
                yield from _weights(attribute.g)


class _Reader:
    """Inputs one after another, as the calibration of ONNX Runtime asks for them."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._feeds = feeds
        self._places = count()

    def get_next(self) -> dict[str, Any] | None:
        """Next inputs by name; None after the last ones."""
        place = next(self._places)
        return dict(self._feeds[place]) if place < len(self._feeds) else None
