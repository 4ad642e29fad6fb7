"""Arrival times of requests: Poisson, with gaps of any variation, in bursts, over days, from counts.

All times are seconds from the start, ascending.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from advisor.errors import TrafficError
from advisor.sim_settings import above, at_least, settings
from advisor.units import BILLION, MILLION, SECONDS_PER_DAY

FloatArray = NDArray[np.float64]

_STEPS_PER_CYCLE = 2048
_SPARE_DEVIATIONS = 6.0
_FLATTEST, _STEEPEST = 1 / BILLION, MILLION
"""Bounds of the concentration of a day."""


def arrivals(kind: str, *, rate_per_s: float, duration_s: float, seed: int = 0, **shape: float) -> FloatArray:
    """Arrival times of simulated traffic.

    Parameters
    ----------
    kind : str
        ``"poisson"``; ``"gamma"`` with ``gap_cv``; ``"bursts"`` with ``burst_factor``, ``burst_share`` and
        ``burst_s``; ``"daily"`` with ``peak_factor``.  The functions of these names say what each is.
    rate_per_s : float
        Mean rate over the whole time.  [1/s]
    duration_s : float
        [s]
    seed : int, default 0
        The same seed gives the same arrivals.
    **shape : float
        What the kind needs.

    Returns
    -------
    array
        Arrival times, ascending, below ``duration_s``.  [s]

    Raises
    ------
    TrafficError
        If there is no such kind, or a number lies out of its bounds.

    Examples
    --------
    >>> len(arrivals("poisson", rate_per_s=10.0, duration_s=100.0, seed=1))
    1001
    """
    if kind not in KINDS:
        raise TrafficError("field", field="kind", value=kind, must=", ".join(KINDS))
    above("rate_per_s", rate_per_s, 0)
    above("duration_s", duration_s, 0)
    if rate_per_s * duration_s > (most := settings()["most_arrivals"]):
        count = f"{rate_per_s * duration_s:,.0f}"
        raise TrafficError("traffic_many", field="rate_per_s", value=rate_per_s, count=count, most=f"{most:,}")
    return KINDS[kind](rate_per_s, duration_s, np.random.default_rng(seed), **shape)


def poisson(rate_per_s: float, duration_s: float, rng: np.random.Generator) -> FloatArray:
    """Arrivals that know nothing of one another, at an even rate."""
    return np.sort(rng.uniform(0.0, duration_s, rng.poisson(rate_per_s * duration_s)))


def gamma(rate_per_s: float, duration_s: float, rng: np.random.Generator, *, gap_cv: float) -> FloatArray:
    """Arrivals with independent gamma gaps of the given coefficient of variation; 0 is a metronome, 1 is Poisson."""
    at_least("gap_cv", gap_cv, 0)
    mean = rate_per_s * duration_s
    size = int(mean + _SPARE_DEVIATIONS * max(gap_cv, 1.0) * np.sqrt(mean + 1)) + 2
    gaps = rng.gamma(1 / gap_cv**2, gap_cv**2, size) if gap_cv else np.ones(size)
    times = np.cumsum(gaps) / rate_per_s
    return times[times < duration_s]


def bursts(
    rate_per_s: float,
    duration_s: float,
    rng: np.random.Generator,
    *,
    burst_factor: float,
    burst_share: float,
    burst_s: float,
) -> FloatArray:
    """Arrivals of a Poisson process whose rate jumps between two values (MMPP): calm, and in bursts.

    Bursts have ``burst_factor`` times the mean rate, fill ``burst_share`` of the time and last ``burst_s`` in the mean;
    their lengths and those of the calm between them are exponential.
    """
    above("burst_s", burst_s, 0)
    at_least("burst_share", burst_share, 0, 1)
    most = 1 / burst_share if burst_share else np.inf
    if not 1 <= burst_factor <= most:
        raise TrafficError("traffic_bursts", field="burst_factor", value=burst_factor, most=f"{most:.4g}")
    calm_s = burst_s * (1 - burst_share) / burst_share if burst_share else np.inf
    if not np.isfinite(calm_s) or not calm_s:
        return poisson(rate_per_s, duration_s, rng)
    pairs = int(duration_s / (burst_s + calm_s) * 2 + _SPARE_DEVIATIONS * np.sqrt(duration_s / burst_s + 1)) + 2
    calm_first = rng.uniform() >= burst_share
    lengths = rng.exponential((calm_s, burst_s) if calm_first else (burst_s, calm_s), (pairs, 2))
    calm_rate = rate_per_s * (1 - burst_factor * burst_share) / (1 - burst_share)
    rates = (calm_rate, burst_factor * rate_per_s) if calm_first else (burst_factor * rate_per_s, calm_rate)
    ends = np.append(0.0, np.cumsum(lengths))
    expected = np.append(0.0, np.cumsum(lengths * rates))
    return _at_rate(ends, expected, duration_s, rng)


def daily(
    rate_per_s: float,
    duration_s: float,
    rng: np.random.Generator,
    *,
    peak_factor: float,
    period_s: float = SECONDS_PER_DAY,
) -> FloatArray:
    r"""Arrivals of a Poisson process whose rate follows the day, from the quietest hour over the peak and back.

    .. math:: \lambda(t) = p \lambda e^{-\kappa (1 + \cos(2 \pi t / T))}

    with the peak factor p, and :math:`\kappa` such that the mean over a period T is :math:`\lambda`.
    """
    at_least("peak_factor", peak_factor, 1)
    above("period_s", period_s, 0)
    width = _concentration(peak_factor)
    steps = int(np.ceil(duration_s / period_s * _STEPS_PER_CYCLE)) + 1
    times = np.linspace(0.0, duration_s, steps + 1)
    rate = peak_factor * rate_per_s * np.exp(-width * (1 + np.cos(2 * np.pi * times / period_s)))
    expected = np.append(0.0, np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(times)))
    return _at_rate(times, expected, duration_s, rng)


KINDS: Mapping[str, Callable[..., FloatArray]] = {"poisson": poisson, "gamma": gamma, "bursts": bursts, "daily": daily}
"""Kinds of simulated traffic."""


def counted(counts: ArrayLike, interval_s: float, *, seed: int = 0) -> FloatArray:
    """Arrival times that have the given number in each interval, evenly at random within it.

    Parameters
    ----------
    counts : array
        Requests in each interval, whole numbers.
    interval_s : float
        Length of an interval.  [s]
    seed : int, default 0

    Returns
    -------
    array
        Arrival times, ascending.  [s]

    Raises
    ------
    TrafficError
        If a count is no whole number from 0 on, or there are more arrivals than can be simulated.
    """
    numbers = np.asarray(counts, float)
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.round(numbers))))
    if wrong.size:
        raise TrafficError("field", field=f"counts[{wrong[0]}]", value=float(numbers[wrong[0]]), must="0, 1, 2 ...")
    above("interval_s", interval_s, 0)
    at_least("sum(counts)", float(numbers.sum()), 0, settings()["most_arrivals"])
    starts = np.repeat(np.arange(numbers.size), numbers.astype(np.intp))
    within = np.random.default_rng(seed).uniform(size=starts.size)
    return np.sort(starts + within) * interval_s


def _at_rate(times: FloatArray, expected: FloatArray, duration_s: float, rng: np.random.Generator) -> FloatArray:
    """Poisson arrivals of a rate given by the number expected up to certain times."""
    whole = float(np.interp(duration_s, times, expected))
    found = np.interp(np.sort(rng.uniform(0.0, whole, rng.poisson(whole))), expected, times)
    return np.asarray(np.minimum(found, np.nextafter(duration_s, 0.0)), float)


def _concentration(peak_factor: float) -> float:
    """Concentration at which the mean of the daily profile is the peak over ``peak_factor``."""

    def surplus(log_width: float) -> float:
        return float(special.i0e(np.exp(log_width)) * peak_factor - 1)

    least, most = np.log(_FLATTEST), np.log(_STEEPEST)
    if surplus(least) <= 0:
        return 0.0
    at_least("peak_factor", peak_factor, 1, float(1 / special.i0e(_STEEPEST)))
    return float(np.exp(optimize.brentq(surplus, least, most)))
