"""Service times that were measured -> response quantiles of their queue, by simulation.

Where service times are known one by one, nothing has to be assumed of their distribution, nor that one tells nothing
of the next; ``advisor.capacity`` is for the mean and the variation alone.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

_PATHS = 128
"""Queues simulated side by side."""
_CUSTOMERS = 9000
"""Customers of each that count."""
_FILLING = 1500
"""Customers before them, while the queue fills."""


def response_quantile_from_sample_s(
    q: ArrayLike, *, servers: int, arrivals_per_s: float, samples_s: ArrayLike, seed: int = 0
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
    seed : int, default 0
        Seed of the arrivals.

    Returns
    -------
    float or array
        Response time in the shape of ``q``; infinite where the load is not below the servers.  [s]

    Notes
    -----
    Each of 128 queues starts at another place of the sample, spread evenly, and takes the service times from there in
    their order, and from the beginning again after the last, so that slow spells stay together.  Gaps between arrivals
    are drawn anew.  One server follows Lindley [1]_, several the vector of remaining work of Kiefer and Wolfowitz [2]_.
    With 1.2 million customers the simulation itself is off by 1 % at a utilisation of 0.8 and by 4 % at 0.95
    (standard deviation of the p99, exponential service).

    References
    ----------
    .. [1] D. V. Lindley, "The theory of queues with a single server," Math. Proc. Camb. Phil. Soc. 48(2), 1952,
       doi:10.1017/S0305004100027638.
    .. [2] J. Kiefer and J. Wolfowitz, "On the theory of queues with many servers," Trans. Am. Math. Soc. 78, 1955,
       doi:10.1090/S0002-9947-1955-0066587-1.

    Examples
    --------
    >>> bool(response_quantile_from_sample_s(0.99, servers=1, arrivals_per_s=50, samples_s=[0.01]) < 0.04)
    True
    """
    samples = np.asarray(samples_s, float)
    if arrivals_per_s * samples.mean() >= servers:
        return np.full(np.shape(q), np.inf) if np.ndim(q) else np.inf
    random = np.random.default_rng(seed)
    first = ((np.arange(_PATHS) + random.random()) * len(samples) / _PATHS).astype(np.intp)
    customers = np.arange(_FILLING + _CUSTOMERS)
    services = samples[(customers[:, None] + first) % len(samples)]
    gaps = random.exponential(1 / arrivals_per_s, services.shape)
    waits = _lindley(services, gaps) if servers == 1 else _kiefer_wolfowitz(services, gaps, servers)
    found = np.quantile((waits + services)[_FILLING:], q)
    return found if np.ndim(q) else float(found)


def _lindley(services: FloatArray, gaps: FloatArray) -> FloatArray:
    """Waits before one server; rows are customers, each followed by its gap, columns are queues."""
    ahead = np.zeros_like(services)
    np.cumsum(services[:-1] - gaps[:-1], axis=0, out=ahead[1:])
    return ahead - np.minimum.accumulate(ahead, axis=0)


def _kiefer_wolfowitz(services: FloatArray, gaps: FloatArray, servers: int) -> FloatArray:
    """Waits before several servers; rows and columns as for one."""
    waits = np.empty_like(services)
    until_free = np.zeros((servers, services.shape[1]))
    for customer, (service, gap) in enumerate(zip(services, gaps, strict=True)):
        waits[customer] = until_free[0]
        until_free[0] += service
        until_free -= gap
        np.maximum(until_free, 0.0, out=until_free)
        until_free.sort(axis=0)
    return waits
