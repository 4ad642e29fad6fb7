"""A watch over a child process from outside: its stages have time limits, and its memory has one."""

import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal

Stage = Literal["start", "load", "first_run", "measure"]
"""Starting the process and loading the runtime, loading the model, its first inference, all that follows."""


class Watch:
    """Ends a child process that stays too long in a stage or takes too much memory.

    Parameters
    ----------
    child : subprocess.Popen
    limits_s : mapping
        Time that each stage may take.  [s]
    memory_bytes : float
        Resident memory that the child may take.  [B]
    look_s : float
        How often it is looked at.  [s]
    """

    def __init__(
        self, child: "subprocess.Popen[Any]", limits_s: Mapping[str, float], memory_bytes: float, look_s: float
    ) -> None:
        self._child = child
        self._limits_s = limits_s
        self._memory_bytes = memory_bytes
        self._look_s = look_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self.verdict: Stage | Literal["memory"] | None = None
        """Stage that took too long, or memory; None while all is well."""
        self.enter("start")

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def enter(self, stage: Stage) -> None:
        """Begin a stage: its time counts from now."""
        self.stage = stage
        self._end = time.monotonic() + self._limits_s[stage]

    def _watch(self) -> None:
        resident_bytes = _resident_reader(self._child.pid)
        while not self._over.wait(self._look_s):
            if time.monotonic() > self._end:
                self.verdict = self.stage
            elif resident_bytes() > self._memory_bytes:
                self.verdict = "memory"
            if self.verdict is not None:
                self._child.kill()
                return


def _resident_reader(pid: int) -> Callable[[], int]:
    """Reader of the memory of a process; 0 once it is gone.  [B]."""
    import psutil

    def resident_bytes() -> int:
        try:
            return int(psutil.Process(pid).memory_info().rss)
        except psutil.Error:
            return 0

    return resident_bytes
