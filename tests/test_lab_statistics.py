"""Intervals that hold what they say, differences that are found or not, and comparisons of real configurations."""

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import expon, gamma, lognorm, norm
from test_lab import Clock, children, run_of, wait_until

from advisor.errors import AdvisorError, MeasureError
from advisor.lab import Comparison, child, compare, comparing
from advisor.lab.comparisons import Series
from advisor.lab.ratios import burst_quantiles, decision, noise_floor, paired_ratio_bounds
from advisor.lab.runs import missing_samples, needed_samples
from advisor.lab.settings import settings
from advisor.lab.statistics import cluster_quantile_bounds, independent_samples, quantile_bounds
from advisor.text import languages

CONFIDENCE = 0.95
TABLE = settings()["comparison"]
TRIALS = 200
ROUNDS = 20


# Quantiles of independent samples


@pytest.mark.parametrize(
    "times", [expon(scale=0.01), lognorm(0.5, scale=0.01), gamma(3, scale=0.01)], ids=["exp", "lognormal", "gamma"]
)
def test_intervals_of_independent_samples_hold_the_quantile_as_often_as_they_say(times: "expon") -> None:
    samples = np.sort(times.rvs(size=(2000, 2000), random_state=np.random.default_rng(1)), axis=-1)
    for q in (0.5, 0.9, 0.99):
        low, middle, high = quantile_bounds(samples, q, confidence=CONFIDENCE)
        held = ((low <= times.ppf(q)) & (times.ppf(q) <= high)).mean()
        assert 0.93 <= held <= 0.97, q
        assert np.median(middle) == pytest.approx(times.ppf(q), rel=0.01)


def test_a_quantile_lacks_what_early_stopping_asks_for() -> None:
    assert [missing_samples(count, 0.99) for count in (0, 600, 661, 662, 10_000)] == [662, 62, 1, 0, 0]
    with pytest.raises(MeasureError):
        missing_samples(10, 1.0)


# Quantiles of bursts


def bursts_of(alike: float, *, bursts: int, size: int, count: int, seed: int = 0) -> np.ndarray:
    """Series of normal samples that are alike with their neighbours in a burst; bursts are independent."""
    noise = np.random.default_rng(seed).normal(size=(count, bursts, size))
    noise[..., 1:] *= np.sqrt(1 - alike**2)
    return np.asarray(lfilter([1], [1, -alike], noise)).reshape(count, bursts * size)


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_intervals_of_bursts_hold_the_quantile_however_alike_neighbours_are(alike: float, q: float) -> None:
    series = bursts_of(alike, bursts=ROUNDS, size=100, count=2000)
    bounds = np.array([cluster_quantile_bounds(each, [100] * ROUNDS, q, confidence=CONFIDENCE) for each in series])
    held = ((bounds[:, 0] <= norm.ppf(q)) & (norm.ppf(q) <= bounds[:, 2])).mean()
    assert 0.93 <= held <= 0.985


def test_independent_statistics_on_alike_samples_hold_too_little() -> None:
    series = np.sort(bursts_of(0.9, bursts=ROUNDS, size=100, count=500), axis=-1)
    low, _, high = quantile_bounds(series, 0.5, confidence=CONFIDENCE)
    assert ((low <= 0) & (high >= 0)).mean() < 0.7


@pytest.mark.parametrize("alike", [0.0, 0.9, 0.98])
def test_a_p99_is_seldom_shown_and_wrong_though_bursts_tell_little_of_it(alike: float) -> None:
    series = bursts_of(alike, bursts=ROUNDS, size=100, count=1000)
    wrong = 0
    for each in series:
        if independent_samples(each, [100] * ROUNDS, 0.99, confidence=CONFIDENCE) < needed_samples(0.99):
            continue
        low, _, high = cluster_quantile_bounds(each, [100] * ROUNDS, 0.99, confidence=CONFIDENCE)
        wrong += not low <= norm.ppf(0.99) <= high
    assert wrong / len(series) <= 0.07


def test_copies_of_one_sample_tell_as_much_as_one() -> None:
    samples = np.repeat(np.random.default_rng(0).random(200), 50)
    told = independent_samples(samples, [50] * 200, 0.5, confidence=CONFIDENCE)
    assert told == pytest.approx(200, rel=0.05)
    assert independent_samples(samples, [len(samples)], 0.5, confidence=CONFIDENCE) == 0
    assert np.isnan(cluster_quantile_bounds(samples, [len(samples)], 0.5, confidence=CONFIDENCE)).all()


# Ratios, noise floor, decisions


