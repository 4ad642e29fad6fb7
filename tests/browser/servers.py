"""Servers that a test starts, and ends again."""

import os
import re
import socket
import subprocess
import threading
from pathlib import Path
from queue import Empty, Queue

import pytest

START_S = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ended(server: "subprocess.Popen[str]") -> None:
    """Ask a server to end, and make it end."""
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def started(command: list[str], folder: Path, ready: "re.Pattern[str]") -> tuple["subprocess.Popen[str]", str]:
    """Server that runs in a folder, and the first line of it that matches."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
    }
    server = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    lines: Queue[str] = Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in server.stdout or ()], daemon=True).start()
    said = []
    try:
        while True:
            said.append(lines.get(timeout=START_S))
            if found := ready.search(said[-1]):
                return server, found[0]
    except Empty:
        ended(server)
        pytest.fail("the server did not say its address:\n" + "".join(said))
