"""How many requests start a function cold at a steady rate, and how many instances live.

A request takes the newest idle instance, else it starts one; an instance leaves after it has been idle for the
keep-alive time.  Derivation and errors against simulation: ``docs/methodology/serverless.md``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

MOST_BUSY = 200.0
"""Instances busy on average up to which every level is worked out; above, shares follow from those at this load."""
_REACH = 8.0
"""Standard deviations of the busy instances that the levels reach above their mean."""
MOST_BURSTY = 50.0
"""Squared CV of the gaps beyond which more bursts change nothing here."""
_STEP = 16
"""Levels are worked out in multiples of this."""
_PHASES = 8
"""Exponential phases that stand for the gamma law of bursty gaps."""
_SMALLEST = float(np.finfo(float).eps)
_SETTLES = 4.0
"""Service times in which a service that outlasts a fall comes to count, as simulations bear out."""


def _inversion(order: int) -> tuple[ComplexArray, ComplexArray]:
    """Nodes and weights of Talbot's contour for inverting a Laplace transform (Abate and Valko 2004)."""
    angle = np.arange(1, order) * np.pi / order
    cotangent = 1 / np.tan(angle)
    nodes = np.concatenate([[2 * order / 5], 2 * np.arange(1, order) * np.pi / 5 * (cotangent + 1j)])
    turn = 1 + 1j * angle * (1 + cotangent**2) - 1j * cotangent
    weights = np.exp(nodes) * np.concatenate([[0.5], turn]) * 2 / 5
    return nodes, weights


_NODES, _WEIGHTS = _inversion(7)


class Levels(NamedTuple):
    """What a request meets, by the number k of busy instances; each of shape (queues, levels)."""

    seen: FloatArray
    """Probability that it finds k busy."""
    cold: FloatArray
    """Probability that it finds k busy and none idle."""
    alive: FloatArray
    """Probability that more than k instances live at any time."""


def levels(
    *, arrivals_per_s: ArrayLike, service_s: ArrayLike, keep_alive_s: ArrayLike, burstiness: float = 1.0
) -> Levels:
    r"""Busy and idle instances of functions, level by level.

    Parameters
    ----------
    arrivals_per_s : float or array
        Mean arrival rate.  [1/s]
    service_s : float or array
        Mean time that a request holds an instance.  [s]
    keep_alive_s : float or array
        Idle time after which an instance leaves.  [s]
    burstiness : float, default 1
        Squared coefficient of variation of the gaps between arrivals; below 1 counts as 1, above ``MOST_BURSTY`` as
        that.  [unitless]

    Returns
    -------
    Levels
        Loads beyond ``MOST_BUSY`` are worked out there: cold starts fall with the root of the load, living instances
        grow with it.

    Notes
    -----
    Requests never wait, so the number in service is that of GI/M/:math:`\infty`.  A request that finds k busy starts
    cold where k + 1 were never busy within the keep-alive T: where the time :math:`\tau_k` from the last fall to k
    until the next rise to k + 1 is longer than T,

    .. math:: P_{cold} = \sum_k p_k P(\tau_k > T)

    (T prolonged by the service that outlasts the fall to k).

    Gamma gaps are a mixture of exponential ones with means :math:`b m / \lambda`, m of the law Beta(1/b, 1 - 1/b),
    taken at Gauss-Jacobi nodes of :math:`m^{1/b}`.  From phase i of the gap, with :math:`\alpha` the probabilities of
    the phases and :math:`\nu` their rates, the transform of the time from k to k + 1 is

    .. math:: g_{k,i}(s) = \frac{\nu_i + k \mu g_{k-1,i}(s) \sum_j \alpha_j g_{k,j}(s)}{\nu_i + s + k \mu}

    inverted by Talbot's contour [2]_.  Policy and semantics are those of [1]_.

    References
    ----------
    .. [1] N. Mahmoudi and H. Khazaei, "Performance modeling of serverless computing platforms," IEEE Transactions on
       Cloud Computing, 2020.
    .. [2] J. Abate and P. P. Valko, "Multi-precision Laplace transform inversion," International Journal for
       Numerical Methods in Engineering 60, 2004.
    """
    load = np.maximum(np.multiply(arrivals_per_s, service_s), _SMALLEST)
    load, alive = (np.ravel(values) for values in np.broadcast_arrays(load, np.divide(keep_alive_s, service_s)))
    kinds, kind = np.unique(np.stack([np.minimum(load, MOST_BUSY), alive]), axis=1, return_inverse=True)
    bursts = min(burstiness, MOST_BURSTY)
    mean, chance = _gaps(bursts)
    spread = (1 + max(bursts, 1.0)) / 2
    reach = kinds[0] + _REACH * (np.sqrt(kinds[0] * spread) + spread)
    count = (np.ceil(reach / _STEP) * _STEP).astype(int)
    found = Levels(*np.zeros((3, len(count), int(count.max(initial=1)))))
    for size in np.unique(count):
        rows = np.flatnonzero(count == size)
        for column, values in zip(found, _levels(kinds[0, rows], kinds[1, rows], mean, chance, size), strict=True):
            column[rows, :size] = values
    more = np.maximum(load / MOST_BUSY, 1.0)[:, None]
    return Levels(found.seen[kind], found.cold[kind] / np.sqrt(more), found.alive[kind] * more)


