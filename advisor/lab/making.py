"""The making child process: one job as JSON on stdin, its outcome as a JSON file.

The variant is written, loaded and run here, so that a tool that crashes or never ends takes nothing else along.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from advisor.lab.agreement import cosine
from advisor.lab.quantising import Feed, NothingToDo, made, runs
from advisor.lab.sessions import reason_of, runtime_errors, session_of

_CPU = ("CPUExecutionProvider",)


def main() -> int:
    """Exit status of one job."""
    job = json.loads(sys.stdin.buffer.read())
    Path(job["outcome"]).write_text(json.dumps(_outcome(job)), encoding="utf-8")
    return 0


def _outcome(job: Mapping[str, Any]) -> dict[str, Any]:
    source, target, precision = Path(job["model"]), Path(job["target"]), job["precision"]
    with np.load(job["samples"]) as arrays:
        inputs = {name: arrays[f"arr_{place}"] for place, name in enumerate(job["inputs"])}
    feeds = [{name: array[place] for name, array in inputs.items()} for place in range(job["count"])]
    try:
        runs(source, feeds[0])
    except runtime_errors() as error:
        return {"error": "measure_runtime", "values": {"file": job["model"], "reason": reason_of(error)}}
    calibrated = feeds[: job["calibration"]]
    try:
        method, notes = made(job["wish"], source, target, calibrated) if job["wish"] else ("fp32", [])
    except NothingToDo:
        return {"error": "variant_nothing", "values": {"file": job["model"], "precision": precision}}
    except Exception as error:  # noqa: BLE001  # whatever the tools of ONNX Runtime raise is why there is no variant
        reason = f"{type(error).__name__}: {reason_of(error)}"
        return {"error": "variant_failed", "values": {"file": job["model"], "precision": precision, "reason": reason}}
    held_out = feeds[job["calibration"] :] if job["judged"] else []
    try:
        answers = _answers(source, target if job["wish"] else source, held_out) if held_out else None
    except runtime_errors() as error:
        return {"error": "measure_runtime", "values": {"file": job["model"], "reason": reason_of(error)}}
    return {"method": method, "notes": notes, "answers": answers}


def _answers(source: Path, target: Path, feeds: Sequence[Feed]) -> dict[str, Any]:
    """Choices of two models, and how alike their outputs are, sample by sample."""
    before, after = (session_of(str(file), 1, _CPU) for file in (source, target))
    names = [entry.name for entry in before.get_outputs()]
    answers: dict[str, Any] = {"samples": len(feeds), "before": [], "after": [], "not_finite": 0, "outputs": {}}
    for feed in feeds:
        pair = [dict(zip(names, session.run(names, dict(feed)), strict=True)) for session in (before, after)]
        answers["not_finite"] += compared(pair[0], pair[1], answers["outputs"])
        for place, outputs in zip(("before", "after"), pair, strict=True):
            answers[place] += choices(outputs)
    return answers


def compared(reference: Mapping[str, Any], other: Mapping[str, Any], found: dict[str, Any]) -> bool:
    """Add what one sample says of each output; whether the other one alone lacks finite numbers."""
    lacking = False
    for name, output in reference.items():
        if not isinstance(output, np.ndarray) or output.dtype.kind != "f" or output.shape != other[name].shape:
            continue
        known = np.isfinite(output)
        first, second = output[known].astype(np.float64), other[name][known].astype(np.float64)
        lacking |= not np.isfinite(second).all()
        second = np.where(np.isfinite(second), second, 0)
        entry = found.setdefault(name, {"cosines": [], "signal": 0.0, "noise": 0.0})
        entry["cosines"].append(cosine(first, second))
        entry["signal"] += float(first @ first)
        entry["noise"] += float((first - second) @ (first - second))
    return lacking


def choices(outputs: Mapping[str, Any]) -> list[int]:
    """Most likely class of each item by the first output that tells; empty where none does."""
    for output in outputs.values():
        if not isinstance(output, np.ndarray):
            continue
        if output.dtype.kind == "f" and output.ndim == 2 and output.shape[1] > 1:
            return [int(place) for place in np.where(np.isfinite(output), output, -np.inf).argmax(axis=1)]
        if output.dtype.kind in "iu" and output.ndim == 1:
            return [int(place) for place in output]
    return []


if __name__ == "__main__":
    raise SystemExit(main())
