"""Queues: exact cases, monotony, and the ladder against the formula it stands for."""

from heapq import heapreplace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from advisor.capacity import arrivals_for, queue_times_s, response_quantile_s, servers_for
from advisor.fleet import ladder, servers_on_ladder, times_on_ladder
from advisor.queue_model import erlang_c, margin, service_quantile

utilisations = st.floats(0.05, 0.95)
services = st.floats(1e-4, 10.0)
servers = st.integers(1, 200)
variations = st.floats(0.0, 3.0)
quantiles = st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999])


def test_erlang_c_of_textbook_cases() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(10, 8.0) == pytest.approx(0.409180, abs=1e-6)


@given(utilisations, services)
def test_wait_of_one_exponential_server_is_exact(utilisation: float, service_s: float) -> None:
    waited = queue_times_s(0.99, servers=1, arrivals_per_s=utilisation / service_s, service_s=service_s).wait
    exact = max(np.log(utilisation / 0.01), 0.0) * service_s / (1 - utilisation)
    assert waited == pytest.approx(exact, rel=1e-6, abs=1e-12)


def _simulated_p99(count: int, utilisation: float, service_cv: float, arrival_cv: float) -> float:
    """Response p99 of 400,000 customers by the Kiefer-Wolfowitz recursion, in mean service times."""
    rng = np.random.default_rng(7)
    size = 400_000
    shape = 1 / max(arrival_cv**2, 1e-9)
    arrivals = np.cumsum(rng.gamma(shape, 1 / shape / (utilisation * count), size))
    service = np.ones(size) if service_cv == 0 else rng.gamma(1 / service_cv**2, service_cv**2, size)
    free, response = [0.0] * count, np.empty(size)
    for customer, arrival in enumerate(arrivals):
        done = max(arrival, free[0]) + service[customer]
        response[customer] = done - arrival
        heapreplace(free, done)
    return float(np.quantile(response[size // 10 :], 0.99))


@pytest.mark.parametrize(
    ("count", "utilisation", "service_cv", "arrival_cv"),
    [
        (1, 0.7, 0.2, 1.0),
        (4, 0.8, 0.5, 1.0),
        (8, 0.6, 1.0, 1.0),
        (2, 0.85, 0.0, 1.0),
        (3, 0.5, 1.2, 1.0),
        (1, 0.3, 2.0, 2.0),
        (4, 0.7, 0.5, 2.0),
        (6, 0.6, 0.2, 0.5),
        (24, 0.8, 1.0, 1.5),
        (40, 0.9, 0.3, 1.0),
    ],
)
def test_response_agrees_with_simulation(count: int, utilisation: float, service_cv: float, arrival_cv: float) -> None:
    predicted = response_quantile_s(
        0.99,
        servers=count,
        arrivals_per_s=utilisation * count,
        service_s=1.0,
        service_cv=service_cv,
        arrival_cv=arrival_cv,
    )
    assert predicted == pytest.approx(_simulated_p99(count, utilisation, service_cv, arrival_cv), rel=0.08)


@given(servers, utilisations, quantiles)
def test_exponential_queues_are_nearly_exact(count: int, utilisation: float, q: float) -> None:
    waits, spare = erlang_c(count, utilisation * count), count * (1 - utilisation)
    predicted = response_quantile_s(q, servers=count, arrivals_per_s=utilisation * count, service_s=1.0)
    slower = spare - 1
    queued = -np.expm1(-predicted * slower) / slower if abs(slower) > 1e-9 else predicted
    beyond = np.exp(-predicted) * (1 + waits * queued)
    assert np.log(beyond) == pytest.approx(np.log(1 - q), rel=0.05, abs=0.05)


@given(quantiles, utilisations, services, servers, variations, variations)
def test_another_server_never_makes_the_response_longer(
    q: float, utilisation: float, service_s: float, count: int, service_cv: float, arrival_cv: float
) -> None:
    rate = utilisation * count / service_s
    less, more = (
        response_quantile_s(
            q,
            servers=n,
            arrivals_per_s=rate,
            service_s=service_s,
            service_cv=service_cv,
            arrival_cv=arrival_cv,
        )
        for n in (count, count + 1)
    )
    assert more <= less * (1 + 1e-9)


@given(utilisations, services, servers, variations)
def test_response_is_never_below_the_service_quantile(
    utilisation: float, service_s: float, count: int, cv: float
) -> None:
    response = response_quantile_s(
        0.99, servers=count, arrivals_per_s=utilisation * count / service_s, service_s=service_s, service_cv=cv
    )
    assert response >= service_quantile(0.99, cv**2) * service_s * (1 - 1e-9)


@given(utilisations, services, servers, variations, st.floats(0.1, 10))
def test_times_scale_with_the_unit(utilisation: float, service_s: float, count: int, cv: float, factor: float) -> None:
    one = response_quantile_s(
        0.99, servers=count, arrivals_per_s=utilisation * count / service_s, service_s=service_s, service_cv=cv
    )
    other = response_quantile_s(
        0.99,
        servers=count,
        arrivals_per_s=utilisation * count / service_s / factor,
        service_s=service_s * factor,
        service_cv=cv,
    )
    assert other == pytest.approx(one * factor, rel=1e-6)


@given(st.integers(1, 100), st.floats(1.05, 6.0), st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_arrivals_for_is_the_most_that_is_held(count: int, slack: float, service_cv: float, arrival_cv: float) -> None:
    queue = {"servers": count, "service_s": 0.02, "service_cv": service_cv, "arrival_cv": arrival_cv}
    objective = slack * 0.02 * float(service_quantile(0.99, service_cv**2))
    rate = arrivals_for(0.99, response_s=objective, **queue)
    assert response_quantile_s(0.99, arrivals_per_s=rate, **queue) <= objective
    assert response_quantile_s(0.99, arrivals_per_s=rate * 1.00001 + 1e-4, **queue) > objective


def test_no_traffic_is_held_where_the_service_takes_longer() -> None:
    assert arrivals_for(0.99, response_s=0.01, servers=8, service_s=0.02) == 0.0


def test_an_overloaded_queue_never_answers() -> None:
    assert response_quantile_s(0.99, servers=2, arrivals_per_s=3.0, service_s=1.0) == np.inf


@given(st.floats(0.1, 400.0), st.floats(1.2, 6.0), st.floats(0.0, 1.0))
def test_servers_for_is_the_fewest_that_do(offered: float, slack: float, cv: float) -> None:
    wanted = {"arrivals_per_s": offered, "service_s": 1.0, "service_cv": cv}
    objective = slack * float(service_quantile(0.99, cv**2))
    count = servers_for(0.99, response_s=objective, kept=0.0, **wanted)
    assert response_quantile_s(0.99, servers=count, **wanted) <= objective
    assert count == 1 or response_quantile_s(0.99, servers=count - 1, **wanted) > objective


@given(st.floats(0.1, 400.0), st.floats(1.001, 6.0), st.floats(0.0, 1.0))
def test_sizing_keeps_a_margin_where_one_can_be_kept(offered: float, slack: float, cv: float) -> None:
    wanted = {"arrivals_per_s": offered, "service_s": 1.0, "service_cv": cv}
    service = float(service_quantile(0.99, cv**2))
    target = slack * service / (1 + margin()) if slack >= 1 + margin() else slack * service
    count = servers_for(0.99, response_s=slack * service, **wanted)
    assert count == servers_for(0.99, response_s=target * (1 + 1e-12), kept=0.0, **wanted)


def test_no_number_of_servers_beats_the_service_itself() -> None:
    assert servers_for(0.99, response_s=0.9, arrivals_per_s=1.0, service_s=1.0, service_cv=0.0) == np.inf


@given(st.floats(0.05, 900.0), st.floats(1.05, 5.0), st.floats(0.05, 1.0))
def test_the_ladder_sizes_as_the_formula_does(offered: float, slack: float, cv: float) -> None:
    rungs = ladder(0.99, arrivals_per_s=offered, service_s=np.array([1.0]), service_cv=cv, arrival_cv=1.0)
    objective = slack * float(service_quantile(0.99, cv**2))
    exact = servers_for(0.99, response_s=objective, arrivals_per_s=offered, service_s=1.0, service_cv=cv, kept=0.0)
    found = servers_on_ladder(rungs, rungs.response_s, np.array([objective]))[0, 0]
    assert exact <= found <= exact + max(1, 0.01 * exact)


@given(st.floats(0.05, 900.0), st.integers(0, 60), st.floats(0.05, 1.0))
def test_the_ladder_answers_as_the_formula_does(offered: float, above: int, cv: float) -> None:
    rungs = ladder(0.99, arrivals_per_s=offered, service_s=np.array([1.0]), service_cv=cv, arrival_cv=1.0)
    count = np.floor(offered) + 1 + above
    exact = response_quantile_s(0.99, servers=count, arrivals_per_s=offered, service_s=1.0, service_cv=cv)
    looked_up = times_on_ladder(rungs, rungs.response_s, np.array([0]), np.array([count]))[0]
    assert looked_up == pytest.approx(exact, rel=0.05)


@given(st.floats(0.05, 1.5))
def test_service_quantile_is_that_of_the_gamma_law(cv: float) -> None:
    assert service_quantile(0.99, cv**2) == pytest.approx(stats.gamma.ppf(0.99, 1 / cv**2, scale=cv**2), rel=1e-6)
