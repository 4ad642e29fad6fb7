"""What runs on a machine say about it and about all models: a record that `predict` and `advise` take."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from advisor.calibration import Calibration, Fit, Residual, load_calibration
from advisor.device import DeviceSpec
from advisor.effects import Traits
from advisor.errors import AdvisorError, MeasureError
from advisor.knowledge import HERE, Knowledge
from advisor.published import Measurement, Published, keep_published, key_of, load_published
from advisor.schema import Device, Precision, Server
from advisor.text import sentence
from advisor.units import BILLION

_FORMAT = "advisor/machine-calibration/2"
PRECISION: Precision = "fp32"
ENGINE = "onnxruntime"


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """One run that the calibration rests on."""

    model: str
    sha256: str
    family: str
    architecture: str
    params: float
    macs: float
    """Of one inference.  [MAC]"""
    batch: int
    threads: int
    p50_s: float
    """Time of one batch.  [s]"""
    samples: int
    started: str
    """UTC, ISO 8601."""
    residual: float
    """Logarithm of the p50 over what the other runs predict of it.  [unitless]"""
    interfered: bool | None = None
    """Whether other work on the machine took its time; None where the system does not tell."""


@dataclass(frozen=True)
class MachineCalibration:
    """What runs on a machine say about all models on it: a record that can be kept as TOML."""

    device: DeviceSpec
    """One thread of the machine."""
    threads: float
    """Threads that it may use at once."""
    architecture: str
    """Instruction set of the processor, as records of devices name it."""
    efficiency: float
    """Share of the roof that is attained.  [unitless]"""
    overhead_s: float
    """Time that every inference takes besides.  [s]"""
    low_factor: float
    high_factor: float
    """Central 80 % around the middle, as factors.  [unitless]"""
    cpu: str
    dated: str
    """UTC, ISO 8601."""
    measured: tuple[MeasuredModel, ...] = field(default=())

    @property
    def models(self) -> tuple[str, ...]:
        """Names of what was measured."""
        return tuple(dict.fromkeys(one.model for one in self.measured))

    @property
    def interfered(self) -> tuple[str, ...]:
        """Names of what was measured while other work on the machine took its time."""
        return tuple(dict.fromkeys(one.model for one in self.measured if one.interfered))

    def calibration(self, base: Calibration | None = None) -> Calibration:
        """Coefficients with this machine among the calibrated devices.

        Parameters
        ----------
        base : Calibration, optional
            What holds for all other devices; the packed one by default.

        Returns
        -------
        Calibration
            What was measured here is known of the same models on other devices too, as far as ``[transfer]`` of the
            settings has found that to hold.
        """
        base = load_calibration() if base is None else base
        chip = str(base.settings["kinds"]["same_silicon"].get(self.device.kind, self.device.kind))
        own = Fit(self.efficiency, self.overhead_s, self.low_factor, self.high_factor)
        least = base.settings["transfer"]["least_others"]
        fits: dict[tuple[str, str, str], Fit] = {(chip, name, PRECISION): own for name in ("", HERE)}
        return replace(base, fits={**base.fits, **fits}, residuals=self._residuals(chip, least))

    def known(self, base: Knowledge) -> Knowledge:
        """As ``knowledge``, made once and kept with the base."""
        found: Knowledge = base.kept(("machine", self.to_toml()), lambda: self.knowledge(base))
        return found

    def knowledge(self, base: Knowledge) -> Knowledge:
        """Knowledge with this machine among the hardware, and its runs among the measurements."""
        own, published = base.with_own(self._device(), self._server(base)), load_published(base)
        keep_published(own, Published({**published.found, **self._found()}, published.settings))
        return own

    def _residuals(self, chip: str, least: int) -> tuple[Residual, ...]:
        """What models showed beyond the machine: nothing while too few others tell what the machine itself is like."""
        quiet = [one for one in self.measured if not one.interfered]
        if len({one.sha256 for one in quiet}) <= least:
            return ()
        return tuple(
            Residual(chip, PRECISION, ENGINE, Traits(one.family, one.architecture, one.params), one.residual)
            for one in quiet
        )

    def _found(self) -> dict[Any, list[Measurement]]:
        """Runs as measurements of a device of the catalogue."""
        found: dict[Any, list[Measurement]] = {}
        for one in (run for run in self.measured if not run.interfered):
            figure = Measurement(one.p50_s, one.macs / BILLION, self.device.kind, HERE, one.started[:10])
            stem = Path(one.model).stem
            for name in dict.fromkeys((one.model, stem, f"{stem}.onnx")):
                key = key_of(HERE, name, PRECISION, ENGINE, one.batch, one.threads)
                found.setdefault(key, []).append(figure)
        return found

    def _device(self) -> Device:
        sheet = self.device
        facts = {
            "kind": sheet.kind, "vendor": "-", "unit": "vCPU", "architecture": self.architecture,
            "bandwidth": f"{sheet.bandwidth_bytes_per_s:.6g} B/s",
            "peak": {PRECISION: f"{sheet.peak_flop_per_s[PRECISION]:.6g} FLOP/s"},
        }  # fmt: skip
        return Device(id=HERE, name=sentence("here.name", "en", cpu=self.cpu), sources=[self._claim(facts)], **facts)

    def _server(self, base: Knowledge) -> Server:
        """The machine as hardware that is owned already."""
        threads = max(1, int(self.threads))
        facts = {"device": HERE, "count": threads, "vcpu": threads, "memory": f"{self.device.memory_bytes:.0f} B"}
        owned, drawn = {"price": "0 USD"}, {"power": f"{threads * self._thread_w(base):.3g} W"}
        return Server(
            id=HERE,
            name=sentence("here.name", "en", cpu=self.cpu),
            name_zh=sentence("here.name", "zh", cpu=self.cpu),
            sources=[self._claim({**facts, **owned})],
            estimates=[{"fields": list(drawn), "method": sentence("here.power", "en"), "dated": self.dated[:10]}],
            **facts, **owned, **drawn,
        )  # fmt: skip

    def _thread_w(self, base: Knowledge) -> float:
        """Power of one thread, as processors of the kind, else all, draw it  [W]."""
        every = [one for one in base.devices.values() if one.unit == "vCPU" and one.power]
        kin = [one.power for one in every if one.kind == self.device.kind] or [one.power for one in every]
        return float(np.median([power for power in kin if power]))

    def _claim(self, facts: Mapping[str, object]) -> dict[str, object]:
        return {"fields": list(facts), "title": sentence("here.claim", "en", cpu=self.cpu), "dated": self.dated[:10]}

    def to_toml(self) -> str:
        """Record as TOML."""
        own = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name not in _TABLES}
        sheet = self.device.model_dump(exclude_none=True)
        rates = {f"peak_flop_per_s.{name}": rate for name, rate in sheet.pop("peak_flop_per_s").items()}
        lines = [*_lines({"format": _FORMAT, **own}), "", "[device]", *_lines({**sheet, **rates})]
        for one in self.measured:
            lines += ["", "[[measured]]", *_lines(asdict(one))]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_toml(cls, text: str, file: str = "text") -> "MachineCalibration":
        """Record that ``to_toml`` wrote.

        Parameters
        ----------
        text : str
            The record.
        file : str, default "text"
            What a complaint calls it.

        Raises
        ------
        MeasureError
            If it is none.
        """
        try:
            record: dict[str, Any] = tomllib.loads(text)
            known = record.pop("format") == _FORMAT
            measured = tuple(MeasuredModel(**one) for one in record.pop("measured", []))
            found = cls(**record | {"device": DeviceSpec(**record["device"]), "measured": measured})
        except (ValueError, KeyError, TypeError, AdvisorError):
            known = False
        if not known:
            raise MeasureError("calibration_unreadable", file=file)
        return found


_TABLES = ("device", "measured")


def _lines(values: Mapping[str, Any]) -> list[str]:
    """TOML of numbers and texts, which JSON writes alike; what is not known is left out."""
    known = {name: value for name, value in values.items() if value is not None}
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in known.items()]
