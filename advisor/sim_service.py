"""Service times of simulated requests."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.errors import TrafficError
from advisor.sim_settings import above, at_least

FloatArray = NDArray[np.float64]
LAWS = ("gamma", "lognormal")


class Service(NamedTuple):
    """Law of independent service times."""

    mean_s: float
    """[s]"""
    cv: float = 0.0
    """Coefficient of variation; 0 is always the mean.  [unitless]"""
    law: Literal["gamma", "lognormal"] = "gamma"
    """The lognormal has the heavier tail."""


def service_times(service: "Service | ArrayLike", size: int, rng: np.random.Generator) -> FloatArray:
    """Service times of so many requests.

    Parameters
    ----------
    service : Service, float or array
        A law, the time that every request takes, or measured times (such as ``Run.samples_s``), which are drawn with
        replacement.  [s]
    size : int
    rng : Generator

    Raises
    ------
    TrafficError
        If a time is not above 0, or the law is unknown.
    """
    if isinstance(service, Service):
        return _of_law(service, size, rng)
    measured = np.atleast_1d(np.asarray(service, float)).ravel()
    if not measured.size:
        raise TrafficError("field", field="service", value="[]", must="> 0")
    for value in measured[~((measured > 0) & np.isfinite(measured))]:
        above("service", float(value), 0)
    return np.full(size, measured[0]) if measured.size == 1 else rng.choice(measured, size)


def _of_law(service: Service, size: int, rng: np.random.Generator) -> FloatArray:
    mean, cv = above("mean_s", service.mean_s, 0), at_least("cv", service.cv, 0)
    if service.law not in LAWS:
        raise TrafficError("field", field="law", value=service.law, must=", ".join(LAWS))
    if not cv:
        return np.full(size, mean)
    if service.law == "gamma":
        return rng.gamma(1 / cv**2, mean * cv**2, size)
    spread = np.sqrt(np.log1p(cv**2))
    return rng.lognormal(np.log(mean) - spread**2 / 2, spread, size)
