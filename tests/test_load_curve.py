"""Response against load as it is drawn: it is the queue's own formula, and says what that formula says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.batch_curve import BatchCurves, batch_curves
from advisor.batch_words import batch_lines, batch_table
from advisor.capacity import arrivals_for, response_quantile_s, servers_for
from advisor.errors import TrafficError
from advisor.load_curve import QUANTILES, load_curves
from advisor.load_words import load_lines, load_table
from advisor.text import languages

QUEUE = {"arrivals_per_s": 50.0, "service_s": 0.04, "response_s": 0.15, "service_cv": 0.4, "arrival_cv": 1.5}
LAW = {name: QUEUE[name] for name in ("service_s", "service_cv", "arrival_cv")}
BATCHER = {"instances": 2, "arrivals_per_s": 300.0, "response_s": 0.1, "batch": 16, "fixed_s": 0.008, "item_s": 0.001}


def test_what_is_drawn_is_what_the_formula_says() -> None:
    found = load_curves(replicas=2, workers=2, **QUEUE)
    chosen = found.chosen
    assert [fleet.replicas for fleet in found.fleets] == [1, 2, 3]
    place = 40
    for q, curve, here in zip(QUANTILES, chosen.response_s, chosen.here_s, strict=True):
        at = {"servers": 4, **LAW}
        assert curve[place] == response_quantile_s(q, arrivals_per_s=chosen.rates_per_s[place], **at)
        assert here == response_quantile_s(q, arrivals_per_s=QUEUE["arrivals_per_s"], **at)
    assert chosen.load == pytest.approx(50 * 0.04 / 4)
    assert chosen.most_per_s == arrivals_for(0.99, response_s=QUEUE["response_s"], servers=4, **LAW)
    assert found.growth == pytest.approx(chosen.most_per_s / 50 - 1)


@given(rate=st.floats(0.1, 500), service=st.floats(0.001, 0.5), stretch=st.floats(1.0, 20), workers=st.integers(1, 8))
def test_the_replicas_needed_hold_the_objective_and_one_fewer_does_not(
    rate: float, service: float, stretch: float, workers: int
) -> None:
    asked = {"arrivals_per_s": rate, "service_s": service, "response_s": stretch * service, "service_cv": 0.5}
    found = load_curves(replicas=1, workers=workers, **asked)
    servers = servers_for(0.99, kept=0.0, **asked)
    if not math.isfinite(servers):
        assert found.needed == math.inf
        assert found.alone_s > stretch * service
        return
    assert found.needed == math.ceil(servers / workers)
    enough = load_curves(replicas=int(found.needed), workers=workers, **asked)
    assert enough.chosen.here_s[-1] <= enough.queue.response_s
    assert enough.growth >= -1e-6
    for fewer in (fleet for fleet in enough.fleets if fleet.replicas < found.needed):
        assert fewer.here_s[-1] > enough.queue.response_s


def test_another_replica_moves_the_knee_to_more_load() -> None:
    knees = [fleet.most_per_s for fleet in load_curves(replicas=3, **QUEUE).fleets]
    assert knees == sorted(knees)
    assert len(set(knees)) == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [("replicas", 0), ("replicas", 1.5), ("workers", 0), ("arrivals_per_s", 0.0), ("service_s", -1.0),
     ("response_s", math.nan), ("service_cv", -0.1), ("arrival_cv", math.inf)],
)  # fmt: skip
def test_a_number_out_of_bounds_is_named(field: str, value: float) -> None:
    with pytest.raises(TrafficError, match=field):
        load_curves(**{"replicas": 3, **QUEUE, field: value})


CASES: dict[str, tuple[dict[str, float], str, str]] = {
    "enough": ({}, "may still grow by", "还可以增长"),
    "too few": ({"arrivals_per_s": 60.0, "response_s": 0.1}, "less than there are", "比现在少"),
    "without end": ({"arrivals_per_s": 200.0}, "grows without end", "无限增长"),
    "never": ({"response_s": 0.05}, "No number of replicas", "再多副本也无法"),
}


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_said_in_both_languages(name: str) -> None:
    changed, english, chinese = CASES[name]
    found = load_curves(replicas=3, **{**QUEUE, "arrival_cv": 1.0, **changed})
    assert english in " ".join(load_lines(found, "en"))
    assert chinese in "".join(load_lines(found, "zh"))


@pytest.mark.parametrize("lang", languages())
def test_the_table_has_a_row_for_each_fleet_and_a_column_for_each_quantile(lang: str) -> None:
    table = load_table(load_curves(replicas=3, **QUEUE), lang)
    assert table.shape == (3, 3 + len(QUANTILES))
    assert list(table.iloc[:, 0]) == ["2", "3", "4"]


def test_instances_carry_full_batches_and_without_batching_one_request_each() -> None:
    alone, batched = batch_curves(**BATCHER).curves
    assert alone.carried_per_s == pytest.approx(2 / 0.009)
    assert batched.carried_per_s == pytest.approx(2 * 16 / 0.024)
    assert (alone.here_s, batched.here_s < 0.1) == (math.inf, True)


def test_the_knee_of_a_curve_lies_where_it_crosses_the_objective() -> None:
    for curve in batch_curves(**BATCHER).curves:
        assert np.interp(curve.most_per_s, curve.rates_per_s, curve.response_s) == pytest.approx(0.1)


def test_batches_of_one_are_no_batching() -> None:
    alone, batched = batch_curves(**{**BATCHER, "batch": 1}).curves
    assert batched.response_s == pytest.approx(alone.response_s)
    assert "brings nothing" in " ".join(batch_lines(batch_curves(**{**BATCHER, "batch": 1}), "en"))


def delayed() -> BatchCurves:
    return batch_curves(**BATCHER, delay_s=0.005)


def test_a_delay_makes_a_request_wait_where_there_is_little_traffic() -> None:
    _, batched, waiting = batch_curves(**{**BATCHER, "arrivals_per_s": 2.0}, delay_s=0.005).curves
    assert 0.0045 < waiting.here_s - batched.here_s < 0.0065
    assert len(list(batch_lines(delayed(), "en"))) == 2


def test_an_objective_that_no_load_keeps_is_said() -> None:
    found = batch_curves(**{**BATCHER, "response_s": 0.005})
    assert [curve.most_per_s for curve in found.curves] == [0.0, 0.0]
    assert "at no load" in next(batch_lines(found, "en"))


@pytest.mark.parametrize("lang", languages())
def test_batching_has_a_row_for_each_way(lang: str) -> None:
    assert len(batch_table(delayed(), lang)) == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [("instances", 0), ("batch", 0.5), ("delay_s", -1.0), ("item_s", 0.0), ("fixed_s", math.nan), ("response_s", 0.0)],
)
def test_a_batcher_out_of_bounds_is_named(field: str, value: float) -> None:
    with pytest.raises(TrafficError, match=field):
        batch_curves(**{**BATCHER, field: value})
