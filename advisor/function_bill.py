"""What functions cost a month: time billed in steps, starts, idle instances, and instances kept warm."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from advisor.columns import MID, BoolArray, FloatArray, IntArray, Sized, Stacks
from advisor.lines import Factor, Line, known_total
from advisor.units import BYTES_PER_GIB, DAYS_PER_MONTH, MILLION, SECONDS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

Numbers = float | FloatArray
Flags = bool | BoolArray

PROVISIONED = tuple(f"provisioned_usd_per_{unit}_s" for unit in ("gb", "vcpu", "gib", "gpu"))
"""Prices of an instance that is kept warm; a service without any sells none."""
_SMALLEST_SCV = float(np.finfo(np.float32).eps)
_STEPS = 64
"""Steps that are counted one by one."""
_FEW = 8
"""Mean service times that they have to hold; shorter steps add half of one."""
_ROUNDING = float(np.finfo(np.float32).eps)


class Terms(NamedTuple):
    """How a service bills; numbers or columns of one shape, money in USD; NaN where a unit is not billed."""

    usd_per_gb_s: Numbers
    """A second at work, by the memory, processors and accelerator of the size."""
    usd_per_gib_s: Numbers
    usd_per_vcpu_s: Numbers
    usd_per_gpu_s: Numbers
    usd_per_million_requests: Numbers
    held_usd_per_s: Numbers
    """An instance of the size that is kept and idle; 0 where the service sells none."""
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


class Size(NamedTuple):
    """Size of an instance; numbers or columns of one shape."""

    memory_gib: Numbers
    """Services that bill GB count 1,024 MB as one."""
    vcpu: Numbers


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


def billed_s(*, service_s: Numbers, service_cv: Numbers, step_s: Numbers, least_s: Numbers = 0.0) -> FloatArray:
    r"""Mean billed time of a gamma service time that is rounded up to whole steps.

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

    Notes
    -----
    A time that is rounded up to steps of length d has the mean :math:`d \sum_k P(T > k d)`, the sum from 0 on; many
    short steps add half of one.

    Examples
    --------
    >>> round(float(billed_s(service_s=0.23, service_cv=0.0, step_s=0.1)), 3)
    0.3
    """
    shape = 1 / np.maximum(np.square(np.asarray(service_cv, float)), _SMALLEST_SCV)
    mean, step, least = (np.asarray(side, float) for side in (service_s, step_s, least_s))
    below = np.maximum(least - step / 2, 0.0) * shape / mean
    smooth = least * special.gammainc(shape, below) + mean * special.gammaincc(shape + 1, below)
    smooth = smooth + step / 2 * special.gammaincc(shape, below)
    edges = np.arange(_STEPS) * step[..., None]
    longer = special.gammaincc(np.asarray(shape)[..., None], edges * np.asarray(shape / mean)[..., None])
    stepped = step * np.where(edges < least[..., None] * (1 - _ROUNDING), 1.0, longer).sum(axis=-1)
    return np.asarray(np.where(mean * _FEW < step * _STEPS, stepped, smooth))


def function_lines(use: Use, size: Size, terms: Terms) -> tuple[Line, ...]:
    r"""Functions as lines of a monthly bill; free tiers are not deducted.

    Where no unit that runs the model has a price, the seconds of memory are unknown.

    Notes
    -----
    With R requests, the price u of an instance at work and h of an idle one, b the billed time of a request, c the
    share on the N that are kept, s the time of starts and a that of living instances per request:

    .. math:: R (((1 - c) b + s) u + c b w + k) \quad \text{and} \quad N h T

    w is u, and the kept instances are billed as idle only while they are idle, :math:`N T - R c S`; where the service
    has a price of its own for the use of kept instances, w is that and they are billed all the time T.  Instances
    billed for their lifetime cost a u for the first term; where idle time is billed, (a - (1 - c) S) h comes on top.
    """
    c, own = use.on_provisioned, np.isfinite(terms.use_usd_per_s)
    lone = (1 - c) * use.service_s
    working = np.where(terms.lifetime, np.maximum(use.alive_s, lone), (1 - c) * use.billed_s)
    working = working + np.where(terms.start, use.start_s, 0.0) + np.where(own, 0.0, c * use.billed_s)
    idle = np.where(terms.idle, np.maximum(use.alive_s - lone, 0.0), 0.0)
    kept_s = use.provisioned * SECONDS_PER_MONTH
    kept_s = np.where(own, kept_s, np.maximum(kept_s - use.requests * c * use.service_s, 0.0))
    requests, held = Factor(use.requests), (Factor(terms.held_usd_per_s, "{} USD/s"),)
    on_kept = (requests, Factor(np.where(own, c * use.billed_s, 0.0), "{} s"))
    lines = (
        *_working_lines(requests, Factor(working, "{} s"), size, terms),
        _calls_line(use, terms),
        Line("function-idle", "s", (requests, Factor(idle, "{} s")), held),
        Line("provisioned", "s", (Factor(kept_s, "{} s"),), held),
        Line("provisioned-use", "s", on_kept, (Factor(terms.use_usd_per_s, "{} USD/s"),)),
    )
    return (*lines, _least_line(use, terms, lines))


def _working_lines(requests: Factor, seconds: Factor, size: Size, terms: Terms) -> Iterator[Line]:
    """Seconds at work, unit by unit."""
    gb, gib, vcpu, gpu = (np.asarray(price, float) for price in terms[:4])
    unpriced = np.isnan(gb) & np.isnan(gib) & np.isnan(vcpu) & np.isnan(gpu)
    for item, unit, factor, price, billed in (
        ("function-gb", "GB·s", Factor(size.memory_gib, "{} GB"), gb, ~np.isnan(gb) | unpriced),
        ("function-gib", "GiB·s", Factor(size.memory_gib, "{} GiB"), gib, ~np.isnan(gib)),
        ("function-vcpu", "vCPU·s", Factor(size.vcpu, "{} vCPU"), vcpu, ~np.isnan(vcpu)),
        ("function-gpu", "GPU·s", Factor(1.0, "{} GPU"), gpu, ~np.isnan(gpu)),
    ):
        quantities = (requests, seconds, factor, _billed(billed))
        yield Line(item, unit, quantities, (Factor(price, f"{{}} USD/({unit})"),))


def _calls_line(use: Use, terms: Terms) -> Line:
    price = np.asarray(terms.usd_per_million_requests, float)
    calls = Factor(np.asarray(use.requests, float) / MILLION, "{} M")
    return Line("requests", "M", (calls, _billed(~np.isnan(price))), (Factor(price, "{} USD/M"),))


def _least_line(use: Use, terms: Terms, lines: Sequence[Line]) -> Line:
    """What is missing to the least that an hour with a call costs."""
    billed = known_total(lines)[0]
    missing = np.maximum(np.nan_to_num(terms.usd_min_per_hour) - np.nan_to_num(billed) / use.hours, 0.0)
    return Line(
        "function-least", "h", (Factor(use.hours, "{} h"), _billed(missing > 0)), (Factor(missing, "{} USD/h"),)
    )


def _billed(whether: ArrayLike) -> Factor:
    """Factor of a unit that is billed or not; it is written nowhere."""
    return Factor(np.asarray(whether, float), "")


def lines_of_functions(
    found: Stacks,
    sized: Sized,
    terms: "pd.DataFrame",
    runs: IntArray,
    *,
    requests: float,
    hours_per_day: float,
    end: int,
    unknown: BoolArray,
) -> tuple[Line, ...]:
    """Lines of runs on functions, at one end of the latency interval.

    Parameters
    ----------
    requests : float
        [1/month]
    hours_per_day : float
        Active hours.
    end : int
        End of the service time; shares of cold starts and kept instances are those of the middle.
    unknown : bool array, shape (runs,)
        Whether the prices of a run were unknown on the date that is asked.
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
    size = _size_of(found, terms, own, runs)
    return function_lines(use, size, _terms_of(terms, own, size, unknown))