@pytest.mark.parametrize(("rounds", "critical"), [(6, 0), (8, 3), (10, 8), (15, 25), (20, 52)])
def test_the_interval_of_a_ratio_is_that_of_the_signed_rank_table(rounds: int, critical: int) -> None:
    """Critical values for 5 %, two-sided, as tables print them."""
    ratios = 1 + np.random.default_rng(0).random(rounds)
    means = np.sort([np.sqrt(ratios[a] * ratios[b]) for a in range(rounds) for b in range(a, rounds)])
    low, middle, high = paired_ratio_bounds(np.ones(rounds), ratios, confidence=CONFIDENCE)
    assert (low, high) == (pytest.approx(means[critical]), pytest.approx(means[-1 - critical]))
    assert middle == pytest.approx(np.exp(np.median(np.log(means))))


def test_too_few_rounds_give_no_ratio_and_no_decision() -> None:
    ratio = paired_ratio_bounds(np.ones(5), np.full(5, 2.0), confidence=CONFIDENCE)
    assert np.isnan(ratio).all()
    assert np.isnan(noise_floor(ratio, least=0.02))
    assert decision(ratio, 0.02, coarsest=0.05) == "undecided"


def simulated(factors: tuple[float, ...], seed: int, *, burst_noise: float) -> np.ndarray:
    """Burst medians of configurations, one row each: a machine that drifts and jumps, and noise of each burst."""
    random = np.random.default_rng(seed)
    drift = np.cumsum(random.normal(0, 0.03, ROUNDS)) + 0.3 * (np.arange(ROUNDS) > random.integers(ROUNDS))
    noise = random.normal(0, burst_noise, (len(factors), ROUNDS)) + 0.5 * (random.random((len(factors), ROUNDS)) < 0.03)
    return np.exp(np.log(factors)[:, None] + drift + noise)


def said(factor: float, seed: int, *, burst_noise: float = 0.02) -> str:
    first, copy, other = simulated((1.0, 1.0, factor), seed, burst_noise=burst_noise)
    floor = noise_floor(paired_ratio_bounds(first, copy, confidence=CONFIDENCE), least=TABLE["least_floor"])
    ratio = paired_ratio_bounds(first, other, confidence=CONFIDENCE)
    return decision(ratio, float(floor), coarsest=TABLE["coarsest_floor"])


def test_a_copy_is_no_difference_and_five_percent_is_one() -> None:
    copies = [said(1.0, seed) for seed in range(TRIALS)]
    assert (copies.count("slower") + copies.count("faster")) / TRIALS <= 0.05
    assert copies.count("same") / TRIALS > 0.5
    assert [said(1.05, seed) for seed in range(TRIALS)].count("slower") / TRIALS >= 0.9
    assert [said(1 / 1.05, seed) for seed in range(TRIALS)].count("faster") / TRIALS >= 0.9


def test_a_restless_machine_decides_nothing_small() -> None:
    answers = [said(1.02, seed, burst_noise=0.2) for seed in range(TRIALS)]
    assert answers.count("undecided") / TRIALS >= 0.9
    assert "same" not in answers


@pytest.mark.parametrize(
    ("ratio", "floor", "answer"),
    [
        ((1.04, 1.05, 1.06), 0.02, "slower"),
        ((0.94, 0.95, 0.96), 0.02, "faster"),
        ((0.99, 1.00, 1.01), 0.02, "same"),
        ((1.005, 1.01, 1.015), 0.02, "same"),
        ((0.99, 1.05, 1.11), 0.02, "undecided"),
        ((1.04, 1.05, 1.06), 0.10, "undecided"),
        ((0.99, 1.00, 1.01), 0.10, "undecided"),
        ((0.97, 1.00, 1.03), 0.02, "undecided"),
    ],
)
def test_decisions(ratio: tuple[float, float, float], floor: float, answer: str) -> None:
    assert decision(np.array(ratio), floor, coarsest=0.05) == answer


def test_a_burst_too_short_for_a_quantile_has_none() -> None:
    medians = burst_quantiles(np.array([1.0, 2.0, 3.0, 9.0]), [3, 1], 0.5)
    assert medians[0] == 2
    assert np.isnan(medians[1])
    assert np.isnan(burst_quantiles(np.ones(99), [99], 0.99)).all()
    assert burst_quantiles(np.ones(100), [100], 0.99) == [1.0]


# Properties


times = st.lists(st.floats(1e-6, 10), min_size=8, max_size=40)


@given(
    times, st.lists(st.integers(1, 5), min_size=2, max_size=8), st.floats(1e-3, 1e3), st.sampled_from([0.1, 0.5, 0.9])
)
def test_intervals_are_ordered_and_scale_with_the_samples(
    base: list[float], sizes: list[int], factor: float, q: float
) -> None:
    samples = np.resize(base, sum(sizes))
    ordered = np.sort(samples)

    def both(scale: float) -> np.ndarray:
        return np.array([
            cluster_quantile_bounds(samples * scale, sizes, q, confidence=CONFIDENCE),
            quantile_bounds(ordered * scale, q, confidence=CONFIDENCE),
        ])  # fmt: skip

    found = both(1.0)
    known = found[~np.isnan(found).any(axis=-1)]
    assert len(known) >= 1
    assert (np.diff(known, axis=-1) >= 0).all()
    np.testing.assert_allclose(both(factor), found * factor)


