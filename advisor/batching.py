"""Response under dynamic batching: requests that wait while an instance is busy are served together.

No formula covers several instances with a largest batch.  Without a delay the quantiles depend on five numbers alone;
``data/batching.csv.gz`` holds them on a grid of these, simulated, and values between are interpolated.
"""

import csv
import gzip
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.capacity import response_quantile_s
from advisor.paths import DATA
from advisor.queue_model import service_quantile
from advisor.sim_many import simulated_quantiles_s

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

AXES = ("batch", "instances", "utilisation", "exponent", "service_cv")
"""Columns of the grid that its values depend on."""
_SIMULATED = 40_000
"""Requests simulated for a queue that the grid does not hold."""


class Grid(NamedTuple):
    """Quantiles of the response in service times of a request alone, on a grid."""

    knots: tuple[FloatArray, ...]
    """Values of each axis; the logarithm to base 2 for batch and instances."""
    quantiles: tuple[float, ...]
    log_response: FloatArray
    """Shape (quantiles, *knots)."""

    def reaches(self, q: float, batch: FloatArray, service_cv: FloatArray) -> NDArray[np.bool_]:
        """Whether the grid holds a quantile, a batch and a variation."""
        most, varied = self.knots[0][-1], self.knots[4][-1]
        held = (np.log2(np.maximum(batch, 1)) <= most) & (service_cv <= varied)
        return np.asarray(held & (q in self.quantiles))

    def response(self, q: float, *position: FloatArray) -> FloatArray:
        """Response in service times of a request alone, at positions along the axes, beyond them at their ends."""
        flat = self.log_response[self.quantiles.index(q)].ravel()
        at = np.zeros(position[0].shape, np.intp)
        corners: list[tuple[IntArray, FloatArray]] = [(at, np.ones(at.shape))]
        stride = flat.size
        for knots, value in zip(self.knots, position, strict=True):
            stride //= knots.size
            below = np.clip(np.searchsorted(knots, value, side="right") - 1, 0, knots.size - 2)
            share = np.clip((value - knots[below]) / (knots[below + 1] - knots[below]), 0.0, 1.0)
            corners = [
                (index + (below + step) * stride, weight * (share if step else 1 - share))
                for index, weight in corners
                for step in (0, 1)
            ]
        return np.exp(sum((flat[index] * weight for index, weight in corners), np.zeros(at.shape)))


