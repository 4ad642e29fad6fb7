"""A machine calibrated in about a minute: a probe, some models of the zoo, and the user's own."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from advisor.errors import MeasureError
from advisor.lab import zoo
from advisor.lab.calibrating import calibrate
from advisor.lab.jobs import within_bounds
from advisor.lab.measuring import measure
from advisor.lab.probing import probe
from advisor.lab.runs import Run
from advisor.lab.settings import settings
from advisor.machine_calibration import PRECISION, MachineCalibration
from advisor.modelspec import ModelSpec, of_onnx


def calibrate_here(
    models: Sequence[str | Path] | None = None,
    *,
    seconds: float | None = None,
    on_run: Callable[[Run], object] | None = None,
    on_progress: Callable[[float], object] | None = None,
    cancel: threading.Event | None = None,
) -> MachineCalibration:
    """Probe this machine, measure some models on it, and learn what others take.

    Parameters
    ----------
    models : sequence of str or Path, optional
        ONNX files and names of ``advisor.lab.zoo`` to measure; by default those of ``[calibration] models``.
    seconds : float, optional
        Time for probe and measurements together, a minute by default; starting, loading and warm-up come on top.
    on_run : callable, optional
        Called with every run, for keeping it.
    on_progress : callable, optional
        Called after each part with the share that is over, from 0 to 1.
    cancel : threading.Event, optional
        Once set, the measurement under way ends and the calibration rests on what was measured until then.

    Returns
    -------
    MachineCalibration

    Raises
    ------
    MeasureError, ModelFileError, UnknownIdError, MissingExtraError
        Whatever keeps a model from being measured, or a calibration from being made, as one sentence.
    """
    terms = settings()["calibration"]
    seconds = float(terms["seconds"]) if seconds is None else seconds
    within_bounds("seconds", seconds)
    wished = list(dict.fromkeys(map(str, terms["models"] if models is None else models)))
    probe_s = min(float(terms["probe_s"]), seconds / (len(wished) + 1))
    share_s = max((seconds - probe_s) / len(wished), float(settings()["bounds"]["seconds"]["least"]))
    probed = probe(probe_s)
    pairs: list[tuple[ModelSpec, Run]] = []
    for number, model in enumerate(wished, start=1):
        if cancel is not None and cancel.is_set():
            break
        new = _measured(model, share_s, cancel)
        pairs += new
        if on_run is not None and new:
            on_run(new[0][1])
        if on_progress is not None:
            on_progress(number / len(wished))
    return calibrate(pairs, probed)


def _sound(spec: ModelSpec) -> ModelSpec:
    """The model, if a calibration can rest on it."""
    if spec.macs is None:
        raise MeasureError("calibration_no_macs", model=spec.name or spec.family)
    if spec.precision not in (None, PRECISION):
        raise MeasureError(
            "calibration_precision", model=spec.name or spec.family, value=spec.precision, must=PRECISION
        )
    return spec


def _measured(model: str, seconds: float, cancel: threading.Event | None) -> list[tuple[ModelSpec, Run]]:
    """Model with its run; nothing where it was cancelled before the first sample."""
    path = zoo.path(model) if model in zoo.names() else Path(model)
    try:
        return [(_sound(of_onnx(path)), measure(model, seconds=seconds, cancel=cancel))]
    except MeasureError:
        if cancel is not None and cancel.is_set():
            return []
        raise
