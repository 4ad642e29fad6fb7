"""advisor bill: what a stack costs, line by line."""

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from advisor.text import sentence

if TYPE_CHECKING:
    from advisor.full_advice import FullAdvice

Answered = Callable[[argparse.Namespace], "FullAdvice"]
"""Advice for the question on a command line."""


def bill_options(command: argparse.ArgumentParser, lang: str, answered: Answered) -> None:
    """Options of ``advisor bill`` beside those of the question."""
    command.add_argument("--option", metavar="ID", help=sentence("cli.bill_option", lang))
    command.add_argument("--currency", default="USD", help=sentence("cli.bill_currency", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=lambda chosen, lang: _bill(chosen, lang, answered))


def _bill(chosen: argparse.Namespace, lang: str, answered: Answered) -> None:
    from advisor.bill_table import bill_document
    from advisor.console import bill_text
    from advisor.money import currency_of

    advice = answered(chosen)
    option, currency = advice.option(chosen.option), currency_of(advice.knowledge, chosen.currency)
    if chosen.json:
        print(json.dumps(bill_document(option, currency), ensure_ascii=False, indent=2, allow_nan=False))
    else:
        print(bill_text(option, advice.knowledge, currency, lang))
