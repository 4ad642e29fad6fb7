"""What functions cost a month: time billed in steps, starts, idle instances, and instances kept warm."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from advisor.columns import MID, BoolArray, FloatArray, IntArray, Sized, Stacks
from advisor.units import BYTES_PER_GIB, DAYS_PER_MONTH, MILLION, SECONDS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

Numbers = float | FloatArray
Flags = bool | BoolArray

PROVISIONED = tuple(f"provisioned_usd_per_{unit}_s" for unit in ("gb", "vcpu", "gib", "gpu"))
"""Prices of an instance that is kept warm; a service without any sells none."""
_SMALLEST_SCV = float(np.finfo(np.float32).eps)
_NODE, _WEIGHT = np.polynomial.legendre.leggauss(32)
_CHANCE, _WEIGHT = (1 + _NODE) / 2, _WEIGHT / 2


class Terms(NamedTuple):
    """How a service bills; numbers or columns of one shape."""

    usd_per_s: Numbers
    """An instance of the size at work."""
    usd_per_call: Numbers
    held_usd_per_s: Numbers
    """One that is kept and idle; 0 where the service sells none."""
    use_usd_per_s: Numbers
    """What a kept instance at work costs besides; NaN where it is billed as any other, and as idle only when idle."""
    usd_min_per_hour: Numbers
    """Least for an hour with a call."""
    lifetime: Flags
    """Whether an instance is billed from its start until it leaves."""
    idle: Flags
    """Whether its idle time until it leaves is billed as that of a kept one."""
    start: Flags
    """Whether its start is billed."""


class Use(NamedTuple):
    """What a month asks of functions; numbers or columns of one shape."""

    requests: Numbers
    """[1/month]"""
    hours: Numbers
    """Hours with a call.  [h/month]"""
    service_s: Numbers
    billed_s: Numbers
    """Service time as it is billed."""
    start_s: Numbers
    """Time of cold starts, per request."""
    alive_s: Numbers
    """Time that instances live which are not kept warm, per request."""
    provisioned: Numbers
    """Instances kept warm all month."""
    on_provisioned: Numbers
    """Share of the requests that they serve."""


class Seconds(NamedTuple):
    """Time of a month by the price at which it is billed; numbers or columns of one shape.  [s/month]."""

    work_s: Numbers
    """At the price of an instance at work."""
    kept_work_s: Numbers
    """At the price of kept instances at work, where the service has one of its own."""
    idle_s: Numbers
    """At the idle price: what is left of the lives of instances that are not kept."""
    kept_s: Numbers
    """At the idle price: instances kept warm."""


class FunctionBill(NamedTuple):
    """Two lines of the bill [USD/month]."""

    use_usd: FloatArray
    """Calls and time at work; NaN where the service states no price of it."""
    provisioned_usd: FloatArray
    """Instances kept warm."""


def billed_s(*, service_s: Numbers, service_cv: Numbers, step_s: Numbers, least_s: Numbers = 0.0) -> FloatArray:
    """Mean billed time of a gamma service time that is rounded up to whole steps.

    Parameters
    ----------
    service_s, service_cv : float or array
        Mean and coefficient of variation.  [s], [unitless]
    step_s, least_s : float or array
        Step of the billed time, and the least that is billed.  [s]

    Returns
    -------
    array
        [s]

    Examples
    --------
    >>> round(float(billed_s(service_s=0.23, service_cv=0.0, step_s=0.1)), 3)
    0.3
    """
    scv = np.maximum(np.square(np.asarray(service_cv, float)), _SMALLEST_SCV)[..., None]
    mean, step, least = (np.asarray(side, float)[..., None] for side in (service_s, step_s, least_s))
    time = special.gammaincinv(1 / scv, _CHANCE) * scv * mean
    added = np.maximum(np.ceil(time / step) * step, least) - time
    return np.asarray(mean[..., 0] + added @ _WEIGHT)


def seconds_of(use: Use, terms: Terms) -> Seconds:
    r"""Time that functions are billed for in a month, by the price of it.

    Notes
    -----
    With R requests, b the billed time of one, c the share on the N instances that are kept, s the time of starts and a
    that of living instances per request: :math:`R ((1 - c) b + s)` at work, and kept ones like it.  Kept instances are
    idle for :math:`N T - R c S`; where the service has a price of its own for them at work, they are held all the time
    T.  Instances billed for their lifetime work for R a; where idle time is billed, it is :math:`R (a - (1 - c) S)`.
    """
    c, own = use.on_provisioned, np.isfinite(terms.use_usd_per_s)
    lone, on_kept = (1 - c) * use.service_s, use.requests * c * use.billed_s
    each = np.where(terms.lifetime, np.maximum(use.alive_s, lone), (1 - c) * use.billed_s)
    each = each + np.where(terms.start, use.start_s, 0.0)
    idle = np.where(terms.idle, np.maximum(use.alive_s - lone, 0.0), 0.0)
    held = use.provisioned * SECONDS_PER_MONTH
    return Seconds(
        work_s=use.requests * each + np.where(own, 0.0, on_kept),
        kept_work_s=np.where(own, on_kept, 0.0),
        idle_s=use.requests * idle,
        kept_s=np.where(own, held, np.maximum(held - use.requests * c * use.service_s, 0.0)),
    )


def bill_of_functions(use: Use, terms: Terms) -> FunctionBill:
    """Monthly bill of functions: their time at its prices and their calls; free tiers are not deducted."""
    time, held = seconds_of(use, terms), terms.held_usd_per_s
    working = time.work_s * terms.usd_per_s + time.kept_work_s * np.nan_to_num(terms.use_usd_per_s)
    used = working + time.idle_s * held + use.requests * terms.usd_per_call
    kept_usd = np.asarray(time.kept_s * held)
    least = np.nan_to_num(terms.usd_min_per_hour) * use.hours
    return FunctionBill(np.where(np.greater(terms.usd_per_s, 0), np.maximum(used, least - kept_usd), np.nan), kept_usd)


def function_bill(
    found: Stacks,
    sized: Sized,
    terms: "pd.DataFrame",
    runs: IntArray,
    *,
    requests: float,
    hours_per_day: float,
    end: int,
) -> FunctionBill:
    """Monthly bill of runs on functions, at one end of the latency interval.

    Parameters
    ----------
    requests : float
        [1/month]
    hours_per_day : float
        Active hours.
    end : int
        End of the service time; shares of cold starts and kept instances are those of the middle.
    """
    functions, cell = sized.functions, sized.cell[runs]
    if functions is None:
        raise ValueError("no run is on functions")
    own = found.machines.terms[found.run_machine[runs]]
    entry = np.searchsorted(functions.runs, runs)
    service, mid = sized.cells.service_s[end][cell], sized.cells.service_s[MID][cell]
    hours = hours_per_day * DAYS_PER_MONTH
    use = Use(
        requests=requests,
        hours=-np.expm1(-requests / hours) * hours,
        service_s=service,
        billed_s=billed_s(
            service_s=service,
            service_cv=sized.cells.service_cv,
            step_s=terms["billing_step_s"].to_numpy(float)[own],
            least_s=np.nan_to_num(terms["billing_min_s"].to_numpy(float))[own],
        ),
        start_s=functions.cold_share[entry] * functions.mean_start_s[entry],
        alive_s=functions.alive_s[entry] + (1 - functions.on_provisioned[entry]) * (service - mid),
        provisioned=functions.provisioned[entry],
        on_provisioned=functions.on_provisioned[entry],
    )
    return bill_of_functions(use, _terms_of(found, terms, own, runs))


def _terms_of(found: Stacks, terms: "pd.DataFrame", own: IntArray, runs: IntArray) -> Terms:
    """Terms of runs at their sizes."""
    machine = found.run_machine[runs]
    memory_gib = found.machines.memory_bytes[machine] / BYTES_PER_GIB
    gpu_vcpu = terms["gpu_vcpu"].to_numpy(float)[own]
    size: dict[str, Numbers] = {
        "gb": memory_gib,
        "gib": memory_gib,
        "vcpu": np.where(np.isnan(gpu_vcpu), found.machines.units[machine], gpu_vcpu),
        "gpu": 1.0,
    }

    def column(name: str) -> FloatArray:
        return terms[name].to_numpy(float)[own]

    def usd_per_s(prefix: str) -> FloatArray:
        return np.asarray(sum(np.nan_to_num(column(f"{prefix}_{unit}_s")) * amount for unit, amount in size.items()))

    billing = terms["billing"].to_numpy()[own]
    return Terms(
        usd_per_s=usd_per_s("usd_per"),
        usd_per_call=np.nan_to_num(column("usd_per_million_requests")) / MILLION,
        held_usd_per_s=usd_per_s("provisioned_usd_per"),
        use_usd_per_s=column("provisioned_use_usd_per_gb_s") * memory_gib,
        usd_min_per_hour=column("usd_min_per_hour"),
        lifetime=billing == "instance",
        idle=billing == "request-and-idle",
        start=terms["start_billed"].to_numpy()[own] == "yes",
    )
