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


def simulated(
    arrival_s: FloatArray,
    service_s: FloatArray,
    start_s: FloatArray,
    keep_alive_s: float,
    kept: int = 0,
    warm_up: float = 0.1,
) -> Simulated:
    """Run of given arrivals, services and starts; the first part is left out."""
    first, began = int(len(arrival_s) * warm_up), arrival_s[int(len(arrival_s) * warm_up)]
    busy: list[tuple[float, int]] = []
    idle = list(range(-kept, 0))
    freed: dict[int, float] = dict.fromkeys(idle, np.inf)
    born: dict[int, float] = {}
    cold, on_kept, alive, response = 0, 0, 0.0, np.empty(len(arrival_s))
    for number, (now, service) in enumerate(zip(arrival_s.tolist(), service_s.tolist(), strict=True)):
        while busy and busy[0][0] <= now:
            end, instance = heapq.heappop(busy)
            if instance >= 0:
                freed[instance] = end
            heapq.heappush(idle, instance if instance < 0 else _LAST - instance)
        taken = None
        while idle and taken is None:
            key = heapq.heappop(idle)
            instance = key if key < 0 else _LAST - key
            if freed[instance] + keep_alive_s >= now:
                taken = instance
            else:
                alive += max(freed[instance] + keep_alive_s - max(born[instance], began), 0.0)
        late = 0.0
        if taken is None:
            taken, late = number, float(start_s[number])
            born[taken] = now
            cold += number >= first
        on_kept += taken < 0 and number >= first
        response[number] = late + service
        heapq.heappush(busy, (now + late + service, taken))
        freed[taken] = np.inf
    last = float(arrival_s[-1])
    for instance, since in born.items():
        if freed[instance] + keep_alive_s >= last:
            alive += last - max(since, began)
    counted = len(arrival_s) - first
    return Simulated(cold / counted, alive / (last - began), on_kept / counted, response[first:])


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
