"""Dynamic and continuous batching: exact cases, bounds, monotony, agreement with the simulators."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from advisor.batching import batched_quantile_s, load_grid
from advisor.capacity import response_quantile_s
from advisor.capacity_sim import Service, arrivals, simulate, simulate_batches, simulate_generation
from advisor.continuous import generation_s, slowest_token_s
from advisor.errors import TrafficError
from advisor.sim_many import simulated_quantiles_s
from advisor.sim_service import service_times

batches = st.sampled_from([2, 3, 4, 8, 16, 50, 64, 200])
instances = st.integers(1, 120)
loads = st.floats(0.02, 0.97)
shares = st.floats(0.05, 1.0)
variations = st.floats(0.0, 0.5)
quantiles = st.sampled_from([0.5, 0.9, 0.95, 0.99])
times = st.lists(st.floats(0.0, 2.0), min_size=1, max_size=60)


def rate(load: float, count: int, batch: int, fixed: float, item: float) -> float:
    return load * count * batch / (fixed + item * batch)


@given(quantiles, batches, instances, loads, loads, shares, variations)
def test_more_load_never_answers_sooner(
    q: float, batch: int, count: int, one: float, other: float, fixed: float, cv: float
) -> None:
    low, high = sorted((one, other))
    law = {"batch": batch, "instances": count, "fixed_s": fixed, "item_s": 1.01 - fixed, "service_cv": cv}
    less, more = (
        batched_quantile_s(q, arrivals_per_s=rate(load, count, batch, fixed, 1.01 - fixed), **law)
        for load in (low, high)
    )
    assert less <= more * (1 + 1e-9)


@given(quantiles, batches, instances, loads, shares, variations, st.floats(1e-3, 1e3))
def test_times_scale_with_the_unit(
    q: float, batch: int, count: int, load: float, fixed: float, cv: float, unit: float
) -> None:
    arriving = rate(load, count, batch, fixed, 1.01 - fixed)
    law = {"batch": batch, "instances": count, "service_cv": cv}
    one = batched_quantile_s(q, arrivals_per_s=arriving, fixed_s=fixed, item_s=1.01 - fixed, **law)
    other = batched_quantile_s(
        q, arrivals_per_s=arriving / unit, fixed_s=fixed * unit, item_s=(1.01 - fixed) * unit, **law
    )
    assert other == pytest.approx(one * unit, rel=1e-6)


@given(quantiles, batches, instances, loads, shares)
def test_nobody_is_answered_before_a_request_alone_would_be(
    q: float, batch: int, count: int, load: float, fixed: float
) -> None:
    arriving = rate(load, count, batch, fixed, 1.01 - fixed)
    found = batched_quantile_s(
        q, arrivals_per_s=arriving, batch=batch, instances=count, fixed_s=fixed, item_s=1.01 - fixed
    )
    assert found >= 1.01 * (1 - 1e-6)


@given(quantiles, st.integers(1, 50), loads, variations)
def test_batches_of_one_are_the_plain_queue(q: float, count: int, load: float, cv: float) -> None:
    found = batched_quantile_s(
        q, instances=count, arrivals_per_s=load * count, batch=1, fixed_s=0.4, item_s=0.6, service_cv=cv
    )
    assert found == response_quantile_s(
        q, servers=count, arrivals_per_s=load * count, service_s=1.0, service_cv=cv, arrival_cv=1.0
    )


@pytest.mark.parametrize(("batch", "delay", "cv"), [(16, 0.0, 0.1), (16, 0.5, 0.1), (16, 0.0, 0.9), (512, 0.0, 0.1)])
def test_an_overloaded_queue_never_answers(batch: int, delay: float, cv: float) -> None:
    arriving = 1.001 * rate(1.0, 2, batch, 0.5, 0.5)
    found = batched_quantile_s(
        0.99, instances=2, arrivals_per_s=arriving, batch=batch, fixed_s=0.5, item_s=0.5, delay_s=delay, service_cv=cv
    )
    assert found == np.inf


@pytest.mark.parametrize("batch", [2, 4, 16, 64, 256])
@pytest.mark.parametrize("cv", [0.0, 0.15, 0.3, 0.5])
def test_an_idle_queue_takes_the_service_alone(batch: int, cv: float) -> None:
    found = batched_quantile_s(
        0.99, instances=3, arrivals_per_s=1e-9, batch=batch, fixed_s=0.3, item_s=0.7, service_cv=cv
    )
    assert found == pytest.approx(stats.gamma.ppf(0.99, 1 / max(cv, 1e-4) ** 2, scale=max(cv, 1e-4) ** 2), rel=1e-3)


@pytest.mark.parametrize(
    ("batch", "count", "load", "fixed", "delay", "cv", "arrival_cv"),
    [
        (4, 1, 0.8, 0.5, 0.0, 0.2, 1.0),
        (16, 2, 0.6, 0.8, 0.0, 0.0, 1.0),
        (64, 8, 0.9, 0.9, 0.0, 0.2, 1.0),
        (10, 5, 0.7, 0.3, 0.0, 0.4, 1.0),
        (16, 2, 0.3, 0.8, 2.0, 0.1, 1.0),
        (8, 1, 0.7, 0.8, 0.0, 0.8, 1.0),
        (16, 4, 0.5, 0.8, 0.0, 0.1, 2.0),
    ],
)
def test_the_answer_is_that_of_another_simulation(
    batch: int, count: int, load: float, fixed: float, delay: float, cv: float, arrival_cv: float
) -> None:
    item = 1 - fixed
    arriving = rate(load, count, batch, fixed, item)
    law: dict[str, Any] = {"instances": count, "batch": batch, "fixed_s": fixed, "item_s": item, "delay_s": delay}
    traffic = arrivals("gamma", rate_per_s=arriving, duration_s=400_000 / arriving, gap_cv=arrival_cv, seed=5)
    queue = simulate_batches(traffic, **law, service_cv=cv, seed=6)
    for q in (0.5, 0.99):
        found = batched_quantile_s(q, arrivals_per_s=arriving, **law, service_cv=cv, arrival_cv=arrival_cv)
        assert found == pytest.approx(np.quantile(queue.responses_s, q), rel=0.1)


@pytest.mark.parametrize("load", [0.2, 0.5, 0.8])
def test_one_instance_that_takes_all_stays_just_below_its_published_bound(load: float) -> None:
    """Y. Inoue, "Queueing analysis of GPU-based inference servers with dynamic batching," 2021, theorem 2."""
    fixed, item = 1.0, 0.2
    arriving = load / item
    first = (
        (item + fixed) / (2 * (1 - load)) * (1 + 2 * arriving * fixed + (1 - arriving * fixed) / (1 + arriving * item))
    )
    second = 1.5 * fixed / (1 - load) + item / 2 * (load + 2) / (1 - load**2)
    traffic = arrivals("poisson", rate_per_s=arriving, duration_s=300_000 / arriving, seed=2)
    mean = simulate_batches(traffic, instances=1, batch=100_000, fixed_s=fixed, item_s=item).responses_s.mean()
    assert 0.93 * min(first, second) <= mean <= 1.01 * min(first, second)


def test_the_mean_batch_of_one_instance_is_that_of_its_embedded_chain() -> None:
    fixed, item, most, arriving = 0.8, 0.2, 8, 2.5
    states = np.arange(200)
    chain = np.zeros((200, 200))
    for waiting in states:
        size = min(max(waiting, 1), most)
        left = max(waiting - most, 0)
        chain[waiting, left:] = stats.poisson.pmf(states[: 200 - left], arriving * (fixed + item * size))
    chain /= chain.sum(axis=1, keepdims=True)
    share = np.linalg.matrix_power(chain, 4096)[0]
    expected = share @ np.clip(states, 1, most)
    traffic = arrivals("poisson", rate_per_s=arriving, duration_s=200_000, seed=3)
    queue = simulate_batches(traffic, instances=1, batch=most, fixed_s=fixed, item_s=item)
    assert 1 / np.mean(1 / queue.batches) == pytest.approx(expected, rel=0.01)


@given(times, st.integers(1, 3), st.integers(1, 6), st.floats(0.0, 3.0), st.sampled_from([(), (2,), (2, 4)]))
def test_batches_hold_every_request_once_in_order(
    between: list[float], count: int, most: int, delay: float, preferred: tuple[int, ...]
) -> None:
    queue = simulate_batches(
        np.cumsum(between), instances=count, batch=most, fixed_s=0.5, item_s=0.3, delay_s=delay, preferred=preferred
    )
    starts = queue.arrivals_s + queue.waits_s
    assert queue.served.all()
    assert (queue.batches <= most).all()
    assert (np.diff(starts) >= -1e-9).all()
    assert np.sum(1 / queue.batches) == pytest.approx(round(float(np.sum(1 / queue.batches))))
    assert queue.utilisation <= 1 + 1e-9


@given(times, st.integers(1, 3), st.floats(0.0, 3.0))
def test_a_batch_of_one_never_waits_for_another(between: list[float], count: int, delay: float) -> None:
    batched = simulate_batches(np.cumsum(between), instances=count, batch=1, fixed_s=0.3, item_s=0.4, delay_s=delay)
    plain = simulate(np.cumsum(between), servers=count, service=0.7)
    assert batched.waits_s == pytest.approx(plain.waits_s, abs=1e-9)


def test_a_free_instance_waits_for_the_delay_and_no_longer() -> None:
    queue = simulate_batches([0.0, 0.4, 0.9, 5.0, 5.1], instances=1, batch=2, fixed_s=0.1, item_s=0.0, delay_s=0.5)
    assert queue.waits_s == pytest.approx([0.4, 0.0, 0.5, 0.1, 0.0])
    assert queue.batches.tolist() == [2, 2, 1, 2, 2]


def test_a_preferred_size_is_sent_at_once() -> None:
    queue = simulate_batches(
        np.array([0.0, 0.1, 0.2, 0.9, 0.95, 1.0, 1.05, 1.1]),
        instances=1, batch=8, fixed_s=0.5, item_s=0.0, delay_s=0.4, preferred=(3,),
    )  # fmt: skip
    assert queue.batches.tolist() == [3, 3, 3, 3, 3, 3, 2, 2]
    assert queue.waits_s[:3] == pytest.approx([0.2, 0.1, 0.0])


def test_many_queues_at_once_are_each_as_when_alone() -> None:
    asked: dict[str, Any] = {"fixed_s": 0.8, "item_s": 0.2, "requests": 20_000, "seed": 1}
    together = simulated_quantiles_s(
        [0.5, 0.99], servers=[1, 4, 2], batch=[1, 16, 4], arrivals_per_s=[0.7, 8.0, 9.0], **asked
    )
    for number, (servers, batch, arriving) in enumerate([(1, 1, 0.7), (4, 16, 8.0), (2, 4, 9.0)]):
        alone = simulated_quantiles_s([0.5, 0.99], servers=servers, batch=batch, arrivals_per_s=arriving, **asked)
        assert together[:, number] == pytest.approx(alone)
    assert np.isinf(together[:, 2]).all()


def test_a_wrong_batch_is_a_sentence() -> None:
    with pytest.raises(TrafficError, match="batch = 0"):
        simulate_batches([0.0], instances=1, batch=0, fixed_s=1.0, item_s=0.0)


def test_the_grid_rises_with_load_and_holds_what_its_file_says() -> None:
    grid = load_grid()
    assert grid.quantiles == (0.5, 0.9, 0.95, 0.99)
    assert (np.diff(grid.log_response, axis=3) >= 0).all()
    assert (np.diff(grid.log_response, axis=0) >= 0).all()


models: dict[str, st.SearchStrategy[Any]] = {
    "workers": st.integers(1, 60),
    "slots": st.sampled_from([2, 4, 16, 64, 256]),
    "fixed_s": st.floats(1e-3, 0.1),
    "sequence_s": st.floats(0.0, 5e-3),
    "prefill_s": st.floats(0.0, 0.5),
    "output_tokens": st.integers(1, 2000),
    "length_cv": st.floats(0.0, 1.5),
}


def carried(model: dict[str, Any]) -> float:
    step = model["fixed_s"] + model["sequence_s"] * model["slots"]
    return float(model["workers"] / (model["output_tokens"] * step / model["slots"] + model["prefill_s"]))


@given(st.fixed_dictionaries(models), loads, loads)
def test_a_busier_language_model_is_never_faster(model: dict[str, Any], one: float, other: float) -> None:
    less, more = (generation_s(0.99, arrivals_per_s=x * carried(model), **model) for x in sorted((one, other)))
    for name in ("sequences", "first_s", "token_s", "response_s"):
        assert getattr(less, name) <= getattr(more, name) * (1 + 1e-3), name


@given(st.fixed_dictionaries(models), loads)
def test_no_token_takes_longer_than_with_all_slots_taken(model: dict[str, Any], load: float) -> None:
    at_work = generation_s(0.99, arrivals_per_s=load * carried(model), **model)
    most = slowest_token_s(
        0.99,
        slots=model["slots"],
        step_s=model["fixed_s"] + model["sequence_s"] * model["slots"],
        **{name: model[name] for name in ("prefill_s", "output_tokens", "length_cv")},
    )
    assert at_work.token_s <= most * (1 + 2e-3)


@given(st.fixed_dictionaries(models))
def test_an_idle_language_model_reads_the_prompt_and_steps_alone(model: dict[str, Any]) -> None:
    idle = generation_s(0.5, arrivals_per_s=1e-9 * carried(model), **{**model, "workers": 1, "length_cv": 0.0})
    step = model["fixed_s"] + model["sequence_s"]
    assert idle.first_s == pytest.approx(step + model["prefill_s"], rel=2e-3)
    assert idle.response_s == pytest.approx(model["prefill_s"] + model["output_tokens"] * step, rel=5e-3)


@given(st.fixed_dictionaries(models), st.floats(1.0, 3.0))
def test_an_overloaded_language_model_never_answers(model: dict[str, Any], load: float) -> None:
    at_work = generation_s(0.99, arrivals_per_s=1.001 * load * carried(model), **model)
    assert at_work.first_s == at_work.response_s == np.inf
    assert at_work.waits == 1


@pytest.mark.parametrize(("slots", "load"), [(8, 0.5), (8, 0.9), (64, 0.8)])
def test_the_number_at_work_is_that_of_its_birth_and_death_process(slots: int, load: float) -> None:
    fixed, added, tokens = 0.02, 0.001, 100
    arriving = load * slots / (tokens * (fixed + added * slots))
    states = np.arange(1, 4000)
    busy = np.minimum(states, slots)
    leaving = busy / (tokens * (fixed + added * busy))
    share = np.exp(np.append(0.0, np.cumsum(np.log(arriving / leaving))))
    share /= share.sum()
    at_work = generation_s(
        0.99, workers=1, arrivals_per_s=arriving, slots=slots, fixed_s=fixed, sequence_s=added, prefill_s=0.0,
        output_tokens=tokens, length_cv=1.0,
    )  # fmt: skip
    assert at_work.waits == pytest.approx(share[slots:].sum(), rel=1e-6)
    assert at_work.sequences == pytest.approx(share @ np.minimum(np.arange(4000), slots), rel=1e-6)


@pytest.mark.parametrize("cv", [0.0, 0.6, 1.0])
@pytest.mark.parametrize(
    ("workers", "slots", "load", "prefill"), [(1, 32, 0.6, 0.02), (2, 64, 0.8, 0.01), (4, 16, 0.3, 0.1)]
)
def test_a_language_model_answers_as_simulated(
    workers: int, slots: int, load: float, prefill: float, cv: float
) -> None:
    model: dict[str, Any] = {"workers": workers, "slots": slots, "fixed_s": 0.02, "sequence_s": 3e-4}
    model["prefill_s"] = prefill
    arriving = load * carried({**model, "output_tokens": 200})
    traffic = arrivals("poisson", rate_per_s=arriving, duration_s=60_000 / arriving, seed=1)
    lengths = 1 + (service_times(Service(199.5, cv), traffic.size, np.random.default_rng(2))).astype(int)
    true = simulate_generation(traffic, lengths, **model)
    for q in (0.5, 0.99):
        found = generation_s(q, arrivals_per_s=arriving, output_tokens=200, length_cv=cv, **model)
        assert found.token_s == pytest.approx(np.quantile(true.token_s, q), rel=0.12)
        assert found.first_s == pytest.approx(np.quantile(true.first_s, q), rel=0.15)
        assert found.response_s == pytest.approx(np.quantile(true.response_s, q), rel=0.1)
    assert found.sequences == pytest.approx(true.sequences, rel=0.04)


@given(times, st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))
def test_a_simulated_language_model_answers_every_request_no_faster_than_alone(
    between: list[float], workers: int, slots: int, tokens: int
) -> None:
    answered = simulate_generation(
        np.cumsum(between), tokens, workers=workers, slots=slots, fixed_s=0.1, sequence_s=0.05, prefill_s=0.2
    )
    assert (answered.first_s >= 0.35 - 1e-9).all()
    assert (answered.response_s >= 0.2 + 0.15 * tokens - 1e-9).all()
    assert (answered.response_s >= answered.first_s).all()
    assert answered.sequences <= slots + 1e-9


def test_a_simulated_language_model_steps_as_worked_out_by_hand() -> None:
    answered = simulate_generation(
        [0.0, 0.5, 0.5], [3, 1, 1], workers=1, slots=2, fixed_s=1.0, sequence_s=0.1, prefill_s=0.5
    )
    assert answered.first_s == pytest.approx([1.6, 1.6 + 1.7 - 0.5, 3.3 + 1.7 - 0.5])
    assert answered.response_s == pytest.approx([5.0, 2.8, 4.5])
