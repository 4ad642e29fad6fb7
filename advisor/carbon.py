"""Energy and carbon of running a fleet, at work and idle, per month and per 1,000 inferences, with their range.

What it takes to make and to dispose of the hardware is left out.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from advisor.columns import FUNCTION, HIGH, LOW, MID, BoolArray, Column, FloatArray, IntArray, Sized, Stacks
from advisor.cost import requests_per_month
from advisor.draw import Factors, carbon_sources, factors
from advisor.knowledge import Knowledge
from advisor.question import Question
from advisor.results import Interval
from advisor.units import GRAMS_PER_KG, HOURS_PER_DAY, HOURS_PER_MONTH, SECONDS_PER_HOUR, THOUSAND, WATTS_PER_KW


class Hours(NamedTuple):
    """Hours of a month that machines are held, and that they work."""

    held: FloatArray
    busy: FloatArray


class Power(NamedTuple):
    """What a held machine draws."""

    watts: FloatArray
    """As its record states; NaN where it does not."""
    idle: FloatArray
    busy: FloatArray
    """Shares of that which it draws while it waits, and while it works."""
    host: FloatArray
    """Power of the whole machine over that of its devices."""
    pue: FloatArray
    """Energy of the building over that of the machine."""


def energy_kwh(hours: Hours, power: Power) -> FloatArray:
    r"""Energy of machines that idle and work [kWh].

    Parameters
    ----------
    hours : Hours
        [h]
    power : Power
        Stated power in watts, the rest shares.

    Notes
    -----
    With the stated power P, held hours H and busy hours B, the shares i and b, the host h:

    .. math:: E = P \cdot h \cdot PUE \cdot (i (H - B) + b B)
    """
    drawn = power.idle * (hours.held - hours.busy) + power.busy * hours.busy
    return np.asarray(power.watts / WATTS_PER_KW * power.host * power.pue * drawn)


def ranged(mid: float, others: Iterable[tuple[float, float]]) -> Interval:
    r"""Interval of a product of uncertain factors.

    Parameters
    ----------
    mid : float
        With every factor at its middle.
    others : iterable of pairs
        The same with one factor at its low end and at its high end.

    Notes
    -----
    Deviations of independent factors add up as the root of the sum of their squares [1]_, here in the logarithm and
    for each side apart:

    .. math:: high = mid \cdot \exp \sqrt{\sum_k \ln^2 (high_k / mid)}

    References
    ----------
    .. [1] IPCC Guidelines for National Greenhouse Gas Inventories, 2006, volume 1, equation 3.1.
    """
    pairs = list(others)
    below = [max(np.log(mid / low), 0.0) for low, _ in pairs]
    above = [max(np.log(high / mid), 0.0) for _, high in pairs]
    return Interval(float(mid * np.exp(-np.hypot.reduce(below))), mid, float(mid * np.exp(np.hypot.reduce(above))))


def hours_of(
    asking: Question, found: Stacks, fleets: Sized, knowledge: Knowledge, machines: Column, run: IntArray, end: int
) -> Hours:
    """Hours of a month that the machines of some runs are held and work, at all places [h].

    Parameters
    ----------
    machines : array
        Machines held on average at one place.
    run : int array
    end : int
        End of the interval of the service time.

    Notes
    -----
    A function is held for the time that it runs, or lives where the instance is billed, kept ones all month, and works
    for its service time.  Other machines work in the active hours only, see :func:`busy_share`.
    """
    asked, cell, machine = asking.asked, fleets.cell[run], found.run_machine[run]
    cells = fleets.cells
    service_s, alone_s, slots = cells.service_s[end][cell], cells.alone_s[end][cell], cells.slots[cell]
    places = np.where(found.machines.site[machine] > 0, asked.sites, 1)
    replicas = np.where(np.isfinite(fleets.replicas[run]), fleets.replicas[run], np.nan).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_worker = fleets.cells.arrivals_per_s[cell] / (replicas * fleets.workers[run]) / asked.peak_factor
    active_h = HOURS_PER_MONTH * asked.hours_per_day / HOURS_PER_DAY
    busy = replicas * busy_share(of_worker * service_s, slots, of_worker * alone_s) * active_h
    held = np.maximum(np.asarray(machines, float) * HOURS_PER_MONTH, busy)
    by_use = np.flatnonzero(found.run_traffic[run] == FUNCTION)
    used = _used(asking, found, fleets, knowledge, service_s[by_use], run[by_use])
    held[by_use], busy[by_use] = used.held, used.busy
    return Hours(held * places, busy * places)


def busy_share(load: ArrayLike, slots: ArrayLike, alone: ArrayLike) -> FloatArray:
    r"""Share of the time in which a worker works.

    Parameters
    ----------
    load : float or array
        Traffic of a worker over what it carries with all slots taken, or with full batches.  [unitless]
    slots : float or array
        Sequences that it decodes at once; 1 for models that answer at once.
    alone : float or array
        Traffic of the worker times the time of a batch of one; as ``load`` where nothing is batched.  [unitless]

    Notes
    -----
    A worker that serves requests one by one works while it holds one, the share :math:`\rho` of the time that is its
    load.  One that decodes up to k sequences together works as soon as it holds one, with Poisson arrivals the share
    :math:`1 - e^{-k \rho}`.  One that takes what waits as a batch pauses after a batch in which nobody arrived: with
    x arrivals in the time of a batch of one the share is :math:`x / (x + e^{-x})`, at least :math:`\rho`, at most x.
    """
    rho, many, one = np.broadcast_arrays(*(np.asarray(a, float) for a in (load, slots, alone)))
    in_batches = np.clip(one / (one + np.exp(-one)), rho, np.maximum(one, rho))
    busy = np.where(many > 1, -np.expm1(-many * rho), np.where(one > rho, in_batches, rho))
    return np.asarray(np.minimum(busy, 1.0))


def _used(
    asking: Question, found: Stacks, fleets: Sized, knowledge: Knowledge, service_s: FloatArray, run: IntArray
) -> Hours:
    asked, functions = asking.asked, fleets.functions
    if functions is None:
        return Hours(service_s, service_s)
    entry, row = np.searchsorted(functions.runs, run), found.machines.terms[found.run_machine[run]]
    lives = (knowledge.serverless["billing"].to_numpy() != "request")[row]
    alive = np.maximum(functions.alive_s[entry], (1 - functions.on_provisioned[entry]) * service_s)
    runs_h = requests_per_month(qps=asked.qps * asked.sites, hours_per_day=asked.hours_per_day) / SECONDS_PER_HOUR
    kept = functions.provisioned[entry] * HOURS_PER_MONTH
    held = np.where(lives, alive, (1 - functions.on_provisioned[entry]) * service_s) * runs_h + kept
    return Hours(np.maximum(held, service_s * runs_h), service_s * runs_h)


def carbon_kg_per_month(
    asking: Question, found: Stacks, fleets: Sized, knowledge: Knowledge, *, following: Column, follows: BoolArray
) -> FloatArray:
    """Carbon of every candidate, every factor at its middle [kg CO2e/month].

    Parameters
    ----------
    following : array, shape (runs,)
        Machines held on average where they follow the load.
    follows : bool array, shape (platforms,)
        Whether a platform lets them.

    Returns
    -------
    array, shape (candidates,)
        NaN where the record of the device states no power or the region no grid intensity.
    """
    run = np.arange(len(found.run_machine))
    drawn = factors(knowledge, found, asking.asked.country, found.run_machine)
    held, followed = (
        energy_kwh(hours_of(asking, found, fleets, knowledge, machines, run, MID), _power(drawn))
        * (drawn.grams_per_kwh[MID] / GRAMS_PER_KG)
        for machines in (fleets.replicas, following)
    )
    return np.where(follows[found.platform], followed[found.run], held[found.run])


class Footprint(NamedTuple):
    """Energy and carbon of one stack."""

    energy_kwh_per_1000: Interval | None
    carbon_g_per_1000: Interval | None
    carbon_kg_per_month: Interval | None
    carbon_missing: tuple[str, ...]
    carbon_sources: tuple[str, ...]


def footprint(
    asking: Question, found: Stacks, fleets: Sized, knowledge: Knowledge, *, run: int, machines: float
) -> Footprint:
    """Energy and carbon of one run, each with its range; None where a record states no power or no grid intensity.

    Parameters
    ----------
    run : int
    machines : float
        Machines held on average at one place.
    """
    asked, machine = asking.asked, found.run_machine[run : run + 1]
    drawn = factors(knowledge, found, asked.country, machine)
    held, runs = np.array([float(machines)]), np.array([run])
    hours = [hours_of(asking, found, fleets, knowledge, held, runs, end) for end in (LOW, MID, HIGH)]

    def kwh(**ends: int) -> float:
        return float(energy_kwh(hours[ends.get("service", MID)], _power(drawn, **ends))[0])

    def grams(**ends: int) -> float:
        return kwh(**ends) * float(drawn.grams_per_kwh[ends.get("grid", MID)][0])

    requests = requests_per_month(qps=asked.qps * asked.sites, hours_per_day=asked.hours_per_day)
    energy, carbon = _ranged(kwh, _FACTORS), _ranged(grams, (*_FACTORS, "grid"))
    stated = {"power": drawn.watts[0], "intensity": drawn.grams_per_kwh[MID][0]}
    return Footprint(
        energy_kwh_per_1000=_over(energy, requests / THOUSAND),
        carbon_g_per_1000=_over(carbon, requests / THOUSAND),
        carbon_kg_per_month=_over(carbon, GRAMS_PER_KG),
        carbon_missing=tuple(name for name, value in stated.items() if np.isnan(value)),
        carbon_sources=carbon_sources(knowledge, found, asked.country, int(machine[0])),
    )


_FACTORS = ("service", "idle", "busy", "host", "pue")


def _power(drawn: Factors, **ends: int) -> Power:
    """Power of machines with every factor at its middle, but some at the end that is named."""
    idle, busy, host, pue = (getattr(drawn, name)[ends.get(name, MID)] for name in Power._fields[1:])
    return Power(drawn.watts, idle, busy, host, pue)


def _ranged(of: Callable[..., float], names: Sequence[str]) -> Interval | None:
    mid = of()
    return None if np.isnan(mid) else ranged(mid, [(of(**{name: LOW}), of(**{name: HIGH})) for name in names])


def _over(interval: Interval | None, divisor: ArrayLike) -> Interval | None:
    """Interval divided by a number."""
    if interval is None:
        return None
    low, mid, high = (float(end / np.asarray(divisor)) for end in (interval.low, interval.mid, interval.high))
    return Interval(low, mid, high)
