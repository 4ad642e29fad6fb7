"""What has to be right before a model is measured, and the job that the child process gets."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.errors import MeasureError, MissingExtraError, ModelFileError, why_not
from advisor.lab.settings import settings
from advisor.schema import Assumption

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

_IMAGE_RANK = 4
_FED = "fiub"
"""Kinds of NumPy numbers that an input is filled with."""
_DAMAGED = (KeyError, IndexError, TypeError, ValueError)
"""What a graph with impossible types, names or shapes runs into."""


@dataclass(frozen=True, slots=True)
class Job:
    """One measurement, ready to be made."""

    model: str
    """Name of the model or of its file."""
    sha256: str
    batch: int
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    """Names and shapes."""
    assumptions: tuple[Assumption, ...]
    message: Mapping[str, Any]
    """What the child process is told."""
    limit_s: float
    """Time after which the child process is ended."""


def job(model: str | Path, *, threads: int, batch: int, seconds: float, providers: Sequence[str] | None) -> Job:
    """Job for a model file or a model of the zoo.

    Raises
    ------
    MissingExtraError
        If onnxruntime is not installed.
    MeasureError
        If a number is out of bounds, or the model does not take such a batch or has inputs that cannot be filled.
    ModelFileError
        If the file is missing, empty, truncated, no ONNX, or lacks its external weights.
    UnknownIdError
        If there is neither such a file nor such a model in the zoo.
    """
    need_runtime()
    for field, value in (("threads", threads), ("batch", batch), ("seconds", seconds)):
        within_bounds(field, value)
    path = _path(model)
    graph = _loaded(path)
    try:
        fed, assumptions = _inputs(graph, path, batch)
    except _DAMAGED:
        raise ModelFileError("model_file_unreadable", file=str(path)) from None
    table = settings()["child"]
    limit_s = 2 * seconds + table["load_allowance_s"]
    message = {
        "model": str(path),
        "inputs": fed,
        "threads": threads,
        "seconds": seconds,
        "providers": _provider_names(providers),
        "warm_up": settings()["warm_up"],
        "flush_s": table["flush_s"],
        "settle_s": table["settle_s"],
        "look_s": table["look_s"],
        "limit_s": limit_s + table["stop_s"],
        **settings()["inputs"],
    }
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    name = path.name if path == Path(model).expanduser() else str(model)
    shapes = tuple((entry["name"], tuple(entry["shape"])) for entry in fed)
    return Job(name, sha256, batch, shapes, assumptions, message, limit_s)


def need_runtime() -> None:
    """Raise MissingExtraError unless onnxruntime is installed."""
    if find_spec("onnxruntime") is None:
        raise MissingExtraError("missing_lab", library="onnxruntime")


def within_bounds(field: str, value: object, table: Mapping[str, Any] | None = None) -> None:
    """Raise MeasureError unless a number lies within its bounds, those of the lab by default."""
    bounds = (settings()["bounds"] if table is None else table)[field]
    least, most = bounds["least"], bounds["most"]
    whole = isinstance(least, int)
    fits = isinstance(value, int if whole else Real) and not isinstance(value, bool)
    if not fits or not least <= value <= most:
        must = f"{least}, {least + 1}, ... {most}" if whole else f"{least} ... {most}"
        raise MeasureError("field", field=field, value=value, must=must)


def _provider_names(providers: Sequence[str] | None) -> list[str]:
    if providers is None:
        return ["CPUExecutionProvider"]
    names = [providers] if isinstance(providers, str) else list(providers)
    if not names:
        raise MeasureError("field", field="providers", value=providers, must="CPUExecutionProvider ...")
    return names


def _path(model: str | Path) -> Path:
    """File that a path or a name of the zoo stands for."""
    from advisor.lab import zoo
    from advisor.lab.recipes import recipes

    path = Path(model).expanduser()
    may_be_name = isinstance(model, str) and path.name == model and not path.exists()
    return zoo.path(str(model)) if may_be_name and (not path.suffix or model in recipes()) else path


def _loaded(path: Path) -> "ModelProto":
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships without types
    from onnx import load_model

    try:
        if path.stat().st_size == 0:
            raise ModelFileError("model_file_empty", file=str(path))
        model = load_model(path, format="protobuf", load_external_data=False)
    except OSError as error:
        raise ModelFileError("model_file_missing", file=str(path), reason=why_not(error)) from None
    except (DecodeError, ValueError):
        raise ModelFileError("model_file_unreadable", file=str(path)) from None
    if not model.graph.node or not model.opset_import:
        raise ModelFileError("model_file_unreadable", file=str(path))
    return model


def _inputs(model: "ModelProto", path: Path, batch: int) -> tuple[list[dict[str, Any]], tuple[Assumption, ...]]:
    """Inputs to fill, as the child gets them, and what was assumed for them."""
    from advisor.onnx_model.axes import fixed_inputs, real_inputs
    from advisor.onnx_model.weights import weights_of

    weights_of(model.graph, path)
    entries = real_inputs(model.graph)
    batch_axes = dict.fromkeys((label for entry in entries if (label := _batch_axis(entry))), batch)
    if not batch_axes:
        _check_fixed_batch(entries, batch)
    fixed = fixed_inputs(model.graph, batch_axes)
    fed = [
        {"name": entry.name, "type": _type_name(entry), "shape": fixed.shapes.get(entry.name, ())} for entry in entries
    ]
    shapeless = {entry.name for entry in entries} - set(fixed.shapes)
    dynamic = [assumption for assumption in fixed.assumptions if assumption[0] == "dynamic_axis"]
    scalars: list[Assumption] = [("input_taken_scalar", (("input", name),)) for name in sorted(shapeless)]
    filled: Assumption = ("inputs_filled", (("whole", settings()["inputs"]["whole_number"]),))
    return fed, (*dynamic, *scalars, filled)


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


def _type_name(entry: "ValueInfoProto") -> str:
    from onnx import helper

    kind = helper.tensor_dtype_to_np_dtype(entry.type.tensor_type.elem_type)
    if kind.kind not in _FED:
        raise MeasureError("measure_input", input=entry.name, value=str(kind))
    return str(kind.name)
