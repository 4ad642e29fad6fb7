"""Energy and carbon of a fleet by region."""

import numpy as np

from advisor.columns import FloatArray, Sized, Stacks
from advisor.knowledge import Knowledge
from advisor.question import Question
from advisor.units import GRAMS_PER_KG, HOURS_PER_MONTH, WATTS_PER_KW


def carbon_kg_per_month(asking: Question, found: Stacks, fleets: Sized, knowledge: Knowledge) -> FloatArray:
    """Carbon of every run: power of the devices it holds, all hours, times the grid intensity [kg CO2e/month].

    NaN where the device states no power or the region no intensity; own sites take the mean of the country's regions.
    """
    rows = found.machines
    regions = knowledge.regions
    intensity = regions["carbon_gco2_per_kwh"].to_numpy(float)
    home = intensity[regions["country"].to_numpy() == asking.asked.country]
    own = float(np.nanmean(home)) if np.isfinite(home).any() else float("nan")
    grams = np.append(intensity, own)[np.where(rows.place >= 0, rows.place, -1)]
    power = np.array([device.power or np.nan for device in found.devices])[rows.device] * rows.units
    watts = np.where(rows.site > 0, rows.power_w, power)
    places = np.where(rows.site > 0, asking.asked.sites, 1)
    kilograms = watts * places / WATTS_PER_KW * HOURS_PER_MONTH * grams / GRAMS_PER_KG
    return np.asarray(kilograms[found.run_machine] * fleets.replicas)
