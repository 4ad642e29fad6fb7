"""Language models with continuous batching: sequences decoded together, time to first token, time per output token.

Sequences that are decoded together slow one another down, so the rate at which requests finish depends on how many
there are.  Where a step takes a fixed time and so much for every sequence, their number has a closed form.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]

_FLATTEST = 1e-5
"""Least share of the fixed time that a sequence adds to a step, so that one formula serves all."""
_LEAST_LOAD, _MOST_LOAD = 1e-7, 1 - 1e-7
"""Bounds of the load, as a share of what the workers carry, between which the formula is evaluated."""


class Generation(NamedTuple):
    """What a language model at work shows; times in seconds."""

    sequences: FloatArray
    """Sequences that a worker decodes together, mean over time."""
    waits: FloatArray
    """Share of the requests that find no free slot."""
    first_s: FloatArray
    """Quantile of the time to the first token."""
    token_s: FloatArray
    """Quantile over requests of the mean time per output token."""
    response_s: FloatArray
    """Quantile of the time until the last token."""


def slowest_token_s(
    q: ArrayLike,
    *,
    slots: ArrayLike,
    step_s: ArrayLike,
    prefill_s: ArrayLike,
    output_tokens: ArrayLike,
    length_cv: ArrayLike,
) -> FloatArray:
    r"""Quantile over requests of the mean time per output token with all slots taken: never less than at any load.

    Parameters
    ----------
    q, prefill_s, output_tokens, length_cv
        As in :func:`generation_s`.
    slots : float or array
        Sequences decoded together; one alone is not held up.
    step_s : float or array
        Step of so many.  [s]

    Notes
    -----
    .. math:: s(B) + \frac{B p}{L} + z_q \frac{p}{L} \sqrt{B (1 + c^2)} \left(1 + \frac{B p}{L s(B)}\right)
    """
    many, step = np.asarray(slots, float), np.asarray(step_s, float)
    pause = np.where(many > 1, np.divide(prefill_s, output_tokens), 0.0)
    prompts = special.ndtri(np.asarray(q, float)) * pause * np.sqrt(many * (1 + np.square(length_cv)))
    return np.asarray(step + many * pause + prompts * (1 + many * pause / step))


class _Fleet(NamedTuple):
    """Workers under load, as arrays of one shape."""

    workers: FloatArray
    rate: FloatArray
    """Requests per second and worker."""
    slots: FloatArray
    """Sequences for which one worker has room."""
    fixed: FloatArray
    added: FloatArray
    """Fixed time of a step, and what a sequence adds [s]."""
    prefill: FloatArray
    length: FloatArray
    length_scv: FloatArray
    arrival_scv: FloatArray

    @property
    def decoding(self) -> FloatArray:
        """Share of a worker's time that prompts leave for decoding."""
        return 1 - self.rate * self.prefill


class _Number(NamedTuple):
    """Number of requests at work in the fleet."""

    waits: FloatArray
    """Probability that all slots are taken."""
    idle: FloatArray
    """Probability that a worker has nothing to do."""
    mean: FloatArray
    """Mean number in slots."""
    quantile: FloatArray
    """Quantile of the number in slots."""
    wait_s: FloatArray
    """Mean wait for a slot of those that wait [s]."""


