"""A trace under an autoscaler: what is drawn adds up to what was simulated."""

import threading
from pathlib import Path

import numpy as np
import pytest

from advisor.capacity_sim import Service, arrivals, read_arrivals, scaler
from advisor.errors import TrafficError
from advisor.sim_settings import settings
from advisor.trace import Trace, example_csv, traced
from advisor.trace_words import small_percent, trace_lines

SERVICE = Service(0.3, 0.4)


def trace(seconds: float = 7200, rate: float = 4.0, **wishes: float) -> Trace:
    times = arrivals("daily", rate_per_s=rate, duration_s=seconds, seed=1, peak_factor=3)
    policy = scaler("kubernetes-hpa", target=0.7, start_s=30)
    return traced(times, service=SERVICE, policy=policy, **{"response_s": 1.0, **wishes})


def test_the_replicas_that_are_drawn_are_the_replica_hours() -> None:
    found = trace()
    assert found.table["replicas"].sum() * found.interval_s / 3600 == pytest.approx(
        found.scaled.replica_hours, rel=0.02
    )
    assert found.fixed_hours == found.scaled.replicas.max() * found.hours
    assert found.table["arrivals"].sum() == found.scaled.queue.arrivals_s.size


def test_intervals_are_round_and_no_more_than_one_sees() -> None:
    terms = settings()["intervals"]
    for seconds in (60, 7200, 86_400):
        found = trace(seconds, rate=0.5)
        assert found.interval_s in terms["round_s"]
        assert len(found.table) <= terms["most"]


def test_who_is_late_and_the_worst_interval_are_those_of_the_simulation() -> None:
    found = trace()
    responses = found.scaled.queue.responses_s
    assert found.late_share == np.mean(responses > 1.0)
    worst = found.table["p99_s"].to_numpy()
    assert found.worst_interval_s == np.nanargmax(worst) * found.interval_s
    assert found.broken == (worst > 1.0).sum()


def test_a_longer_lag_never_helps() -> None:
    times = arrivals("bursts", rate_per_s=3, duration_s=7200, burst_factor=8, burst_share=0.05, burst_s=200, seed=2)
    waits = [
        traced(times, service=SERVICE, policy=scaler("knative", target=0.7, start_s=lag), response_s=1.0).scaled
        for lag in (1, 300)
    ]
    assert waits[0].worst_wait_s < waits[1].worst_wait_s


def test_progress_ends_below_one_and_a_cancelled_simulation_is_a_sentence() -> None:
    shares: list[float] = []
    times, policy = arrivals("poisson", rate_per_s=2, duration_s=600), scaler("kubernetes-hpa", target=0.7, start_s=30)
    traced(times, service=SERVICE, policy=policy, response_s=1.0, on_progress=shares.append)
    assert shares == sorted(shares)
    assert 0 < shares[-1] < 1
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(TrafficError, match="cancelled"):
        traced(times, service=SERVICE, policy=policy, response_s=1.0, cancel=cancel)


def test_an_objective_that_is_none_is_named() -> None:
    with pytest.raises(TrafficError, match="response_s"):
        trace(response_s=0.0)


def test_the_example_file_is_one_that_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "example.csv"
    file.write_text(example_csv(), encoding="utf-8")
    terms = settings()["example"]
    times = read_arrivals(file)
    counts = [int(line.split(",")[1]) for line in example_csv().splitlines()[1:]]
    assert len(times) == sum(counts)
    assert len(times) == pytest.approx(terms["rate_per_s"] * terms["duration_s"], rel=0.02)
    assert max(counts) / np.mean(counts) == pytest.approx(terms["peak_factor"], rel=0.1)


@pytest.mark.parametrize(
    ("wishes", "english", "chinese"),
    [({}, "within the objective", "达到 1,000 毫秒的目标"),
     ({"response_s": 0.2}, "more than the objective", "超过 200"),
     ({"seconds": 60, "rate": 0.2}, "too few for a p99", "不足以给出")],
)  # fmt: skip
def test_every_outcome_is_said_in_both_languages(wishes: dict[str, float], english: str, chinese: str) -> None:
    found = trace(**wishes)
    assert english in " ".join(trace_lines(found, "en"))
    assert chinese in "".join(trace_lines(found, "zh"))


def test_small_shares_keep_their_digits() -> None:
    assert [small_percent(share) for share in (0, 0.00134, 0.05, 0.4)] == ["0%", "0.134%", "5%", "40%"]


@pytest.mark.parametrize("factor", [0.5, 30.0])
def test_bursts_that_would_hold_more_than_all_requests_are_refused(factor: float) -> None:
    with pytest.raises(TrafficError, match="burst_factor"):
        arrivals("bursts", rate_per_s=3, duration_s=60, burst_factor=factor, burst_share=0.05, burst_s=20)
