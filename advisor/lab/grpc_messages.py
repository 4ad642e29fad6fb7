"""Messages of the KServe v2 protocol over gRPC, and tensors in them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from advisor.lab.kserve import Array, datatype_name, tensors_of
from advisor.lab.settings import settings
from advisor.paths import DATA

SERVICE = "inference.GRPCInferenceService"
_PACKAGE = "inference"
_CONTENTS = {
    "BOOL": "bool", "UINT8": "uint", "UINT16": "uint", "UINT32": "uint", "UINT64": "uint64", "INT8": "int",
    "INT16": "int", "INT32": "int", "INT64": "int64", "FP32": "fp32", "FP64": "fp64",
}  # fmt: skip
"""Field of ``InferTensorContents`` of each data type that has one, without its ending."""


@cache
def message_class(name: str) -> Any:
    """Class of a message of ``data/lab/open_inference_grpc.textproto``.

    Its pool is its own: another library of the process may bring the same messages.
    """
    from google.protobuf.message_factory import GetMessageClass  # type: ignore[import-untyped]  # ships without types

    return GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> Any:
    from google.protobuf import text_format  # type: ignore[import-untyped]  # ships without types
    from google.protobuf.descriptor_pb2 import FileDescriptorProto  # type: ignore[import-untyped]  # likewise
    from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]  # likewise

    text = (DATA / "lab" / "open_inference_grpc.textproto").read_text(encoding="utf-8")
    pool = DescriptorPool()
    pool.AddSerializedFile(text_format.Parse(text, FileDescriptorProto()).SerializeToString())
    return pool


def channel_options() -> list[tuple[str, int]]:
    """Options of a channel or server: messages as long as over HTTP, and no proxy between."""
    most = settings()["serve"]["most_bytes"]
    return [
        ("grpc.max_receive_message_length", most),
        ("grpc.max_send_message_length", most),
        ("grpc.enable_http_proxy", 0),
        ("grpc.so_reuseport", 0),
    ]


def request_of(model: str, tensors: Mapping[str, Array]) -> Any:
    """Request for an inference."""
    return _filled(message_class("ModelInferRequest")(model_name=model), "input", tensors)


def response_of(model: str, request_id: str, tensors: Mapping[str, Array]) -> Any:
    """Answer to a request."""
    return _filled(message_class("ModelInferResponse")(model_name=model, id=request_id), "output", tensors)


def _filled(message: Any, side: str, tensors: Mapping[str, Array]) -> Any:
    for name, tensor in tensors.items():
        getattr(message, f"{side}s").add(name=name, datatype=datatype_name(tensor.dtype), shape=tensor.shape)
        getattr(message, f"raw_{side}_contents").append(np.ascontiguousarray(tensor).tobytes())
    return message


def tensors_in(request: Any, takes: Mapping[str, tuple[str, Any]]) -> dict[str, Array]:
    """Tensors of a request; ``takes`` as for ``advisor.lab.kserve.tensors_of``, and the same errors."""
    raws = list(request.raw_input_contents)
    entries: list[dict[str, Any]] = []
    for place, tensor in enumerate(request.inputs):
        entry = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if place < len(raws):
            entry["parameters"] = {"binary_data_size": len(raws[place])}
        elif tensor.datatype in _CONTENTS:
            entry["data"] = list(getattr(tensor.contents, f"{_CONTENTS[tensor.datatype]}_contents"))
        entries.append(entry)
    return tensors_of(entries, b"".join(raws), takes)
