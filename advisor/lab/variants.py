"""A model in another precision, made beside its file, with how far its answers agree."""

import hashlib
import json
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from advisor.errors import MeasureError, ModelFileError, RequirementError, why_not
from advisor.lab import processes, zoo
from advisor.lab.agreement import Agreement, agreement_of
from advisor.lab.folders import cache_folder, replacing
from advisor.lab.jobs import need_runtime
from advisor.lab.machine import runtime_version
from advisor.lab.settings import settings
from advisor.lab.variant_data import Data, Samples, digit_pictures, generated, inputs_of, samples_of
from advisor.lab.variant_plans import Plan, Wish, plan
from advisor.lab.variant_records import Variant, kept_variant, sha256_of
from advisor.schema import Assumption
from advisor.units import BYTES_PER_GB

_FORMAT = 1
_KEY_DIGITS = 32
_RECORD = "variant.json"


class _Source(NamedTuple):
    path: Path
    name: str
    hashes: tuple[str, ...]
    """Of the file and of each file of external weights."""
    bytes: int
    """External weights included."""


def variant(
    model: str | Path,
    precision: Wish,
    *,
    data: Data | None = None,
    labels: ArrayLike | None = None,
    folder: str | Path | None = None,
) -> Variant:
    """Model in another precision; the file it is made from stays as it is.

    Parameters
    ----------
    model : str or Path
        ONNX file of fp32 weights, or name of a model of ``advisor.lab.zoo``.
    precision : {"fp32", "int8", "int8-static", "int8-dynamic", "fp16"}
        ``fp32`` is the file itself.  ``int8`` takes the method that suits the model: static for convolutions, dynamic
        for everything else.
    data : mapping or path, optional
        Inputs of your own, as many as you have: arrays by the name of the input with one item after another along the
        first axis, or an ``.npz`` (for a single input ``.npy``) file of them.  The first part calibrates the static
        method, the rest tells how far the answers agree.  Without it a static variant is calibrated on generated
        inputs: good for its speed, its answers are worthless.  The digits of the zoo bring their own pictures.
    labels : array, optional
        Right class of each item, for the accuracy before and after; ``labels`` in an ``.npz`` file does the same.
    folder : str or Path, optional
        Where variants are kept; by default in the cache of the lab.

    Returns
    -------
    Variant
        Made once for the same file, precision, data and version of onnxruntime, and found again afterwards.

    Raises
    ------
    MeasureError
        If the model is quantised already, too large or does not run, the data do not fit, or no such variant can be
        made of it; the time for it is limited.
    ModelFileError, UnknownIdError, MissingExtraError
        If there is no such model, or onnxruntime is not installed.

    Examples
    --------
    >>> found = variant("digits", "int8")
    >>> found.method.startswith("static"), found.size_bytes < found.source_bytes / 2
    (True, True)
    """
    need_runtime()
    if precision not in get_args(Wish):
        raise MeasureError("field", field="precision", value=precision, must=", ".join(get_args(Wish)))
    if labels is not None and data is None:
        raise RequirementError("missing_field", field="data", value="", example="data={'image': images}")
    path, name = _named(model)
    source = _source(path, name)
    if precision == "fp32" and data is None and not _is_digits(path):
        return _variant(source, Plan("fp32", None, ()), path, "fp32", ())
    return _found(source, precision, data, labels, folder)


def _found(
    source: _Source, precision: Wish, data: Data | None, labels: ArrayLike | None, folder: str | Path | None
) -> Variant:
    """Variant that was kept, else a new one."""
    from advisor.onnx_model import read

    found = read(source.path)
    planned = plan(precision, found, source.path, platform.machine())
    inputs = inputs_of(source.path)
    if data is not None:
        samples = samples_of(inputs, data, labels)
    elif _is_digits(source.path):
        samples = digit_pictures()
    else:
        samples = generated(inputs, dict(found.inputs))
    home = cache_folder() / "variants" if folder is None else Path(folder).expanduser().absolute()
    place = home / _key(source, precision, planned, samples)
    return kept_variant(place / _RECORD) or _made(source, planned, samples, place)


def _named(model: str | Path) -> tuple[Path, str]:
    """File and name of a model."""
    path = Path(model).expanduser()
    if isinstance(model, str) and path.name == model and not path.suffix and not path.exists():
        return zoo.path(model), model
    return path, path.name


def _is_digits(path: Path) -> bool:
    return path.resolve() == zoo.path("digits").resolve()


