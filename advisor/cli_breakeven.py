"""advisor break-even on the command line."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from advisor.axes import AXES
from advisor.text import sentence

if TYPE_CHECKING:
    from advisor.full_advice import FullAdvice

Answered = Callable[[argparse.Namespace], "FullAdvice"]
"""Advice for the question on a command line."""


def break_even_options(command: argparse.ArgumentParser, lang: str, answered: Answered) -> None:
    """Options of ``advisor break-even`` besides those of the question."""
    for name in ("first", "second"):
        command.add_argument(f"--{name}", metavar="ID", help=sentence(f"cli.break_even_{name}", lang))
    command.add_argument("--axis", choices=AXES, default=AXES[0], help=sentence("cli.break_even_axis", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=lambda chosen, lang: _break_even(chosen, lang, answered))


def _break_even(chosen: argparse.Namespace, lang: str, answered: Answered) -> None:
    found = answered(chosen).break_even(chosen.first, chosen.second, axis=chosen.axis, lang=lang)
    if chosen.json:
        print(json.dumps({"format": "advisor/break-even/1", **asdict(found)}, ensure_ascii=False, indent=2))
    else:
        print("\n".join(found.lines))
