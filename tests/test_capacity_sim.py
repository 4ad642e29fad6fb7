"""Simulated queues: exact cases, conservation, monotony, autoscaling against its closed forms, files of arrivals."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.capacity_sim import Service, arrivals, autoscale, counted, read_arrivals, scaler, simulate
from advisor.errors import TrafficError
from advisor.sim_queue import _in_turn

SECOND = Service(1.0, 1.0)
gaps = st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60)


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_one_exponential_server_answers_as_its_formula_says(q: float) -> None:
    queue = simulate(arrivals("poisson", rate_per_s=0.7, duration_s=400_000, seed=5), servers=1, service=SECOND, seed=6)
    assert np.quantile(queue.responses_s, q) == pytest.approx(-np.log(1 - q) / 0.3, rel=0.04)


def test_one_server_of_constant_service_waits_half_as_long_as_an_exponential_one() -> None:
    queue = simulate(arrivals("poisson", rate_per_s=0.8, duration_s=200_000, seed=1), servers=1, service=1.0)
    assert queue.waits_s.mean() == pytest.approx(0.8 / (2 * 0.2), rel=0.04)
    assert queue.utilisation == pytest.approx(0.8, rel=0.01)


def test_as_many_wait_for_several_servers_as_erlang_says() -> None:
    queue = simulate(arrivals("poisson", rate_per_s=8.0, duration_s=40_000, seed=2), servers=10, service=SECOND)
    assert queue.waiting_share == pytest.approx(0.409180, abs=0.02)


@given(gaps, st.integers(0, 9))
def test_the_fast_recursion_of_one_server_is_the_queue_itself(between: list[float], seed: int) -> None:
    times = np.cumsum(between)
    queue = simulate(times, servers=1, service=SECOND, seed=seed)
    assert queue.waits_s == pytest.approx(_in_turn(times.tolist(), queue.services_s.tolist(), 1, np.inf), abs=1e-9)


@given(gaps, st.integers(1, 4), st.integers(0, 9))
def test_another_server_makes_nobody_wait_longer(between: list[float], servers: int, seed: int) -> None:
    less, more = (simulate(np.cumsum(between), servers=n, service=SECOND, seed=seed) for n in (servers, servers + 1))
    assert (more.waits_s <= less.waits_s + 1e-9).all()


@given(gaps, st.integers(1, 3), st.floats(0.01, 2.0))
def test_every_request_is_served_in_time_or_dropped(between: list[float], servers: int, timeout: float) -> None:
    queue = simulate(np.cumsum(between), servers=servers, service=SECOND, timeout_s=timeout)
    assert queue.waits_s.max() <= timeout
    assert (queue.waits_s[~queue.served] == timeout).all()
    assert len(queue.responses_s) + round(queue.dropped_share * len(between)) == len(between)
    table = queue.table(queue.duration_s / 7)
    assert table["arrivals"].sum() == len(between)
    assert table["dropped"].sum() == (~queue.served).sum()
    assert (table["busy"] * queue.duration_s / 7).sum() == pytest.approx(queue.services_s[queue.served].sum(), rel=1e-6)
    assert (table["waiting"] * queue.duration_s / 7).sum() == pytest.approx(queue.waits_s.sum(), rel=1e-6, abs=1e-6)


def test_a_queue_is_as_long_as_those_who_have_come_and_not_begun() -> None:
    queue = simulate([0.0, 0.1, 0.2, 0.3], servers=1, service=1.0)
    assert queue.queue_length([0.0, 0.15, 0.35, 1.05, 9.0]).tolist() == [0, 1, 3, 2, 0]


def test_a_confidence_interval_holds_the_true_quantile() -> None:
    true = -np.log(0.1) / 0.3
    found = [
        simulate(arrivals("poisson", rate_per_s=0.7, duration_s=20_000, seed=s), servers=1, service=SECOND, seed=s + 99)
        for s in range(40)
    ]
    intervals = [interval for queue in found if (interval := queue.quantile(0.9))]
    assert len(intervals) == 40
    assert sum(interval.low <= true <= interval.high for interval in intervals) >= 35
    assert np.median([interval.high / interval.low for interval in intervals]) < 1.3


def test_too_few_requests_have_no_p99() -> None:
    assert simulate(np.arange(100.0), servers=1, service=0.5).quantile(0.99) is None


def test_measured_service_times_are_drawn_from_what_was_measured() -> None:
    measured = np.array([0.1, 0.2, 0.7])
    queue = simulate(np.arange(3000.0), servers=1, service=measured, seed=4)
    assert set(queue.services_s) == set(measured)
    assert queue.services_s.mean() == pytest.approx(measured.mean(), rel=0.05)


@pytest.mark.parametrize("law", ["gamma", "lognormal"])
def test_a_law_has_its_mean_and_variation(law: str) -> None:
    services = simulate(np.arange(200_000.0), servers=1, service=Service(0.3, 0.8, law), seed=3).services_s
    assert services.mean() == pytest.approx(0.3, rel=0.01)
    assert services.std() / services.mean() == pytest.approx(0.8, rel=0.02)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("poisson", {}),
        ("gamma", {"gap_cv": 2.0}),
        ("gamma", {"gap_cv": 0.0}),
        ("bursts", {"burst_factor": 5.0, "burst_share": 0.1, "burst_s": 20.0}),
        ("daily", {"peak_factor": 3.0}),
    ],
)
def test_arrivals_keep_their_rate_and_are_the_same_for_the_same_seed(kind: str, shape: dict[str, float]) -> None:
    once, again = (arrivals(kind, rate_per_s=2.0, duration_s=172_800, seed=8, **shape) for _ in range(2))
    assert (once == again).all()
    assert len(once) / 172_800 == pytest.approx(2.0, rel=0.06)
    assert (np.diff(once) >= 0).all()
    assert 0 <= once[0] <= once[-1] < 172_800


def test_a_day_peaks_at_the_peak_factor_around_its_middle() -> None:
    day = arrivals("daily", rate_per_s=20.0, duration_s=86_400, peak_factor=3.0, seed=1)
    hourly = np.histogram(day, 96, (0, 86_400))[0] / 900
    assert hourly.max() == pytest.approx(60.0, rel=0.05)
    assert 46 <= hourly.argmax() <= 50


def test_bursts_vary_more_than_poisson_over_the_length_of_a_burst() -> None:
    bursty = arrivals(
        "bursts", rate_per_s=5.0, duration_s=50_000, burst_factor=4.0, burst_share=0.2, burst_s=30, seed=1
    )
    numbers = np.histogram(bursty, 5000, (0, 50_000))[0]
    assert numbers.var() / numbers.mean() > 10


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.floats(0.01, 100))
def test_counts_are_kept_interval_by_interval(counts: list[int], interval: float) -> None:
    times = counted(counts, interval)
    assert np.histogram(times / interval, len(counts), (0, len(counts)))[0].tolist() == counts


def _step(rate: float, factor: float, change_s: float) -> np.ndarray:
    before = arrivals("gamma", rate_per_s=rate, duration_s=change_s, gap_cv=0.2, seed=1)
    after = arrivals("gamma", rate_per_s=rate * factor, duration_s=change_s, gap_cv=0.2, seed=2)
    times = np.concatenate([before, change_s + after])
    return times - times[0]


@pytest.mark.parametrize(("target", "factor", "start"), [(0.7, 2.0, 60.0), (0.5, 3.0, 90.0), (0.7, 4.0, 30.0)])
def test_a_step_beyond_the_target_makes_wait_as_long_as_the_backlog_grows(
    target: float, factor: float, start: float
) -> None:
    policy = scaler("sagemaker", target=target, start_s=start)
    scaled = autoscale(_step(200, factor, 600), service=Service(0.5, 0.2), policy=policy)
    expected = (start + policy.interval_s) * (1 - 1 / (factor * target))
    assert scaled.worst_wait_s == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("system", ["sagemaker", "kubernetes-hpa", "knative"])
@pytest.mark.parametrize(("target", "factor"), [(0.7, 1.35), (0.5, 1.9)])
def test_a_step_within_the_target_makes_nobody_wait_long(system: str, target: float, factor: float) -> None:
    scaled = autoscale(
        _step(200, factor, 600), service=Service(0.5, 0.2), policy=scaler(system, target=target, start_s=60)
    )
    assert scaled.worst_wait_s < 0.5


def test_a_scaler_that_sees_busy_replicas_alone_climbs_in_steps() -> None:
    policy = replace(scaler("kubernetes-hpa", target=0.7, start_s=30), growth=np.inf, growth_replicas=np.inf)
    traffic = _step(200, 4.0, 600)
    blind = autoscale(traffic, service=Service(0.5, 0.2), policy=policy)
    seeing = autoscale(traffic, service=Service(0.5, 0.2), policy=replace(policy, metric="requests"))
    assert blind.worst_wait_s > 1.3 * seeing.worst_wait_s


def test_steady_traffic_is_billed_at_its_load_over_the_target() -> None:
    traffic = arrivals("gamma", rate_per_s=100, duration_s=3600, gap_cv=0.1, seed=3)
    scaled = autoscale(traffic, service=0.5, policy=scaler("sagemaker", target=0.5, start_s=20))
    assert scaled.replica_hours == pytest.approx(100, rel=0.02)
    assert scaled.queue.utilisation == pytest.approx(0.5, rel=0.02)


def test_replicas_of_several_workers_are_fewer() -> None:
    traffic = arrivals("gamma", rate_per_s=100, duration_s=3600, gap_cv=0.1, seed=3)
    policy = scaler("sagemaker", target=0.5, start_s=20)
    assert autoscale(traffic, service=0.5, policy=policy, workers=4).replica_hours == pytest.approx(25, rel=0.04)


def test_from_zero_a_request_waits_for_the_start_as_often_as_the_gaps_are_long() -> None:
    traffic = arrivals("poisson", rate_per_s=1 / 200, duration_s=1_500_000, seed=3)
    scaled = autoscale(
        traffic, service=0.5, policy=scaler("knative", target=0.7, start_s=8, min_replicas=0, max_replicas=1)
    )
    cold = np.mean(scaled.queue.waits_s >= 8)
    assert cold == pytest.approx(np.exp(-60 / 200), rel=0.03)
    assert scaled.starts == pytest.approx(cold * len(traffic), rel=0.01)
    assert scaled.replica_hours < 1_500_000 / 3600


@given(gaps, st.integers(0, 2), st.integers(1, 3), st.sampled_from(["sagemaker", "kubernetes-hpa", "knative"]))
def test_the_fleet_stays_within_its_bounds_and_serves_everybody(
    between: list[float], least: int, workers: int, system: str
) -> None:
    policy = scaler(system, target=0.6, start_s=3, min_replicas=least, max_replicas=4, idle_s=2)
    scaled = autoscale(np.cumsum(between), service=SECOND, policy=policy, workers=workers)
    assert least <= scaled.replicas.min() <= scaled.replicas.max() <= 4
    assert (scaled.queue.waits_s >= 0).all()
    assert scaled.queue.utilisation <= 1 + 1e-9
    paid = np.sum(scaled.queue.services_s) / 3600 / workers
    assert scaled.replica_hours >= paid * (1 - 1e-9)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda: simulate([], servers=1, service=1.0), "rate"),
        (lambda: simulate([1.0, 0.5], servers=1, service=1.0), "arrivals_s[1]"),
        (lambda: simulate([0.0, np.nan], servers=1, service=1.0), "arrivals_s[1]"),
        (lambda: simulate([1.0], servers=1.5, service=1.0), "servers = 1.5"),
        (lambda: simulate([1.0], servers=1, service=0.0), "service = 0.0"),
        (lambda: simulate([1.0], servers=1, service=[]), "service"),
        (lambda: simulate([1.0], servers=1, service=Service(1.0, 1.0, "normal")), "normal"),  # type: ignore[arg-type]
        (lambda: simulate([1.0], servers=1, service=1.0, timeout_s=0), "timeout_s"),
        (lambda: simulate([1.0], servers=1, service=1.0).table(0), "interval_s"),
        (lambda: arrivals("weekly", rate_per_s=1, duration_s=1), "weekly"),
        (lambda: arrivals("poisson", rate_per_s=0, duration_s=1), "rate_per_s = 0"),
        (lambda: arrivals("poisson", rate_per_s=1e9, duration_s=1e9), "rate_per_s"),
        (
            lambda: arrivals("bursts", rate_per_s=1, duration_s=9, burst_factor=9, burst_share=0.5, burst_s=1),
            "burst_factor",
        ),
        (lambda: arrivals("daily", rate_per_s=1, duration_s=9, peak_factor=0.5), "peak_factor = 0.5"),
        (lambda: counted([1, -1], 1.0), "counts[1] = -1.0"),
        (lambda: scaler("nomad", target=0.5, start_s=1), "nomad"),
        (lambda: scaler("knative", target=1.5, start_s=1), "target = 1.5"),
        (lambda: scaler("knative", target=0.5, start_s=1, max_replicas=0), "max_replicas = 0"),
    ],
)
def test_what_cannot_be_simulated_is_a_sentence_that_names_it(wrong: object, named: str) -> None:
    with pytest.raises(TrafficError) as caught:
        wrong()  # type: ignore[operator]
    assert named in caught.value.in_language("en")
    assert caught.value.in_language("zh")


def _file(folder: Path, text: str) -> Path:
    path = folder / "arrivals.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5\n2.0\n4.0\n", [0, 0.5, 2.5]),
        ("timestamp\n1764057600\n1764057602.25\n", [0, 2.25]),
        ("Time;user\n2026-11-25T08:00:01Z;a\n2026-11-25T08:00:00Z;b\n", [0, 1]),
        ("id\ttime\n1\t2026-11-25 08:00:00\n2\t2026-11-25 08:00:00.5\n\n", [0, 0.5]),
        ("\ufeff时间\n2026-11-25T16:00:00+08:00\n2026-11-25T08:00:10Z\n", [0, 10]),
    ],
)
def test_a_file_of_times_is_read_as_it_is_written(tmp_path: Path, text: str, expected: list[float]) -> None:
    assert read_arrivals(_file(tmp_path, text)) == pytest.approx(expected)


def test_a_file_of_counts_has_as_many_arrivals_in_each_interval(tmp_path: Path) -> None:
    text = "start,requests\n2026-11-25T08:00,3\n2026-11-25T08:01,0\n2026-11-25T08:02,2\n"
    times = read_arrivals(_file(tmp_path, text))
    assert np.histogram(times, 3, (0, 180))[0].tolist() == [3, 0, 2]
    alone = read_arrivals(_file(tmp_path, "requests\n3\n0\n2\n"), interval_s=60)
    assert alone == pytest.approx(times)
    assert read_arrivals(_file(tmp_path, "3\n0\n2\n"), interval_s=60) == pytest.approx(times)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "traffic_empty"),
        ("time\n\n", "traffic_empty"),
        ("user,place\na,b\n", "traffic_column"),
        ("requests\n3\n", "traffic_column"),
        ("time\nyesterday\n", "traffic_time"),
        ("time\n1\nnan\n", "traffic_time"),
        ("time\n1764057600000\n", "traffic_milliseconds"),
        ("time,count\n0,1\n60,2.5\n", "traffic_count"),
        ("time,count\n0,1\n60,-2\n", "traffic_count"),
        ("time,count\n0,1\n60,2\n180,1\n240,1\n", "traffic_interval"),
        ("time,count\n0,1\n", "traffic_one_interval"),
    ],
)
def test_a_bad_file_is_a_sentence_with_the_line_and_the_way_out(tmp_path: Path, text: str, code: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(TrafficError) as caught:
        read_arrivals(path)
    assert caught.value.code == code
    for lang in ("en", "zh"):
        assert str(path) in caught.value.in_language(lang)


def test_what_is_no_text_or_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    for name, code in (("binary.csv", "traffic_format"), ("missing.csv", "traffic_file"), ("", "traffic_file")):
        with pytest.raises(TrafficError) as caught:
            read_arrivals(tmp_path / name)
        assert caught.value.code == code


cells = st.one_of(
    st.integers(-5, 5).map(str), st.floats(width=32).map(str), st.text(max_size=6), st.datetimes().map(str),
    st.sampled_from(["time", "count", "start", "requests", "1e400", "9" * 400, '"', "2026-11-25T08:00:00Z", ""]),
)  # fmt: skip
lines = st.lists(st.lists(cells, min_size=1, max_size=3), max_size=300)


@settings(max_examples=300)
@given(table=lines, separator=st.sampled_from(",;\t"), interval=st.sampled_from([None, 1.0, 60.0]))
def test_any_file_gives_ascending_times_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], separator: str, interval: float | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    text = "\n".join(separator.join(row) for row in table)
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    try:
        times, said = read_arrivals(path, interval_s=interval), "times"
    except TrafficError as error:
        times, said = np.zeros(1), error.in_language("en") and error.in_language("zh")
    assert said
    assert np.isfinite(times).all()
    assert (np.diff(times) >= 0).all()


def test_an_autoscaler_takes_a_cool_down_of_ones_own() -> None:
    own = scaler("kubernetes-hpa", target=0.7, start_s=30, cool_down_s=5)
    assert own == replace(scaler("kubernetes-hpa", target=0.7, start_s=30), cool_down_s=5.0)
    with pytest.raises(TrafficError, match="cool_down_s"):
        scaler("kubernetes-hpa", target=0.7, start_s=30, cool_down_s=-1)


def test_a_simulation_tells_how_far_it_is_and_ends_when_it_is_asked_to() -> None:
    times = arrivals("poisson", rate_per_s=2.0, duration_s=4000, seed=3)
    policy, shares, cancel = scaler("kubernetes-hpa", target=0.7, start_s=30), [], threading.Event()
    autoscale(times, service=SECOND, policy=policy, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    cancel.set()
    with pytest.raises(TrafficError, match="cancelled"):
        autoscale(times, service=SECOND, policy=policy, cancel=cancel)
