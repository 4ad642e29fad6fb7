"""What is rented, as lines of a bill: machines, functions, what stands in front of them, storage and traffic."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from advisor.lines import Factor, FloatArray, Line
from advisor.units import DAYS_PER_MONTH, HOURS_PER_DAY, HOURS_PER_MONTH, SECONDS_PER_DAY


def requests_per_month(*, qps: ArrayLike, hours_per_day: float) -> FloatArray:
    """Requests of a month at a mean rate in the active hours [1/month]."""
    return np.asarray(qps, float) * SECONDS_PER_DAY * DAYS_PER_MONTH * (hours_per_day / HOURS_PER_DAY)


def mean_replicas(*, peak: ArrayLike, peak_factor: float, headroom: float, hours_share: float) -> FloatArray:
    """Replicas billed on average by an operation that follows the daily profile.

    Between mean and peak the fleet follows the load with ``headroom`` (its scaling lag); outside the active hours,
    and never below it, one replica stays.
    """
    peak = np.asarray(peak, float)
    active = np.minimum(peak, np.maximum(1.0, peak / peak_factor * headroom))
    return np.asarray(active * hours_share + np.minimum(1.0, peak) * (1 - hours_share))


def gb_in_tier(gb: ArrayLike, *, from_gb: ArrayLike, to_gb: ArrayLike) -> FloatArray:
    """Part of a month's traffic that is billed in a tier; a ``to_gb`` of NaN is open [GB]."""
    gb, end = np.asarray(gb, float), np.where(np.isnan(to_gb), np.inf, to_gb)
    return np.asarray(np.maximum(np.minimum(gb, end) - np.asarray(from_gb, float), 0.0))


def machine_line(*, machines: ArrayLike, usd_per_hour: ArrayLike) -> Line:
    """Rented machines.

    Parameters
    ----------
    machines : float or array
        Machines billed on average.
    usd_per_hour : float or array
        Price of one; NaN = unknown.  [USD/h]
    """
    held = (Factor(machines), Factor(HOURS_PER_MONTH, "{} h"))
    return Line("machines", "h", held, (Factor(usd_per_hour, "{} USD/h"),))


def platform_lines(*, usd: ArrayLike, surcharge: ArrayLike, fee_usd_per_hour: ArrayLike) -> tuple[Line, ...]:
    """Surcharge of a managed service, and the fee of a cluster or endpoint.

    Parameters
    ----------
    usd : float or array
        What the surcharge is taken on.  [USD/month]
    surcharge : float or array
        Share of it; NaN = unknown.
    fee_usd_per_hour : float or array
        NaN = unknown.  [USD/h]
    """
    taken_on = np.where(np.asarray(surcharge) == 0, 0.0, usd)
    hours = Factor(HOURS_PER_MONTH, "{} h")
    return (
        Line("surcharge", "USD", (Factor(taken_on, "{} USD"),), (Factor(surcharge),)),
        Line("platform", "h", (hours,), (Factor(fee_usd_per_hour, "{} USD/h"),)),
    )


class FrontTerms(NamedTuple):
    """Prices of what stands in front of the replicas; NaN = unknown."""

    usd_per_hour: ArrayLike
    usd_per_gb: ArrayLike
    """Of a load balancer."""
    endpoint_usd_per_gb: ArrayLike


def front_lines(*, balancers: ArrayLike, endpoints: ArrayLike, gb: ArrayLike, terms: FrontTerms) -> tuple[Line, ...]:
    """What stands in front of the replicas: load balancers, or managed endpoints that bill what passes them.

    Parameters
    ----------
    balancers, endpoints : float or array
        0 or 1 of each.
    gb : float or array
        Requests and responses.  [GB/month]
    terms : FrontTerms
    """
    hours, through = Factor(HOURS_PER_MONTH, "{} h"), Factor(gb, "{} GB")
    balancer, endpoint = Factor(balancers), Factor(endpoints)
    return (
        Line("load-balancer", "h", (balancer, hours), (Factor(terms.usd_per_hour, "{} USD/h"),)),
        Line("load-balancer-gb", "GB", (balancer, through), (Factor(terms.usd_per_gb, "{} USD/GB"),)),
        Line("endpoint-gb", "GB", (endpoint, through), (Factor(terms.endpoint_usd_per_gb, "{} USD/GB"),)),
    )


def storage_lines(
    *, machines: ArrayLike, disk_gb: ArrayLike, disk_usd_per_gb: ArrayLike, image_gb: ArrayLike,
    image_usd_per_gb: ArrayLike, model_gb: ArrayLike, model_usd_per_gb: ArrayLike,
) -> tuple[Line, ...]:  # fmt: skip
    """Disks of the machines, and what is kept once for all of them: an image in a registry, or a model in a store.

    Parameters
    ----------
    machines : float or array
        Machines billed on average.
    disk_gb, image_gb, model_gb : float or array
        Size of one disk, of the image, of the model; 0 where there is none.  [GB]
    disk_usd_per_gb, image_usd_per_gb, model_usd_per_gb : float or array
        [USD per GB and month]
    """
    disks = (Factor(machines), Factor(disk_gb, "{} GB"))
    return (
        Line("disk", "GB", disks, (Factor(disk_usd_per_gb, "{} USD/GB"),)),
        Line("container-registry", "GB", (Factor(image_gb, "{} GB"),), (Factor(image_usd_per_gb, "{} USD/GB"),)),
        Line("object-storage", "GB", (Factor(model_gb, "{} GB"),), (Factor(model_usd_per_gb, "{} USD/GB"),)),
    )


def egress_lines(
    *, gb: ArrayLike, from_gb: Sequence[ArrayLike], to_gb: Sequence[ArrayLike], usd_per_gb: Sequence[ArrayLike]
) -> tuple[Line, ...]:
    """Responses that leave a cloud, a line a tier; free allowances are not deducted [GB]."""
    return tuple(
        Line("egress", "GB", (Factor(gb_in_tier(gb, from_gb=low, to_gb=high), "{} GB"),), (Factor(usd, "{} USD/GB"),))
        for low, high, usd in zip(from_gb, to_gb, usd_per_gb, strict=True)
    )
