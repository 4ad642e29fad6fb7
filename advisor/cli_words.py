"""Words of a command line -> models, numbers and wishes."""

import argparse
import re
from typing import Any

from advisor.errors import RequirementError

_WORDS_OF_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

_COMPLAINTS = {
    "usage_command": r"argument COMMAND: invalid choice: (?P<value>.+?) \(choose from (?P<known>.+)\)",
    "usage_no_command": r"the following arguments are required: COMMAND",
    "usage_missing": r"the following arguments are required: (?P<field>.+)",
    "usage_choice": r"argument (?P<field>.+?): invalid choice: (?P<value>.+?) \(choose from (?P<known>.+)\)",
    "usage_whole": r"argument (?P<field>.+?): invalid int value: (?P<value>.+)",
    "usage_value": r"argument (?P<field>.+?): expected .*argument.*",
    "usage_no_value": r"argument (?P<field>.+?): ignored explicit argument (?P<value>.+)",
    "usage_ambiguous": r"ambiguous option: (?P<value>.+?) could match (?P<known>.+)",
}
"""Code of the catalogue -> what argparse, which knows English alone, says in that case."""


def usage_error(complaint: str, command: str) -> RequirementError:
    """Error for a complaint of argparse, to be said in any language; one that is not known is passed on as it is."""
    for code, pattern in _COMPLAINTS.items():
        if found := re.fullmatch(pattern, complaint, re.DOTALL):
            named = {name: text.replace("'", "") for name, text in found.groupdict().items()}
            return RequirementError(code, **{"field": "", "value": "", "command": command} | named)
    return RequirementError("usage", field="", value=complaint, command=command)


def model_of(chosen: argparse.Namespace) -> Any:
    """Model that is named, or given by its sizes."""
    from advisor.modelspec import ModelSpec

    if chosen.model is None and chosen.model_family is None:
        raise RequirementError("missing_field", field="model", value="", example="--model resnet50")
    if chosen.model is not None:
        return chosen.model
    if chosen.params is None:
        raise RequirementError("missing_field", field="params", value="", example="--params 25600000")
    return ModelSpec(
        chosen.model_family,
        number_of(chosen.params, "params"),
        None if chosen.macs is None else number_of(chosen.macs, "macs"),
    )


def number_of(text: str, field: str) -> Any:
    """Number in a text; the bounds of a requirement say what it takes."""
    from advisor.requirements import must, settings

    try:
        value = float(text)
    except ValueError:
        takes = must(field) if field in settings()["bounds"] else "1 | 2.5 | 1e6"
        raise RequirementError("field", field=field, value=text, must=takes) from None
    return int(value) if value.is_integer() else value


def numbers_of(text: str, field: str) -> dict[str, Any]:
    """Numbers by name in a text such as ``sequence=128,height=224``."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): number_of(value, field) for name, _, value in pairs}


def wish_of(field: str, text: str) -> Any:
    """Value of a requirement from its text on the command line."""
    from advisor.requirements import settings

    if field in settings()["bounds"]:
        return number_of(text, field)
    if field in ("providers", "precisions"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if field == "priorities":
        pairs = (part.partition("=") for part in text.split(","))
        return {name.strip(): number_of(weight or "1", field) for name, _, weight in pairs}
    return _WORDS_OF_TRUTH.get(text.lower(), text) if field == "offline" else text
