"""Time that one inference, or a batch, holds a device: roofline with fitted efficiency and overhead, as an interval."""

from dataclasses import dataclass, fields
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.results import Fidelity

FloatArray = NDArray[np.float64]
Ends = tuple[FloatArray, FloatArray, FloatArray]

FIDELITIES: tuple[Fidelity, ...] = get_args(Fidelity)
"""Names of the fidelity codes: a code is the position of its name here."""


def roofline_s(*, work_flop: ArrayLike, traffic_bytes: ArrayLike, peak_flop_per_s: ArrayLike,
               bandwidth_bytes_per_s: ArrayLike, efficiency: ArrayLike = 1.0) -> FloatArray:  # fmt: skip
    r"""Lower-bound latency by the roofline model [1]_.

    Parameters
    ----------
    work_flop : float or array
        Floating-point operations.  [FLOP]
    traffic_bytes : float or array
        Bytes moved between memory and processor.  [B]
    peak_flop_per_s : float or array
        Dense peak of the units used.  [FLOP/s]
    bandwidth_bytes_per_s : float or array
        Memory bandwidth of the units used; NaN where unknown, then the compute roof alone holds.  [B/s]
    efficiency : float or array, default 1
        Share of the roof that calibration found attainable.  [unitless]

    Returns
    -------
    array
        Latency, in the broadcast shape of the arguments.  [s]

    Notes
    -----
    .. math:: t = \max(W / P, Q / B) / \eta

    References
    ----------
    .. [1] S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance model for multicore
       architectures," Communications of the ACM, vol. 52, no. 4, pp. 65-76, 2009, doi:10.1145/1498765.1498785.

    Examples
    --------
    >>> float(roofline_s(work_flop=8e9, traffic_bytes=1e8, peak_flop_per_s=1e12, bandwidth_bytes_per_s=1e11))
    0.008
    """
    compute_s = np.divide(work_flop, peak_flop_per_s)
    memory_s = np.divide(traffic_bytes, bandwidth_bytes_per_s)
    return np.asarray(np.fmax(compute_s, memory_s) / efficiency, float)


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What calibration found for each service class; arrays of one shape."""

    efficiency: FloatArray
    """Share of the roof that is attained.  [unitless]"""
    overhead_s: FloatArray
    """Time that every batch takes besides.  [s]"""
    low_factor: FloatArray
    high_factor: FloatArray
    """Central 80 % around the middle, as factors.  [unitless]"""
    gamma: FloatArray
    """Thread scaling: n units do the work of ``n ** gamma``.  [unitless]"""
    balance_exponent: FloatArray
    """Share of the compute roof that gives way to bandwidth, as an exponent between 0 and 1."""
    balance: FloatArray
    """Peak over bandwidth at which the exponent changes nothing.  [FLOP/B]"""
    engine_factor: FloatArray
    """Time under the engine relative to the kind's usual one.  [unitless]"""
    fidelity: NDArray[np.int8]
    """Position in ``FIDELITIES``."""
    blind_factor: FloatArray
    """Widening of the interval where the bandwidth is unknown.  [unitless]"""

    def with_axes(self, count: int) -> "Coefficients":
        """The same with so many axes of length one behind, to broadcast over shapes and batches."""
        values = (getattr(self, field.name) for field in fields(self))
        return Coefficients(*(value.reshape(value.shape + (1,) * count) for value in values))

    def of(self, row: int) -> "Coefficients":
        """Those of one service class."""
        return Coefficients(*(getattr(self, field.name)[row] for field in fields(self)))


def attainable_flop_per_s(peak_flop_per_s: ArrayLike, bandwidth_bytes_per_s: ArrayLike,
                          coefficients: Coefficients) -> FloatArray:  # fmt: skip
    r"""Peak that a device can feed: of two with the same peak, the one with more bandwidth gets closer to it.

    Parameters
    ----------
    peak_flop_per_s, bandwidth_bytes_per_s : float or array
        Figures of one unit of the device; where the bandwidth is NaN, the peak stays as it is.  [FLOP/s], [B/s]
    coefficients : Coefficients
        Exponent c and balance β of its kind.

    Returns
    -------
    array
        In the broadcast shape of the arguments.  [FLOP/s]

    Notes
    -----
    .. math:: P^{1 - c} (\beta B)^c

    It grows with the peak and with the bandwidth.  Fitted to published measurements: theory asks for no power.
    """
    peak = np.asarray(peak_flop_per_s, float)
    fed = np.multiply(bandwidth_bytes_per_s, coefficients.balance) / peak
    return np.asarray(peak * np.where(np.isnan(fed), 1.0, fed) ** coefficients.balance_exponent, float)


