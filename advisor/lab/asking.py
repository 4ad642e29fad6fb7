"""What a system answers, by its files and its commands; empty where it answers nothing."""

import subprocess
from pathlib import Path

from advisor.lab.settings import settings


def text_of(file: Path) -> str:
    """Contents of a file of the system."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def first_line(file: Path) -> str | None:
    """First line of a file of the system, None where it is empty."""
    return text_of(file).strip("\0\n ").split("\n")[0].strip() or None


def told(*command: str) -> str:
    """What a command prints; nothing where it is missing, fails, or takes too long."""
    try:
        limit_s = settings()["machine"]["command_s"]
        done = subprocess.run(command, capture_output=True, timeout=limit_s, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout.decode(errors="replace")


def pairs(text: str, between: str) -> list[tuple[str, str]]:
    """Names and values of lines such as ``name: value``, in their order."""
    lines = (line.partition(between) for line in text.splitlines())
    return [(name.strip(), value.strip()) for name, sign, value in lines if sign]
