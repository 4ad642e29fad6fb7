"""Widgets: ``panel`` asks and shows, ``plots`` draws, ``app`` adds the live test.  Loaded on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.view import plots
    from advisor.view.advising import Panel, panel
    from advisor.view.application import App, app

__all__ = ["App", "Panel", "app", "panel", "plots"]
_HOMES = {"Panel": "advising", "panel": "advising", "App": "application", "app": "application"}


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("advisor.view.plots")
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor.view' has no attribute {name!r}")
    return getattr(import_module(f"advisor.view.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
