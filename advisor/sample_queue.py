"""Service times that were measured -> response quantiles of their queue, by simulation.

Where service times are known one by one, nothing has to be assumed of their distribution, nor that one tells nothing
of the next; ``advisor.capacity`` is for the mean and the variation alone.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

_QUEUES = 256
"""Queues simulated side by side."""
_CUSTOMERS = 4500
"""Customers of each that count."""
_FILLING = 1500
"""Customers before them, while the queue fills."""


def response_quantile_from_sample_s(
    q: ArrayLike,
    *,
    servers: int,
    arrivals_per_s: float,
    samples_s: ArrayLike,
    found_idle: ArrayLike | None = None,
    seed: int = 0,
) -> FloatArray | float:
    r"""Quantile of the response time, wait plus service, of a queue with Poisson arrivals and measured service times.

    Parameters
    ----------
    q : float or array
        Probability, such as 0.99.  [unitless]
    servers : int
        Servers that share one queue, first come, first served.  [unitless]
    arrivals_per_s : float
        Mean arrival rate.  [1/s]
    samples_s : array of shape (n,)
        Service times in the order in which they were measured.  [s]
    found_idle : bool array of shape (n,), optional
        Whether each found a server idle.  Service after a pause may take longer, caches and clock being cold, and the
        queue then has both kinds apart, as in [1]_.  By default no difference is made.
    seed : int, default 0
        Seed of the arrivals.

    Returns
    -------
    float or array
        Response time in the shape of ``q``; infinite where the load is not below the servers.  [s]

    Notes
    -----
    The vector of remaining work of Kiefer and Wolfowitz [2]_ is followed in 256 queues with gaps between arrivals of
    their own.  Each starts at another place of the sample, spread evenly, and takes the service times from there in
    their order, and from the beginning again after the last, so that slow spells stay together.  With 1.2 million
    customers in all the p99 itself varies by 1 % at a utilisation of 0.8 and by 4 % at 0.95 (standard deviation,
    exponential service).

    References
    ----------
    .. [1] P. D. Welch, "On a generalized M/G/1 queuing process in which the first customer of each busy period
       receives exceptional service," Operations Research 12(5), 1964, doi:10.1287/opre.12.5.736.
    .. [2] J. Kiefer and J. Wolfowitz, "On the theory of queues with many servers," Trans. Am. Math. Soc. 78, 1955.

    Examples
    --------
    >>> found = response_quantile_from_sample_s(0.99, servers=1, arrivals_per_s=50, samples_s=[0.01])
    >>> bool(0.04 < found < 0.05)
    True
    """
    samples = np.asarray(samples_s, float)
    idle = np.zeros(samples.shape, bool) if found_idle is None else np.asarray(found_idle, bool)
    apart = bool(idle.any()) and not idle.all()
    after_idle, after_wait = (samples[idle], samples[~idle]) if apart else (samples, samples)
    if arrivals_per_s * after_wait.mean() >= servers:
        return np.full(np.shape(q), np.inf) if np.ndim(q) else np.inf
    random = np.random.default_rng(seed)
    start = (np.arange(_QUEUES) + random.random()) / _QUEUES
    gaps = random.exponential(1 / arrivals_per_s, (_FILLING + _CUSTOMERS, _QUEUES))
    responses = _responses(gaps, after_idle, after_wait, start, servers=servers, apart=apart)
    found = np.quantile(responses[_FILLING:], np.asarray(q, float))
    return found if np.ndim(q) else float(found)


def _responses(
    gaps: FloatArray, after_idle: FloatArray, after_wait: FloatArray, start: FloatArray, *, servers: int, apart: bool
) -> FloatArray:
    """Responses of customers, by row, in queues, by column; each is followed by its gap."""
    responses = np.empty_like(gaps)
    until_free = np.zeros((servers, gaps.shape[1]))
    at_idle, at_wait = ((start * len(times)).astype(np.intp) for times in (after_idle, after_wait))
    for customer, gap in enumerate(gaps):
        idle = until_free[0] == 0
        service = np.where(idle, after_idle[at_idle], after_wait[at_wait])
        at_idle = (at_idle + (idle | (not apart))) % len(after_idle)
        at_wait = (at_wait + (~idle | (not apart))) % len(after_wait)
        until_free[0] += service
        responses[customer] = until_free[0]
        until_free = np.sort(np.maximum(until_free - gap, 0.0), axis=0)
    return responses
