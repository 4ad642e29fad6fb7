"""advisor check and new: records and tables of the knowledge on the command line."""

import argparse
import json

from advisor.text import sentence


def check_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor check``."""
    command.add_argument("paths", metavar="PATH", nargs="*", help=sentence("cli.check_path", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_check)


def new_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor new``."""
    from advisor.new_record import PARTS, kinds

    command.add_argument("kind", metavar="KIND", help=sentence("cli.new_kind", lang, known=", ".join(kinds())))
    command.add_argument("id", metavar="ID", help=sentence("cli.new_id", lang))
    command.add_argument("--part", default=PARTS[0], help=sentence("cli.new_part", lang))
    command.add_argument("--folder", default="data", help=sentence("cli.new_folder", lang))
    command.set_defaults(run=_new)


def _check(chosen: argparse.Namespace, lang: str) -> int:
    from advisor.checking import check

    checked = check(chosen.paths)
    print(json.dumps(checked.document(lang), ensure_ascii=False, indent=2) if chosen.json else checked.text(lang))
    return int(bool(checked.findings))


def _new(chosen: argparse.Namespace, lang: str) -> None:
    from datetime import datetime

    from advisor.new_record import new_record
    from advisor.record_words import BLANK

    today = datetime.now().astimezone().date()
    file = new_record(chosen.kind, chosen.id, folder=chosen.folder, lang=lang, today=today, part=chosen.part)
    print(sentence("cli.new_written", lang, file=file, blank=BLANK))
