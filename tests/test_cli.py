"""The command line: answers on stdout, one sentence on stderr for bad input, never a traceback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from english_words import CHINESE, ENGLISH, english_words

from advisor import Requirements, advise, cli
from advisor.cli_words import usage_error
from advisor.lab import zoo
from advisor.schema import FAMILIES
from advisor.text import catalogue, languages, sentence

ROOT = Path(__file__).resolve().parent.parent
MODEL = ["--model", "resnet50"]
SMALL = ["--qps", "50", "--p99-ms", "100", "--country", "US"]
ASKED = ["advise", *MODEL, *SMALL]
PLACEHOLDER = re.compile(r"\{\w*\}")

Captured = pytest.CaptureFixture[str]


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command in this process."""
    try:
        code = cli.main(arguments)
    except SystemExit as left:
        code = int(left.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def process(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "advisor", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=120,
        check=False,
    )


# Answers


@pytest.mark.parametrize("lang", languages())
def test_advise_shows_ranked_table_and_six_families(capsys: Captured, lang: str) -> None:
    code, out, err = run(capsys, *ASKED, "--rows", "4", "--lang", lang)
    assert (code, err) == (0, "")
    words = catalogue(lang)
    for family in FAMILIES:
        assert words[f"family.{family}"] in out
    ranked = out.split(words["report.ranked"])[1].split(words["report.families"])[0]
    assert re.findall(r"^(\d+) ", ranked, re.MULTILINE) == ["1", "2", "3", "4"]
    best = advise(Requirements(model="resnet50", qps=50, p99_ms=100, country="US")).best
    assert best is not None
    assert best.hardware in out.split("\n\n")[1]
    assert not PLACEHOLDER.search(out)
    assert not re.search(r"\b(nan|None)\b", out)


@pytest.mark.parametrize(
    "arguments",
    [
        ASKED,
        [*ASKED, "--country", "CN", "--skills", "kubernetes"],
        ["advise", *MODEL, "--qps", "1", "--p99-ms", "200", "--country", "CN", "--offline"],
        ["advise", "--model", "llama-3-8b", "--qps", "1", "--country", "DE"],
        ["advise", "--model-family", "cnn", "--params", "25.6e6", *SMALL],
        [*ASKED, "--p99-ms", "0.001"],
        ["predict", *MODEL, "--device", "nvidia-t4"],
        ["predict", "--model", "llama-3-70b", "--device", "nvidia-t4"],
        ["predict", *MODEL, "--device", "nvidia-t4", "--engine", "vllm"],
        ["advise", *MODEL, *SMALL, "--qps", "x"],
        ["advise", *MODEL, *SMALL, "--country", "Mars"],
        ["advise", *MODEL, *SMALL, "--offline", "--providers", "aws"],
        ["advise", "--model", "resnet5", *SMALL],
        pytest.param(["advise", "--model", "none.onnx", *SMALL]),
    ],
    ids=" ".join,
)
def test_chinese_holds_no_english_sentence(capsys: Captured, arguments: list[str]) -> None:
    _, out, err = run(capsys, *arguments, "--lang", "zh")
    assert CHINESE.search(out + err)
    given = {word for argument in arguments for word in ENGLISH.findall(argument)}
    assert [word for word in english_words(out + err) if word not in given] == []


def test_the_language_of_the_environment_counts(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_LANG", "zh")
    assert CHINESE.search(run(capsys, "predict", *MODEL, "--device", "nvidia-t4")[1])
    assert not CHINESE.search(run(capsys, "predict", *MODEL, "--device", "nvidia-t4", "--lang", "en")[1])


@pytest.mark.parametrize(
    "model",
    [
        ["--model", "resnet50"],
        ["--model", "bert-base"],
        ["--model", "yolov5s"],
        ["--model", "mobilenetv2"],
        ["--model-family", "cnn", "--params", "25.6e6"],
        ["--model", str(zoo.path("digits"))],
        ["--model", "llama-3-8b"],
    ],
    ids=lambda model: Path(model[-1]).name,
)
@pytest.mark.parametrize("country", ["CN", "DE", "US"])
@pytest.mark.parametrize("offline", [[], ["--offline"]], ids=["online", "offline"])
def test_json_answers_every_kind_of_model(capsys: Captured, model: list[str], country: str, offline: list[str]) -> None:
    objective = [] if "llama" in model[1] else ["--p99-ms", "1000"]
    code, out, err = run(capsys, "advise", *model, "--qps", "1", "--country", country, *objective, *offline, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["format"] == "advisor/advice/2"
    assert [row["family"] for row in document["families"]] == list(FAMILIES)
    assert document["best"] is not None
    for option in document["options"]:
        assert option["usd_per_month"] is None or option["usd_per_month"] > 0
        assert not offline or option["site"] != "cloud"


def test_json_is_what_the_library_returns(capsys: Captured) -> None:
    asked = Requirements(model="resnet50", qps=2.5, p99_ms=100, country="DE", priorities={"cost": 1, "privacy": 2.5})
    arguments = ["--qps", "2.5", "--p99-ms", "100", "--country", "de", "--priorities", "cost,privacy=2.5", "--json"]
    assert json.loads(run(capsys, "advise", *MODEL, *arguments)[1]) == json.loads(advise(asked).to_json())


def test_every_requirement_has_its_option(capsys: Captured) -> None:
    given = {
        "ttft_ms": "900",
        "tpot_ms": "80",
        "input_tokens": "300",
        "output_tokens": "100",
        "peak_factor": "2",
        "burstiness": "1.5",
        "hours_per_day": "12",
        "payload_kb": "5",
        "spare_replicas": "1",
        "sites": "2",
        "data": "country",
        "internet": "poor",
        "providers": "aws,gcp",
        "budget_usd_month": "9000",
        "upfront_usd": "8000",
        "power_w": "900",
        "precisions": "fp16,int8",
        "skills": "kubernetes",
        "launch_days": "30",
        "horizon_months": "24",
        "priorities": "cost=2,carbon",
        "as_of": "2026-08-01",
        "p99_ms": "90000",
        "offline": "no",
    }
    assert set(given) == Requirements.model_fields.keys() - {"model", "qps", "country"}
    options = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]
    arguments = ["--model", "llama-3-8b", "--qps", "1", "--country", "US", *options, "--json"]
    code, out, err = run(capsys, "advise", *arguments)
    assert (code, err) == (0, "")
    asked = json.loads(out)["asked"]
    for name, value in given.items():
        kept = asked[name]
        if isinstance(kept, list):
            assert ",".join(kept) == value
        elif isinstance(kept, dict):
            assert kept == {"cost": 2, "carbon": 1}
        elif isinstance(kept, bool):
            assert kept is False
        else:
            assert kept == (float(value) if isinstance(kept, int | float) else value)


def test_own_prices_are_used(capsys: Captured, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "provider,service,instance_type,region,usd_per_hour,since\naws,ec2,g4dn.xlarge,us-east-1,0.001,2026-11-01\n"
    )
    code, out, _ = run(capsys, *ASKED, "--prices", str(own), "--json")
    best = json.loads(out)["best"]
    assert code == 0
    assert (best["hardware"], best["sources"], best["price_date"]) == ("g4dn.xlarge", ["own.csv"], "2026-11-01")


def test_predict_says_a_time_or_why_not(capsys: Captured) -> None:
    code, out, err = run(capsys, "predict", *MODEL, "--device", "nvidia-t4", "--json")
    document = json.loads(out)
    assert (code, err, document["format"]) == (0, "", "advisor/prediction/1")
    assert 0 < document["latency_ms"]["low"] < document["latency_ms"]["high"]
    code, out, err = run(capsys, "predict", "--model", "llama-3-70b", "--device", "nvidia-t4")
    assert (code, err) == (1, "")
    assert re.search(r"needs 14\d GB", out)
    assert "NVIDIA T4 has 16 GB" in out
    code, out, _ = run(capsys, "predict", *MODEL, "--device", "nvidia-t4", "--engine", "vllm", "--json")
    assert (code, json.loads(out)["code"]) == (1, "no_engine")


# Bad input


BAD: dict[str, tuple[list[str], list[str]]] = {
    "unknown model": (["advise", "--model", "resnet5", *SMALL], ["resnet5", "resnet50"]),
    "missing file": (["advise", "--model", "none.onnx", *SMALL], ["none.onnx"]),
    "another format": (["advise", "--model", "net.pt", *SMALL], ["net.pt", ".onnx"]),
    "truncated file": (["advise", "--model", "{folder}/cut.onnx", *SMALL], ["cut.onnx"]),
    "empty file": (["advise", "--model", "{folder}/empty.onnx", *SMALL], ["empty.onnx"]),
    "text as a model": (["advise", "--model", "{folder}/text.onnx", *SMALL], ["text.onnx"]),
    "no model": (["advise", *SMALL], ["model", "resnet50"]),
    "family without size": (["advise", "--model-family", "cnn", *SMALL], ["params"]),
    "size that is no number": (["advise", "--model-family", "cnn", "--params", "big", *SMALL], ["params", "big"]),
    "absurd size": (["advise", "--model-family", "cnn", "--params", "-1", *SMALL], ["params", "-1"]),
    "no rate": (["advise", *MODEL, "--p99-ms", "100", "--country", "US"], ["qps"]),
    "no objective": (["advise", *MODEL, "--qps", "1", "--country", "US"], ["p99_ms"]),
    "no number": ([*ASKED, "--qps", "many"], ["qps", "many"]),
    "negative number": ([*ASKED, "--qps=-3"], ["qps", "-3"]),
    "nan": ([*ASKED, "--p99-ms", "nan"], ["p99_ms", "nan"]),
    "infinite": ([*ASKED, "--qps", "inf"], ["qps", "inf"]),
    "absurd number": ([*ASKED, "--sites", "1e30"], ["sites", "1000000000000000"]),
    "half a site": ([*ASKED, "--sites", "1.5"], ["sites", "1.5"]),
    "country": ([*ASKED, "--country", "Mars"], ["country", "Mars"]),
    "data": ([*ASKED, "--data", "moon"], ["data", "moon", "on-premises"]),
    "provider": ([*ASKED, "--providers", "aws,amazon"], ["providers", "amazon", "alibaba"]),
    "no provider": ([*ASKED, "--providers", ","], ["providers", "alibaba"]),
    "precision": ([*ASKED, "--precisions", "fp64"], ["precisions", "fp64", "int8"]),
    "weight": ([*ASKED, "--priorities", "cost=much"], ["priorities", "much"]),
    "criterion": ([*ASKED, "--priorities", "speed=2"], ["priorities", "speed", "latency"]),
    "date": ([*ASKED, "--as-of", "yesterday"], ["as_of", "yesterday"]),
    "offline and cloud": ([*ASKED, "--offline", "--providers", "aws"], ["offline", "providers", "aws"]),
    "no cloud and cloud": ([*ASKED, "--data", "on-device", "--providers", "aws"], ["data", "on-device", "aws"]),
    "neither on nor off": ([*ASKED, "--offline", "perhaps"], ["offline", "perhaps"]),
    "tokens of a network": ([*ASKED, "--ttft-ms", "300"], ["ttft_ms", "300", "cnn"]),
    "missing prices": ([*ASKED, "--prices", "none.csv"], ["none.csv", "usd_per_hour"]),
    "bad prices": ([*ASKED, "--prices", "{folder}/bad.csv"], ["bad.csv", "free"]),
    "unknown device": (["predict", *MODEL, "--device", "nvidia-t5"], ["nvidia-t5", "nvidia-t4"]),
    "unknown engine": (["predict", *MODEL, "--device", "nvidia-t4", "--engine", "onnxrt"], ["onnxrt", "onnxruntime"]),
    "no batch": (["predict", *MODEL, "--device", "nvidia-t4", "--batch", "0"], ["batch", "0"]),
    "batch that is no number": (["predict", *MODEL, "--device", "nvidia-t4", "--batch", "x"], ["batch", "x"]),
    "nothing to measure": (["measure", "none.onnx"], ["none.onnx"]),
    "measure a truncated file": (["measure", "{folder}/cut.onnx"], ["cut.onnx"]),
    "seconds": (["measure", "digits", "--seconds", "long"], ["seconds", "long"]),
    "nothing to quantise": (["quantise", "none.onnx"], ["none.onnx"]),
    "quantise a truncated file": (["quantise", "{folder}/cut.onnx"], ["cut.onnx"]),
    "precision to make": (["quantise", "digits", "--precision", "int4"], ["precision", "int4", "int8-static"]),
    "inputs that are not there": (["quantise", "digits", "--data", "none.npz"], ["none.npz"]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that cannot be used."""
    folder = tmp_path_factory.mktemp("bad")
    whole = zoo.path("digits").read_bytes()
    (folder / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.onnx").write_bytes(b"")
    (folder / "text.onnx").write_text("this is no model")
    (folder / "bad.csv").write_text(
        "provider,service,instance_type,region,usd_per_hour,since\naws,ec2,g4dn.xlarge,us-east-1,free,2026\n"
    )
    return folder


@pytest.mark.parametrize(("arguments", "parts"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("lang", languages())
def test_bad_input_is_one_sentence(
    capsys: Captured, folder: Path, arguments: list[str], parts: list[str], lang: str
) -> None:
    filled = [argument.replace("{folder}", str(folder)) for argument in arguments]
    code, out, err = run(capsys, *filled, "--lang", lang)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.rstrip().endswith((".", "。"))
    assert not PLACEHOLDER.search(err)
    assert bool(CHINESE.search(err)) == (lang == "zh")
    for part in parts:
        assert part in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        [],
        [*ASKED, "--nonsense", "3"],
        [*ASKED, "--rows", "many"],
        [*ASKED, "--rows", "-3"],
        [*ASKED, "--lang", "fr"],
        ["advise", "--model-family", "cnnn", "--params", "1e6", *SMALL],
        ["predict", *MODEL],
    ],
    ids=" ".join,
)
def test_what_is_no_command_is_an_error_without_traceback(capsys: Captured, arguments: list[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    wrong = [argument for argument in arguments if argument in ("bogus", "--nonsense", "many", "-3", "fr", "cnnn")]
    assert all(word in err for word in wrong)


COMMANDS = (
    "advise, report, bill, break-even, predict, score, measure, quantise, tune, runs, compare, serve, load, "
    "locustfile, calibrate, machine, notebooks, check, new"
)
Usage = tuple[list[str], str, dict[str, str]]
USAGE: dict[str, Usage] = {
    "no command": ([], "usage_no_command", {"command": "advisor"}),
    "bogus command": (["bogus"], "usage_command", {"value": "bogus", "known": COMMANDS}),
    "missing argument": (["measure"], "usage_missing", {"field": "FILE", "command": "advisor measure"}),
    "missing arguments": (["new"], "usage_missing", {"field": "KIND, ID", "command": "advisor new"}),
    "unknown option": ([*ASKED, "--nope", "3"], "usage_unknown", {"value": "--nope 3", "command": "advisor advise"}),
    "one argument too many": (["measure", "a", "b"], "usage_unknown", {"value": "b", "command": "advisor measure"}),
    "invalid choice": (
        ["report", "--format", "pdf"],
        "usage_choice",
        {"field": "--format", "value": "pdf", "known": "html, markdown, json"},
    ),
    "no such language": (
        ["check", "--lang", "fr"],
        "usage_choice",
        {"field": "--lang", "value": "fr", "known": "en, zh"},
    ),
    "no whole number": (["advise", "--rows", "2.5"], "usage_whole", {"field": "--rows", "value": "2.5"}),
    "no value": (["predict", "--model"], "usage_value", {"field": "--model", "command": "advisor predict"}),
    "no files": (["compare"], "usage_missing", {"field": "FILE", "command": "advisor compare"}),
    "value of a switch": (["score", "--json=1", "a.csv"], "usage_no_value", {"field": "--json", "value": "1"}),
    "half an option": (
        ["predict", "--dev", "x"],
        "usage_ambiguous",
        {"value": "--dev", "known": "--device, --devices"},
    ),
}


@pytest.mark.parametrize("said", USAGE.values(), ids=USAGE.keys())
@pytest.mark.parametrize("lang", languages())
def test_a_command_line_that_cannot_be_read_is_said_in_the_language_of_the_user(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, said: Usage, lang: str
) -> None:
    arguments, code, values = said
    monkeypatch.setenv("ADVISOR_LANG", lang)
    assert run(capsys, *arguments) == (2, "", sentence(f"error.{code}", lang, **values) + "\n")


def test_a_complaint_that_nobody_foresaw_is_passed_on() -> None:
    assert "not allowed with argument --b" in str(usage_error("argument --a: not allowed with argument --b", "advisor"))


def test_an_interrupt_leaves_quietly(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_advise", interrupted)
    assert run(capsys, *ASKED) == (130, "", "")


def test_a_closed_pipe_is_no_error(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(cli, "_advise", closed)
    assert run(capsys, *ASKED)[0] == 0


# As a process, from another folder


def test_it_runs_from_another_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(zoo.path("digits").read_bytes())
    arguments = ["--model", "mine.onnx", "--qps", "1", "--p99-ms", "100", "--country", "CN", "--lang", "zh"]
    done = process("advise", *arguments, folder=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "mine.onnx" in done.stdout
    assert CHINESE.search(done.stdout)


def test_it_fails_with_one_line_from_another_folder(tmp_path: Path) -> None:
    done = process("advise", "--model", "mine.onnx", *SMALL, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "mine.onnx" in done.stderr
