"""advisor … : the same answers on the command line."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from advisor.cli_breakeven import break_even_options
from advisor.cli_cost import bill_options
from advisor.cli_lab import (
    calibrate_options,
    calibration_of,
    compare_options,
    load_options,
    locustfile_options,
    machine_of,
    serve_options,
)
from advisor.cli_machine import machine_options
from advisor.cli_measure import measure_options
from advisor.cli_records import check_options, new_options
from advisor.cli_runs import runs_options, tune_options
from advisor.cli_variants import quantise_options
from advisor.cli_words import model_of, number_of, usage_error, wish_of
from advisor.errors import AdvisorError, RequirementError
from advisor.text import languages, preferred_language, sentence

if TYPE_CHECKING:
    from advisor.full_advice import FullAdvice

_FORMATS = ("html", "markdown", "json")
_FORMAT_OF_SUFFIX = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; bad input is one sentence on stderr and exit code 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    lang = _language(given)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    try:
        chosen = _parser(lang).parse_args(given)
        return int(chosen.run(chosen, lang) or 0)
    except AdvisorError as error:
        sys.stderr.write(error.in_language(lang) + "\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _language(given: Sequence[str]) -> str:
    """Language named by --lang, else the preferred one; a wrong name is left to the parser."""
    for place, word in enumerate(given):
        name = (
            word.partition("=")[2]
            if word.startswith("--lang=")
            else (given[place + 1 : place + 2] or [""])[0]
            if word == "--lang"
            else ""
        )
        if name in languages():
            return name
    return preferred_language()


class _Parser(argparse.ArgumentParser):
    """Parser whose complaints are sentences in the user's language."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise usage_error(message, self.prog)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Let the command that was named, not the whole program, complain of what it does not know."""
        chosen, unknown = super().parse_known_args(args, namespace)
        if unknown:
            raise RequirementError("usage_unknown", field="", value=" ".join(unknown), command=self.prog)
        return chosen, unknown


def _parser(lang: str) -> argparse.ArgumentParser:
    parser = _Parser(prog="advisor", description=sentence("cli.description", lang))
    parser.add_argument("--lang", choices=languages(), default=lang, help=sentence("cli.lang", lang))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, fill in (
        ("advise", _advise_options),
        ("report", _report_options),
        ("bill", _bill_options),
        ("break-even", _break_even_options),
        ("predict", _predict_options),
        ("score", _score_options),
        ("measure", measure_options),
        ("quantise", quantise_options),
        ("tune", tune_options),
        ("runs", runs_options),
        ("compare", compare_options),
        ("serve", serve_options),
        ("load", load_options),
        ("locustfile", locustfile_options),
        ("calibrate", calibrate_options),
        ("machine", machine_options),
        ("notebooks", _notebook_options),
        ("check", check_options),
        ("new", new_options),
    ):
        command = commands.add_parser(
            name, help=sentence(f"cli.{name}", lang), description=sentence(f"cli.{name}", lang)
        )
        command.add_argument("--lang", choices=languages(), default=lang, help=sentence("cli.lang", lang))
        fill(command, lang)
    return parser


def _model_options(command: argparse.ArgumentParser, lang: str) -> None:
    from advisor.schema import ModelFamily

    command.add_argument("--model", help=sentence("cli.model", lang))
    command.add_argument("--model-family", choices=get_args(ModelFamily), help=sentence("cli.model_family", lang))
    command.add_argument("--params", help=sentence("cli.params", lang))
    command.add_argument("--macs", help=sentence("cli.macs", lang))


