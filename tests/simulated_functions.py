"""Functions event by event: the ground truth of shares, living instances and responses.

Semantics of scale-per-request platforms: a request takes the newest idle instance, kept ones first, else it starts one;
an instance leaves after it has been idle for the keep-alive.
"""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Simulated(NamedTuple):
    cold_share: float
    alive: float
    """Instances that live on average, kept ones left out."""
    on_kept: float
    """Share of the requests that kept instances serve."""
    response_s: FloatArray


def gaps_s(rng: np.random.Generator, count: int, rate: float, burstiness: float = 1.0) -> FloatArray:
    """Gamma gaps of the given rate and squared CV."""
    return np.asarray(rng.gamma(1 / burstiness, burstiness / rate, count))


def services_s(rng: np.random.Generator, count: int, mean_s: float, cv: float) -> FloatArray:
    """Gamma service times."""
    return np.asarray(rng.gamma(1 / cv**2, mean_s * cv**2, count))


class _Pool:
    """Instances: kept ones have negative numbers, others the number of the request that started them."""

    def __init__(self, keep_alive_s: float, kept: int, began: float) -> None:
        self.keep_alive_s, self.began = keep_alive_s, began
        self.busy: list[tuple[float, int]] = []
        self.idle = list(range(-kept, 0))
        self.freed = dict.fromkeys(self.idle, np.inf)
        self.born: dict[int, float] = {}
        self.alive_s = 0.0

    def free(self, now: float) -> None:
        while self.busy and self.busy[0][0] <= now:
            end, instance = heapq.heappop(self.busy)
            self.freed[instance] = end if instance >= 0 else np.inf
            heapq.heappush(self.idle, instance if instance < 0 else _LAST - instance)

    def taken(self, now: float) -> int | None:
        """Newest idle instance; those found to have left are counted out."""
        while self.idle:
            key = heapq.heappop(self.idle)
            instance = key if key < 0 else _LAST - key
            left = self.freed[instance] + self.keep_alive_s
            if left >= now:
                return instance
            self.alive_s += max(left - max(self.born.pop(instance), self.began), 0.0)
        return None

    def work(self, instance: int, end: float) -> None:
        heapq.heappush(self.busy, (end, instance))
        self.freed[instance] = np.inf

    def close(self, now: float) -> None:
        for instance, since in self.born.items():
            left = min(self.freed[instance] + self.keep_alive_s, now)
            self.alive_s += max(left - max(since, self.began), 0.0)


def simulated(
    arrival_s: FloatArray,
    service_s: FloatArray,
    start_s: FloatArray,
    keep_alive_s: float,
    kept: int = 0,
    warm_up: float = 0.1,
) -> Simulated:
    """Run of given arrivals, services and starts; the first part is left out."""
    first = int(len(arrival_s) * warm_up)
    began, last, counted = float(arrival_s[first]), float(arrival_s[-1]), len(arrival_s) - first
    pool, cold, on_kept, response = _Pool(keep_alive_s, kept, began), 0, 0, np.empty(len(arrival_s))
    for number, (now, service) in enumerate(zip(arrival_s.tolist(), service_s.tolist(), strict=True)):
        pool.free(now)
        instance, late = pool.taken(now), 0.0
        if instance is None:
            instance, late = number, float(start_s[number])
            pool.born[instance] = now
            cold += number >= first
        on_kept += instance < 0 and number >= first
        response[number] = late + service
        pool.work(instance, now + late + service)
    pool.close(last)
    return Simulated(cold / counted, pool.alive_s / (last - began), on_kept / counted, response[first:])


_LAST = 1 << 40
"""Orders idle instances: kept ones by their negative numbers first, then the newest."""


def steady(
    rate: float,
    service_s: float,
    keep_alive_s: float,
    *,
    burstiness: float = 1.0,
    service_cv: float = 0.3,
    start_s: float = 0.0,
    kept: int = 0,
    count: int = 200_000,
    seed: int = 1,
) -> Simulated:
    """Run at a steady rate with starts of one length."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(gaps_s(rng, count, rate, burstiness))
    return simulated(
        arrivals, services_s(rng, count, service_s, service_cv), np.full(count, start_s), keep_alive_s, kept
    )


def day_of_arrivals(
    rng: np.random.Generator, mean_rate: float, peak_factor: float, days: int, length_s: float
) -> FloatArray:
    """Poisson arrivals of days on which the rate rises as a power from nothing to the peak and falls again."""
    count = rng.poisson(mean_rate * length_s * days)
    share = rng.random(count) ** (1 / peak_factor)
    side, number = rng.random(count) < 1 / 2, rng.integers(0, days, count)
    within = np.where(side, share / 2, 1 - share / 2)
    return np.sort((number + within) * length_s)
