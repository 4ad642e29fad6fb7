"""Cold starts at a steady rate: against simulation over a grid, exact cases, and what must rise or fall."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, stats
from simulated_functions import steady

from advisor.cold_starts import MOST_BUSY, cold_share, levels

GRID = [
    (0.0005, 0.2, 600.0), (0.005, 0.2, 600.0), (0.05, 0.2, 60.0), (0.5, 0.2, 60.0), (0.05, 2.0, 60.0), (0.5, 2.0, 60.0),
    (2.0, 2.0, 60.0), (0.9, 1.99, 600.0), (0.05, 60.0, 600.0), (30.0, 1.0, 10.0),
]  # fmt: skip
rates, services, alive = st.floats(1e-4, 20.0), st.floats(0.01, 5.0), st.floats(1.0, 2000.0)
bursts = st.sampled_from([1.0, 1.7, 4.0, 1000.0])


@pytest.mark.parametrize(("rate", "service_s", "keep_alive_s"), GRID)
def test_the_share_is_that_of_the_simulation(rate: float, service_s: float, keep_alive_s: float) -> None:
    run = steady(rate, service_s, keep_alive_s)
    predicted = float(cold_share(arrivals_per_s=rate, service_s=service_s, keep_alive_s=keep_alive_s))
    noise = 4 * np.sqrt(run.cold_share / len(run.response_s))
    assert predicted == pytest.approx(run.cold_share, rel=0.06, abs=noise)


@pytest.mark.parametrize("burstiness", [2.0, 4.0, 8.0])
@pytest.mark.parametrize(
    ("rate", "service_s", "keep_alive_s"), [(0.005, 0.2, 60.0), (0.05, 2.0, 60.0), (0.5, 2.0, 60.0)]
)
def test_bursty_arrivals_start_cold_as_simulated(
    burstiness: float, rate: float, service_s: float, keep_alive_s: float
) -> None:
    run = steady(rate, service_s, keep_alive_s, burstiness=burstiness, service_cv=1.0)
    predicted = cold_share(arrivals_per_s=rate, service_s=service_s, keep_alive_s=keep_alive_s, burstiness=burstiness)
    assert predicted == pytest.approx(run.cold_share, rel=0.06)


@pytest.mark.parametrize("burstiness", [1.0, 4.0])
@pytest.mark.parametrize("kept", [1, 3, 6])
def test_instances_kept_warm_leave_the_share_of_the_simulation(kept: int, burstiness: float) -> None:
    run = steady(0.5, 2.0, 60.0, kept=kept, burstiness=burstiness, service_cv=1.0)
    found = cold_share(arrivals_per_s=0.5, service_s=2.0, keep_alive_s=60.0, burstiness=burstiness, provisioned=kept)
    noise = 4 * np.sqrt(run.cold_share / len(run.response_s))
    assert found == pytest.approx(run.cold_share, rel=0.06, abs=noise)


@pytest.mark.parametrize(("rate", "service_s", "keep_alive_s", "kept"), [(0.05, 2.0, 60.0, 0), (0.5, 2.0, 60.0, 2)])
def test_as_many_instances_live_as_simulated(rate: float, service_s: float, keep_alive_s: float, kept: int) -> None:
    run = steady(rate, service_s, keep_alive_s, kept=kept)
    found = levels(arrivals_per_s=rate, service_s=service_s, keep_alive_s=keep_alive_s)
    assert found.alive[0, kept:].sum() == pytest.approx(run.alive, rel=0.04)


@given(rates, services, alive)
def test_a_lone_instance_is_cold_after_a_gap_longer_than_the_keep_alive(
    rate: float, service: float, kept: float
) -> None:
    found = levels(arrivals_per_s=rate, service_s=service, keep_alive_s=kept)
    assert found.cold[0, 0] / found.seen[0, 0] == pytest.approx(np.exp(-rate * kept), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_the_tail_of_the_first_passage_is_that_of_the_generator(level: int) -> None:
    rate, kept = 3.0, 4.0
    outlasts = level / (level + 1) * (1 - np.exp(-kept / 4)) ** 2
    falls = np.arange(level + 1.0)
    generator = np.diag(-(rate + falls)) + np.diag(np.full(level, rate), 1) + np.diag(falls[1:], -1)
    tail = linalg.expm(generator * (kept + outlasts))[level].sum()
    found = levels(arrivals_per_s=rate, service_s=1.0, keep_alive_s=kept)
    assert found.cold[0, level] / found.seen[0, level] == pytest.approx(tail, rel=0.02, abs=1e-5)


@given(st.floats(0.01, 150.0))
def test_busy_instances_of_poisson_arrivals_are_poisson(load: float) -> None:
    found = levels(arrivals_per_s=load, service_s=1.0, keep_alive_s=60.0)
    assert found.seen[0] == pytest.approx(stats.poisson.pmf(np.arange(found.seen.shape[1]), load), abs=1e-9)


@given(rates, services, alive, bursts)
def test_a_share_is_a_share(rate: float, service: float, kept: float, burstiness: float) -> None:
    found = cold_share(arrivals_per_s=rate, service_s=service, keep_alive_s=kept, burstiness=burstiness)
    assert 0 <= float(found) <= 1


@given(rates, services, alive, st.floats(1.01, 5.0), bursts)
def test_a_longer_keep_alive_never_starts_more(
    rate: float, service: float, kept: float, longer: float, burstiness: float
) -> None:
    short, long = cold_share(
        arrivals_per_s=rate, service_s=service, keep_alive_s=[kept, kept * longer], burstiness=burstiness
    )
    assert long <= short * (1 + 1e-3) + 1e-7


@given(rates, st.floats(1.01, 5.0), alive)
def test_on_a_lone_instance_more_traffic_starts_less(rate: float, more: float, kept: float) -> None:
    found = levels(arrivals_per_s=[rate, rate * more], service_s=1e-5, keep_alive_s=kept)
    few, many = found.cold[:, 0]
    assert many <= few + 1e-6


@given(rates, services, alive, bursts, st.integers(0, 8))
def test_one_more_instance_kept_warm_never_starts_more(
    rate: float, service: float, kept: float, burstiness: float, count: int
) -> None:
    fewer, more = (
        cold_share(
            arrivals_per_s=rate, service_s=service, keep_alive_s=kept, burstiness=burstiness, provisioned=provisioned
        )
        for provisioned in (count, count + 1)
    )
    assert more <= fewer + 1e-12


def test_without_traffic_every_request_starts_cold() -> None:
    assert cold_share(arrivals_per_s=1e-9, service_s=0.1, keep_alive_s=600.0) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("load", [2 * MOST_BUSY, 5 * MOST_BUSY])
def test_loads_beyond_the_levels_start_cold_as_simulated(load: float) -> None:
    run = steady(load, 1.0, 20.0, count=300_000)
    assert cold_share(arrivals_per_s=load, service_s=1.0, keep_alive_s=20.0) == pytest.approx(run.cold_share, rel=0.25)


def test_the_share_has_no_step_where_the_levels_end() -> None:
    below, above = cold_share(
        arrivals_per_s=[MOST_BUSY * (1 - 1e-9), MOST_BUSY * (1 + 1e-9)], service_s=1.0, keep_alive_s=60.0
    )
    assert above == pytest.approx(below, rel=1e-6)


def test_shapes_broadcast() -> None:
    found = cold_share(arrivals_per_s=[[0.1], [1.0]], service_s=[0.1, 0.2, 0.3], keep_alive_s=600.0)
    assert found.shape == (2, 3)
    assert found[1, 2] == pytest.approx(cold_share(arrivals_per_s=1.0, service_s=0.3, keep_alive_s=600.0))
