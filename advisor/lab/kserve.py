"""Messages of the KServe v2 protocol (Open Inference Protocol), with its binary tensor extension.

A request and an answer are alike: a JSON document that lists tensors, and after it, where the extension is used, the
bytes of the tensors in the order of the list.
"""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from advisor.errors import MeasureError
from advisor.units import MS_PER_S

Key = Literal["inputs", "outputs"]
Array = NDArray[Any]

HEADER_LENGTH = "inference-header-content-length"
BINARY = "binary_tensor_data"
TIMING = "server-timing"
"""Header of an answer with the times in the server, as W3C Server Timing: milliseconds by the names that follow."""
TIMES = ("queue", "service", "delay")
"""Wait for a worker; inference; and the part of it in which the worker waited for a processor."""
WORKERS = "x-workers"
"""Header of an answer with the inferences that the server may run at once."""
NUMPY = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
"""NumPy's name of each data type; strings (BYTES) are left out."""
_DATATYPES = {kind: name for name, kind in NUMPY.items()}
_OF_RUNTIME = {"tensor(float)": "FP32", "tensor(double)": "FP64", "tensor(float16)": "FP16"}


def filled(inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    """Inputs that metadata list, with a batch of one; None where other axes are open, so that a request must be given.

    Returns
    -------
    list of dict or None
        ``name``, ``type`` and ``shape``, as ``advisor.lab.sessions.feed_of`` takes them.
    """
    made = []
    for entry in inputs:
        first, *rest = entry["shape"] or (1,)
        if entry["datatype"] not in NUMPY or any(size < 1 for size in rest):
            return None
        shape = [abs(first), *rest] if entry["shape"] else []
        made.append({"name": entry["name"], "type": NUMPY[entry["datatype"]], "shape": shape})
    return made


def timing(*, queue_s: float, service_s: float, delay_s: float) -> str:
    """Times in the server, as ``TIMING`` takes them; what is not known is left out."""
    times = zip(TIMES, (queue_s, service_s, delay_s), strict=True)
    return ", ".join(f"{name};dur={time_s * MS_PER_S:.4f}" for name, time_s in times if math.isfinite(time_s))


class Message(NamedTuple):
    """Body of a request or an answer."""

    body: bytes
    header_length: int | None
    """Length of the JSON part, where bytes of tensors follow it."""


def datatype_of(runtime_type: str) -> str:
    """Data type that onnxruntime names, such as ``tensor(float)``; BYTES for what is no number."""
    kind = runtime_type.removeprefix("tensor(").removesuffix(")")
    return _OF_RUNTIME.get(runtime_type, _DATATYPES.get(kind, "BYTES"))


def datatype_name(kind: np.dtype[Any]) -> str:
    """Data type of NumPy's; BYTES for what is no number."""
    return _DATATYPES.get(kind.name, "BYTES")


def message(document: Mapping[str, Any], key: Key, tensors: Mapping[str, Array], *, binary: bool) -> Message:
    """Message that lists tensors under a key."""
    parts = [np.ascontiguousarray(tensor).tobytes() for tensor in tensors.values()] if binary else []
    listed = []
    for place, (name, tensor) in enumerate(tensors.items()):
        entry: dict[str, Any] = {"name": name, "shape": [*tensor.shape]}
        entry["datatype"] = datatype_name(tensor.dtype)
        if binary:
            entry["parameters"] = {"binary_data_size": len(parts[place])}
        else:
            entry["data"] = tensor.ravel().tolist()
        listed.append(entry)
    head = json.dumps({**document, key: listed}).encode()
    return Message(head + b"".join(parts), len(head) if binary else None)


def document_of(body: bytes, header_length: int | None) -> dict[str, Any]:
    """JSON part of a message."""
    try:
        document = json.loads(body if header_length is None else body[:header_length])
    except (ValueError, RecursionError):
        raise MeasureError("kserve_json") from None
    if not isinstance(document, dict):
        raise MeasureError("kserve_json")
    return document


def parameters_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters of a document or of a tensor in it."""
    parameters = entry.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def tensors_of(
    entries: Sequence[Mapping[str, Any]], tail: bytes, takes: Mapping[str, tuple[str, Sequence[Any]]]
) -> dict[str, Array]:
    """Tensors that a request lists.

    Parameters
    ----------
    entries : sequence of mappings
        What the document lists.
    tail : bytes
        What follows the document.
    takes : mapping
        Data type and shape by the name of each input that the model has; axes that are no number are open.
    """
    found: dict[str, Array] = {}
    for entry in entries if isinstance(entries, list) else ():
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name not in takes:
            raise MeasureError("field", field="inputs.name", value=name, must=", ".join(takes))
        size = parameters_of(entry).get("binary_data_size")
        if size is not None and not (type(size) is int and 0 <= size <= len(tail)):
            raise MeasureError("field", field="binary_data_size", value=size, must=f"0 ... {len(tail)}")
        found[name] = _tensor(entry, None if size is None else tail[:size], *takes[name])
        tail = tail[size or 0 :]
    if missing := sorted(set(takes) - set(found)):
        raise MeasureError("field", field="inputs.name", value=", ".join(found), must=", ".join(missing))
    return found


def _tensor(entry: Mapping[str, Any], raw: bytes | None, datatype: str, shape: Sequence[Any]) -> Array:
    if entry.get("datatype") != datatype:
        raise MeasureError("field", field="inputs.datatype", value=entry.get("datatype"), must=datatype)
    given = entry.get("shape")
    whole = isinstance(given, list) and all(type(size) is int and size >= 0 for size in given)
    open_axes = [size if isinstance(size, int) and size > 0 else -1 for size in shape]
    if not whole or [-1 if b == -1 else a for a, b in zip_longest(given or (), open_axes)] != open_axes:
        raise MeasureError("field", field="inputs.shape", value=given, must=open_axes)
    kind = np.dtype(NUMPY[datatype])
    try:
        values = np.array(entry["data"], dtype=kind) if raw is None else np.frombuffer(raw, dtype=kind)
        return values.reshape(given)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise MeasureError("field", field="inputs.data", value=entry["name"], must=f"{datatype} {given}") from None
