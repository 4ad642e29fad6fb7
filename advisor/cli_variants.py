"""advisor quantise on the command line."""

import argparse
import json
import shutil
from pathlib import Path

from advisor.errors import MeasureError, why_not
from advisor.text import sentence


def quantise_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor quantise``."""
    command.add_argument("file", metavar="FILE", help=sentence("cli.file", lang))
    command.add_argument("--precision", default="int8", help=sentence("cli.argument.to-precision", lang))
    command.add_argument("--data", metavar="FILE", help=sentence("cli.argument.variant-data", lang))
    command.add_argument("--out", metavar="FILE", help=sentence("cli.argument.variant-out", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_quantise)


def _quantise(chosen: argparse.Namespace, lang: str) -> None:
    from dataclasses import replace

    from advisor.lab.variant_words import variant_json, variant_text
    from advisor.lab.variants import variant

    out = None if chosen.out is None else Path(chosen.out).expanduser()
    if out is not None and out.exists():
        raise MeasureError("variant_out", file=str(out))
    found = variant(chosen.file, chosen.precision, data=chosen.data)
    if out is not None:
        _copy(found.path, out)
        found = replace(found, path=out)
    print(json.dumps(variant_json(found), ensure_ascii=False) if chosen.json else variant_text(found, lang))


def _copy(path: Path, out: Path) -> None:
    try:
        with path.open("rb") as source, out.open("xb") as target:
            shutil.copyfileobj(source, target)
    except FileExistsError:
        raise MeasureError("variant_out", file=str(out)) from None
    except OSError as error:
        raise MeasureError("report_file", file=str(out), reason=why_not(error)) from None
