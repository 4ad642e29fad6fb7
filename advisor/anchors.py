"""Measurements in the place of predictions: exactly there where they were taken, and fading with the distance."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from advisor.columns import Ends, ServiceClass
from advisor.modelspec import ModelSpec, plain
from advisor.published import Answer, Published
from advisor.units import BILLION

Cell = tuple[int, int, int]
"""Positions of service class, units and batch."""
SAME = 0.005
"""Doublings between two counts of units that differ by rounding."""


def anchored(
    times: Ends,
    classes: Sequence[ServiceClass],
    spec: ModelSpec,
    units: Sequence[float],
    batches: Sequence[float],
    middle_s: Callable[[int, float, float], float],
    published: Published,
) -> tuple[Ends, Mapping[Cell, Answer]]:
    """Batch times with what was measured of this model.

    Parameters
    ----------
    times : three arrays, shape (classes, units, batches)
        Predictions.  [s]
    classes : sequence of ServiceClass
    spec : ModelSpec
    units, batches : sequence of float
        Of the other axes.
    middle_s : callable
        Middle prediction for a class, a number of units and a batch.  [s]
    published : Published

    Returns
    -------
    three arrays
        As ``times``.  A cell that was measured is answered by its measurement.  The others of its class are multiplied
        by what the nearest measurement is over its own prediction, to a power that falls linearly to nothing at
        ``reach`` doublings of batch and units; their intervals keep their width.  [s]
    mapping of Cell to Answer
        The cells that were measured.
    """
    known = published.latencies.get(plain(spec.name or ""))
    if not known or spec.macs is None:
        return times, {}
    low, mid, high = (end.copy() for end in times)
    across, along = np.log2(np.asarray(units, float))[:, None, None], np.log2(np.asarray(batches, float))[:, None]
    answers: dict[Cell, Answer] = {}
    for row, klass in enumerate(classes):
        keys = known.get((klass.device, klass.precision, klass.engine), ())
        found = [(key, one) for key in keys if (one := published.answer(key, spec.macs / BILLION))]
        if not found:
            continue
        ratio = np.array([one.mid_s / middle_s(row, key.units, key.batch) for key, one in found])
        distance = np.abs(across - np.log2([key.units for key, _ in found]))
        distance = distance + np.abs(along - np.log2([key.batch for key, _ in found]))
        scale = ratio[distance.argmin(axis=-1)] ** published.weight(distance.min(axis=-1))
        for end in (low, mid, high):
            end[row] *= scale
        for place, (_, one) in enumerate(found):
            for cell in zip(*np.nonzero(distance[..., place] < SAME), strict=True):
                low[row][cell], mid[row][cell], high[row][cell] = one[:3]
                answers[row, int(cell[0]), int(cell[1])] = one
    return (low, mid, high), answers