def _advise_options(command: argparse.ArgumentParser, lang: str) -> None:
    _question_options(command, lang)
    command.add_argument("--rows", type=int, default=10, help=sentence("cli.rows", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_advise)


def _report_options(command: argparse.ArgumentParser, lang: str) -> None:
    _question_options(command, lang)
    command.add_argument("--from", dest="saved", metavar="FILE", help=sentence("cli.from", lang))
    command.add_argument("--out", metavar="FILE", help=sentence("cli.out", lang))
    command.add_argument("--format", choices=_FORMATS, help=sentence("cli.format", lang))
    command.add_argument("--note", default="", help=sentence("cli.note", lang))
    command.set_defaults(run=_report)


def _bill_options(command: argparse.ArgumentParser, lang: str) -> None:
    _question_options(command, lang)
    bill_options(command, lang, _answered)


def _break_even_options(command: argparse.ArgumentParser, lang: str) -> None:
    _question_options(command, lang)
    break_even_options(command, lang, _answered)


def _question_options(command: argparse.ArgumentParser, lang: str) -> None:
    from advisor.requirements import Requirements

    _model_options(command, lang)
    for name in Requirements.model_fields:
        if name != "model":
            flag = {"nargs": "?", "const": "true"} if name == "offline" else {}
            command.add_argument(f"--{name.replace('_', '-')}", help=_help(name, lang), **flag)  # type: ignore[arg-type]
    command.add_argument("--prices", help=sentence("cli.prices", lang))
    command.add_argument("--calibration", metavar="FILE", help=sentence("cli.argument.own-machine", lang))


def _help(field: str, lang: str) -> str:
    """What a requirement means, what it takes, and its default."""
    from advisor.requirements import Requirements, must

    default = Requirements.model_fields[field].default
    takes = must(field)
    if isinstance(default, tuple | str | int | float):
        takes += "; " + (",".join(map(str, default)) if isinstance(default, tuple) else str(default))
    return f"{sentence(f'requirement.{field}', lang)} [{takes}]".replace("%", "%%")


def _predict_options(command: argparse.ArgumentParser, lang: str) -> None:
    _model_options(command, lang)
    command.add_argument("--device", help=sentence("cli.device", lang))
    command.add_argument("--calibration", metavar="FILE", help=sentence("cli.argument.calibration", lang))
    for name in ("batch", "precision", "engine", "threads", "devices", "input-tokens", "output-tokens", "concurrency"):
        command.add_argument(f"--{name}", help=sentence(f"cli.argument.{name}", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_predict)


def _score_options(command: argparse.ArgumentParser, lang: str) -> None:
    command.add_argument("rows", metavar="ROWS", help=sentence("cli.score_rows", lang))
    for name in ("devices", "models"):
        command.add_argument(f"--{name}", metavar="FILE", help=sentence(f"cli.score_{name}", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_score)


def _notebook_options(command: argparse.ArgumentParser, lang: str) -> None:
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("no-browser", {"action": "store_true"}),
        ("port", {"type": int}),
        ("folder", {}),
    )
    for name, kind in kinds:
        command.add_argument(f"--{name}", help=sentence(f"cli.{name}", lang), **kind)
    command.set_defaults(run=_notebooks)


def _advise(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.console import advice_text

    if chosen.rows < 1:
        raise RequirementError("field", field="rows", value=chosen.rows, must=">= 1")
    advice = _answered(chosen)
    print(advice.to_json() if chosen.json else advice_text(advice, rows=chosen.rows, lang=lang))


def _answered(chosen: argparse.Namespace) -> "FullAdvice":
    """Advice for the question on the command line."""
    from advisor.knowledge import load
    from advisor.pipeline import advise
    from advisor.requirements import Requirements

    given = {name: getattr(chosen, name) for name in Requirements.model_fields if name != "model"}
    wishes = {name: wish_of(name, text) for name, text in given.items() if text is not None}
    machine = None if chosen.calibration is None else machine_of(chosen.calibration)
    return advise(Requirements(model=model_of(chosen), **wishes), load(chosen.prices), machine)


def _report(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.advice import Advice
    from advisor.report_files import read_report, write_report

    suffix = "" if chosen.out is None else Path(chosen.out).suffix.lower()
    kind = chosen.format or _FORMAT_OF_SUFFIX.get(suffix, "markdown")
    advice = Advice.from_json(read_report(chosen.saved)) if chosen.saved else _answered(chosen)
    text = {
        "html": lambda: advice.to_html(lang=lang, note=chosen.note),
        "markdown": lambda: advice.to_markdown(lang, note=chosen.note),
        "json": lambda: advice.to_json(what_if=True),
    }[kind]()
    if chosen.out is None:
        print(text)
    else:
        write_report(text, chosen.out)
        print(sentence("cli.written", lang, file=chosen.out))


def _predict(chosen: argparse.Namespace, lang: str) -> int:
    from advisor.console import prediction_json, prediction_text
    from advisor.prediction import predict
    from advisor.results import Refusal

    names = ("batch", "threads", "devices", "input_tokens", "output_tokens", "concurrency")
    numbers = {name: number_of(getattr(chosen, name), name) for name in names if getattr(chosen, name) is not None}
    options = {"precision": chosen.precision, "engine": chosen.engine, **numbers}
    if chosen.calibration is not None:
        options |= calibration_of(chosen)
    elif chosen.device is None:
        raise RequirementError("missing_field", field="device", value="", example="--device nvidia-t4")
    result = predict(model_of(chosen), **{"device": chosen.device} | options)
    print(prediction_json(result) if chosen.json else prediction_text(result, lang))
    return int(isinstance(result, Refusal))


def _score(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.console import score_text
    from advisor.score import document, score

    found = score(chosen.rows, devices=chosen.devices, models=chosen.models)
    print(json.dumps(document(found), indent=2) if chosen.json else score_text(found, lang))


def _notebooks(chosen: argparse.Namespace, lang: str) -> int:
    from advisor.view.launch import open_notebooks

    return open_notebooks(lang=lang, browser=not chosen.no_browser, port=chosen.port, folder=chosen.folder)


if __name__ == "__main__":
    raise SystemExit(main())
