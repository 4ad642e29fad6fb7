"""Energy and carbon of a stack in sentences."""

from collections.abc import Iterator

from advisor.numbers import number
from advisor.results import Interval, Option
from advisor.text import sentence
from advisor.units import THOUSAND


def footprint_lines(option: Option, lang: str) -> Iterator[str]:
    """Energy, carbon, what they rest on and what they leave out; or what is not stated, so that they are unknown."""
    energy, carbon, month = option.energy_kwh_per_1000, option.carbon_g_per_1000, option.carbon_kg_per_month
    if energy is not None:
        yield sentence("footprint.energy", lang, **_ends(energy, "", THOUSAND))
    if carbon is not None and month is not None:
        sources = sentence("report.joiner", lang).join(option.carbon_sources)
        yield sentence("footprint.carbon", lang, **_ends(carbon), **_ends(month, "month_"), sources=sources)
    for missing in option.carbon_missing:
        yield sentence(f"footprint.missing_{missing}", lang)


def _ends(interval: Interval, prefix: str = "", factor: float = 1.0) -> dict[str, str]:
    return {f"{prefix}{end}": number(getattr(interval, end) * factor) for end in ("low", "mid", "high")}
