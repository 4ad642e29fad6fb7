"""Lines of a bill: each a quantity times a unit price, of numbers or arrays, so that a sum can be checked by hand."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MAIN = ("machines", "function-gb", "function-gib", "function-vcpu", "function-gpu", "hardware")
"""Items without whose price nothing is known of a total."""
USED = ("requests", "function-idle", "provisioned", "provisioned-use", "function-least")
"""What functions bill besides their time at work."""


class Factor(NamedTuple):
    """One factor of a line: its value, and the sign that it is written with."""

    value: ArrayLike
    sign: str = "{}"


class Line(NamedTuple):
    """One line of a bill: factors of a quantity and of a unit price, which may be spread over months."""

    item: str
    unit: str
    quantities: tuple[Factor, ...]
    prices: tuple[Factor, ...]
    """In USD per unit; NaN = unknown."""
    months: ArrayLike = 1.0
    """Months over which the price is spread, or that it pays for."""

    @property
    def quantity(self) -> FloatArray:
        """Units of a month; 0 where the line does not apply."""
        return _product(self.quantities)

    @property
    def unit_price(self) -> FloatArray:
        """Price of a unit [USD]."""
        return _product(self.prices)

    @property
    def usd(self) -> FloatArray:
        """Cost a month: 0 where the line does not apply, NaN where its price is unknown [USD/month]."""
        quantity = self.quantity
        return np.where(quantity == 0, 0.0, quantity * self.unit_price / np.asarray(self.months, float))


def _product(factors: Sequence[Factor]) -> FloatArray:
    product = np.asarray(1.0)
    for factor in factors:
        product = product * np.asarray(factor.value, float)
    return product


def known_total(lines: Sequence[Line]) -> tuple[FloatArray, BoolArray]:
    """Sum of some lines, and whether it is whole.

    Returns
    -------
    usd : array
        Sum of the known lines, the least that has to be paid; NaN where the price of what runs the model is unknown.
        [USD/month]
    whole : bool array
        Whether every line is known.
    """
    paid = [(line.item, line.usd) for line in lines]
    total = sum((np.nan_to_num(usd) if item not in MAIN else usd for item, usd in paid), np.zeros(1))
    whole = np.logical_and.reduce(np.broadcast_arrays(*(~np.isnan(usd) for _, usd in paid), total == total))
    return np.broadcast_to(total, whole.shape), whole
