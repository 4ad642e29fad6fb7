"""Work in the background that can be watched and cancelled, for widgets that stay alive."""

import threading
from collections.abc import Callable
from typing import Protocol

from advisor.errors import AdvisorError
from advisor.lab.measuring import State

Report = Callable[[float], object]


class Watched(Protocol):
    """What a task follows: a measurement, a sweep, a load test, or any other work."""

    @property
    def state(self) -> State:
        """One of ready, running, done, cancelled, failed."""

    @property
    def progress(self) -> float:
        """Share that is over, from 0 to 1."""

    @property
    def error(self) -> AdvisorError | None:
        """Why it failed."""

    def start(self) -> None:
        """Begin."""

    def cancel(self) -> None:
        """End early, and keep what there is."""


class Work:
    """A function at work in a thread of its own.

    Parameters
    ----------
    function : callable
        Takes a callable to report the share that is over to, and an event that is set once it shall end; what it
        returns is ``result``.
    """

    def __init__(self, function: Callable[[Report, threading.Event], object]) -> None:
        self._function = function
        self._wished = threading.Event()
        self.state: State = "ready"
        self.progress = 0.0
        self.error: AdvisorError | None = None
        self.result: object = None

    def start(self) -> None:
        """Begin; work begins once."""
        if self.state == "ready":
            self.state = "running"
            threading.Thread(target=self._work, name="work", daemon=True).start()

    def cancel(self) -> None:
        """Ask the function to end."""
        self._wished.set()

    def _work(self) -> None:
        outcome: State = "failed"
        try:
            self.result = self._function(self._report, self._wished)
            outcome = "cancelled" if self._wished.is_set() else "done"
        except AdvisorError as error:
            if self._wished.is_set():
                outcome = "cancelled"
            else:
                self.error = error
        finally:
            self.state = outcome

    def _report(self, share: float) -> None:
        self.progress = share
