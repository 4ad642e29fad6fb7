"""advisor measure on the command line."""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from advisor.cli_words import number_of, numbers_of
from advisor.errors import RequirementError
from advisor.text import sentence

_WORDS = ("axes", "memory-limit", "p99-ms", "save")
_NUMBERS = ("threads", "batch", "seconds", "bursts", "over")


def measure_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor measure``."""
    command.add_argument("file", metavar="FILE", help=sentence("cli.file", lang))
    for name in (*_NUMBERS, *_WORDS):
        command.add_argument(f"--{name}", help=sentence(f"cli.argument.{name}", lang))
    command.add_argument("--precision", help=sentence("cli.argument.measure-precision", lang))
    command.add_argument("--data", metavar="FILE", help=sentence("cli.argument.variant-data", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_measure)


def _measure(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.lab.keeping import keep
    from advisor.lab.measuring import measure
    from advisor.lab.words import run_json, run_text

    given = {name: getattr(chosen, name) for name in _NUMBERS}
    numbers = {name: number_of(text, name) for name, text in given.items() if text is not None}
    objective = None if chosen.p99_ms is None else number_of(chosen.p99_ms, "p99_ms")
    axes = None if chosen.axes is None else numbers_of(chosen.axes, "axes")
    wishes = {"precision": chosen.precision or "fp32", "data": chosen.data, "memory_limit": chosen.memory_limit}
    if chosen.data is not None and chosen.precision is None:
        raise RequirementError("missing_field", field="precision", value="", example="--precision int8")
    ended = Event()
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(measure, chosen.file, axes=axes, cancel=ended, **wishes, **numbers)
        try:
            run = under_way.result()
        except KeyboardInterrupt:
            ended.set()
            run = under_way.result()
    if chosen.save:
        run.save(chosen.save)
    print(json.dumps(run_json(run), ensure_ascii=False) if chosen.json else run_text(run, objective, lang))
    name = keep(run)
    if not chosen.json:
        print(sentence("view.live.saved", lang, file=name))
