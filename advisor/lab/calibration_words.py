"""What a calibration has learnt of a machine, in words."""

from advisor.machine_calibration import MachineCalibration
from advisor.numbers import number
from advisor.text import sentence
from advisor.units import MS_PER_S


def calibration_text(machine: MachineCalibration, lang: str) -> str:
    """What was learnt of a machine, and whether other work disturbed it."""
    figures = {
        "efficiency": machine.efficiency, "overhead": machine.overhead_s * MS_PER_S, "low": machine.low_factor,
        "high": machine.high_factor,
    }  # fmt: skip
    words = {name: number(value) for name, value in figures.items()}
    kind = sentence(f"device_kind.{machine.device.kind}", lang)
    told = sentence("cli.calibrated_from", lang, count=len(machine.models), cpu=machine.cpu, kind=kind, **words)
    if not machine.interfered:
        return told
    names = sentence("report.joiner", lang).join(machine.interfered)
    return f"{told} {sentence('here.interfered', lang, names=names)}"
