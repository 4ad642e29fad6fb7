"""What is sized and what is shown: one law for each queue, and no stack that fits against its own figures."""

from typing import Any

import numpy as np
import pytest
from small_knowledge import Ask

from advisor import under_load
from advisor.capacity import queue_times_s
from advisor.columns import HIGH, MID, Cells
from advisor.full_advice import FullAdvice
from advisor.queues import per_token_s, times_s

ONE_SHOT = [{"p99_ms": p99, "qps": qps} for p99 in (60, 150, 600, 5000) for qps in (0.05, 3, 80, 2500)]
BURSTY = [{"p99_ms": 400, "qps": 50, "burstiness": scv} for scv in (0.0, 1.0, 1.5, 4.0, 30.0)]
LANGUAGE = [
    {"model": "llama-3-8b", "p99_ms": None, "qps": qps, **wish}
    for qps in (0.05, 1, 15)
    for wish in (
        {},
        {"ttft_ms": 300},
        {"tpot_ms": 25},
        {"p99_ms": 30_000},
        {"input_tokens": 6000, "output_tokens": 50},
        {"burstiness": 4.0},
    )
]
KIND = {"precisions": ("fp32", "fp16", "int8", "int4"), "skills": "ml-platform"}


def fitting(advice: FullAdvice) -> np.ndarray:
    return np.unique(advice.evaluation.found.run[advice.evaluation.mask == 0])


@pytest.mark.parametrize("wishes", [*ONE_SHOT, *BURSTY, *LANGUAGE], ids=str)
def test_no_stack_fits_against_its_own_figures(ask: Ask, wishes: dict[str, Any]) -> None:
    advice: Any = ask(**KIND, **wishes)
    ev, runs = advice.evaluation, fitting(advice)
    sized, asking, late = ev.sized, ev.asking, ev.sized.misses_high[runs]
    held = np.where(late, MID, HIGH)
    every = np.arange(len(runs))
    if asking.response_s is not None:
        response = np.stack(under_load.response_s(sized, ev.trips, runs))
        assert (response[held, every] <= asking.response_s * (1 + 1e-4)).all()
    if asking.first_s is not None:
        first = np.stack(sized.first_token_s(ev.trips, runs)) + np.stack(under_load.wait_s(sized, runs))
        assert (first[held, every] <= asking.first_s * (1 + 1e-4)).all()
    if asking.token_s is not None:
        token = np.stack(per_token_s(sized, runs))
        assert (token[held, every] <= asking.token_s * (1 + 1e-4)).all()


def test_some_of_these_questions_are_served_in_batches_and_some_token_by_token(ask: Ask) -> None:
    one_shot: Any = ask(**KIND, p99_ms=600, qps=2500)
    language: Any = ask(**KIND, **LANGUAGE[6])
    for advice, name in ((one_shot, "batch"), (language, "slots")):
        cells = advice.evaluation.sized.cells
        assert (getattr(cells, name)[advice.evaluation.sized.cell[fitting(advice)]] > 1).any()


@pytest.mark.parametrize("wishes", [*ONE_SHOT[::3], *LANGUAGE[::4]], ids=str)
def test_a_shown_option_says_what_its_queue_says(ask: Ask, wishes: dict[str, Any]) -> None:
    advice: Any = ask(**KIND, **wishes)
    if (best := advice.best) is None:
        assert not len(fitting(advice))
        return
    row = advice.options.set_index("id").loc[best.id]
    assert best.p99_ms.low <= best.p99_ms.mid <= best.p99_ms.high
    assert row["p99_ms"] == pytest.approx(best.p99_ms.mid, rel=1e-6)
    assert row["p99_high_ms"] == pytest.approx(best.p99_ms.high, rel=1e-6)


def cells(**changes: Any) -> Cells:
    ends = tuple(np.array([x, x]) for x in (0.08, 0.1, 0.15))
    made: dict[str, Any] = {
        "klass": np.zeros(2, int), "traffic": np.zeros(2, int), "shape": np.zeros(2, int),
        "arrivals_per_s": np.array([5.0, 20.0]), "service_s": ends, "alone_s": ends, "full_s": ends, "first_s": ends,
        "token_s": ends, "slots": np.ones(2), "batch": np.ones(2), "memory_bytes": np.ones(2), "service_cv": 0.3,
        "arrival_cv": 1.0, "burst_headroom": 0.6, "output_tokens": 0,
    }  # fmt: skip
    return Cells(**(made | changes))


def test_one_by_one_is_the_plain_queue() -> None:
    servers = np.array([[2.0, 4.0], [5.0, 9.0]])
    found = times_s(0.99, cells(), slice(None), MID, servers)
    plain = queue_times_s(
        0.99, servers=servers, arrivals_per_s=[[5.0], [20.0]], service_s=0.1, service_cv=0.3, arrival_cv=1.0
    )
    assert found.response == pytest.approx(plain.response)
    assert found.wait == pytest.approx(plain.wait)


def test_burstier_batches_answer_later_and_even_ones_no_sooner() -> None:
    full = tuple(np.array([x, x]) for x in (0.3, 0.4, 0.6))
    shared = tuple(end / 16 for end in full)
    answers = [
        times_s(
            0.99,
            cells(batch=np.array([16.0, 16.0]), full_s=full, service_s=shared, arrival_cv=scv**0.5),
            slice(None), MID, np.ones(2),
        ).response
        for scv in (0.2, 1.0, 2.0, 8.0)
    ]  # fmt: skip
    assert answers[0] == pytest.approx(answers[1])
    assert (answers[1] < answers[2]).all()
    assert (answers[2] < answers[3]).all()


def test_batches_carry_what_one_by_one_cannot() -> None:
    full = tuple(np.array([x, x]) for x in (0.3, 0.4, 0.6))
    batched = cells(batch=np.array([16.0, 16.0]), full_s=full, service_s=tuple(end / 16 for end in full))
    alone = times_s(0.99, cells(), np.array([1]), MID, np.ones(1)).response
    assert np.isinf(alone).all()
    assert np.isfinite(times_s(0.99, batched, np.array([1]), MID, np.ones(1)).response).all()