def _gaps(burstiness: float) -> tuple[FloatArray, FloatArray]:
    """Means of the exponential phases of a gap of mean 1, and their probabilities."""
    if burstiness <= 1:
        return np.ones(1), np.ones(1)
    node, weight = special.roots_jacobi(_PHASES, -1 / burstiness, 0.0)
    root = (1 + node) / 2
    chance = weight * ((1 - root**burstiness) / (1 - root)) ** (-1 / burstiness)
    chance, mean = chance / chance.sum(), root**burstiness
    return mean / (chance @ mean), chance


def _levels(load: FloatArray, alive: FloatArray, mean: FloatArray, chance: FloatArray, count: int) -> Levels:
    """Levels of some queues in mean service times."""
    rate, chance = load / mean[:, None], chance[:, None]
    rises, falls = _rises(rate, chance, count)
    climb = np.cumsum(np.log(rises[1:] / np.arange(1, count)[:, None]), axis=0)
    climb = np.concatenate([np.zeros((1, len(load))), climb]).T
    seen = np.exp(climb - climb.max(axis=1, keepdims=True))
    seen /= seen.sum(axis=1, keepdims=True)
    longer, within = _first_passage(rate, chance, alive, falls, count)
    busy = beyond(load[:, None] * seen / np.arange(1, count + 1))
    return Levels(seen, seen * longer, np.clip(busy + load[:, None] * seen * within, 0.0, 1.0))


def _rises(rate: FloatArray, chance: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Rate of rises from every level while it lasts, and the phase of the gap when a level is left downwards.

    Shapes (count, queues) and (count + 1, phases, queues).
    """
    falls = np.empty((count + 1, *rate.shape))
    falls[:] = chance
    for level in range(count - 1 if len(chance) > 1 else 0, 0, -1):
        leaves = rate + level
        own = (rate * level * chance / leaves).sum(axis=0)
        back = (rate * falls[level + 1] / leaves).sum(axis=0)
        fall = (level * chance + own / (1 - back) * falls[level + 1]) / leaves
        falls[level] = fall / fall.sum(axis=0)
    return (rate * falls[:count]).sum(axis=1), falls


def _first_passage(
    rate: FloatArray, chance: FloatArray, alive: FloatArray, falls: FloatArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Probability that the time from a fall to a level until the next rise above it exceeds the stay of an instance.

    And its mean where it is cut there; both of shape (queues, count).  The instance that is taken last stays ``alive``
    after its own service, which outlasts the fall to level k with the probability k / (k + 1), by one service time on
    average; the shorter the keep-alive, the less of it counts.
    """
    point = _NODES / alive[:, None]
    rate, chance = rate[..., None], chance[..., None]
    longer, within, density = np.empty((3, count, len(alive)))
    passes = np.zeros((len(chance), *point.shape), complex)
    for level in range(count):
        spell = 1 / (rate + point + level)
        direct = (chance * rate * spell).sum(axis=0)
        again = level * (chance * passes * spell).sum(axis=0)
        passes = (rate + level * passes * (direct / (1 - again))) * spell
        rise = (falls[level + 1, ..., None] * passes).sum(axis=0)
        stays = _WEIGHTS * (1 - rise) / point
        density[level] = (_WEIGHTS * rise).real.sum(axis=1)
        longer[level] = stays.real.sum(axis=1)
        within[level] = (stays / point).real.sum(axis=1)
    longer, density = np.clip(longer / alive, _SMALLEST, 1.0), np.maximum(density / alive, 0.0)
    outlasts = (np.arange(count) / np.arange(1, count + 1))[:, None] * np.expm1(-alive / _SETTLES) ** 2
    tail = longer * np.exp(-outlasts * density / longer)
    return tail.T, (np.maximum(within / alive, 0.0) + outlasts * (longer + tail) / 2).T


def cold_share(
    *,
    arrivals_per_s: ArrayLike,
    service_s: ArrayLike,
    keep_alive_s: ArrayLike,
    burstiness: float = 1.0,
    provisioned: int = 0,
) -> FloatArray:
    """Share of requests that meet a cold start at a steady rate.

    Parameters
    ----------
    arrivals_per_s, service_s, keep_alive_s, burstiness
        As in :func:`levels`.
    provisioned : int, default 0
        Instances that are always kept warm; requests take them first.

    Returns
    -------
    array
        Probability in [0, 1], in the broadcast shape of the arguments.

    Examples
    --------
    >>> round(float(cold_share(arrivals_per_s=0.9, service_s=1.99, keep_alive_s=600)), 4)
    0.0013
    """
    found = levels(arrivals_per_s=arrivals_per_s, service_s=service_s, keep_alive_s=keep_alive_s, burstiness=burstiness)
    shape = np.broadcast_shapes(np.shape(arrivals_per_s), np.shape(service_s), np.shape(keep_alive_s))
    return np.asarray(np.clip(found.cold[:, provisioned:].sum(axis=1), 0.0, 1.0).reshape(shape))


def beyond(values: FloatArray) -> FloatArray:
    """Sums from every level to the last."""
    return np.asarray(np.cumsum(values[:, ::-1], axis=1)[:, ::-1])
