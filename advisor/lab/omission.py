"""What a client that waits for its answers leaves out: both loops against the same server that freezes once."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from advisor.lab.jobs import within_bounds
from advisor.lab.load import closed_loop, load_test
from advisor.lab.load_runs import LoadRun
from advisor.lab.served import served
from advisor.lab.settings import settings


class Shown(NamedTuple):
    """Two load tests of two servers that freeze alike."""

    open: LoadRun
    """Requests sent when they are due, and counted from that moment."""
    closed: LoadRun
    """Requests of a client that waits for each answer, counted from its sending."""
    rate_per_s: float
    stall_s: float

    @property
    def late_s(self) -> float:
        """Response from which on a request is called late: a third of the freeze."""
        return self.stall_s * float(settings()["omission"]["late_share"])


def shown(
    *,
    rate_per_s: float = 50,
    seconds: float = 4,
    stall_s: float = 1.2,
    stall_after: int | None = None,
    on_progress: Callable[[float], object] | None = None,
    cancel: threading.Event | None = None,
) -> Shown:
    """Load tests in open and in closed loop of the digit classifier on a server that freezes once.

    Each loop has a server of its own on a free port of this machine, in a child process that ends with the test.

    Parameters
    ----------
    rate_per_s : float, default 50
        Rate of the requests; the client that waits keeps to it as long as nothing freezes.  [1/s]
    seconds : float, default 4
        Time within which they are sent, of each test.
    stall_s : float, default 1.2
        Length of the freeze.  [s]
    stall_after : int, optional
        Requests before the freeze; by default a quarter of them.
    on_progress : callable, optional
        Called with the share of both tests that is over, from 0 to 1.
    cancel : threading.Event, optional
        Once set, the test under way ends, and the other is cut short.

    Returns
    -------
    Shown

    Raises
    ------
    MeasureError, MissingExtraError
        If a number is out of bounds, or the server cannot start.
    """
    bounds = settings()["load"]["bounds"]
    for field, value in (("rate_per_s", rate_per_s), ("seconds", seconds)):
        within_bounds(field, value, bounds)
    after = round(rate_per_s * seconds * settings()["omission"]["before_share"]) if stall_after is None else stall_after
    frozen = {"stall_s": stall_s, "stall_after": after}
    for field, value in frozen.items():
        within_bounds(field, value, settings()["serve"]["bounds"])

    def half(done: float) -> Callable[[float], object] | None:
        return None if on_progress is None else lambda share: on_progress(done + share / 2)

    with served("digits", **frozen) as address:
        true = load_test(address, rate_per_s=rate_per_s, seconds=seconds, on_progress=half(0.0), cancel=cancel)
    with served("digits", **frozen) as address:
        lie = closed_loop(address, rate_per_s=rate_per_s, seconds=seconds, on_progress=half(0.5), cancel=cancel)
    return Shown(true, lie, rate_per_s, stall_s)