def service_s(*, work_flop: ArrayLike, weight_bytes: ArrayLike, activation_bytes: ArrayLike = 0.0,
              batch: ArrayLike = 1.0, peak_flop_per_s: ArrayLike, bandwidth_bytes_per_s: ArrayLike,
              units: ArrayLike = 1.0, coefficients: Coefficients) -> FloatArray:  # fmt: skip
    r"""Middle estimate of the time that one batch holds its units.

    Parameters
    ----------
    work_flop : float or array
        Floating-point operations of one inference.  [FLOP]
    weight_bytes, activation_bytes : float or array
        Bytes of the weights, read once a batch, and of the activations of one inference.  [B]
    batch : float or array, default 1
        Inferences that are served as one.
    peak_flop_per_s, bandwidth_bytes_per_s : float or array
        Figures of one unit of the device; the bandwidth is NaN where unknown.  [FLOP/s], [B/s]
    units : float or array, default 1
        Units that work together: virtual CPUs, or 1 accelerator.
    coefficients : Coefficients
        From ``Calibration.lookup``.

    Returns
    -------
    array
        Service time, in the broadcast shape of the arguments.  [s]

    Notes
    -----
    .. math:: t = f \left(o + \max\left(\frac{W b}{P' n}, \frac{Q}{B n}\right)
              \frac{\max(n, 1)^{1 - \gamma}}{\eta}\right)

    with the peak P' of ``attainable_flop_per_s``.
    """
    units = np.asarray(units, float)
    roof_s = roofline_s(
        work_flop=np.multiply(work_flop, batch),
        traffic_bytes=np.add(weight_bytes, np.multiply(activation_bytes, batch)),
        peak_flop_per_s=units * attainable_flop_per_s(peak_flop_per_s, bandwidth_bytes_per_s, coefficients),
        bandwidth_bytes_per_s=np.multiply(bandwidth_bytes_per_s, units),
        efficiency=coefficients.efficiency,
    )
    scaling = np.maximum(units, 1.0) ** (1.0 - coefficients.gamma)
    return np.asarray(coefficients.engine_factor * (coefficients.overhead_s + roof_s * scaling), float)


def service_interval_s(work_flop: tuple[ArrayLike, ArrayLike, ArrayLike], weight_bytes: ArrayLike,
                       activation_bytes: ArrayLike, batch: ArrayLike, peak_flop_per_s: ArrayLike,
                       bandwidth_bytes_per_s: ArrayLike, units: ArrayLike,
                       coefficients: Coefficients) -> Ends:  # fmt: skip
    """Low, middle and high (central 80 %) of ``service_s``.

    Parameters
    ----------
    work_flop : three floats or arrays
        Low, middle and high of the work of one inference; the same number three times where it is known.  [FLOP]
    weight_bytes, activation_bytes, batch, peak_flop_per_s, bandwidth_bytes_per_s, units, coefficients
        As in ``service_s``.

    Returns
    -------
    three arrays
        In the broadcast shape of the arguments.  [s]

    Notes
    -----
    The spread of the calibration, of the work and of a missing bandwidth add up in quadrature of their logarithms.
    """

    def at(work: ArrayLike) -> FloatArray:
        return service_s(
            work_flop=work, weight_bytes=weight_bytes, activation_bytes=activation_bytes, batch=batch, units=units,
            peak_flop_per_s=peak_flop_per_s, bandwidth_bytes_per_s=bandwidth_bytes_per_s, coefficients=coefficients,
        )  # fmt: skip

    low_work, mid_work, high_work = work_flop
    mid = at(mid_work)
    blind = np.where(np.isnan(bandwidth_bytes_per_s), np.log(coefficients.blind_factor), 0.0)
    known = low_work is mid_work and high_work is mid_work
    below = np.zeros(()) if known else np.log(mid / at(low_work))
    above = np.zeros(()) if known else np.log(at(high_work) / mid)
    low = mid * np.exp(-np.sqrt(np.log(coefficients.low_factor) ** 2 + below**2 + blind**2))
    high = mid * np.exp(np.sqrt(np.log(coefficients.high_factor) ** 2 + above**2 + blind**2))
    return low, mid, high
