"""A server in a child process, for the time of a block: it ends with the block, with its parent, and in any case."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from advisor.errors import MeasureError
from advisor.lab import processes
from advisor.lab.settings import settings

_OVER = 70


@contextmanager
def served(model: str | Path, **wishes: Any) -> Iterator[str]:
    """Give the address of a model that a child process serves on a free port of this machine.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``.
    **wishes
        What ``advisor.lab.serve`` takes: ``threads``, ``workers``, ``stall_s``, ``stall_after``.

    Raises
    ------
    MeasureError
        If the server does not start.
    """
    job = {"model": str(model), "port": 0, **wishes}
    with tempfile.TemporaryFile() as spoken:
        child = _started(spoken)
        try:
            if child.stdin is None or child.stdout is None or not processes.told(child, job):
                raise _failed(child, spoken, model)
            address = child.stdout.readline().strip()
            if not address:
                raise _failed(child, spoken, model)
            yield address
        finally:
            child.kill()
            with suppress(OSError):
                child.communicate()


def _started(spoken: IO[bytes]) -> processes.Child:
    search = os.pathsep.join([str(processes.PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "advisor.lab.served"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=spoken,
        env=os.environ | {"PYTHONPATH": search, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _failed(child: processes.Child, spoken: IO[bytes], model: str | Path) -> MeasureError:
    child.wait(settings()["serve"]["start_s"])
    return MeasureError("serve_not_started", model=str(model), reason=processes.last_words(child, spoken))


def main() -> int:
    """Serve what one line on stdin names, tell the address on stdout, and end with stdin or when the time is over."""
    from advisor.errors import AdvisorError
    from advisor.lab.server import serve

    job = json.loads(sys.stdin.buffer.readline())
    last = threading.Timer(settings()["serve"]["longest_s"], os._exit, (_OVER,))
    last.daemon = True
    last.start()

    def told(address: str) -> None:
        sys.stdout.write(address + "\n")
        sys.stdout.flush()
        threading.Thread(target=_end_with_parent, daemon=True).start()

    try:
        serve(job.pop("model"), on_start=told, **job)
    except AdvisorError as error:
        sys.stderr.write(str(error) + "\n")
        return 1
    return 0


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(_OVER)


if __name__ == "__main__":
    raise SystemExit(main())