@given(st.lists(st.tuples(st.floats(1e-6, 10), st.floats(1e-6, 10)), min_size=6, max_size=25), st.floats(0.01, 100))
def test_ratios_are_ordered_turn_round_and_know_no_unit(pairs: list[tuple[float, float]], factor: float) -> None:
    first, second = np.array(pairs).T
    ratio = paired_ratio_bounds(first, second, confidence=CONFIDENCE)
    assert ratio[0] <= ratio[1] <= ratio[2]
    np.testing.assert_allclose(paired_ratio_bounds(first * factor, second * factor, confidence=CONFIDENCE), ratio)
    np.testing.assert_allclose(paired_ratio_bounds(first, second * factor, confidence=CONFIDENCE), ratio * factor)
    np.testing.assert_allclose(paired_ratio_bounds(second, first, confidence=CONFIDENCE), 1 / ratio[::-1])
    floor = noise_floor(ratio, least=0.02)
    assert floor == pytest.approx(float(noise_floor(1 / ratio[::-1], least=0.02)))
    assert decision(ratio, float(floor), coarsest=0.05) in ("same", "undecided")


# Bursts of the child


def test_a_burst_ascribes_a_wait_to_the_longest_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(itertools.cycle([0.001, 0.001, 0.005, 0.001]))
    monkeypatch.setattr(child, "time", clock)
    waits = itertools.chain([0, 0], itertools.repeat(4_000_000))
    told = child.burst(clock.inference, seconds=0.0105, least=2, look_ns=6_000_000, delay_ns=lambda: next(waits))
    assert [time_ns // 1_000_000 for time_ns in told["samples_ns"]] == [1, 1, 5, 1, 1, 1, 5]
    assert (told["delays_ns"], told["waited_ns"], told["elapsed_ns"]) == ([(2, 4_000_000)], 4_000_000, 15_000_000)


def test_a_burst_holds_the_least_even_when_inferences_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(itertools.repeat(5.0))
    monkeypatch.setattr(child, "time", clock)
    told = child.burst(clock.inference, seconds=0.01, least=2, look_ns=200_000, delay_ns=lambda: None)
    assert (len(told["samples_ns"]), told["waited_ns"], told["delays_ns"]) == (2, None, [])


def test_waits_of_a_burst_reach_their_samples() -> None:
    told = {"samples_ns": [7, 8, 9], "delays_ns": [[1, 5]]}
    assert comparing._delays_ns(told).tolist() == [0, 5, 0]


# Comparisons


def series_of(bursts: np.ndarray, *, waits: np.ndarray | None = None, **changes: object) -> Series:
    delays = None if waits is None else waits.ravel()
    return Series(run_of(bursts.ravel(), **changes), (bursts.shape[1],) * len(bursts), delays)


def test_waits_are_taken_off_where_they_are_known_for_all() -> None:
    calm = np.random.default_rng(0).normal(0.01, 0.0001, (ROUNDS, 60))
    waits = np.linspace(0.001, 0.005, ROUNDS)[:, None] * np.ones((1, 60))
    quiet = series_of(calm, waits=0 * waits)
    late = series_of(calm + waits, waits=waits, delay_share=0.3)
    known = Comparison(quiet, quiet, (late,), seed=0)
    assert (known.basis, known.decision(), known.decision(basis="wall")) == ("corrected", "same", "slower")
    assert (known.rounds, known.interfered, known.delay_share) == (ROUNDS, True, 0.3)
    assert known.ratio() == known.ratio(basis="corrected") != known.ratio(basis="wall")
    unknown = Comparison(quiet, quiet, (series_of(calm + waits, delay_share=None),), seed=0)
    assert (unknown.basis, unknown.decision(), unknown.interfered) == ("wall", "slower", False)
    assert late.quantile(0.5, "corrected").mid == pytest.approx(np.median(calm), rel=1e-3)  # type: ignore[union-attr]
    assert late.quantile(0.9) is None, "a quantile that moves from burst to burst"
    assert series_of(calm[:, :2]).quantile(0.9) is None


def test_a_wait_longer_than_the_inference_was_outside_it() -> None:
    series = series_of(np.full((2, 2), 0.01), waits=np.full((2, 2), 0.02))
    assert (series.times_s("corrected") == 0.01).all()


def test_few_rounds_and_items_of_a_batch() -> None:
    one, eight = series_of(np.full((8, 4), 0.01)), series_of(np.full((8, 4), 0.04), batch=8)
    found = Comparison(one, one, (eight,), seed=0)
    assert found.ratio().mid == pytest.approx(4)  # type: ignore[union-attr]
    assert found.item_ratio().mid == pytest.approx(0.5)  # type: ignore[union-attr]
    assert found.floor() == TABLE["least_floor"]
    short = Comparison(one, series_of(np.full((5, 4), 0.01)), (eight,), seed=0)
    assert (short.rounds, short.ratio(), short.floor(), short.decision()) == (5, None, None, "undecided")
    with pytest.raises(MeasureError):
        found.ratio(q=1.0)


def test_the_classifier_against_itself_and_a_batch_of_eight() -> None:
    shares: list[float] = []
    found = compare("digits", "digits", {"batch": 8}, seconds=2, bursts=10, on_progress=shares.append)
    assert not children()
    assert (found.rounds, found.cancelled, len(found.series)) == (10, False, 4)
    assert shares == pytest.approx(np.arange(1, 11) / 10)
    assert len({each.run.sha256 for each in found.series}) == 1
    assert [each.run.batch for each in found.series] == [1, 1, 1, 8]
    for each in found.series:
        assert sum(each.sizes) == len(each.run.samples_s)
        assert (each.times_s("corrected") <= each.run.samples_s).all()
        assert (each.times_s("corrected") > 0).all()
    itself, eight, item = found.ratio(0), found.ratio(1), found.item_ratio(1)
    assert itself is not None
    assert eight is not None
    assert item is not None
    assert 0.7 < itself.mid < 1.4
    assert eight.low > 1.2 > 0.9 > item.high
    assert found.decision(1) == "slower" or (found.floor() or 0) > 0.5
    record = json.loads(json.dumps(found.record(), allow_nan=False))
    assert record["others"][1]["run"]["samples_s"] == found.others[1].run.samples_s.tolist()


def test_a_cancelled_comparison_keeps_its_bursts() -> None:
    wish = threading.Event()
    found = compare("digits", "digits", seconds=60, bursts=300, on_progress=lambda _: wish.set(), cancel=wish)
    assert found.cancelled
    assert 1 <= found.rounds < 100
    assert not children()


def test_a_comparison_cancelled_before_its_first_burst_is_a_sentence() -> None:
    wish = threading.Event()
    wish.set()
    with pytest.raises(MeasureError) as caught:
        compare("digits", seconds=60, cancel=wish)
    assert caught.value.code == "measure_no_samples"
    assert not children()


def test_a_killed_child_ends_the_comparison_with_a_sentence() -> None:
    def kill_one(_: float) -> None:
        psutil.Process(max(children())).kill()

    with pytest.raises(MeasureError) as caught:
        compare("digits", seconds=60, bursts=300, on_progress=kill_one)
    assert caught.value.code == "measure_crashed"
    assert not children()


def test_children_of_a_comparison_end_with_their_parent() -> None:
    program = "import psutil; from advisor.lab import compare\n"
    program += "say = lambda _: print(*(c.pid for c in psutil.Process().children()), flush=True)\n"
    program += "compare('digits', seconds=60, bursts=600, on_progress=say)"
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(pids) == 2
    for pid in pids:
        wait_until(lambda pid=pid: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_comparison_that_is_not_over_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    table = json.loads(json.dumps(settings()))
    table["child"]["load_allowance_s"] = -0.5
    monkeypatch.setattr(comparing, "settings", lambda: table)
    with pytest.raises(MeasureError) as caught:
        compare("digits", seconds=0.6)
    assert caught.value.code == "measure_out_of_time"
    wait_until(lambda: not children())


@pytest.mark.parametrize(
    "ask",
    [
        lambda: compare("digits", {"size": 8}),
        lambda: compare("digits", {"batch": 0}),
        lambda: compare("digits", bursts=0),
        lambda: compare("digits", bursts=True),
        lambda: compare("digits", seed=-1),
        lambda: compare("digits", seconds=0),
        lambda: compare("digits", "digts"),
        lambda: compare("digits", {"providers": ["NoSuchProvider"]}, seconds=0.2),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(ask: Callable[[], object]) -> None:
    with pytest.raises(AdvisorError) as caught:
        ask()
    for lang in languages():
        assert "\n" not in caught.value.in_language(lang)
    assert not children()


def test_long_inferences_make_fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    group = comparing._Group([], seconds=1.0)
    passed = itertools.count(step=10)
    monkeypatch.setattr(comparing.time, "monotonic", lambda: float(next(passed)))
    assert len(list(group._orders(20, 0, None))) == TABLE["least_rounds"]
