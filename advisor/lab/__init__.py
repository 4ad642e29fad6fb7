"""The lab: what a model does on this very machine.

Public names are loaded on first use, so that ``import advisor.lab`` is light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.lab import zoo
    from advisor.lab.background import LoadTest, RampTest
    from advisor.lab.calibrating import calibrate
    from advisor.lab.comparing import compare
    from advisor.lab.comparisons import Comparison
    from advisor.lab.here import calibrate_here
    from advisor.lab.identities import catalogue_ids
    from advisor.lab.load import closed_loop, load_test
    from advisor.lab.load_runs import LoadRun
    from advisor.lab.machine import Machine, this_machine
    from advisor.lab.measuring import Measurement, measure
    from advisor.lab.probing import Probe, probe
    from advisor.lab.ramps import Ramp, ramp
    from advisor.lab.runs import Run
    from advisor.lab.server import serve
    from advisor.lab.store import Store
    from advisor.lab.sweep_results import Sweep
    from advisor.lab.sweeps import Sweeping, sweep
    from advisor.lab.variant_records import Variant
    from advisor.lab.variants import variant
    from advisor.machine_calibration import MachineCalibration

_HOMES = {
    "Comparison": "comparisons", "LoadRun": "load_runs", "LoadTest": "background", "Machine": "machine",
    "MachineCalibration": "calibrating", "Measurement": "measuring", "Probe": "probing", "Ramp": "ramps",
    "RampTest": "background", "Run": "runs", "Store": "store", "Sweep": "sweep_results", "Sweeping": "sweeps",
    "Variant": "variant_records", "calibrate": "calibrating", "calibrate_here": "here",
    "catalogue_ids": "identities", "closed_loop": "load", "compare": "comparing", "load_test": "load",
    "measure": "measuring", "probe": "probing", "ramp": "ramps", "serve": "server", "sweep": "sweeps",
    "this_machine": "machine", "variant": "variants",
}  # fmt: skip
__all__ = [
    "Comparison", "LoadRun", "LoadTest", "Machine", "MachineCalibration", "Measurement", "Probe", "Ramp",
    "RampTest", "Run", "Store", "Sweep", "Sweeping", "Variant", "calibrate", "calibrate_here", "catalogue_ids",
    "closed_loop", "compare", "load_test", "measure", "probe", "ramp", "serve", "sweep", "this_machine", "variant",
    "zoo",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "zoo":
        return import_module("advisor.lab.zoo")
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor.lab' has no attribute {name!r}")
    return getattr(import_module(f"advisor.lab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
