"""On which system should my AI model be deployed?

Public names are loaded on first use, so that ``import advisor`` is light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.advice import Advice
    from advisor.device import DeviceSpec
    from advisor.knowledge import Knowledge, load
    from advisor.modelspec import ModelSpec
    from advisor.pipeline import advise
    from advisor.prediction import predict
    from advisor.requirements import Requirements

_HOMES = {
    "Requirements": "requirements",
    "ModelSpec": "modelspec",
    "DeviceSpec": "device",
    "Advice": "advice",
    "advise": "pipeline",
    "predict": "prediction",
    "Knowledge": "knowledge",
    "load": "knowledge",
}
__all__ = ["Advice", "DeviceSpec", "Knowledge", "ModelSpec", "Requirements", "advise", "load", "predict"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    return getattr(import_module(f"advisor.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