def _source(path: Path, name: str) -> _Source:
    """Files that a model consists of, small enough and whole."""
    from advisor.onnx_model import read

    try:
        _refuse_large(path, path.stat().st_size)
        read(path)
        files = (path, *_external_files(path))
        size = sum(file.stat().st_size for file in files)
        _refuse_large(path, size)
        return _Source(path, name, tuple(map(sha256_of, files)), size)
    except OSError as error:
        raise ModelFileError("model_file_missing", file=str(path), reason=why_not(error)) from None


def _refuse_large(path: Path, size: int) -> None:
    most = settings()["variants"]["most_bytes"]
    if size > most:
        words = {"value": f"{size / BYTES_PER_GB:.1f}", "most": f"{most / BYTES_PER_GB:g}"}
        raise MeasureError("variant_large", file=str(path), **words)


def _external_files(path: Path) -> list[Path]:
    from onnx import load_model

    tensors = load_model(path, load_external_data=False).graph.initializer
    names = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
    return [path.parent / name for name in sorted(names)]


def _key(source: _Source, precision: Wish, planned: Plan, samples: Samples) -> str:
    """Name of the folder for one variant: another one wherever anything that it is made of differs."""
    made_of = [
        _FORMAT, source.name, source.hashes, precision, planned.wish, samples.sha256, runtime_version(),
        settings()["variants"], str(source.path.resolve()) if planned.wish is None else "",
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:_KEY_DIGITS]


def _made(source: _Source, planned: Plan, samples: Samples, place: Path) -> Variant:
    with tempfile.TemporaryDirectory(prefix="advisor-") as folder:
        work = Path(folder)
        outcome = _outcome(source, planned, samples, work)
        path = source.path
        if planned.wish is not None:
            path = place / f"{source.path.stem}-{outcome['method']}.onnx"
            with replacing(path) as draft:
                shutil.copyfile(work / "variant.onnx", draft)
    said = tuple((code, tuple(values.items())) for code, values in outcome["notes"])
    noise = (("variant_noise", ()),) if samples.generated and planned.calibrates else ()
    agreement = None if outcome["answers"] is None else _agreement(source, samples, outcome["answers"])
    found = _variant(source, planned, path, outcome["method"], (*said, *noise), agreement)
    with replacing(place / _RECORD) as draft:
        draft.write_text(json.dumps(found.record(), ensure_ascii=False), encoding="utf-8")
    return found


def _outcome(source: _Source, planned: Plan, samples: Samples, work: Path) -> Mapping[str, Any]:
    """What the child process made of it."""
    np.savez(work / "samples.npz", *samples.arrays.values())
    job = {
        "model": str(source.path),
        "target": str(work / "variant.onnx"),
        "outcome": str(work / "outcome.json"),
        "samples": str(work / "samples.npz"),
        "inputs": list(samples.arrays),
        "count": samples.count,
        "calibration": samples.calibration,
        "judged": not samples.generated,
        "precision": planned.precision,
        "wish": planned.wish,
    }
    _run(job, source.name)
    outcome: dict[str, Any] = json.loads((work / "outcome.json").read_text(encoding="utf-8"))
    if "error" in outcome:
        raise MeasureError(outcome["error"], **outcome["values"])
    return outcome


def _run(job: Mapping[str, Any], name: str) -> None:
    """Let a child process do a job, within a time."""
    limit_s = settings()["variants"]["limit_s"]
    with tempfile.TemporaryFile() as spoken:
        child = processes.started(spoken, "advisor.lab.making")
        try:
            child.communicate(json.dumps(job), timeout=limit_s)
        except subprocess.TimeoutExpired:
            raise MeasureError("variant_out_of_time", model=name, limit=f"{limit_s:g}") from None
        finally:
            child.kill()
            child.wait()
        if not Path(job["outcome"]).exists():
            raise MeasureError("variant_crashed", model=name, reason=processes.last_words(child, spoken))


def _agreement(source: _Source, samples: Samples, answers: Mapping[str, Any]) -> Agreement:
    confidence = settings()["quantiles"]["interval_confidence"]
    labels = samples.held_out_labels
    if labels is not None and len(labels) != len(answers["before"]):
        raise MeasureError("variant_no_choice", file=str(source.path))
    return agreement_of(answers, labels, confidence=confidence)


def _variant(
    source: _Source,
    planned: Plan,
    path: Path,
    method: str,
    said: tuple[Assumption, ...],
    agreement: Agreement | None = None,
) -> Variant:
    itself = path == source.path
    return Variant(
        path=path,
        model=source.name,
        precision=planned.precision,
        method=method,
        source_sha256=source.hashes[0],
        source_bytes=source.bytes,
        sha256=source.hashes[0] if itself else sha256_of(path),
        size_bytes=source.bytes if itself else path.stat().st_size,
        assumptions=(*planned.assumptions, *said),
        agreement=agreement,
    )
