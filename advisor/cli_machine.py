"""advisor machine on the command line: what this machine is, and what it attains."""

import argparse
import json
from datetime import UTC, datetime

from advisor.cli_words import number_of
from advisor.text import sentence


def machine_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor machine``."""
    command.add_argument("--probe", action="store_true", help=sentence("cli.argument.probe", lang))
    command.add_argument("--seconds", default="2", help=sentence("cli.argument.seconds", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_machine)


def _machine(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.knowledge import load
    from advisor.lab.identities import catalogue_ids
    from advisor.lab.machine import this_machine
    from advisor.lab.machine_words import machine_json, machine_words, probe_words
    from advisor.lab.probing import probe

    seconds = float(number_of(chosen.seconds, "seconds"))
    machine, dated, devices = this_machine(), datetime.now(UTC).isoformat(timespec="seconds"), load().devices
    ids = catalogue_ids(machine, devices)
    if not chosen.json:
        print(machine_words(machine, dated, [devices[name].name for name in ids], lang), flush=True)
    probed = probe(seconds) if chosen.probe else None
    if chosen.json:
        print(json.dumps(machine_json(machine, dated, ids, probed), ensure_ascii=False))
    elif probed is not None:
        print("\n" + probe_words(probed, lang))
