"""Crossings of cost curves: every one of them, by a plain scan beside the search."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.crossings import (
    Payments,
    Point,
    even_split,
    log_split,
    paid_stretches,
    refined,
    stretches,
    whole_split,
)

RESOLUTION = 0.001
GRID = np.geomspace(0.1, 1000.0, 33).tolist()
slopes = st.just(0.0) | st.floats(0.01, 5)
curves = st.tuples(st.floats(0, 50), slopes, st.floats(1, 3000), st.floats(1, 100))
"""Fixed cost, slope, price of a step, width of a step."""


def _cost(curve: tuple[float, float, float, float], at: float) -> float:
    fixed, slope, price, width = curve
    return fixed + slope * at + price * np.ceil(at / width)


def _point(one: tuple[float, ...], other: tuple[float, ...], ends: tuple[float, float], at: float) -> Point:
    return Point(at, (_cost(one, at), _cost(other, at)), (at < ends[0], at < ends[1]))


@given(curves, curves, st.tuples(st.floats(0.2, 2000), st.floats(0.2, 2000)))
def test_no_crossing_and_no_end_of_a_curve_is_missed(one, other, ends) -> None:
    found = stretches(refined(lambda at: _point(one, other, ends, at), GRID, log_split(RESOLUTION)))
    for left, right in pairwise(found):
        assert left.end == right.start
    starts = np.array([stretch.start for stretch in found])
    for at in np.geomspace(GRID[0], GRID[-1], 3001):
        stretch = found[int(np.searchsorted(starts, at, side="right")) - 1]
        nearest = np.abs(starts / at - 1).min()
        point = _point(one, other, ends, at)
        if nearest > RESOLUTION:
            assert (stretch.cheaper, stretch.fits) == (point.cheaper, point.fits), at


@given(curves, curves)
def test_the_place_of_a_crossing_is_known_to_the_resolution(one, other) -> None:
    found = stretches(refined(lambda at: _point(one, other, (np.inf, np.inf), at), GRID, log_split(RESOLUTION)))
    for left, stretch in pairwise(found):
        if min(each.end / each.start for each in (left, stretch)) < 1 + 2 * RESOLUTION:
            continue
        before, after = (_point(one, other, (np.inf, np.inf), stretch.start * f) for f in (1 - RESOLUTION, 1.0))
        assert after.cheaper == stretch.cheaper
        assert before.cheaper != after.cheaper


@given(curves, curves, st.integers(2, 400))
def test_whole_numbers_are_exact(one, other, most: int) -> None:
    grid = sorted({*np.round(np.geomspace(1, most, 6)).tolist()})
    found = stretches(refined(lambda at: _point(one, other, (np.inf, np.inf), at), grid, whole_split), touching=True)
    for at in range(1, most + 1):
        stretch = [each for each in found if each.start <= at][-1]
        assert stretch.cheaper == _point(one, other, (np.inf, np.inf), at).cheaper, at


def test_even_places_are_halved_to_the_resolution() -> None:
    points = refined(lambda at: Point(at, (at, 5.03), (True, True)), [0.0, 24.0], even_split(0.1))
    (_, above) = stretches(points)
    assert 5.03 <= above.start <= 5.13


def test_a_change_of_plan_between_two_places_is_looked_for() -> None:
    def look(at: float) -> Point:
        return Point(at, (10.0 if 3 < at < 3.5 else 1.0, 2.0), (True, True), "a" if at < 3.5 else "b")

    found = stretches(refined(look, [1.0, 10.0], log_split(RESOLUTION)))
    assert [stretch.cheaper for stretch in found] == [0, 1, 0]
    assert found[1].start == pytest.approx(3, rel=2 * RESOLUTION)


def test_two_that_cost_the_same_are_not_halved_without_end() -> None:
    looked = []

    def look(at: float) -> Point:
        looked.append(at)
        return Point(at, (at, at), (True, True))

    assert [stretch.cheaper for stretch in stretches(refined(look, GRID, log_split(RESOLUTION)))] == [None]
    assert len(looked) < 10 * len(GRID)


def test_two_that_step_one_after_the_other_part_in_between() -> None:
    def look(at: float) -> Point:
        return Point(at, (1.0 + (at >= 3), 1.0 + (at >= 3.1)), (True, True))

    found = stretches(refined(look, [1.0, 10.0], log_split(RESOLUTION)))
    assert [stretch.cheaper for stretch in found] == [None, 1, None]
    assert [stretch.start for stretch in found[1:]] == pytest.approx([3, 3.1], rel=2 * RESOLUTION)


def test_an_unknown_price_makes_nothing_cheaper() -> None:
    point = Point(1.0, (float("nan"), 3.0), (True, True))
    assert point.cheaper is None
    assert Point(1.0, (float("nan"), 3.0), (False, True)).cheaper == 1
    assert Point(1.0, (2.0, 3.0), (False, False)).cheaper is None


payments = st.builds(Payments, st.just(0.0) | st.floats(1, 1e5), st.just(0.0) | st.floats(0.1, 5e3), st.floats(5, 80))


@given(payments, payments)
def test_money_paid_crosses_where_a_scan_of_days_says(first: Payments, second: Payments) -> None:
    found = paid_stretches(first, second, fits=(True, True), months=120.0)
    assert (found[0].start, found[-1].end) == (0.0, 120.0)
    for at in np.linspace(0.02, 119.98, 3601):
        if min(abs(at - stretch.start) for stretch in found) < 1e-6:
            continue
        point = Point(at, (first.paid_usd(at), second.paid_usd(at)), (True, True))
        (stretch,) = [each for each in found if each.start <= at < each.end]
        assert stretch.cheaper == point.cheaper, at


@given(st.floats(1e3, 1e5), st.floats(1, 500), st.floats(1.5, 20))
def test_a_server_pays_off_when_its_price_is_saved(price: float, running: float, factor: float) -> None:
    own, rented = Payments(price, running, 1e9), Payments(0.0, running * factor, float("inf"))
    found = paid_stretches(own, rented, fits=(True, True), months=1e7)
    assert [stretch.cheaper for stretch in found] == [1, 0]
    assert found[1].start == pytest.approx(price / (running * factor - running))


def test_a_worn_out_machine_is_bought_again_and_may_be_dearer_for_a_while() -> None:
    own, rented = Payments(1000.0, 10.0, 24.0), Payments(0.0, 60.0, float("inf"))
    found = paid_stretches(own, rented, fits=(True, True), months=48.0)
    assert [(stretch.start, stretch.cheaper) for stretch in found] == [(0.0, 1), (20.0, 0), (24.0, 1), (40.0, 0)]
