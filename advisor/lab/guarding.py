"""The measuring child's own limits: it leaves no dump, dies before others when memory runs out, and ends in time."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

CRASHED = 70
_FIRST_TO_DIE = "1000"


def be_expendable() -> None:
    """Let the system end this process first when memory runs out, and write no dump of it."""
    if sys.platform != "win32":
        import resource

        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_DIE, encoding="ascii")


def end_after(limit_s: float) -> None:
    """End this process after ``limit_s`` in any case, even where a library never comes back to Python."""
    if sys.platform == "win32":
        last = threading.Timer(limit_s, os._exit, (CRASHED,))
        last.daemon = True
        last.start()
    else:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, limit_s)


def end_with_parent() -> None:
    """End this process when the parent closes stdin or is gone.

    On Windows, to be called when every library is loaded: loading one waits while another thread reads a pipe at stdin.
    """

    def wait_for_parent() -> None:
        while os.read(0, 1):
            pass
        os._exit(CRASHED)

    threading.Thread(target=wait_for_parent, daemon=True).start()