@cache
def load_grid(path: Path = DATA / "batching.csv.gz") -> Grid:
    """Grid of a file in the layout of ``data/batching.csv.gz``, with the idle queue added at utilisation 0."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    table = np.array(rows, float)
    axes = [np.unique(table[:, column]) for column in range(len(AXES))]
    quantiles = tuple(float(name.removeprefix("p")) / 100 for name in header[len(AXES) :])
    values = np.moveaxis(table[:, len(AXES) :].reshape(*(axis.size for axis in axes), -1), -1, 0)
    idle = np.stack([service_quantile(q, axes[4] ** 2) for q in quantiles])[:, None, None, None, None, :]
    values = np.concatenate([np.broadcast_to(idle, (*values.shape[:3], 1, *values.shape[4:])), values], axis=3)
    busy = np.append(0.0, axes[2])
    knots = (np.log2(axes[0]), np.log2(axes[1]), busy, axes[3], axes[4])
    return Grid(knots, quantiles, np.log(np.maximum.accumulate(values, axis=3)))


def grid_quantile_s(
    q: float,
    *,
    instances: ArrayLike,
    arrivals_per_s: ArrayLike,
    batch: ArrayLike,
    alone_s: ArrayLike,
    full_s: ArrayLike,
    service_cv: ArrayLike,
) -> FloatArray:
    """Quantile of the response from the grid, for batches of 2 and more without delay.

    Parameters
    ----------
    q : float
        One of the quantiles of the grid.
    alone_s, full_s : float or array
        Time of a batch of one and of a full one.  [s]
    instances, arrivals_per_s, batch, service_cv
        As in :func:`batched_quantile_s`.

    Returns
    -------
    array
        Infinite where the load is not below what the instances carry.  [s]
    """
    grid = load_grid()
    count, rate, most, alone, full, cv = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (instances, arrivals_per_s, batch, alone_s, full_s, service_cv))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        utilisation = rate * full / (count * most)
        stable = (utilisation < 1) & np.isfinite(full)
        utilisation = np.where(stable, utilisation, 0.0)
        exponent = np.where(stable, np.log(full / alone) / np.log(most), 0.0)
    last = grid.knots[2][-1]
    response = alone * grid.response(q, np.log2(most), np.log2(np.maximum(count, 1)), utilisation, exponent, cv)
    return np.asarray(np.where(stable, response * (1 - last) / np.minimum(1 - last, 1 - utilisation), np.inf))


def batched_quantile_s(
    q: float,
    *,
    instances: ArrayLike,
    arrivals_per_s: ArrayLike,
    batch: ArrayLike,
    fixed_s: ArrayLike,
    item_s: ArrayLike,
    delay_s: ArrayLike = 0.0,
    service_cv: ArrayLike = 0.0,
    arrival_cv: ArrayLike = 1.0,
) -> FloatArray | float:
    r"""Quantile of the response under dynamic batching, the wait for the batch included.

    Parameters
    ----------
    q : float
        Such as 0.99.  [unitless]
    instances : int or array
        Batches that are served at once, from one queue.
    arrivals_per_s : float or array
        Mean arrival rate.  [1/s]
    batch : int or array
        Requests that an instance serves at once at most.
    fixed_s, item_s : float or array
        A batch of b takes ``fixed_s + item_s * b``.  [s]
    delay_s : float or array, default 0
        Time for which a request lets a free instance wait for a fuller batch.  [s]
    service_cv, arrival_cv : float or array
        Coefficients of variation of the time of a batch and of the gaps between arrivals.  [unitless]

    Returns
    -------
    float or array
        Infinite where the load is not below what the instances carry.  [s]

    Notes
    -----
    With batches of 1 as :func:`~advisor.capacity.response_quantile_s`.  Without delay, for Poisson arrivals and the
    quantiles of the grid, from the grid: with :math:`s(b) = t_0 + t_1 b` the quantile in units of s(1) depends on
    batch B, instances c, the service CV, and

    .. math:: \rho = \frac{\lambda s(B)}{c B}, \qquad a = \frac{\ln s(B) / s(1)}{\ln B}

    It is interpolated by its logarithm, linear in :math:`\log B, \log c, \rho, a` and the CV.  All else is simulated.
    ``docs/methodology/batching.md`` states the errors.

    Examples
    --------
    >>> round(batched_quantile_s(0.99, instances=1, arrivals_per_s=100, batch=16, fixed_s=0.01, item_s=0.001), 3)
    0.027
    """
    count, rate, most, fixed, item, delay, cv, gap_cv = np.broadcast_arrays(
        *(
            np.asarray(a, float)
            for a in (instances, arrivals_per_s, batch, fixed_s, item_s, delay_s, service_cv, arrival_cv)
        )
    )
    alone, full = fixed + item, fixed + item * most
    plain = most == 1
    held = ~plain & (delay == 0) & (gap_cv == 1) & load_grid().reaches(q, most, cv)
    found = np.empty(rate.shape)
    found[plain] = response_quantile_s(
        q, servers=count[plain], arrivals_per_s=rate[plain], service_s=alone[plain], service_cv=cv[plain],
        arrival_cv=gap_cv[plain],
    )  # fmt: skip
    if held.any():
        found[held] = grid_quantile_s(
            q, instances=count[held], arrivals_per_s=rate[held], batch=most[held], alone_s=alone[held],
            full_s=full[held], service_cv=cv[held],
        )  # fmt: skip
    if (other := ~plain & ~held).any():
        found[other] = simulated_quantiles_s(
            q, servers=count[other], arrivals_per_s=rate[other], fixed_s=fixed[other], item_s=item[other],
            batch=most[other], delay_s=delay[other], service_cv=cv[other], arrival_cv=gap_cv[other],
            requests=_SIMULATED,
        )[0]  # fmt: skip
    return found if found.ndim else float(found)
