"""Functions in an advice: instances kept warm where cold starts break the objective, sizes, quotas, and words."""

from typing import Any

import numpy as np
import pytest
from small_knowledge import Ask

from advisor.columns import HIGH, MID, SHAPES
from advisor.evaluation import Evaluation
from advisor.full_advice import FullAdvice
from advisor.options import option_at, option_ids, reasons
from advisor.results import Option
from advisor.text import languages, sentence
from advisor.units import BYTES_PER_MIB, SECONDS_PER_MONTH

RARE = {"qps": 0.001, "p99_ms": 1500}
RUN = "gcp-cloud-run/us-central1/cloud-run 2 vCPU 4096 MB/onnxruntime/fp32"
LAMBDA = "aws-lambda/us-east-1/lambda 1 vCPU 1769 MB/onnxruntime/fp32"


def evaluated(ask: Ask, **wishes: Any) -> Evaluation:
    advice = ask(**RARE | wishes)
    assert isinstance(advice, FullAdvice)
    return advice.evaluation


def row_of(evaluation: Evaluation, option_id: str) -> int:
    (row,) = np.flatnonzero(option_ids(evaluation.found, np.arange(len(evaluation.found))) == option_id)
    return int(row)


def option_of(evaluation: Evaluation, option_id: str) -> Option:
    return option_at(evaluation, row_of(evaluation, option_id), p_best=0.0)


def stopped_by(evaluation: Evaluation, option_id: str) -> set[str]:
    return {reason.rule for reason in reasons(evaluation, evaluation.limits, row_of(evaluation, option_id))}


@pytest.fixture(scope="module")
def rare(ask: Ask) -> Evaluation:
    return evaluated(ask)


@pytest.fixture(scope="module")
def kept(rare: Evaluation) -> Option:
    return option_of(rare, RUN)


def test_an_instance_is_kept_warm_where_cold_starts_alone_break_the_objective(kept: Option) -> None:
    assert kept.cold is not None
    assert kept.cold.provisioned == 1
    assert kept.cold.share < 0.01 < 0.3 < (kept.cold.share_without or 0)
    assert kept.p99_ms.mid <= RARE["p99_ms"] < (kept.cold.p99_without_ms or 0)


def test_a_kept_instance_is_a_line_of_the_bill_at_the_published_price(kept: Option) -> None:
    lines = {line.item: line for line in kept.bill}
    used = {"function-gib", "function-vcpu", "requests", "provisioned"}
    assert used <= set(lines) <= used | {"container-registry", "egress"}
    held = (2 + 4096 / 1024) * 2.5e-6 * SECONDS_PER_MONTH
    assert lines["provisioned"].usd_per_month == pytest.approx(held, rel=1e-3)
    assert lines["provisioned"].quantity == pytest.approx(SECONDS_PER_MONTH, rel=1e-3)
    assert sum(line.usd_per_month or 0.0 for line in kept.bill) == pytest.approx(kept.usd_per_month)


def test_the_cost_without_a_kept_instance_is_that_of_the_patient(ask: Ask, kept: Option) -> None:
    patient = option_of(evaluated(ask, p99_ms=60_000), RUN)
    assert patient.cold is not None
    assert (patient.cold.provisioned, patient.cold.share_without) == (0, None)
    assert "provisioned" not in {line.item for line in patient.bill}
    assert kept.cold is not None
    assert kept.cold.usd_without == pytest.approx(patient.usd_per_month)
    assert kept.cold.p99_without_ms == pytest.approx(patient.p99_ms.mid)
    assert kept.cold.share_without == pytest.approx(patient.cold.share)


def test_a_service_that_sells_no_kept_instance_is_stopped_by_its_cold_starts(rare: Evaluation) -> None:
    assert stopped_by(rare, LAMBDA.replace("1 vCPU 1769", "4 vCPU 7076")) == {"cold-start"}
    assert stopped_by(rare, RUN) == set()


