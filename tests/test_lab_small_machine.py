"""The lab on the smallest machine that it is meant for: one processor and one gigabyte."""

import os
import subprocess
import sys

import pytest

from advisor.lab import processes

LEAST_BYTES = 1 << 30
PROGRAM = """
from advisor.lab import compare, measure
from advisor.lab.words import run_text
run = measure("digits", seconds=0.3, threads=2)
print(run_text(run, lang="en"))
print(run_text(run, lang="zh"))
print([len(measure("digits", seconds=0.2, batch=batch).samples_s) > 0 for batch in (1, 2, 8)])
print(compare("digits", {"batch": 4}, seconds=0.8, bursts=8).rounds > 0)
"""


def shrunk() -> None:
    import resource

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_AS, (LEAST_BYTES, LEAST_BYTES))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone sets affinity and memory of one process")
def test_one_processor_and_a_gigabyte_are_enough_and_what_could_not_be_done_is_said() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], preexec_fn=shrunk, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"PYTHONPATH": str(processes.PACKAGES)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Threads asked for: 2; CPUs that may be used: 1." in done.stdout
    assert "要求 2 个线程，而可用的处理器只有 1 个" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["[True, True, True]", "True"]
