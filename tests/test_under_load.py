"""Quantiles and headroom of sized fleets: ordered, and true when the traffic does grow."""

from typing import Any

import numpy as np
import pytest
from small_knowledge import Ask

from advisor import under_load
from advisor.contest import rows_named
from advisor.explain import fitting_lines
from advisor.options import option_at
from advisor.results import Option
from advisor.text import languages

MACHINE = "aws-ec2/us-east-1/g4dn.xlarge/onnxruntime/fp16"
WAYS: list[dict[str, Any]] = [
    {"qps": 2, "p99_ms": 150},
    {"qps": 700, "p99_ms": 600},
    {"qps": 40, "p99_ms": 400, "burstiness": 4.0},
    {"qps": 40, "p99_ms": 400, "spare_replicas": 1},
    {"model": "llama-3-8b", "qps": 1, "p99_ms": None, "ttft_ms": 800, "skills": "ml-platform"},
]


def option_of(ask: Ask, option_id: str, **wishes: Any) -> Option:
    ev = ask(**wishes).evaluation
    return option_at(ev, rows_named(ev.found, option_id)[0], p_best=0.0)


@pytest.mark.parametrize("wishes", WAYS, ids=str)
def test_every_quantile_is_at_least_the_one_below_it(ask: Ask, wishes: dict[str, Any]) -> None:
    advice: Any = ask(**wishes)
    for option in advice.shortlist:
        each = (option.p50_ms, option.p90_ms, option.p95_ms, option.p99_ms)
        for end in ("low", "mid", "high"):
            times = np.array([getattr(one, end) for one in each])
            assert (np.diff(times) >= -1e-6 * times[1:]).all(), (option.id, end)


@pytest.mark.parametrize("wishes", WAYS, ids=str)
def test_the_quantile_of_the_objective_is_the_p99_that_is_shown(ask: Ask, wishes: dict[str, Any]) -> None:
    advice: Any = ask(**wishes)
    ev = advice.evaluation
    for option in advice.shortlist:
        run = int(ev.found.run[rows_named(ev.found, option.id)[0]])
        low, mid, high = under_load.quantile_s(0.99, ev.sized, ev.trips, run)
        assert high[0] * 1000 == pytest.approx(option.p99_ms.high, rel=0.02)
        assert mid[0] * 1000 == pytest.approx(option.p99_ms.mid, rel=0.02)
        assert low[0] * 1000 == pytest.approx(option.p99_ms.low, rel=0.02)


@pytest.mark.parametrize("wishes", WAYS[:3], ids=str)
def test_the_replicas_bear_the_headroom_and_no_more(ask: Ask, wishes: dict[str, Any]) -> None:
    advice: Any = ask(**wishes)
    option = next(one for one in advice.shortlist if one.cold is None)
    assert option.headroom is not None
    grown = wishes["qps"] * (1 + option.headroom)
    within = option_of(ask, option.id, **(wishes | {"qps": grown * (1 - 0.02)})).replicas
    beyond = option_of(ask, option.id, **(wishes | {"qps": grown * (1 + 0.05)})).replicas
    assert within <= option.replicas < beyond


def test_spare_replicas_add_no_headroom(ask: Ask) -> None:
    plain, spare = (option_of(ask, MACHINE, qps=40, p99_ms=60, spare_replicas=count) for count in (0, 1))
    assert spare.replicas == plain.replicas + 1
    assert spare.headroom == plain.headroom
    assert spare.utilisation < plain.utilisation


def test_a_function_has_neither_utilisation_nor_headroom(ask: Ask) -> None:
    advice: Any = ask(qps=0.05, p99_ms=4000)
    function = next(one for one in advice.shortlist if one.cold is not None)
    assert function.utilisation is None
    assert function.headroom is None
    assert function.p50_ms.mid < function.p99_ms.mid


@pytest.mark.parametrize("lang", languages())
def test_a_stack_tells_its_quantiles_and_its_headroom(ask: Ask, lang: str) -> None:
    advice: Any = ask(**WAYS[0])
    option = next(one for one in advice.shortlist if one.headroom is not None)
    text = "\n".join(fitting_lines(option, advice.evaluation.knowledge, lang))
    assert all(f"p{q} " in text for q in (50, 90, 95, 99))
    assert f"{option.headroom * 100:.0f}" in text
    assert {"en": "headroom", "zh": "余量"}[lang] in text
