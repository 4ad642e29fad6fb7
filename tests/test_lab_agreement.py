"""Agreement of two models: what the shares, the paired change and the similarities must be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm

from advisor.lab.agreement import agreement_of, cosine, paired_change_bounds, share_bounds, snr_db

CONFIDENCE = 0.95
Z = float(norm.ppf(0.975))

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
pairs = st.integers(1, 2000).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n)).filter(lambda cells: sum(cells[:2]) <= n)
)
vectors = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=3, max_size=3).map(np.array)


@given(counts)
def test_a_share_has_the_interval_of_wilson(cells: tuple[int, int]) -> None:
    count, samples = cells
    expected = binomtest(count, samples).proportion_ci(CONFIDENCE, method="wilson")
    low, share, high = share_bounds(count, samples, confidence=CONFIDENCE)
    assert [low, high] == pytest.approx([expected.low, expected.high], abs=1e-9)
    assert low <= share == count / samples <= high


# The cells of Bentur et al. 2009 in M. W. Fagerland, S. Lydersen and P. Laake, "Recommended tests and confidence
# intervals for paired binomial proportions," Statistics in Medicine, vol. 33, pp. 2850-2875, 2014.
def test_a_paired_change_has_the_published_interval() -> None:
    assert paired_change_bounds(1, 7, 21, confidence=CONFIDENCE) == pytest.approx([-0.517, -0.286, -0.026], abs=5e-4)


@given(pairs)
def test_a_paired_change_lies_in_its_interval_and_turns_with_it(cells: tuple[int, int, int]) -> None:
    gained, lost, samples = cells
    low, change, high = paired_change_bounds(gained, lost, samples, confidence=CONFIDENCE)
    assert -1 <= low <= change <= high <= 1
    assert change == (gained - lost) / samples
    turned = paired_change_bounds(lost, gained, samples, confidence=CONFIDENCE)
    assert [low, change, high] == pytest.approx([-value for value in turned[::-1]], abs=1e-9)


@given(pairs)
def test_a_paired_change_leaves_zero_out_where_mcnemar_rejects(cells: tuple[int, int, int]) -> None:
    gained, lost, samples = cells
    low, _, high = paired_change_bounds(gained, lost, samples, confidence=CONFIDENCE)
    if gained != lost:
        statistic = (gained - lost) ** 2 / (gained + lost)
        assert (low > 0 or high < 0) == (statistic > Z**2)
    else:
        assert low < 0 < high


def test_nothing_changed_is_no_proof_of_nothing() -> None:
    low, change, high = paired_change_bounds(0, 0, 540, confidence=CONFIDENCE)
    bound = Z**2 / (540 + Z**2)
    assert [low, change, high] == pytest.approx([-bound, 0, bound], rel=1e-6)


@pytest.mark.parametrize("rates", [(0.02, 0.02), (0.01, 0.08), (0.0, 0.05), (0.2, 0.3)], ids=str)
def test_a_paired_change_is_covered_as_promised(rates: tuple[float, float]) -> None:
    """Every outcome of 60 samples, weighted by its probability."""
    samples, (gain, loss) = 60, rates
    covered = 0.0
    for gained in range(samples + 1):
        for lost in range(samples + 1 - gained):
            likely = binom.pmf(gained, samples, gain) * binom.pmf(lost, samples - gained, loss / (1 - gain))
            if likely > 1e-9:
                low, _, high = paired_change_bounds(gained, lost, samples, confidence=CONFIDENCE)
                covered += likely * (low <= gain - loss <= high)
    assert 0.93 < covered < 0.995


@given(vectors, vectors, st.floats(0.01, 100))
def test_the_cosine_is_one_of_directions(one: np.ndarray, other: np.ndarray, scale: float) -> None:
    assert -1 <= cosine(one, other) <= 1
    assert cosine(one, other) == pytest.approx(cosine(other, one * scale), abs=1e-9)
    assert cosine(one, one) == pytest.approx(1, abs=1e-12)


def test_the_cosine_of_nothing() -> None:
    nothing, something = np.zeros(2), np.ones(2)
    assert (cosine(nothing, nothing), cosine(nothing, something)) == (1, 0)


def test_signal_to_noise_is_in_decibel() -> None:
    assert snr_db(100.0, 1.0) == pytest.approx(20)
    assert snr_db(1.0, 10.0) == pytest.approx(-10)
    assert snr_db(1.0, 0.0) is None


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=60))
def test_accuracies_and_their_change_are_of_the_same_samples(rows: list[tuple[int, int, int]]) -> None:
    before, after, labels = (np.array(column) for column in zip(*rows, strict=True))
    answers = {"samples": len(rows), "not_finite": 0, "before": before, "after": after, "outputs": {}}
    found = agreement_of(answers, labels, confidence=CONFIDENCE)
    assert found.same_choice is not None
    assert found.accuracy_before is not None
    assert found.accuracy is not None
    assert found.accuracy_change is not None
    assert found.same_choice.mid == pytest.approx(np.mean(before == after))
    assert found.accuracy.mid == pytest.approx(np.mean(after == labels))
    assert found.accuracy_change.mid == pytest.approx(found.accuracy.mid - found.accuracy_before.mid)
    alone = agreement_of(answers, None, confidence=CONFIDENCE)
    assert alone.same_choice == found.same_choice
    assert alone.accuracy is alone.accuracy_before is alone.accuracy_change is None
