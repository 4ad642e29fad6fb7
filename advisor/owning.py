"""What owning hardware costs, and the time of the people who run a deployment, as lines of a bill."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from advisor.lines import Factor, Line
from advisor.units import HOURS_PER_MONTH, MONTHS_PER_YEAR, WATTS_PER_KW


class OwnTerms(NamedTuple):
    """What owning hardware costs besides its price."""

    life_months: ArrayLike
    horizon_months: ArrayLike
    """Months over which it is used."""
    maintenance_per_year: ArrayLike
    """Share of the price a year."""
    usd_per_kwh: ArrayLike
    pue: ArrayLike
    space_usd_per_kw_month: ArrayLike
    spare_share: ArrayLike
    """Spare machines kept for failures, as a share of the fleet."""
    install_usd: ArrayLike


def owned_lines(
    *, machines: ArrayLike, places: ArrayLike, price_usd: ArrayLike, power_w: ArrayLike, terms: OwnTerms
) -> tuple[Line, ...]:
    r"""Hardware of one's own: bought, installed, replaced, maintained, powered and housed.

    Parameters
    ----------
    machines : float or array
        Machines at one place.
    places : float or array
        Places that each hold as many.
    price_usd : float or array
        Price of a machine; NaN = unknown.  [USD]
    power_w : float or array
        Power drawn, all hours.  [W]
    terms : OwnTerms

    Notes
    -----
    With n machines in all, the price p, the installation i, the share of spares s, the life L, and the months of use
    m, which are the horizon or the life if that is shorter, a month costs

    .. math:: n \left(\frac{p + s p + i}{m} + \frac{s i}{L} + \frac{(1 + s) \mu p}{12} + 730 P \cdot PUE \cdot t
        + P r\right)

    with the maintenance :math:`\mu` a year, the power P, the tariff t and the space r.  Beyond its life the hardware is
    bought and installed again, which the same rate pays; spares are put in on site as machines fail.
    """
    price, install = np.asarray(price_usd, float), Factor(terms.install_usd, "{} USD")
    fleet, used = (Factor(places), Factor(machines)), np.minimum(terms.life_months, terms.horizon_months)
    spares, usd = (*fleet, Factor(terms.spare_share)), Factor(price, "{} USD")
    kept = Factor(1 + np.asarray(terms.spare_share, float))
    kilowatts = Factor(np.asarray(power_w, float) / WATTS_PER_KW, "{} kW")
    energy = (*fleet, kilowatts, Factor(HOURS_PER_MONTH, "{} h"), Factor(terms.pue))
    return (
        Line("hardware", "", fleet, (usd,), used),
        Line("spare", "", spares, (usd,), used),
        Line("install", "", fleet, (install,), used),
        Line("replacement", "", spares, (install,), terms.life_months),
        Line("maintenance", "", (*fleet, kept, Factor(terms.maintenance_per_year)), (usd,), MONTHS_PER_YEAR),
        Line("electricity", "kWh", energy, (Factor(terms.usd_per_kwh, "{} USD/kWh"),)),
        Line("space", "kW", (*fleet, kilowatts), (Factor(terms.space_usd_per_kw_month, "{} USD/kW"),)),
    )


class PeopleTerms(NamedTuple):
    """What an hour of people costs."""

    platform_usd_per_hour: ArrayLike
    """Wage of those who run the platform."""
    engine_usd_per_hour: ArrayLike
    """Wage of those who run the engine."""
    overhead: ArrayLike
    """Cost of an hour over its wage."""
    country: ArrayLike
    """Wages of the country over those that the figures are of."""


def people_lines(*, platform_hours: ArrayLike, engine_hours: ArrayLike, terms: PeopleTerms) -> tuple[Line, ...]:
    """Time of the people who run the platform with its machines, and the engine with its number format [h/month]."""
    dearer = (Factor(terms.overhead), Factor(terms.country))
    parts = (
        ("people-platform", platform_hours, terms.platform_usd_per_hour),
        ("people-engine", engine_hours, terms.engine_usd_per_hour),
    )
    return tuple(
        Line(item, "h", (Factor(hours, "{} h"),), (Factor(wage, "{} USD/h"), *dearer)) for item, hours, wage in parts
    )
