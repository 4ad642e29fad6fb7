"""Load from many processes with Locust: a real run of a master and its workers, and what it refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from english_words import CHINESE

from advisor import cli
from advisor.lab.served import served
from advisor.lab.users import LOCUSTFILE
from advisor.text import languages

ROOT = Path(__file__).resolve().parent.parent
RATE = 40.0


def locust(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "ADVISOR_LANG": "en", **environment}
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=variables, timeout=120, check=False)


def summary(said: str) -> dict[str, float]:
    (entry,) = json.loads(said[said.index("[\n") :])
    return {name: entry[name] for name in ("num_requests", "num_failures", "max_response_time", "min_response_time")}


def test_a_master_and_two_workers_hold_the_rate_together() -> None:
    with served("digits", workers=2) as address:
        done = locust("-H", address, "--rate", str(RATE), "--seconds", "5", "--processes", "2", "--json",
                      "--expect-workers", "2")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = summary(done.stdout)
    assert found["num_failures"] == 0
    assert 2 * RATE < found["num_requests"] < 7 * RATE
    assert found["min_response_time"] > 0
    late, count = map(int, re.findall(r"answer: (\d+) of (\d+)", done.stderr)[0])
    assert late < count
    assert found["num_requests"] <= count


def test_a_freeze_is_counted_from_the_intended_moment() -> None:
    """All users wait while the server is frozen: those who were due meanwhile are late, and say so."""
    with served("digits", stall_s=1.5, stall_after=50) as address:
        done = locust("-H", address, "--rate", "50", "--seconds", "4", "--expected-ms", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert 1400 < summary(done.stdout)["max_response_time"] < 4000
    times = json.loads(done.stdout[done.stdout.index("[\n") :])[0]["response_times"]
    assert sum(count for ms, count in times.items() if float(ms) > 500) > 25
    late, _ = map(int, re.findall(r"answer: (\d+) of (\d+)", done.stderr)[0])
    assert late > 5


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--rate", "5", "-H", "http://example.org/v2/models/m"], "--yes-this-is-my-server"),
        (["-H", "http://127.0.0.1:9/v2/models/m"], "--rate"),
        (["--rate", "1e9", "-H", "http://127.0.0.1:9/v2/models/m"], "20000"),
        (["--rate", "5", "--seconds", "1e9", "-H", "http://127.0.0.1:9/v2/models/m"], "600"),
        (["--rate", "5", "--expected-ms", "0", "-H", "http://127.0.0.1:9/v2/models/m"], "expected_ms"),
        (["--rate", "5", "-H", "http://127.0.0.1:9/v2/models/m"], "ClientConnectorError"),
        (["--rate", "5", "-H", "http://127.0.0.1:9/answer"], "--body"),
        (["--rate", "5", "-H", "http://127.0.0.1:9/answer", "--body", "none.json"], "none.json"),
    ],
)
def test_what_it_cannot_do_is_one_sentence_and_sends_nothing(arguments: list[str], part: str) -> None:
    done = locust(*arguments)
    assert done.returncode == 2, done.stderr
    assert any(part in line and line.endswith(".") for line in done.stderr.splitlines())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("lang", languages())
def test_the_command_line_names_the_file(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["locustfile", "--lang", lang]) == 0
    assert capsys.readouterr().out.strip() == str(LOCUSTFILE)


def test_it_says_in_each_language_how_far_it_was_from_an_open_loop() -> None:
    with served("digits") as address:
        options = {"ADVISOR_RATE": "20", "ADVISOR_SECONDS": "2", "ADVISOR_LANG": "zh"}
        done = locust("-H", address, **options)
    assert done.returncode == 0, done.stderr
    assert CHINESE.search(done.stderr)
