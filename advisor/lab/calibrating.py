"""Runs on this machine -> a calibration of the latency model for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from advisor.calibration import ANY, Calibration, Fit, load_calibration
from advisor.device import DeviceSpec
from advisor.effects import traits_of
from advisor.errors import MeasureError
from advisor.lab.machine import Machine
from advisor.lab.probing import Probe
from advisor.lab.runs import Run
from advisor.lab.settings import settings
from advisor.latency import service_s
from advisor.machine_calibration import ENGINE, PRECISION, MachineCalibration, MeasuredModel
from advisor.modelspec import ModelSpec

FloatArray = NDArray[np.float64]

_SIGMAS_OF_80_PERCENT = 1.2816


def calibrate(
    runs: Mapping[ModelSpec, Run] | Sequence[tuple[ModelSpec, Run]],
    probed: Probe,
    *,
    kind: str | None = None,
    base: Calibration | None = None,
) -> MachineCalibration:
    r"""Efficiency and overhead of this machine, from some runs on it.

    Parameters
    ----------
    runs : pairs of ModelSpec and Run
        Models whose MACs are known (``modelspec.of_onnx`` reads them), measured on one machine.
    probed : Probe
        Attainable rates of one thread, of ``probe``.
    kind : str, optional
        Kind of device that the machine borrows from where the runs say little; by default the one of ``[calibration]
        kinds`` whose calibration predicts each run best from the others.
    base : Calibration, optional
        The packed one by default.

    Raises
    ------
    MeasureError
        If there is no run, or the MACs of a model are unknown.

    Notes
    -----
    Minimises soft absolute residuals of :math:`\log t_{p50}` over efficiency and overhead, both drawn to those of the
    kind as if by ``prior_models`` runs.  The interval is that of the kind's calibrated devices, its variance pooled
    with that of each run predicted from the others.
    """
    pairs = list(runs.items() if isinstance(runs, Mapping) else runs)
    if not pairs or any(spec.macs is None for spec, _ in pairs):
        raise MeasureError("calibration_no_models")
    base = load_calibration() if base is None else base
    kinds = _kinds(probed.machine) if kind is None else [kind]
    tried = [_Machine(probed.device(name), base) for name in kinds]
    left = [machine.left_out(pairs) for machine in tried]
    best = int(np.argmin([np.median(np.abs(residuals)) for residuals in left]))
    machine = tried[best]
    efficiency, overhead_s = np.exp(machine.fitted(pairs)).tolist()
    low, high = machine.spread(left[best])
    return MachineCalibration(
        device=machine.device,
        efficiency=efficiency,
        overhead_s=overhead_s,
        low_factor=low,
        high_factor=high,
        cpu=probed.machine.cpu,
        dated=max(run.started for _, run in pairs),
        threads=probed.machine.usable_cpus,
        architecture="aarch64" if _is_arm(probed.machine) else "x86_64",
        measured=tuple(_measured(spec, run, far) for (spec, run), far in zip(pairs, left[best].tolist(), strict=True)),
    )


def _measured(spec: ModelSpec, run: Run, residual: float) -> MeasuredModel:
    traits = traits_of(spec)
    return MeasuredModel(
        model=run.model,
        sha256=run.sha256,
        family=traits.family,
        architecture=traits.architecture,
        params=traits.params,
        macs=spec.macs or 0.0,
        batch=run.batch,
        threads=run.threads,
        p50_s=float(np.median(run.samples_s)),
        samples=len(run.samples_s),
        started=run.started,
        residual=residual,
        interfered=run.interfered,
    )


class _Machine:
    """One thread of the machine as a device of some kind."""

    def __init__(self, device: DeviceSpec, base: Calibration) -> None:
        self.device, self.base, self.terms = device, base, settings()["calibration"]
        chip = _chip(device, base)
        keys = ((chip, ANY, PRECISION), (chip, ANY, ANY))
        usual = Fit(**base.settings["theoretical"])
        self.parent = next((base.fits[key] for key in keys if key in base.fits), usual)
        peers = [fit for (of, name, form), fit in base.fits.items() if of == chip and name != ANY and form == PRECISION]
        self.peers = peers or [self.parent]

    def fitted(self, pairs: Sequence[tuple[ModelSpec, Run]]) -> FloatArray:
        """Logarithms of efficiency and overhead [s]."""
        start = np.log([self.parent.efficiency, self.parent.overhead_s])
        draw = np.sqrt(float(self.terms["prior_models"])) * self.terms["draw"]

        def residual(values: FloatArray) -> FloatArray:
            return np.concatenate([self.residual(values, pairs), (values - start) * draw])

        found: FloatArray = least_squares(residual, start, loss="soft_l1", f_scale=self.terms["robust_scale"]).x
        return found

    def residual(self, values: FloatArray, pairs: Sequence[tuple[ModelSpec, Run]]) -> FloatArray:
        """Logarithm of measured over predicted p50 of every run."""
        efficiency, overhead_s = np.exp(values).tolist()
        fit = Fit(efficiency, overhead_s, self.parent.low_factor, self.parent.high_factor)
        fits = {**self.base.fits, (_chip(self.device, self.base), "", PRECISION): fit}
        calibration = replace(self.base, fits=fits)
        predicted = [middle_s(spec, self.device, calibration, run.batch, run.threads) for spec, run in pairs]
        return np.log([float(np.median(run.samples_s)) for _, run in pairs]) - np.log(predicted)

    def left_out(self, pairs: list[tuple[ModelSpec, Run]]) -> FloatArray:
        """Residual of every run, predicted from the others; of a single one, from the kind alone."""
        parts = [(pairs[:n] + pairs[n + 1 :], pairs[n : n + 1]) for n in range(len(pairs))]
        return np.concatenate([self.residual(self.fitted(rest), one) for rest, one in parts])

    def spread(self, left: FloatArray) -> tuple[float, float]:
        """Factors of the central 80 %."""
        prior = float(self.terms["prior_models"])

        def factor(end: str) -> float:
            usual = float(np.median([abs(np.log(getattr(fit, end))) for fit in self.peers])) / _SIGMAS_OF_80_PERCENT
            pooled = np.sqrt((prior * usual**2 + float(left @ left)) / (prior + len(left)))
            return float(np.exp(_SIGMAS_OF_80_PERCENT * pooled))

        return 1 / factor("low_factor"), factor("high_factor")


def middle_s(spec: ModelSpec, device: DeviceSpec, calibration: Calibration, batch: int, threads: int) -> float:
    """Middle prediction of the time of one batch on a machine without a record  [s]."""
    coefficients = calibration.lookup([""], [device.kind], [PRECISION], [ENGINE], traits_of(spec))
    found = service_s(
        work_flop=spec.work_flop,
        weight_bytes=spec.used_weight_bytes(PRECISION),
        activation_bytes=spec.activation_bytes or 0.0,
        batch=batch,
        peak_flop_per_s=device.peak_flop_per_s[PRECISION],
        bandwidth_bytes_per_s=device.bandwidth_bytes_per_s,
        units=threads,
        coefficients=coefficients,
    )
    return float(found.item())


def _kinds(machine: Machine) -> list[str]:
    """Kinds of device that a machine may be."""
    known = settings()["calibration"]["kinds"]
    return list(known["arm"] if _is_arm(machine) else known["other"])


def _is_arm(machine: Machine) -> bool:
    """Whether it has an Arm processor, which not every system has in its name."""
    named = any(word in machine.system.lower() for word in ("aarch64", "arm64", "armv"))
    return named or "neon" in machine.instructions


def _chip(device: DeviceSpec, base: Calibration) -> str:
    return str(base.settings["kinds"]["same_silicon"].get(device.kind, device.kind))
