"""Sessions of ONNX Runtime, what they are fed with, and how they fail; light, as the measuring child imports it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from advisor.lab.settings import settings

_NODE = re.compile(r"Non-zero status code returned while running (\w+) node\. Name:'[^']*' Status Message: ")
_NOISE = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from .*? failed:|This is an invalid model\. (?:Error: )?"
    r"|\S*/onnxruntime/\S+:\d+ [^()]*\([^()]*\)(?: const)?(?: \[with [^\]]*\])? "
)


def session_of(model: str | bytes, threads: int, providers: Sequence[str]) -> Any:
    """Session whose threads sleep between inferences instead of spinning.

    Parameters
    ----------
    model : str or bytes
        Path of an ONNX file, or its contents.
    threads : int
        Threads that one inference may use.
    providers : sequence of str
        Execution providers, first choice first.
    """
    from onnxruntime import InferenceSession, SessionOptions

    options: Any = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return InferenceSession(model, options, providers=list(providers))


def feed_of(inputs: Iterable[Mapping[str, Any]], *, seed: int, whole_number: int) -> dict[str, Any]:
    """Tensors for inputs of given ``name``, ``type`` and ``shape``.

    Fractions lie between 0 and 1, whole numbers between ``least`` and ``most`` where an input states them; elsewhere
    they are one number, which makes a mask let everything through.
    """
    random = np.random.default_rng(seed)
    return {entry["name"]: _filled(entry, random, whole_number) for entry in inputs}


def _filled(entry: Mapping[str, Any], random: np.random.Generator, whole_number: int) -> Any:
    kind, shape = np.dtype(entry["type"]), tuple(entry["shape"])
    if "most" in entry:
        return random.integers(entry["least"], entry["most"], shape, dtype=kind, endpoint=True)
    if kind.kind != "f":
        return np.full(shape, whole_number, dtype=kind)
    drawn = np.float64 if kind == np.float64 else np.float32
    return random.random(shape, dtype=drawn).astype(kind, copy=False)


def runtime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a model that it cannot load or run."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = (value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception))
    return (*own, RuntimeError, ValueError, TypeError, MemoryError, OverflowError)


def reason_of(error: Exception) -> str:
    """What went wrong, on one line, without codes and places in the source of onnxruntime."""
    said = _NODE.sub(r"\1: ", " ".join(str(error).split()))
    reason = _NOISE.sub("", said).strip(" .")
    most = settings()["child"]["reason_characters"]
    return reason if len(reason) <= most else f"{reason[:most]}…"
