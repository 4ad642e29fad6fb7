"""Queues of measured service times: exact cases, order, and monotony."""

from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from advisor.queue_model import erlang_c
from advisor.sample_queue import response_quantile_from_sample_s

slowly = settings(max_examples=5, deadline=None)
utilisations = st.floats(0.05, 0.9)
servers = st.integers(1, 4)
samples = st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=40)


def p99(sample: list[float] | np.ndarray, utilisation: float, count: int = 1, seed: int = 0) -> float:
    rate = utilisation * count / float(np.mean(sample))
    return float(response_quantile_from_sample_s(0.99, servers=count, arrivals_per_s=rate, samples_s=sample, seed=seed))


def deterministic_p99(utilisation: float) -> float:
    """Response p99 of M/D/1 in service times, by Erlang's sum."""

    def below(wait: float) -> float:
        served = range(int(wait) + 1)
        return (1 - utilisation) * sum(
            (-utilisation * (wait - k)) ** k / factorial(k) * exp(utilisation * (wait - k)) for k in served
        )

    return 1 + float(brentq(lambda wait: below(wait) - 0.99, 1e-9, 20))


def exponential_p99(utilisation: float, count: int) -> float:
    """Response p99 of M/M/c in mean service times."""
    spare = count * (1 - utilisation) - 1
    waits = float(erlang_c(count, utilisation * count))
    return float(brentq(lambda t: exp(-t) * (1 + waits * (1 - exp(-t * spare)) / spare) - 0.01, 0, 200))


@pytest.mark.parametrize(("utilisation", "rel"), [(0.3, 0.01), (0.5, 0.015), (0.7, 0.03)])
def test_equal_service_times_give_the_exact_response_of_one_server(utilisation: float, rel: float) -> None:
    assert p99([1.0], utilisation) == pytest.approx(deterministic_p99(utilisation), rel=rel)


@pytest.mark.parametrize(
    ("utilisation", "count", "rel"), [(0.3, 1, 0.02), (0.8, 1, 0.05), (0.45, 2, 0.02), (0.8, 2, 0.05), (0.8, 8, 0.03)]
)
def test_exponential_service_times_give_the_exact_response(utilisation: float, count: int, rel: float) -> None:
    sample = np.random.default_rng(3).exponential(1.0, 1_344_000)
    assert p99(sample, utilisation, count) == pytest.approx(exponential_p99(utilisation, count), rel=rel)


def test_slow_spells_make_the_tail_longer_than_the_same_times_in_any_order() -> None:
    random = np.random.default_rng(0)
    spells = np.repeat(random.choice([0.8, 1.6], 100, p=[0.75, 0.25]), 100)
    assert p99(spells, 0.7) > 1.5 * p99(random.permutation(spells), 0.7)


def test_service_after_a_pause_counts_apart() -> None:
    random = np.random.default_rng(0)
    free, times = 0.0, []
    for gap in random.exponential(1 / 0.6, 400_000):
        waited, free = free, max(0.0, free)
        times.append((free + (service := 1.0 if waited > 0 else 1.3), service, waited <= 0))
        free += service - gap
    response, service, idle = np.array(times).T
    measured = np.quantile(response, 0.99)
    wanted = {"servers": 1, "arrivals_per_s": 0.6, "samples_s": service}
    assert response_quantile_from_sample_s(0.99, found_idle=idle, **wanted) == pytest.approx(measured, rel=0.03)
    assert response_quantile_from_sample_s(0.99, **wanted) > 1.1 * measured


@pytest.mark.parametrize("all_alike", [True, False])
def test_services_of_one_kind_are_one_sample(all_alike: bool) -> None:
    wanted = {"servers": 1, "arrivals_per_s": 0.5, "samples_s": [1.0, 0.5, 2.0]}
    alone = response_quantile_from_sample_s(0.99, **wanted)
    assert response_quantile_from_sample_s(0.99, found_idle=[all_alike] * 3, **wanted) == alone


def test_several_quantiles_come_from_one_simulation() -> None:
    wanted = {"servers": 2, "arrivals_per_s": 1.2, "samples_s": [1.0, 0.5]}
    several = response_quantile_from_sample_s([[0.5, 0.9], [0.99, 0.999]], **wanted)
    assert np.shape(several) == (2, 2)
    assert np.ravel(several).tolist() == sorted(np.ravel(several).tolist())
    assert np.asarray(several)[1, 0] == response_quantile_from_sample_s(0.99, **wanted)


@pytest.mark.parametrize("q", [0.99, [0.5, 0.99]])
def test_an_overloaded_queue_never_answers(q: float | list[float]) -> None:
    found = response_quantile_from_sample_s(q, servers=2, arrivals_per_s=2.0, samples_s=[0.5, 1.5])
    assert np.shape(found) == np.shape(q)
    assert np.isinf(found).all()


@slowly
@given(samples, utilisations, servers, st.integers(0, 2**32 - 1))
def test_another_server_never_makes_the_response_longer(
    sample: list[float], utilisation: float, count: int, seed: int
) -> None:
    wanted = {"arrivals_per_s": utilisation * count / np.mean(sample), "samples_s": sample, "seed": seed}
    fewer, more = (response_quantile_from_sample_s(0.99, servers=n, **wanted) for n in (count, count + 1))
    assert more <= fewer * (1 + 1e-9)


@slowly
@given(samples, utilisations, servers, st.floats(1.0, 1.1))
def test_more_arrivals_never_make_the_response_shorter(
    sample: list[float], utilisation: float, count: int, factor: float
) -> None:
    assert p99(sample, utilisation * factor, count) >= p99(sample, utilisation, count) * (1 - 1e-9)


@slowly
@given(samples, utilisations, servers, st.floats(0.01, 100.0))
def test_times_scale_with_the_unit(sample: list[float], utilisation: float, count: int, factor: float) -> None:
    scaled = p99(np.array(sample) * factor, utilisation, count)
    assert scaled == pytest.approx(p99(sample, utilisation, count) * factor, rel=1e-6)


@slowly
@given(samples, st.floats(0.01, 0.9), servers)
def test_the_slowest_service_bounds_an_almost_empty_queue(sample: list[float], share: float, count: int) -> None:
    rate = 1e-6 / max(sample)
    found = response_quantile_from_sample_s(share, servers=count, arrivals_per_s=rate, samples_s=sample)
    assert min(sample) <= found <= max(sample)
