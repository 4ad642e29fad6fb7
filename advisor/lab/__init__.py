"""The lab: what a model does on this very machine.

Public names are loaded on first use, so that ``import advisor.lab`` is light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.lab import zoo
    from advisor.lab.machine import Machine, this_machine
    from advisor.lab.measuring import Measurement, measure
    from advisor.lab.runs import Run

_HOMES = {
    "Machine": "machine", "Measurement": "measuring", "Run": "runs", "measure": "measuring", "this_machine": "machine",
}  # fmt: skip
__all__ = ["Machine", "Measurement", "Run", "measure", "this_machine", "zoo"]


def __getattr__(name: str) -> Any:
    if name == "zoo":
        return import_module("advisor.lab.zoo")
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor.lab' has no attribute {name!r}")
    return getattr(import_module(f"advisor.lab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
