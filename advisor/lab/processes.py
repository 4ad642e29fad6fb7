"""The child processes that measure: how they start, what they say, and why they ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

PACKAGES = Path(__file__).resolve().parents[2]
Child = subprocess.Popen[str]

_KILLED = {"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGALRM"}
"""Signals that come from outside."""
_WINDOWS_FAULTS = {
    0xC0000005: "STATUS_ACCESS_VIOLATION",
    0xC000001D: "STATUS_ILLEGAL_INSTRUCTION",
    0xC00000FD: "STATUS_STACK_OVERFLOW",
    0xC0000374: "STATUS_HEAP_CORRUPTION",
    0xC0000409: "STATUS_STACK_BUFFER_OVERRUN",
}
"""Exit statuses of Windows that stand for a fault."""
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
"""NumPy multiplies the matrices of the canary in one thread."""


def started(spoken: IO[bytes], module: str = "advisor.lab.child") -> Child:
    """Child process that waits for a job, in a process group of its own; what it says on stderr goes to a file."""
    search = os.pathsep.join([str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=spoken,
        env=os.environ | _ONE_THREAD | {"PYTHONPATH": search, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        process_group=0,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def told(child: Child, message: Mapping[str, Any]) -> bool:
    """Whether the child took a message; it does not once it is gone."""
    if child.stdin is None:
        return False
    try:
        child.stdin.write(json.dumps(message) + "\n")
        child.stdin.flush()
    except OSError:
        return False
    return True


def messages(child: Child) -> Iterator[Mapping[str, Any]]:
    """Messages of the child; the last one may be cut off where it was killed."""
    if child.stdout is None:
        return
    for line in child.stdout:
        if line.endswith("\n"):
            yield json.loads(line)


def last_words(child: Child | None, spoken: IO[bytes]) -> str:
    """Fault or signal that ended a child, else the last line that it wrote to stderr, else its exit status."""
    status = None if child is None else child.returncode
    if (name := _signal(status)) is not None:
        return name
    spoken.seek(0)
    lines = spoken.read().decode("utf-8", errors="replace").split("\n")
    reason = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return reason or f"exit status {status}"


def fault_of(child: Child | None) -> str | None:
    """Name of the fault of its own by which a child ended; None where it ended otherwise, or was killed."""
    name = _signal(None if child is None else child.returncode)
    return None if name in _KILLED else name


def _signal(status: int | None) -> str | None:
    """Name of the signal, or of the fault on Windows, that an exit status stands for."""
    if status is None or status >= 0:
        return _WINDOWS_FAULTS.get(status or 0)
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
