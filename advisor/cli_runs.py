"""advisor tune and runs on the command line."""

import argparse
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from advisor.cli_words import number_of
from advisor.errors import RequirementError
from advisor.text import sentence

if TYPE_CHECKING:
    from advisor.lab.store import Store
    from advisor.lab.sweeps import Sweeping

_LOOK_S = 0.1
_ACTIONS = ("list", "show", "export", "import", "compare")


def tune_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor tune``."""
    command.add_argument("file", metavar="FILE", help=sentence("cli.file", lang))
    for name, code in (("threads", "tune-threads"), ("batch", "tune-batch"), ("budget", "budget"), ("passes", "passes"),
                       ("seed", "tune-seed"), ("name", "name"), ("resume", "resume"), ("slo-ms", "tune-slo-ms"),
                       ("store", "store")):  # fmt: skip
        command.add_argument(f"--{name}", help=sentence(f"cli.argument.{code}", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_tune)


def runs_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor runs``."""
    command.add_argument("action", choices=_ACTIONS, nargs="?", default="list", help=sentence("cli.runs_action", lang))
    command.add_argument("words", metavar="ID | FILE", nargs="*", help=sentence("cli.runs_words", lang))
    command.add_argument("--store", help=sentence("cli.argument.store", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_runs)


def _tune(chosen: argparse.Namespace, lang: str) -> int:
    from advisor.lab.kept_words import sweep_json, sweep_text
    from advisor.lab.store import Store
    from advisor.lab.sweeps import Sweeping

    fields = {"budget": "seconds", "passes": "passes", "seed": "seed"}
    given = {field: getattr(chosen, name) for name, field in fields.items()}
    wishes: dict[str, Any] = {field: number_of(text, field) for field, text in given.items() if text is not None}
    for field in ("threads", "batch"):
        text = getattr(chosen, field)
        wishes[field] = None if text is None else [number_of(part, field) for part in text.split(",")]
    slo_ms = None if chosen.slo_ms is None else _objective(chosen.slo_ms)
    sweeping = Sweeping(chosen.file, store=Store(chosen.store), name=chosen.name, resume=chosen.resume, **wishes)
    stopped = _followed(sweeping, lang, quiet=chosen.json)
    found = sweeping.result()
    print(json.dumps(sweep_json(found, slo_ms), ensure_ascii=False) if chosen.json else sweep_text(found, slo_ms, lang))
    return stopped


def _objective(text: str) -> float:
    value = float(number_of(text, "slo_ms"))
    if not 0 < value < float("inf"):
        raise RequirementError("field", field="slo_ms", value=text, must="> 0")
    return value


def _followed(sweeping: "Sweeping", lang: str, *, quiet: bool) -> int:
    """Exit status of a sweep that is over; an interrupt ends it, and what was measured stays."""
    from advisor.lab.kept_words import expected_text, step_text

    said = ""
    sweeping.start()
    try:
        while sweeping.state == "running":
            time.sleep(_LOOK_S)
            now, left_s = sweeping.sweep, sweeping.left_s
            if now is None or left_s is None or quiet:
                continue
            if not said:
                print(expected_text(now, left_s, lang), flush=True)
            done = str(sum(len(cell.runs) for cell in now.cells))
            if said not in ("", done):
                print(step_text(now, left_s, lang), flush=True)
            said = done
    except KeyboardInterrupt:
        sweeping.cancel()
        return 130
    return 0


def _runs(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.lab.store import Store

    store = Store(chosen.store)
    action = {"list": _list, "show": _show, "export": _export, "import": _import, "compare": _compare}[chosen.action]
    answer, text = action(store, chosen.words, lang)
    print(json.dumps(answer, ensure_ascii=False) if chosen.json else text)


def _list(store: "Store", words: Sequence[str], lang: str) -> tuple[Any, str]:
    from advisor.lab.kept_words import SHOWN, runs_text

    _counted(words, 0, 0, "list")
    table, damaged = store.runs(), store.unreadable
    plans = [plan for _, _, plan in store.readable("sweep")]
    others = {record_id: kind for kind in SHOWN for record_id in store.ids(kind)}
    answer = {
        "runs": table.to_dict("records"),
        "sweeps": [plan.record() for plan in plans],
        "others": others,
        "unreadable": {name: error.in_language(lang) for name, error in damaged.items()},
    }
    return answer, runs_text(table, plans, others, str(store.folder), damaged, lang)


def _show(store: "Store", words: Sequence[str], lang: str) -> tuple[Any, str]:
    from advisor.lab.kept_words import SHOWN, sweep_json, sweep_text
    from advisor.lab.kinds import kind_of
    from advisor.lab.runs import Run
    from advisor.lab.sweep_planning import kept_sweep
    from advisor.lab.sweep_plans import Refused
    from advisor.lab.words import run_json, run_text

    (part,) = _counted(words, 1, 1, "show ID")
    if part in (plan.name for _, _, plan in store.readable("sweep")):
        sweep = kept_sweep(store, part)
        return sweep_json(sweep), sweep_text(sweep, lang=lang)
    found = store.get(part)
    if isinstance(found, Run):
        return run_json(found), run_text(found, lang=lang)
    if kind_of(found) in SHOWN:
        return found.record(), SHOWN[kind_of(found)](found, lang)
    if isinstance(found, Refused):
        return found.record(), found.error.in_language(lang)
    sweep = kept_sweep(store, store.full_id(part))
    return sweep_json(sweep), sweep_text(sweep, lang=lang)


def _export(store: "Store", words: Sequence[str], lang: str) -> tuple[Any, str]:
    from zipfile import ZipFile

    file, *ids = _counted(words, 1, None, "export FILE [ID ...]")
    named = {plan.name: record_id for record_id, _, plan in store.readable("sweep")}
    written = store.export([named.get(part, part) for part in ids] or None, file)
    with ZipFile(written) as archive:
        count = len(archive.namelist())
    answer = {"file": str(written), "records": count}
    return answer, sentence("kept.exported", lang, file=written, count=count)


def _import(store: "Store", words: Sequence[str], lang: str) -> tuple[Any, str]:
    from advisor.lab.kept_words import imported_text

    (file,) = _counted(words, 1, 1, "import FILE")
    found = store.import_(file)
    refused = [error.in_language(lang) for error in found.refused]
    answer = {"added": found.added, "duplicates": found.duplicates, "refused": refused}
    return answer, imported_text(found, lang)


def _compare(store: "Store", words: Sequence[str], lang: str) -> tuple[Any, str]:
    from advisor.lab.kept_words import ratios_text

    table = store.compare(_counted(words, 2, None, "compare ID ID ..."))
    return {"ratios": table.to_dict("records"), "interleaved": False}, ratios_text(table, lang)


def _counted(words: Sequence[str], least: int, most: int | None, example: str) -> Sequence[str]:
    """Words of an action, where they are as many as it takes."""
    if len(words) < least or (most is not None and len(words) > most):
        raise RequirementError("runs_words", value=" ".join(words), example=f"advisor runs {example}")
    return words