def _size_of(found: Stacks, terms: "pd.DataFrame", own: IntArray, runs: IntArray) -> Size:
    machine, gpu_vcpu = found.run_machine[runs], terms["gpu_vcpu"].to_numpy(float)[own]
    vcpu = np.where(np.isnan(gpu_vcpu), found.machines.units[machine], gpu_vcpu)
    return Size(found.machines.memory_bytes[machine] / BYTES_PER_GIB, vcpu)


def _terms_of(terms: "pd.DataFrame", own: IntArray, size: Size, unknown: BoolArray) -> Terms:
    """Terms of runs at their sizes."""

    def column(name: str) -> FloatArray:
        return terms[name].to_numpy(float)[own]

    amounts = {"gb": size.memory_gib, "gib": size.memory_gib, "vcpu": size.vcpu, "gpu": 1.0}
    held = sum(np.nan_to_num(column(f"provisioned_usd_per_{unit}_s")) * amount for unit, amount in amounts.items())
    gb, gib, vcpu, gpu, calls = (np.where(unknown, np.nan, column(name)) for name in Terms._fields[:5])
    billing = terms["billing"].to_numpy()[own]
    return Terms(
        gb,
        gib,
        vcpu,
        gpu,
        calls,
        held_usd_per_s=np.asarray(held),
        use_usd_per_s=column("provisioned_use_usd_per_gb_s") * size.memory_gib,
        usd_min_per_hour=column("usd_min_per_hour"),
        lifetime=billing == "instance",
        idle=billing == "request-and-idle",
        start=terms["start_billed"].to_numpy()[own] == "yes",
    )
