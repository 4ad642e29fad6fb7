"""A day of functions: its rates, its cold starts against a simulated one, and the fewest instances to keep warm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from simulated_functions import day_of_arrivals, services_s, simulated

from advisor.cold_starts import cold_share
from advisor.function_day import Day, day, most_busy, rates_of_day

peaks, factors = st.floats(1e-4, 50.0), st.floats(1.0, 20.0)


def one_day(peak: float, factor: float, *, service_s: float = 0.3, keep_alive_s: float = 600.0) -> Day:
    return day(
        peak_per_s=np.array([peak]),
        peak_factor=factor,
        service_s=np.array([service_s]),
        keep_alive_s=np.array([keep_alive_s]),
    )


@given(peaks, st.floats(1.0, 4.0))
def test_rates_lie_between_nothing_and_the_peak_and_carry_the_mean(peak: float, factor: float) -> None:
    rates, shares = rates_of_day(np.array([peak]), factor)
    assert shares.sum() == pytest.approx(1.0)
    assert (rates > 0).all()
    assert (rates <= peak * (1 + 1e-12)).all()
    harmonic = 1 / (shares / rates[0]).sum()
    assert harmonic == pytest.approx(peak / factor, rel=0.05)


@given(peaks)
def test_an_even_day_is_the_steady_rate(peak: float) -> None:
    steady = cold_share(arrivals_per_s=peak, service_s=0.3, keep_alive_s=600.0)
    assert one_day(peak, 1.0).cold[0, 0] == pytest.approx(steady, rel=1e-9)


@pytest.mark.parametrize(
    ("peak", "factor", "keep_alive_s"), [(0.1, 3, 600), (10, 1.5, 600), (1, 3, 60), (0.01, 10, 600)]
)
def test_few_rates_stand_for_the_whole_day(peak: float, factor: float, keep_alive_s: float) -> None:
    share = (np.arange(4000) + 0.5) / 4000
    rates = peak * share ** ((factor - 1) / factor)
    fine = cold_share(arrivals_per_s=rates, service_s=0.3, keep_alive_s=keep_alive_s).mean()
    assert one_day(peak, factor, keep_alive_s=keep_alive_s).cold[0, 0] == pytest.approx(fine, rel=0.06)


def test_a_day_starts_cold_as_simulated() -> None:
    rng = np.random.default_rng(3)
    arrivals = day_of_arrivals(rng, mean_rate=0.02, peak_factor=3, days=60, length_s=86_400)
    run = simulated(arrivals, services_s(rng, len(arrivals), 2.0, 0.3), np.zeros(len(arrivals)), 600.0)
    found = one_day(0.06, 3, service_s=2.0)
    assert found.cold[0, 0] == pytest.approx(run.cold_share, rel=0.08)
    assert found.alive_s[0, 0] * 0.02 == pytest.approx(run.alive, rel=0.06)


def test_kept_instances_serve_the_share_of_the_simulation() -> None:
    rng = np.random.default_rng(4)
    arrivals = np.cumsum(rng.exponential(2.0, 100_000))
    run = simulated(arrivals, services_s(rng, len(arrivals), 2.0, 0.3), np.zeros(len(arrivals)), 60.0, kept=2)
    found = one_day(0.5, 1, service_s=2.0, keep_alive_s=60.0)
    assert found.on_warm[0, 2] == pytest.approx(run.on_kept, rel=0.01)
    assert found.on_warm[0, 0] == 0


@given(peaks, factors, st.floats(1e-6, 0.5))
def test_one_instance_less_than_the_fewest_leaves_too_many_cold(peak: float, factor: float, share: float) -> None:
    found = one_day(peak, factor)
    (fewest,) = found.fewest_warm(np.array([0]), np.array([share]))
    assert found.cold[0, fewest] <= share
    assert fewest == 0 or found.cold[0, fewest - 1] > share


@given(st.floats(1e-3, 500.0), st.floats(0.5, 0.999))
def test_the_busiest_moment_of_poisson_arrivals_is_that_of_the_poisson_law(load: float, q: float) -> None:
    assert most_busy(q, load=load) == max(stats.poisson.ppf(q, load), 1.0)


@pytest.mark.parametrize("burstiness", [2.0, 5.0])
def test_bursts_are_busier_as_simulated(burstiness: float) -> None:
    rng = np.random.default_rng(5)
    arrivals = np.cumsum(rng.gamma(1 / burstiness, burstiness / 10.0, 200_000))
    ends = arrivals + rng.exponential(1.0, len(arrivals))
    moments = rng.uniform(arrivals[1000], arrivals[-1], 100_000)
    busy = np.searchsorted(arrivals, moments) - np.searchsorted(np.sort(ends), moments)
    assert most_busy(0.99, load=10.0, burstiness=burstiness) == pytest.approx(np.quantile(busy, 0.99), abs=1.01)
