"""advisor tune and runs: sweeps and kept runs on the command line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from english_words import CHINESE
from kept import run_of, sooner

from advisor import cli
from advisor.lab import Store
from advisor.text import languages

ROOT = Path(__file__).resolve().parent.parent
Captured = pytest.CaptureFixture[str]
every_language = pytest.mark.parametrize("lang", languages())


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def ids(home: Path) -> list[str]:
    store = Store(home / "home" / "data" / "runs")
    times = (np.linspace(0.002, 0.003, 900), np.linspace(0.004, 0.006, 900))
    return [store.add(run_of(each, started=sooner(9 - k))) for k, each in enumerate(times)]


@pytest.mark.usefixtures("home")
@every_language
def test_tune_measures_says_what_is_best_and_goes_on(capsys: Captured, lang: str) -> None:
    wishes = ["--threads", "1", "--batch", "1,64", "--budget", "3", "--passes", "2"]
    code, out, err = run(capsys, "tune", "digits", *wishes, "--name", "mine", "--slo-ms", "1000", "--lang", lang)
    assert (code, err) == (0, "")
    assert "64" in out.splitlines()[-2] + out.splitlines()[-1]
    assert bool(CHINESE.search(out)) == (lang == "zh")
    assert len(Store().ids("run")) == 4
    code, out, _ = run(capsys, "tune", "digits", "--resume", "mine", "--json", "--lang", lang)
    assert code == 0
    assert json.loads(out)["complete"] is True
    assert len(Store().ids("run")) == 4
    code, out, err = run(capsys, "tune", "digits", *wishes, "--name", "mine", "--lang", lang)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--resume" in err
    shown = run(capsys, "runs", "show", "mine", "--lang", lang)[1]
    assert "mine" in shown


@pytest.mark.usefixtures("home")
@every_language
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["tune", "digits", "--threads", "1,two"], "two"),
        (["tune", "digits", "--batch", "0"], "batch"),
        (["tune", "digits", "--budget", "0.5", "--passes", "9"], "0.5"),
        (["tune", "digits", "--resume", "none"], "none"),
        (["tune", "digits", "--slo-ms", "-1"], "slo_ms"),
        (["tune", "none.onnx"], "none.onnx"),
        (["runs", "show"], "advisor runs show ID"),
        (["runs", "show", "nothing"], "nothing"),
        (["runs", "list", "more"], "more"),
        (["runs", "compare", "one"], "one"),
        (["runs", "export"], "export"),
        (["runs", "export", "all.zip"], "runs"),
        (["runs", "import", "none.zip"], "none.zip"),
        (["runs", "dance"], "dance"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(capsys: Captured, arguments: list[str], part: str, lang: str) -> None:
    code, out, err = run(capsys, *arguments, "--lang", lang)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert part in err
    assert bool(CHINESE.search(err)) == (lang == "zh")


@every_language
def test_runs_are_listed_shown_and_compared(capsys: Captured, ids: list[str], lang: str) -> None:
    (Store().folder / "notes.txt").write_text("mine")
    code, out, err = run(capsys, "runs", "--lang", lang)
    assert (code, err) == (0, "")
    assert [line.split(":")[0].split("：")[0] for line in out.splitlines()[:2]] == ids
    assert "notes.txt" in out.splitlines()[-1]
    assert "digits" in run(capsys, "runs", "show", ids[0][-8:], "--lang", lang)[1]
    out = run(capsys, "runs", "compare", *ids, "--lang", lang)[1]
    assert "2 (" in out
    assert "advisor.lab.compare" in out


def test_json_holds_what_the_text_says(capsys: Captured, ids: list[str]) -> None:
    listed = json.loads(run(capsys, "runs", "list", "--json")[1])
    assert [row["id"] for row in listed["runs"]] == ids
    assert listed["unreadable"] == {}
    assert json.loads(run(capsys, "runs", "show", ids[0], "--json")[1])["model"] == "digits"
    compared = json.loads(run(capsys, "runs", "compare", *ids, "--json")[1])
    assert compared["interleaved"] is False
    assert compared["ratios"][0]["p50"] == pytest.approx(2.0)


@every_language
def test_runs_go_from_one_folder_to_another(capsys: Captured, ids: list[str], home: Path, lang: str) -> None:
    file, other = str(home / f"{lang}.zip"), str(home / "other")
    code, out, _ = run(capsys, "runs", "export", file, "--lang", lang)
    assert code == 0
    assert file in out
    assert "2" in run(capsys, "runs", "import", file, "--store", other, "--lang", lang)[1]
    again = json.loads(run(capsys, "runs", "import", file, "--store", other, "--json")[1])
    assert (again["added"], again["duplicates"], again["refused"]) == ([], 2, [])
    assert Store(other).ids() == tuple(ids)


def test_without_runs_it_says_where_it_looked(capsys: Captured, home: Path) -> None:
    assert str(home) in run(capsys, "runs")[1]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to one process alone")
def test_an_interrupt_keeps_what_was_measured_and_says_how_to_go_on(tmp_path: Path) -> None:
    arguments = [
        "tune",
        "digits",
        "--budget",
        "120",
        "--threads",
        "1",
        "--batch",
        "1",
        "--name",
        "mine",
        "--lang",
        "en",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ADVISOR_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "advisor", *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "advisor tune digits --resume mine" in said
