"""Requests through a language model with continuous batching, step by step."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.sim_queue import ascending
from advisor.sim_settings import at_least, count

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class SimulatedGeneration:
    """Requests that a simulated language model answered, in the order of arrival; times in seconds."""

    first_s: FloatArray
    """Time to the first token."""
    response_s: FloatArray
    """Time until the last token."""
    tokens: NDArray[np.intp]
    """Length of each answer."""
    sequences: float
    """Sequences that a worker decodes together, mean over time, idle time included."""

    @property
    def token_s(self) -> FloatArray:
        """Mean time per output token after the first, of the answers that have more than one."""
        more = self.tokens > 1
        return np.asarray((self.response_s - self.first_s)[more] / (self.tokens[more] - 1))


def simulate_generation(
    arrivals_s: ArrayLike,
    output_tokens: ArrayLike,
    *,
    workers: int,
    slots: int,
    fixed_s: float,
    sequence_s: float,
    prefill_s: float,
) -> SimulatedGeneration:
    """Answers of a language model whose workers decode several sequences together.

    Parameters
    ----------
    arrivals_s : array, shape (requests,)
        Arrival times, ascending.  [s]
    output_tokens : int array, shape (requests,)
        Length of each answer, at least 1.
    workers : int
        A request goes to the one with the fewest.
    slots : int
        Sequences for which one worker's memory has room; the others wait, first come first served.
    fixed_s, sequence_s : float
        A step with b sequences takes ``fixed_s + sequence_s * b``.  [s]
    prefill_s : float
        What reading one prompt adds to the step in which a sequence is taken in.  [s]

    Raises
    ------
    TrafficError
        If there are no arrivals or they do not ascend, or a number lies out of its bounds.

    Notes
    -----
    Every step gives each sequence one token.  Between steps those that are done leave, and those that wait are taken
    in as far as there are slots; the prompts of all of them are read in the next step.  Steps in which nobody comes
    or goes are taken at once.
    """
    times = ascending(arrivals_s)
    lengths = [count("output_tokens", length, 1) for length in np.broadcast_to(output_tokens, times.shape).tolist()]
    law = tuple(
        at_least(name, value, 0)
        for name, value in (("fixed_s", fixed_s), ("sequence_s", sequence_s), ("prefill_s", prefill_s))
    )
    first, last = [0.0] * times.size, [0.0] * times.size
    room = count("slots", slots, 1)
    fleet = [_Worker(room, law, lengths, first, last) for _ in range(count("workers", workers, 1))]
    for number, now in enumerate(times.tolist()):
        for worker in fleet:
            worker.run(now)
        min(fleet, key=_Worker.there).take(number, now)
    for worker in fleet:
        worker.run(math.inf)
    end = max(last)
    area = sum(worker.area for worker in fleet) / len(fleet)
    return SimulatedGeneration(
        np.array(first) - times, np.array(last) - times, np.array(lengths), area / (end - float(times[0]))
    )


class _Worker:
    """One replica of the model."""

    def __init__(
        self, slots: int, law: tuple[float, ...], lengths: Sequence[int], first: list[float], last: list[float]
    ) -> None:
        self.area = 0.0
        """Sequences decoded, summed over time."""
        self._slots, self._law, self._lengths, self._first, self._last = slots, law, lengths, first, last
        self._waiting: deque[int] = deque()
        self._at_work: list[tuple[int, int]] = []
        """Heap of the step after which a sequence is done, and its number."""
        self._steps = 0
        self._now = -math.inf
        """End of the step under way."""
        self._idle = True

    def there(self) -> int:
        """Requests that wait or are at work."""
        return len(self._waiting) + len(self._at_work)

    def take(self, number: int, now: float) -> None:
        """Take a request."""
        self._waiting.append(number)
        if self._idle:
            self._idle, self._now = False, now
            self.run(now)

    def run(self, until: float) -> None:
        """Go on until the step under way ends after a moment."""
        fixed, added, prefill = self._law
        work = self._at_work
        while not self._idle and self._now <= until:
            while work and work[0][0] <= self._steps:
                self._last[heappop(work)[1]] = self._now
            new = [self._waiting.popleft() for _ in range(min(self._slots - len(work), len(self._waiting)))]
            for number in new:
                heappush(work, (self._steps + self._lengths[number], number))
            if not work:
                self._idle = True
                break
            step = fixed + added * len(work) + prefill * len(new)
            steps = 1
            if not new and step > 0:
                left = (until - self._now) / step
                steps = max(1, min(work[0][0] - self._steps, math.ceil(left) if left < math.inf else work[0][0]))
            self._steps += steps
            self._now += step * steps
            self.area += step * steps * len(work)
            for number in new:
                self._first[number] = self._now
