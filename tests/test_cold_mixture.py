"""The response of functions as a mixture: against draws, its inverse, and what must rise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_functions import gaps_s, services_s, simulated

from advisor.capacity import service_quantile
from advisor.cold_mixture import mixed_quantile_s, share_allowed
from advisor.cold_starts import cold_share

CASES = [
    (0.02, 0.1, 0.2, 1.0, 0.1), (0.011, 0.1, 0.2, 1.0, 0.3), (0.5, 0.1, 0.2, 1.0, 0.5), (0.03, 10.0, 0.6, 0.5, 0.3),
    (0.03, 1.0, 0.6, 1.0, 0.3), (0.2, 0.3, 0.4, 0.2, 0.6), (0.99, 0.1, 0.2, 5.0, 0.2), (0.005, 0.1, 0.5, 0.1, 0.2),
]  # fmt: skip
shares, times, spreads = st.floats(0.0, 1.0), st.floats(0.001, 20.0), st.floats(0.05, 0.7)


@pytest.mark.parametrize(("share", "service_s", "cv", "start_s", "log_sd"), CASES)
def test_the_quantile_is_that_of_draws(
    share: float, service_s: float, cv: float, start_s: float, log_sd: float
) -> None:
    rng, count = np.random.default_rng(1), 1_000_000
    start = np.where(rng.random(count) < share, start_s * np.exp(log_sd * rng.standard_normal(count)), 0.0)
    drawn = np.quantile(services_s(rng, count, service_s, cv) + start, 0.99)
    found = mixed_quantile_s(
        0.99, cold_share=share, service_s=service_s, service_cv=cv, start_s=start_s, start_log_sd=log_sd
    )
    assert found == pytest.approx(drawn, rel=0.015)


@pytest.mark.parametrize(("rate", "keep_alive_s"), [(0.02, 60.0), (0.3, 60.0), (0.008, 600.0), (2.0, 60.0)])
def test_the_p99_of_functions_is_that_of_the_simulation(rate: float, keep_alive_s: float) -> None:
    rng, count = np.random.default_rng(2), 300_000
    start = 0.6 * np.exp(0.3 * rng.standard_normal(count))
    arrivals = np.cumsum(gaps_s(rng, count, rate))
    run = simulated(arrivals, services_s(rng, count, 0.4, 0.3), start, keep_alive_s)
    found = mixed_quantile_s(
        0.99,
        cold_share=cold_share(arrivals_per_s=rate, service_s=0.4, keep_alive_s=keep_alive_s),
        service_s=0.4,
        service_cv=0.3,
        start_s=0.6,
        start_log_sd=0.3,
    )
    assert found == pytest.approx(np.quantile(run.response_s, 0.99), rel=0.05)


@given(shares, times, st.floats(0.0, 0.8), times, spreads)
def test_the_share_that_a_quantile_allows_is_the_one_that_made_it(
    share: float, service_s: float, cv: float, start_s: float, log_sd: float
) -> None:
    same = {"service_s": service_s, "service_cv": cv, "start_s": start_s, "start_log_sd": log_sd}
    response = float(mixed_quantile_s(0.99, cold_share=share, **same))
    assert share_allowed(0.99, response_s=response * (1 + 1e-5), **same) >= share - 2e-3
    assert mixed_quantile_s(0.99, cold_share=min(share + 0.01, 1.0), **same) >= response * (1 - 1e-6)


@given(times, st.floats(0.0, 0.8), times, spreads)
def test_without_cold_starts_it_is_the_quantile_of_the_service(
    service_s: float, cv: float, start_s: float, log_sd: float
) -> None:
    found = mixed_quantile_s(
        0.99, cold_share=0.0, service_s=service_s, service_cv=cv, start_s=start_s, start_log_sd=log_sd
    )
    assert found == pytest.approx(service_quantile(0.99, cv**2) * service_s)


def test_where_warm_requests_miss_the_objective_no_cold_start_is_allowed() -> None:
    found = share_allowed(
        0.99, response_s=[0.1, -0.1, 10.0], service_s=0.1, service_cv=0.3, start_s=1.0, start_log_sd=0.2
    )
    assert found.tolist() == [0.0, 0.0, 1.0]
