"""What must hold for rules beyond their class: placeholders, a unit that can be worded, a limit that they speak for."""

import ast
import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from string import Formatter

from advisor.errors import Problem
from advisor.numbers import quantity_text
from advisor.record_words import near
from advisor.schema import Rule
from advisor.text import DEFAULT_LANGUAGE, catalogue

_PLACEHOLDERS = {"need", "have", "name"}
_WORDED_BY_NAME = ("skill", "scope", "yes-no")
_LIMIT = re.compile(r"\bLimit\(")


def rule_placeholders(rule: Rule) -> Iterator[Problem]:
    """The sentences of a rule hold {need}, {have} and {name} alone, the same in both languages."""
    for field in ("fails", "flip"):
        words = getattr(rule, field)
        english, chinese = placeholders(words.en), placeholders(words.zh)
        if english != chinese or not english <= _PLACEHOLDERS:
            named = " | ".join(
                ", ".join(f"{{{name}}}" for name in sorted(names)) or "-" for names in (english, chinese)
            )
            yield Problem(field, "placeholders", {"value": named})


def placeholders(text: str) -> set[str]:
    """Names in curly brackets; a text whose brackets do not match has a nameless one."""
    try:
        return {name.split("!")[0] for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return {""}


def rule_unit(rule: Rule) -> Iterator[Problem]:
    """The unit of a rule can be worded."""
    try:
        quantity_text(rule.examples[0].need, rule.unit, DEFAULT_LANGUAGE)
    except (KeyError, IndexError):
        worded = catalogue(DEFAULT_LANGUAGE).items()
        units = [code.removeprefix("unit.") for code, said in worded if code.startswith("unit.") and "{value}" in said]
        yield Problem("unit", "rule_unit", near(rule.unit, [*units, *_WORDED_BY_NAME]))


def rule_idle(rule: Rule, rules: Collection[str]) -> Iterator[Problem]:
    """Something works out what a rule needs and has."""
    worked_out = names_in_limits()
    if rule.id not in worked_out:
        yield Problem("id", "rule_idle", near(rule.id, worked_out.intersection(rules)))


@cache
def names_in_limits() -> frozenset[str]:
    """Every text constant of the modules that make limits: the names of all limits are among them."""
    modules = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py")]
    trees = [ast.parse(text) for text in modules if _LIMIT.search(text)]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