def generation_s(
    q: ArrayLike,
    *,
    workers: ArrayLike,
    arrivals_per_s: ArrayLike,
    slots: ArrayLike,
    fixed_s: ArrayLike,
    sequence_s: ArrayLike,
    prefill_s: ArrayLike,
    output_tokens: ArrayLike,
    length_cv: ArrayLike,
    arrival_cv: ArrayLike = 1.0,
) -> Generation:
    r"""Quantiles of a language model served with continuous batching.

    Parameters
    ----------
    q : float or array
        Such as 0.99.  [unitless]
    workers : float or array
        Replicas of the model; a request goes to the one with the fewest.
    arrivals_per_s : float or array
        Requests to all workers together.  [1/s]
    slots : float or array
        Sequences for which one worker's memory has room (at least 2).
    fixed_s, sequence_s : float or array
        A step with b sequences takes ``fixed_s + sequence_s * b``.  [s]
    prefill_s : float or array
        Reading one prompt, during which the worker does nothing else.  [s]
    output_tokens : float or array
        Mean length of an answer.
    length_cv, arrival_cv : float or array
        Coefficients of variation of the length and of the gaps between arrivals.  [unitless]

    Returns
    -------
    Generation
        In the broadcast shape of the arguments; infinite times where the load is not below what the workers carry.

    Notes
    -----
    With c workers, n requests finish at the rate :math:`n (1 - \lambda p / c) / (L (\alpha + \beta n / c))`, because
    reading prompts p takes its share of the time.  The birth-death process with these rates has a negative binomial
    number of requests, :math:`\pi_n \propto \binom{n + r}{n} z^n` with :math:`r = c \alpha / \beta` and
    :math:`z = \lambda L \beta / (c - \lambda p)`, up to the number of slots and a geometric tail beyond; it does not
    depend on the law of the lengths (a symmetric queue [1]_).  Prompts that come together hold up the worker and so
    let more come together (arrivals per step excite themselves, with variance over mean
    :math:`(1 - \lambda p / c)^{-2}` [2]_), which widens the number as the peakedness of a bursty stream does [3]_.
    The first token waits for a slot (exponential, at what the workers carry less the load), for the rest of the step
    under way, and for a step of its own with all the prompts that came meanwhile.  Quantiles of small numbers are by
    Cornish and Fisher, at most Markov's bound; deviations from the means are joined as independent ones.

    References
    ----------
    .. [1] F. P. Kelly, Reversibility and Stochastic Networks, Wiley, 1979, section 3.3.
    .. [2] A. G. Hawkes, "Spectra of some self-exciting and mutually exciting point processes," Biometrika 58, 1971.
    .. [3] A. E. Eckberg, "Generalized peakedness of teletraffic processes," 10th Int. Teletraffic Congress, 1983.

    Examples
    --------
    >>> at_work = generation_s(0.99, workers=1, arrivals_per_s=2.0, slots=64, fixed_s=0.02, sequence_s=1e-4,
    ...                        prefill_s=0.05, output_tokens=200, length_cv=0.6)
    >>> float(at_work.sequences.round(1)), float(at_work.token_s.round(4))
    (9.8, 0.0277)
    """
    q, count, rate, most, fixed, added, prefill, length, cv, gap_cv = np.broadcast_arrays(
        *(
            np.asarray(a, float)
            for a in (
                q, workers, arrivals_per_s, slots, fixed_s, sequence_s, prefill_s, output_tokens, length_cv, arrival_cv
            )
        )
    )  # fmt: skip
    added = np.maximum(added, _FLATTEST * fixed)
    carried = 1 / (length * (fixed + added * most) / most + prefill)
    per_worker = np.clip(rate / count, _LEAST_LOAD * carried, _MOST_LOAD * carried)
    fleet = _Fleet(count, per_worker, most, fixed, added, prefill, length, cv**2, gap_cv**2)
    stable = rate < count * carried
    number = _number(q, fleet)
    batch = number.mean / count
    token = batch / (per_worker * length)
    room = np.maximum(fixed + added * most - token * fleet.decoding, 0.0)
    more = np.minimum(added * (number.quantile - number.mean) / count, room)
    prompts = prefill * np.sqrt(per_worker * token / length * (1 + cv**2))
    slower = _joined(more, special.ndtri(q) * prompts) / fleet.decoding
    first, late = _first_token_s(q, fleet, number, batch, more)
    decoding = (length - 1) * token
    whole = first + decoding + _joined(late, decoding * (_gamma_quantile(q, cv) - 1), length * slower)
    return Generation(
        np.where(stable, batch, most),
        np.where(stable, number.waits, 1.0),
        np.where(stable, first + late, np.inf),
        np.where(stable, token + slower, np.inf),
        np.where(stable, whole, np.inf),
    )


