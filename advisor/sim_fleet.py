"""A fleet under an autoscaler, moment by moment."""

import math
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from heapq import heapify, heappush, heapreplace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_WHOLE = 9
"""Decimals below which a wanted number of replicas counts as whole."""


@dataclass(frozen=True)
class Scaler:
    """An autoscaler: how it looks at the load, and how fast it may change the fleet."""

    target: float
    """Utilisation that it aims at, in (0, 1].  [unitless]"""
    start_s: float
    """From the wish for a replica until it serves.  [s]"""
    min_replicas: int
    max_replicas: int
    interval_s: float
    """Time between two looks.  [s]"""
    window_s: float
    """The load is its mean over this time.  [s]"""
    tolerance: float
    """Relative distance from the target that is let pass.  [unitless]"""
    cool_down_s: float
    """The fleet never shrinks below what was wanted within this time.  [s]"""
    growth: float
    """Largest factor by which the fleet grows at a look, unless ``growth_replicas`` are more."""
    growth_replicas: float
    panic_window_s: float
    """Shorter time, whose mean load counts where it wants ``panic_factor`` times the fleet.  [s]"""
    panic_factor: float
    metric: str
    """``"requests"``: arrivals times their service; ``"busy"``: how busy the ready replicas are, at most 1."""
    idle_s: float
    """Time without a request after which the last replica goes, where ``min_replicas`` is 0.  [s]"""


@dataclass
class Replica:
    """One replica, from the wish for it until it is gone."""

    asked_s: float
    ready_s: float
    gone_s: float = math.inf


class Fleet:
    """Replicas that serve requests in the order of arrival."""

    def __init__(self, policy: Scaler, workers: int, times: FloatArray, services: FloatArray) -> None:
        self.replicas: list[Replica] = []
        self.changes: list[tuple[float, int]] = []
        self.starts = 0
        self.begun = 0
        """Requests begun."""
        self.waits_s = np.zeros(times.size)
        self._policy, self._workers = policy, workers
        self._times: list[float] = times.tolist()
        self._services: list[float] = services.tolist()
        self._work_s: list[float] = np.append(0.0, np.cumsum(services)).tolist()
        self._free: list[tuple[float, int]] = []
        """Heap of when a worker is free and the number of its replica."""
        self._alive: list[int] = []
        self._wanted: deque[tuple[float, int]] = deque()
        self._busy_s: deque[tuple[float, float]] = deque([(float(times[0]), 0.0)])
        """At each look, time that the workers have worked until then."""
        now = float(times[0])
        self._add(self._within(self._needed(self._arriving(now + policy.window_s, policy.window_s))), now, now)

    @property
    def next_s(self) -> float:
        """Before which nothing happens: arrival of the next request where there is no replica, else at any time."""
        return -math.inf if self._alive or self.begun == len(self._times) else self._times[self.begun]

    def serve(self, until: float) -> None:
        """Begin every request that can begin before a moment."""
        times, services, waits, free = self._times, self._services, self.waits_s, self._free
        at, last = self.begun, len(times)
        while at < last:
            arrival = times[at]
            if not free:
                if arrival >= until:
                    break
                self._add(1, arrival, arrival + self._policy.start_s)
                self.starts += 1
            start, replica = free[0]
            start = max(start, arrival)
            if start >= until:
                break
            waits[at] = start - arrival
            heapreplace(free, (start + services[at], replica))
            at += 1
        self.begun = at

    def look(self, now: float) -> None:
        """Change the fleet to what the load asks for."""
        policy, there = self._policy, len(self._alive)
        load = self._busy(now) if policy.metric == "busy" else self._arriving(now, policy.window_s)
        wanted = self._needed(load)
        if there and abs(load / (there * self._workers * policy.target) - 1) <= policy.tolerance:
            wanted = there
        panic = self._needed(self._arriving(now, policy.panic_window_s))
        if panic >= policy.panic_factor * there:
            wanted = max(panic, there)
        if there and not self._idle(now):
            wanted = max(wanted, 1)
        wanted = self._within(int(min(wanted, max(there * policy.growth, there + policy.growth_replicas))))
        self._wanted.append((now, wanted))
        while self._wanted[0][0] <= now - policy.cool_down_s and len(self._wanted) > 1:
            self._wanted.popleft()
        kept = max(number for _, number in self._wanted)
        if wanted > there:
            self.starts += wanted - there
            self._add(wanted - there, now, now + policy.start_s)
        elif kept < there:
            self._remove(there - kept, now)

    def _needed(self, load: float) -> int:
        return math.ceil(round(load / (self._policy.target * self._workers), _WHOLE))

    def _within(self, number: int) -> int:
        return min(max(number, self._policy.min_replicas), self._policy.max_replicas)

    def _arriving(self, now: float, window_s: float) -> float:
        """Load of those who arrived within a window, or since the beginning where that is shorter."""
        since = max(now - window_s, self._times[0])
        first, past = bisect_left(self._times, since), bisect_left(self._times, now)
        return float(self._work_s[past] - self._work_s[first]) / (now - since)

    def _busy(self, now: float) -> float:
        """Workers that were busy within the window, on average."""
        ready = [replica for replica in self._alive if self.replicas[replica].ready_s <= now]
        left = sum(max(free - now, 0.0) for free, replica in self._free if self.replicas[replica].ready_s <= now)
        self._busy_s.append((now, self._work_s[self.begun] - left))
        while len(self._busy_s) > 1 and self._busy_s[1][0] <= now - self._policy.window_s:
            self._busy_s.popleft()
        (then, before), (_, since) = self._busy_s[0], self._busy_s[-1]
        return min((since - before) / (now - then), float(len(ready) * self._workers))

    def _idle(self, now: float) -> bool:
        """Whether nobody was there for long enough, and nobody is."""
        policy = self._policy
        past = bisect_left(self._times, now)
        quiet = bisect_left(self._times, now - policy.idle_s) == past
        return quiet and self.begun >= past and all(free <= now for free, _ in self._free)

    def _add(self, number: int, now: float, ready: float) -> None:
        for _ in range(number):
            self._alive.append(len(self.replicas))
            for _ in range(self._workers):
                heappush(self._free, (ready, len(self.replicas)))
            self.replicas.append(Replica(now, ready))
        self.changes.append((now, len(self._alive)))

    def _remove(self, number: int, now: float) -> None:
        """Let the youngest go, once they have done what they have begun."""
        going = set(self._alive[-number:])
        del self._alive[-number:]
        for replica in going:
            one = self.replicas[replica]
            last = max(free for free, of in self._free if of == replica)
            one.gone_s = now if one.ready_s > now else max(last, now)
        self._free[:] = [(free, of) for free, of in self._free if of not in going]
        heapify(self._free)
        self.changes.append((now, len(self._alive)))
