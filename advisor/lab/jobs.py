"""What has to be right before a model is measured, and the job that the child process gets."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.errors import MeasureError, MissingExtraError, ModelFileError, why_not
from advisor.lab.inputs import filled_inputs
from advisor.lab.settings import settings
from advisor.schema import Assumption
from advisor.units import quantity

if TYPE_CHECKING:
    from onnx import ModelProto

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
    limits_s: Mapping[str, float]
    """Time after which the child process is ended, of each stage of ``advisor.lab.watching``."""
    memory_bytes: float
    """Resident memory that the child process may take.  [B]"""


def job(
    model: str | Path,
    *,
    threads: int,
    batch: int,
    seconds: float,
    providers: Sequence[str] | None,
    axes: Mapping[str, int] | None = None,
    bursts: int = 1,
    over: float | None = None,
    memory_limit: str | float | None = None,
) -> Job:
    """Job for a model file or a model of the zoo; parameters as of ``advisor.lab.measure``.

    Raises
    ------
    MissingExtraError
        If onnxruntime is not installed.
    MeasureError
        If a number is out of bounds, or the model does not take such a batch or has inputs that cannot be filled.
    RequirementError
        If the model has no such axis.
    QuantityError
        If the limit of memory is no size.
    ModelFileError
        If the file is missing, empty, truncated, no ONNX, or lacks its external weights.
    UnknownIdError
        If there is neither such a file nor such a model in the zoo.
    """
    need_runtime()
    over = 0 if over is None else over
    for field, value in (
        ("threads", threads),
        ("batch", batch),
        ("seconds", seconds),
        ("bursts", bursts),
        ("over", over),
    ):
        within_bounds(field, value)
    memory_bytes = _memory_bytes(memory_limit)
    path = _path(model)
    graph = _loaded(path)
    try:
        fed, assumptions = filled_inputs(graph, path, batch, axes or {})
    except _DAMAGED:
        raise ModelFileError("model_file_unreadable", file=str(path)) from None
    limits_s = _limits_s(seconds, bursts, over)
    message = {
        "model": str(path),
        "inputs": fed,
        "threads": threads,
        "seconds": seconds,
        "bursts": bursts,
        "over": over,
        "providers": _provider_names(providers),
        "warm_up": settings()["warm_up"],
        "limit_s": sum(limits_s.values()) + settings()["child"]["stop_s"],
        **{name: settings()["child"][name] for name in ("flush_s", "stretch_s", "settle_s", "look_s")},
        **{f"canary_{name}": value for name, value in settings()["canary"].items() if name in ("side", "s")},
        **settings()["inputs"],
    }
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    name = path.name if path == Path(model).expanduser() else str(model)
    shapes = tuple((entry["name"], tuple(entry["shape"])) for entry in fed)
    return Job(name, sha256, batch, shapes, assumptions, message, limits_s, memory_bytes)


def _limits_s(seconds: float, bursts: int, over: float) -> dict[str, float]:
    """Time of each stage: the last one holds warm-up, inferences, pauses between bursts, and one long inference."""
    limits_s: Mapping[str, float] = settings()["child"]["limits_s"]
    pauses_s = bursts * settings()["child"]["pause_s"]
    return {**limits_s, "measure": limits_s["measure"] + seconds + max(seconds, over) + pauses_s}


def _memory_bytes(asked: str | float | None) -> float:
    """Limit that was asked for, else a share of what this process may still take."""
    from advisor.lab.surroundings import spare_bytes

    if asked is None:
        return float(settings()["child"]["memory_share"] * spare_bytes())
    limit = quantity(asked, "size") if isinstance(asked, str) else asked
    within_bounds("memory_limit", limit)
    return float(limit)


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