def _number(q: FloatArray, fleet: _Fleet) -> _Number:
    """Negative binomial number of requests, cut off at the slots, with a geometric tail of those that wait."""
    own, most = fleet.decoding, fleet.workers * fleet.slots
    step = fleet.fixed + fleet.added * fleet.slots
    ratio = fleet.rate * fleet.length * step / (fleet.slots * own)
    again = fleet.rate * fleet.length * fleet.added / own
    size = fleet.workers * fleet.fixed / fleet.added + 1
    unbounded = size * again / (1 - again)
    bursty = 1 + np.maximum(fleet.arrival_scv / own**2 - 1, 0.0) * (1 - _gini(fleet.length_scv))
    wait = ratio / (1 - ratio) / (fleet.rate * fleet.workers)
    again, ratio = 1 - (1 - again) / bursty, 1 - (1 - ratio) / bursty
    size = unbounded * (1 - again) / again
    at_most = np.exp(
        special.gammaln(most + size) - special.gammaln(size) - special.gammaln(most + 1)
        + size * np.log1p(-again) + most * np.log(again)
    )  # fmt: skip
    beyond = at_most * ratio / (1 - ratio)
    total = special.betainc(size, most + 1, 1 - again) + beyond
    inside = unbounded * special.betainc(size + 1, most, 1 - again)
    deviation, skewness = np.sqrt(unbounded / (1 - again)), (1 + again) / np.sqrt(size * again)
    z = special.ndtri(q)
    quantile = np.minimum(unbounded + deviation * (z + (z**2 - 1) / 6 * skewness), unbounded / (1 - q))
    return _Number(
        waits=(at_most + beyond) / total,
        idle=special.betainc(size, fleet.workers, 1 - again) / total,
        mean=(inside + most * beyond) / total,
        quantile=np.clip(quantile, 0.0, most),
        wait_s=wait,
    )


def _first_token_s(
    q: FloatArray, fleet: _Fleet, number: _Number, batch: FloatArray, more_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean time to the first token, and what its quantile has above that."""
    step = fleet.fixed + fleet.added * np.minimum(batch + 1, fleet.slots)
    excited = fleet.rate * fleet.prefill
    mean = step / fleet.decoding
    under_way = mean + fleet.prefill**2 * fleet.rate / (1 - excited**2)
    busy = 1 - number.idle
    others = busy * fleet.rate * under_way
    z = special.ndtri(q)
    crowd = z * np.sqrt(others / (1 - excited**2)) + (z**2 - 1) / 6
    crowd = np.clip(crowd, -others, others * q / (1 - q))
    deviation = _joined((q - 0.5) * busy * under_way, fleet.prefill * crowd, more_s)
    place = number.wait_s * np.maximum(np.log(np.maximum(number.waits, 1 - q) / (1 - q)), 0.0)
    waited = number.waits * number.wait_s
    return step + fleet.prefill * (1 + others) + busy * under_way / 2 + waited, deviation + place - waited


def _joined(*deviations: FloatArray) -> FloatArray:
    """Independent deviations from means, joined with their signs."""
    squares = sum((one * np.abs(one) for one in deviations), np.zeros(()))
    return np.asarray(np.sign(squares) * np.sqrt(np.abs(squares)))


def _gini(scv: FloatArray) -> FloatArray:
    """Gini coefficient of a gamma law."""
    shape = 1 / np.maximum(scv, np.finfo(np.float32).eps)
    return np.asarray(np.exp(special.gammaln(shape + 0.5) - special.gammaln(shape + 1)) / np.sqrt(np.pi))


def _gamma_quantile(q: FloatArray, cv: FloatArray) -> FloatArray:
    """Quantile of a gamma law of mean 1."""
    scv = np.maximum(cv**2, np.finfo(np.float32).eps)
    return np.asarray(special.gammaincinv(1 / scv, q) * scv)
