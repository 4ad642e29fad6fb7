"""advisor compare, serve, load, locustfile and calibrate on the command line."""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from advisor.cli_words import number_of
from advisor.errors import MeasureError, RequirementError, why_not
from advisor.numbers import number
from advisor.text import sentence
from advisor.units import MS_PER_S

if TYPE_CHECKING:
    from advisor.machine_calibration import MachineCalibration


def compare_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor compare``."""
    command.add_argument("files", metavar="FILE", nargs="+", help=sentence("cli.compare_files", lang))
    command.add_argument("--bursts", help=sentence("cli.argument.compare-bursts", lang))
    for name in ("threads", "batch", "seconds", "seed", "save"):
        command.add_argument(f"--{name}", help=sentence(f"cli.argument.{name}", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_compare)


def serve_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor serve``."""
    command.add_argument("file", metavar="FILE", help=sentence("cli.file", lang))
    for name in ("host", "port", "grpc-port", "threads", "workers", "stall", "stall-after"):
        command.add_argument(f"--{name}", help=sentence(f"cli.argument.{name}", lang))
    command.set_defaults(run=_serve)


def load_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor load``."""
    command.add_argument("target", metavar="TARGET", help=sentence("cli.target", lang))
    for name in ("rate", "seconds", "slo-ms", "trace", "timeout", "seed", "workers", "threads", "body"):
        command.add_argument(f"--{name}", help=sentence(f"cli.argument.{name}", lang))
    for name in ("rates", "save"):
        command.add_argument(f"--{name}", help=sentence(f"cli.argument.{name}", lang))
    command.add_argument(
        "--kind", choices=("kserve", "openai", "json", "grpc"), help=sentence("cli.argument.kind", lang)
    )
    for name in ("ramp", "closed-loop", "yes-this-is-my-server"):
        command.add_argument(f"--{name}", action="store_true", help=sentence(f"cli.argument.{name}", lang))
    command.add_argument("--json", action="store_true", help=sentence("cli.json", lang))
    command.set_defaults(run=_load_test)


def locustfile_options(command: argparse.ArgumentParser, _: str) -> None:
    """Options of ``advisor locustfile``: none."""
    command.set_defaults(run=_locustfile)


def calibrate_options(command: argparse.ArgumentParser, lang: str) -> None:
    """Options of ``advisor calibrate``."""
    command.add_argument("files", metavar="FILE", nargs="*", help=sentence("cli.calibrate_files", lang))
    command.add_argument("--seconds", help=sentence("cli.argument.calibrate-seconds", lang))
    command.add_argument("--out", metavar="FILE", help=sentence("cli.argument.record", lang))
    command.set_defaults(run=_calibrate)


def _compare(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.lab.comparing import compare
    from advisor.lab.comparison_words import comparison_json, comparison_text
    from advisor.lab.keeping import keep

    if len(chosen.files) < 2:
        raise RequirementError("missing_field", field="FILE", value="", example="advisor compare a.onnx b.onnx")
    fields = {name: name for name in ("threads", "batch", "seconds", "bursts", "seed")}
    compared = compare(*chosen.files, **_numbers(chosen, fields))
    if chosen.save:
        compared.save(chosen.save)
    said = json.dumps(comparison_json(compared), ensure_ascii=False) if chosen.json else comparison_text(compared, lang)
    print(said)
    keep(compared)


def _locustfile(_: argparse.Namespace, __: str) -> None:
    from advisor.lab.server import need
    from advisor.lab.users import LOCUSTFILE

    need("locust")
    print(LOCUSTFILE)


def _serve(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.lab.server import serve

    fields = {
        "port": "port", "grpc_port": "grpc_port", "threads": "threads", "workers": "workers", "stall": "stall_s",
        "stall_after": "stall_after",
    }  # fmt: skip

    def say(address: str) -> None:
        print(sentence("cli.serving", lang, address=address), flush=True)

    serve(chosen.file, host=chosen.host, on_start=say, **_numbers(chosen, fields))


def _load_test(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.lab.endpoints import body_of
    from advisor.lab.keeping import keep
    from advisor.lab.load import closed_loop, load_test
    from advisor.lab.load_words import load_json, load_text, ramp_json, ramp_text
    from advisor.lab.ramps import ramp

    options: dict[str, Any] = _numbers(chosen, {"workers": "workers", "threads": "threads"})
    options |= {"kind": chosen.kind, "body": None if chosen.body is None else body_of(chosen.body)}
    options["yes_this_is_my_server"] = chosen.yes_this_is_my_server
    times = _numbers(chosen, {"rate": "rate_per_s", "seconds": "seconds", "slo_ms": "slo_ms", "timeout": "timeout_s"})
    seed = _numbers(chosen, {"seed": "seed"})
    if chosen.ramp or chosen.rates is not None:
        if "slo_ms" not in times:
            raise RequirementError("missing_field", field="slo_ms", value="", example="--slo-ms 100")
        rates = None if chosen.rates is None else [number_of(rate, "rates") for rate in chosen.rates.split(",")]
        ramped = ramp(chosen.target, times["slo_ms"], rates_per_s=rates, **seed, **options)
        if chosen.save:
            ramped.save(chosen.save)
        print(json.dumps(ramp_json(ramped), ensure_ascii=False) if chosen.json else ramp_text(ramped, lang))
        keep(ramped)
        return
    if chosen.closed_loop:
        run = closed_loop(chosen.target, **times, **options)
    else:
        trace = None if chosen.trace is None else _trace(chosen.trace)
        run = load_test(chosen.target, trace=trace, **times, **seed, **options)
    if chosen.save:
        run.save(chosen.save)
    print(json.dumps(load_json(run), ensure_ascii=False) if chosen.json else load_text(run, lang))
    keep(run)


def _calibrate(chosen: argparse.Namespace, lang: str) -> None:
    from advisor.lab.calibration_words import calibration_text
    from advisor.lab.here import calibrate_here
    from advisor.lab.keeping import Keeper
    from advisor.lab.runs import Run
    from advisor.report_files import write_report

    keep = Keeper()
    told = sys.stderr if chosen.out is None else sys.stdout

    def say(run: Run) -> None:
        keep(run)
        p50 = number(float(median(run.samples_s)) * MS_PER_S)
        print(sentence("cli.calibrated_model", lang, model=run.model, p50=p50), flush=True, file=told)

    seconds = None if chosen.seconds is None else number_of(chosen.seconds, "seconds")
    found = calibrate_here(chosen.files or None, seconds=seconds, on_run=say)
    print(calibration_text(found, lang), file=told)
    if chosen.out is None:
        print(found.to_toml())
    else:
        write_report(found.to_toml(), chosen.out)
        print(sentence("cli.written", lang, file=chosen.out))
    if keep.error is not None:
        raise keep.error


def machine_of(file: str) -> "MachineCalibration":
    """Record of a calibrated machine."""
    from advisor.machine_calibration import MachineCalibration

    return MachineCalibration.from_toml(_text(file), file)


def calibration_of(chosen: argparse.Namespace) -> dict[str, Any]:
    """Device and coefficients of a calibrated machine, for ``predict``; what was chosen for it stays."""
    from advisor.knowledge import HERE
    from advisor.machine_calibration import ENGINE, PRECISION

    if chosen.device is not None:
        raise RequirementError("usage", field="device", value="--device, --calibration", command="advisor predict")
    machine = machine_of(chosen.calibration)
    wished = {"precision": chosen.precision or PRECISION, "engine": chosen.engine or ENGINE}
    return {"device": HERE, "calibration": machine, **wished}


def _numbers(chosen: argparse.Namespace, fields: dict[str, str]) -> dict[str, Any]:
    """Numbers that were given, by the name of their argument in Python."""
    given = {field: getattr(chosen, name) for name, field in fields.items()}
    return {field: number_of(text, field) for field, text in given.items() if text is not None}


def _trace(file: str) -> list[float]:
    """Arrival times in a text file, one a line."""
    try:
        return [float(line) for line in _text(file).split()]
    except ValueError:
        raise MeasureError("load_trace") from None


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise MeasureError("load_file_missing", file=file, reason=why_not(error)) from None