def test_traffic_that_keeps_instances_warm_by_itself_needs_none(ask: Ask) -> None:
    busy = option_of(evaluated(ask, qps=2.0), RUN)
    assert busy.cold is not None
    assert (busy.cold.provisioned, busy.cold.share_without) == (0, None)
    assert busy.cold.share < 0.01


def test_bursts_need_more_kept_instances(ask: Ask) -> None:
    def count(burstiness: float) -> int:
        option = option_of(evaluated(ask, qps=0.05, p99_ms=1500, burstiness=burstiness), RUN)
        assert option.cold is not None
        return option.cold.provisioned

    assert count(1.0) < count(8.0)


def test_the_objective_is_held_at_the_upper_end_where_that_can_be(ask: Ask) -> None:
    sized = evaluated(ask, p99_ms=4000).sized
    functions = sized.functions
    assert functions is not None
    kept = functions.provisioned > 0
    warm = functions.runs[kept]
    assert len(warm)
    held = sized.response_high_s[warm] <= 4 * (1 + 1e-3)
    assert (held | sized.misses_high[warm]).all()
    assert held.any()
    assert np.isfinite(sized.replicas[warm]).all()
    assert (sized.servers[warm] >= functions.provisioned[kept]).all()


def test_kept_instances_never_make_a_function_slower(rare: Evaluation) -> None:
    functions = rare.sized.functions
    assert functions is not None
    assert functions.without is not None
    for end in (MID, HIGH):
        assert (functions.cold_s[end] <= functions.without.cold_s[end] + 1e-6).all()
    assert (functions.cold_share <= functions.without.cold_share + 1e-12).all()


def test_a_fraction_of_a_processor_is_slower_in_proportion(ask: Ask) -> None:
    evaluation = evaluated(ask, p99_ms=60_000)
    times = []
    for size in ("0.25 vCPU 442", "0.5 vCPU 885", "1 vCPU 1769"):
        run = int(evaluation.found.run[row_of(evaluation, LAMBDA.replace("1 vCPU 1769", size))])
        assert SHAPES[evaluation.sized.shape[run]] == float(size.split()[0])
        times.append(evaluation.sized.cells.service_s[MID][evaluation.sized.cell[run]])
    quarter, half, whole = times
    assert 3 * whole < quarter <= 4 * whole
    assert 1.5 * half < quarter <= 2 * half


def test_a_size_takes_a_model_only_where_its_memory_holds_it(ask: Ask) -> None:
    evaluation = evaluated(ask, model="bert-base", p99_ms=60_000)
    small, large = LAMBDA.replace("1 vCPU 1769", "0.25 vCPU 442"), LAMBDA
    assert "memory" in stopped_by(evaluation, small)
    assert "memory" not in stopped_by(evaluation, large)
    machine = evaluation.found.run_machine[evaluation.found.run[row_of(evaluation, large)]]
    assert evaluation.found.machines.memory_bytes[machine] == 1769 * BYTES_PER_MIB


def test_quotas_count_the_memory_of_all_instances_where_the_provider_does(ask: Ask) -> None:
    evaluation = evaluated(ask, qps=200, p99_ms=60_000)
    large = RUN.replace("2 vCPU 4096", "4 vCPU 8192")
    (reason,) = (
        reason
        for reason in reasons(evaluation, evaluation.limits, row_of(evaluation, large))
        if reason.rule == "function-instances"
    )
    assert reason.have == 65536 / 8192


@pytest.mark.parametrize("lang", languages())
def test_kept_instances_are_said_in_every_language(ask: Ask, lang: str) -> None:
    said = ask(**RARE).explain(RUN, lang=lang)
    values = {"count": "1", "cost": "|", "share": "|", "p99": "|"}
    assert sentence("report.kept_warm", lang, **values).split("|")[0] in said
    assert sentence("bill.provisioned", lang) in said
