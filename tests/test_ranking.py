"""Order: absolute utilities, whatever else is on the list."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.ranking import Criterion, probability_best, rank_key, scores, utility

SETTINGS = {
    "decades": 8.0,
    "criteria": {"cost": {"best": 0.01, "worst": 1e6}, "latency": {"best": 0.001, "worst": 1.0}},
    "uncertainty": {"draws": 400},
}
WEIGHTS = {"cost": 3.0, "latency": 2.0}
costs = st.lists(st.floats(0.1, 1e5), min_size=3, max_size=12)


def _scores(cost: list[float]) -> np.ndarray:
    latency = np.linspace(0.01, 0.9, len(cost))
    return scores({"cost": Criterion(np.array(cost)), "latency": Criterion(latency)}, WEIGHTS, SETTINGS)


def test_a_factor_of_ten_counts_an_eighth() -> None:
    assert utility(10.0, best=0.01, worst=1e6, decades=8) - utility(
        100.0, best=0.01, worst=1e6, decades=8
    ) == pytest.approx(0.125)


def test_unknown_counts_as_the_worst() -> None:
    assert utility(np.nan, best=0.01, worst=1e6, decades=8) == pytest.approx(0, abs=1e-6)


@given(costs, st.floats(1e-9, 1e12))
def test_an_absurd_stack_leaves_the_others_where_they_were(cost: list[float], absurd: float) -> None:
    alone = _scores(cost)
    latency = np.append(np.linspace(0.01, 0.9, len(cost)), 1e9)
    beside = scores({"cost": Criterion(np.append(cost, absurd)), "latency": Criterion(latency)}, WEIGHTS, SETTINGS)[:-1]
    np.testing.assert_array_equal(np.argsort(-alone, kind="stable"), np.argsort(-beside, kind="stable"))
    np.testing.assert_array_equal(alone, beside)


@given(costs)
def test_cheaper_is_never_ranked_lower_all_else_equal(cost: list[float]) -> None:
    useful = scores({"cost": Criterion(np.array(cost))}, {"cost": 1.0}, SETTINGS)
    assert np.array(cost)[np.argsort(-useful, kind="stable")] == pytest.approx(sorted(cost), rel=1e-6)


def test_priced_stacks_come_before_those_of_unknown_cost() -> None:
    key = rank_key(np.array([0.99, 0.2, 0.9]), unknown_cost=np.array([True, False, False]), stopped=np.zeros(3, bool))
    assert list(np.argsort(-key)) == [2, 1, 0]


def test_what_does_not_fit_is_never_first() -> None:
    key = rank_key(np.array([0.99, 0.01]), unknown_cost=np.array([False, True]), stopped=np.array([True, False]))
    assert key[0] == -np.inf < key[1]


def test_probability_of_first_place_follows_the_intervals() -> None:
    score = np.array([0.5, 0.49, 0.1])
    sure = probability_best(
        score,
        latency_log_sd=np.full(3, 1e-6),
        cost_log_sd=np.zeros(3),
        source=[0, 1, 2],
        weights=WEIGHTS,
        settings=SETTINGS,
    )
    unsure = probability_best(
        score,
        latency_log_sd=np.full(3, 0.8),
        cost_log_sd=np.zeros(3),
        source=[0, 1, 2],
        weights=WEIGHTS,
        settings=SETTINGS,
    )
    assert sure[0] == 1
    assert 0.3 < unsure[0] < 0.9
    assert unsure.sum() == pytest.approx(1)


def test_stacks_on_the_same_evidence_err_together() -> None:
    score = np.array([0.5, 0.49])
    shared = probability_best(
        score,
        latency_log_sd=np.full(2, 0.8),
        cost_log_sd=np.zeros(2),
        source=[3, 3],
        weights=WEIGHTS,
        settings=SETTINGS,
    )
    assert shared[0] == 1
