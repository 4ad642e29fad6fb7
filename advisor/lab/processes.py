"""The child processes that measure: how they start, what they say, and why they ended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

PACKAGES = Path(__file__).resolve().parents[2]
Child = subprocess.Popen[str]


def started(spoken: IO[bytes], module: str = "advisor.lab.child") -> Child:
    """Child process that waits for a job; what it says on stderr goes to a file."""
    search = os.pathsep.join([str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=spoken,
        env=os.environ | {"PYTHONPATH": search, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
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
    """Last line that a child wrote to stderr, else its exit status."""
    spoken.seek(0)
    lines = spoken.read().decode("utf-8", errors="replace").split("\n")
    reason = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return reason or f"exit status {child.returncode if child is not None else None}"
