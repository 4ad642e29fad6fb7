"""Widgets: ``panel`` asks, ``app`` adds a live test, ``lab`` measures, ``capacity`` sizes and bills.

``browser`` and ``accuracy`` show facts.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.view import plots
    from advisor.view.advising import Panel, panel
    from advisor.view.application import App, app
    from advisor.view.browsing import Browser, browser
    from advisor.view.capacity_page import CapacityPage, capacity
    from advisor.view.card import Card, accuracy
    from advisor.view.lab_page import Lab, lab

__all__ = [
    "App",
    "Browser",
    "CapacityPage",
    "Card",
    "Lab",
    "Panel",
    "accuracy",
    "app",
    "browser",
    "capacity",
    "lab",
    "panel",
    "plots",
]
_HOMES = {
    "Panel": "advising",
    "panel": "advising",
    "App": "application",
    "app": "application",
    "Browser": "browsing",
    "browser": "browsing",
    "CapacityPage": "capacity_page",
    "capacity": "capacity_page",
    "Card": "card",
    "accuracy": "card",
    "Lab": "lab_page",
    "lab": "lab_page",
}


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("advisor.view.plots")
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor.view' has no attribute {name!r}")
    return getattr(import_module(f"advisor.view.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
