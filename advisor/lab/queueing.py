"""What queueing theory says of a target, from the service times that it told."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.lab.settings import settings

FloatArray = NDArray[np.float64]


def predicted_response_s(
    q: float,
    *,
    arrivals_per_s: ArrayLike,
    service_s: FloatArray,
    outside_s: FloatArray,
    workers: int | None,
    arrival_cv: float = 1.0,
) -> FloatArray | None:
    """Quantile of the response that the queue of ``advisor.capacity`` has with measured service times.

    Parameters
    ----------
    q : float
        Between 0 and 1; below 0.9 the formula is too long, and there is no answer.  [unitless]
    arrivals_per_s : float or array
        Rates.  [1/s]
    service_s : array
        Service times; those that are not known are NaN.  [s]
    outside_s : array
        Time of each request outside queue and service, of which the median is added; NaN likewise.  [s]
    workers : int or None
        Requests that are served at once.
    arrival_cv : float, default 1
        Coefficient of variation of the gaps between arrivals.  [unitless]

    Returns
    -------
    array or None
        Seconds in the shape of the rates, infinite where the load is not below the workers; None where it is not known.
    """
    from advisor.capacity import response_quantile_s

    served_s = service_s[np.isfinite(service_s)]
    if not len(served_s) or workers is None or q < settings()["load"]["predicted_from"]:
        return None
    in_queue = response_quantile_s(
        q,
        servers=float(workers),
        arrivals_per_s=arrivals_per_s,
        service_s=float(served_s.mean()),
        service_cv=float(served_s.std() / served_s.mean()),
        arrival_cv=arrival_cv,
    )
    known_s = outside_s[np.isfinite(outside_s)]
    return np.asarray(in_queue + (max(0.0, float(np.median(known_s))) if len(known_s) else 0.0))
