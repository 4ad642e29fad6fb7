"""The bill stage: money and people's hours of every candidate, as the columns that stacks are ranked by."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from advisor.billed import egress_of, usd_per_month_of
from advisor.columns import CLOUD, Bill, BoolArray, Column, FloatArray
from advisor.ledger import ALWAYS, ENDPOINT, SEVERAL, Ledger, PlatformColumns, install_usd
from advisor.units import HOURS_PER_MONTH

Single = NDArray[np.float32]
_FRONT, _ENDPOINT, _DISK, _IMAGE, _MODEL, _EGRESS, _PLATFORM = (np.uint8(1 << bit) for bit in range(7))
"""Prices that may be unknown."""
_KIND = ("follows", "surcharge", "fee_usd_per_hour", "front", "disk_gb", "keeps_image", "keeps_model")
"""What tells platforms apart on a bill."""


def bill_of(ledger: Ledger) -> Bill:
    """Money and people's hours of every candidate.

    Virtual machines, own servers and boards hold the replicas of the peak all month; managed endpoints and Kubernetes
    follow the daily profile; functions pay by use.

    Notes
    -----
    The lines of a stack are in :mod:`advisor.billed`.  On rented machines, which are most of the candidates, their
    sum is worked out here in single precision, one kind of platform at a time, as few terms as it can be brought to.
    """
    found = ledger.found
    usd, known = _rented(ledger)
    others = np.flatnonzero(found.run_traffic[found.run] != CLOUD)
    if len(others):
        usd[others], known[others] = usd_per_month_of(ledger, found.run[others], found.platform[others])
    np.logical_and(known, ~np.isnan(usd), out=known)
    return Bill(
        usd_per_month=usd,
        known=known,
        hours_per_month=_hours_per_month(ledger),
        upfront_usd=_upfront_usd(ledger),
    )


class _Runs(NamedTuple):
    """What every run would cost on rented machines, part by part, in USD a month; shape (runs,)."""

    peak: Single
    following: Single
    machine: Single
    """One machine."""
    shipped: Single
    """Disk for engine and model on one machine."""
    disk: Single
    """One GB of disk."""
    front: Single
    endpoint: Single
    image: Single
    model: Single
    egress: Single
    unknown: NDArray[np.uint8]
    """Prices that are unknown; each counts as 0 in its part."""


def _rented(ledger: Ledger) -> tuple[Single, BoolArray]:
    """Sum of the known lines of every candidate as if its machines were rented, and whether all are known."""
    found, terms, runs = ledger.found, ledger.platforms, _runs(ledger)
    table = np.array([np.asarray(getattr(terms, name), float) for name in _KIND]).T
    names = [tuple(row) for row in np.nan_to_num(table, nan=-1.0).tolist()]
    kinds = list(dict.fromkeys(name for name, rents in zip(names, terms.rents, strict=True) if rents))
    size = (max(len(kinds), 1), len(runs.peak))
    usd, known = np.zeros(size, np.float32), np.zeros(size, bool)
    for number, kind in enumerate(kinds):
        usd[number], known[number] = _of_kind(runs, terms, names.index(kind))
    first = np.array([kinds.index(name) if rents else 0 for name, rents in zip(names, terms.rents, strict=True)])
    entry = found.run + np.take((first * len(runs.peak)).astype(np.int32), found.platform)
    return np.take(usd, entry), np.take(known, entry)


def _of_kind(runs: _Runs, terms: PlatformColumns, platform: int) -> tuple[Single, BoolArray]:
    """Sum of the known lines of every run under a platform, and whether all are known."""
    machines = runs.following if terms.follows[platform] else runs.peak
    surcharge, fee, front = terms.surcharge[platform], terms.fee_usd_per_hour[platform], terms.front[platform]
    each = runs.machine * np.float32(1 + np.nan_to_num(surcharge))
    each += runs.shipped
    each += runs.disk * np.float32(terms.disk_gb[platform])
    usd: Single = machines * each
    usd += runs.egress
    usd += np.float32(np.nan_to_num(fee) * HOURS_PER_MONTH)
    needed = _EGRESS | _DISK | (_PLATFORM if np.isnan(surcharge) or np.isnan(fee) else np.uint8(0))
    for kept, part, price in (
        (terms.keeps_image[platform], runs.image, _IMAGE),
        (terms.keeps_model[platform], runs.model, _MODEL),
        (front == ALWAYS, runs.front, _FRONT),
        (front == ENDPOINT, runs.endpoint, _ENDPOINT),
    ):
        if kept:
            usd += part
            needed |= price
    known: BoolArray = (runs.unknown & needed) == 0
    if front == SEVERAL:
        usd += runs.front * (runs.peak > 1)
        known &= ((runs.unknown & _FRONT) == 0) | ~(runs.peak > 1)
    return usd, known


def _runs(ledger: Ledger) -> _Runs:
    found, tariffs = ledger.found, ledger.tariffs
    machine, klass = found.run_machine, found.run_class
    market = found.machines.market
    disk, image, model = (tariffs.usd(item) for item in ("disk", "container-registry", "object-storage"))
    front = tariffs.usd("load-balancer") * HOURS_PER_MONTH + tariffs.usd("load-balancer-gb") * ledger.traffic_gb
    endpoint = tariffs.usd("endpoint-gb") * ledger.traffic_gb
    egress = np.sum([line.usd for line in egress_of(ledger, np.arange(len(disk)))], axis=0)
    bits = ((front, _FRONT), (endpoint, _ENDPOINT), (disk, _DISK), (image, _IMAGE), (model, _MODEL), (egress, _EGRESS))
    unknown = np.sum([np.isnan(price) * bit for price, bit in bits], axis=0)

    def of_market(prices: FloatArray) -> Single:
        return np.take(np.nan_to_num(prices).astype(np.float32)[market], machine)

    shipped, weights = (np.take(sizes.astype(np.float32), klass) for sizes in (ledger.shipped_gb, ledger.model_gb))
    peak, disk_usd = ledger.peak.astype(np.float32), of_market(disk)
    return _Runs(
        peak=peak,
        following=ledger.following(peak).astype(np.float32),
        machine=np.take((ledger.usd_per_hour * HOURS_PER_MONTH).astype(np.float32), machine),
        shipped=shipped * disk_usd,
        disk=disk_usd,
        front=of_market(front),
        endpoint=of_market(endpoint),
        image=shipped * of_market(image),
        model=weights * of_market(model),
        egress=of_market(egress),
        unknown=np.take((unknown.astype(np.uint8) | _PLATFORM)[market], machine),
    )


def _hours_per_month(ledger: Ledger) -> Column:
    """People's hours of every candidate: of the platform, of each machine, of the engine and the number format."""
    found, terms = ledger.found, ledger.platforms
    places = np.where(found.machines.site == 0, 1, ledger.asking.asked.sites)[found.run_machine]
    hours = np.take(terms.machine_hours.astype(np.float32), found.platform)
    hours *= np.take((ledger.peak * places).astype(np.float32), found.run)
    hours += np.take(terms.fixed_hours.astype(np.float32), found.platform)
    hours += np.take(ledger.engine_hours.astype(np.float32)[found.run_class], found.run)
    return hours


def _upfront_usd(ledger: Ledger) -> FloatArray:
    """Money before the start for one machine: its price with its share of spares, and its installation [USD]."""
    rows, share = ledger.found.machines, ledger.knowledge.table("costs")["spare"]["share"]
    whole = rows.upfront_usd * (1 + share) + install_usd(ledger, np.arange(len(rows)))
    return np.where(rows.site == 0, 0.0, whole)
