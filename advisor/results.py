"""What the stages hand on: frozen, numbers and codes, no prose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Fidelity = Literal["measured", "calibrated", "class", "theoretical"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its uncertainty, in one unit named by the field that holds it.

    The central 80 % of a prediction; the 95 % confidence interval of a measured quantile.
    """

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.mid <= self.high:
            raise ValueError(f"an interval needs low <= mid <= high, got {self.low}, {self.mid}, {self.high}")


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that spoke: what was needed, what there is; words come last."""

    rule: str
    need: float
    have: float
    unit: str
    name: str = ""
    """What the rule's sentence speaks of by name; empty where it names nothing."""

    @property
    def margin(self) -> float:
        """Share of the need that is there; below 1 the rule stops the stack."""
        return self.have / self.need if self.need else float("inf")


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of the monthly bill."""

    item: str
    """Code of the line, worded by the catalogue."""
    usd_per_month: float | None
    """None where its price is unknown."""
    quantity: float | None
    unit: str
    """Sign of the unit; empty for machines."""
    dated: str
    """Oldest date of what it rests on."""
    source: str
    basis: Literal["sourced", "estimate", "own"]
    """An estimate where any of what it rests on is one."""
    unit_price_usd: float | None = None
    formula: str = ""
    """How the cost is worked out, in figures and signs that need no language."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one criterion says of a stack."""

    criterion: str
    utility: float
    """Between 0 (worst) and 1 (best)."""
    weight: float


@dataclass(frozen=True, slots=True)
class ColdStarts:
    """How often and how long a function starts cold."""

    share: float
    """Share of the requests of a day that meet one."""
    low_s: float
    high_s: float
    """Interval of the median start."""
    provisioned: int = 0
    """Instances kept warm so that the objective holds."""
    share_without: float | None = None
    """Share that would meet one if none were kept warm; None where none is, as the two below."""
    p99_without_ms: float | None = None
    usd_without: float | None = None
    """Monthly cost then; None too where a price is unknown."""


@dataclass(frozen=True, slots=True)
class Option:
    """One whole deployment stack with what it is predicted to do and to cost."""

    id: str
    names: Mapping[str, str]
    """What people call "system", "hardware" and "engine", and in a language where that differs ("system.zh")."""
    family: str
    families: tuple[str, ...]
    system: str
    systems: tuple[str, ...]
    """Every system that the stack is made of: platform, engine, hardware, tools, in this order."""
    provider: str
    region: str
    site: str
    operation: str
    engine: str
    hardware: str
    device: str
    precision: str
    replicas: int
    workers: int
    units_per_worker: float
    batch: int
    usd_per_month: float | None
    """What is paid: the sum of the lines of the bill that have a price; None where what runs the model has none."""
    usd_per_month_known: bool
    """Whether every line of the bill has a price; else at least that much is paid."""
    p50_ms: Interval
    p90_ms: Interval
    p95_ms: Interval
    p99_ms: Interval
    """Quantiles of the whole response, network included, by the replicas without spare ones."""
    ttft_ms: Interval | None
    tpot_ms: Interval | None
    network_ms: Interval
    """Part of the network in the response."""
    cold: ColdStarts | None
    """None on machines that are always on."""
    utilisation: float | None
    """Traffic of the peak over what the servers carry; None for functions."""
    headroom: float | None
    """Share by which it may grow before the replicas, without spare ones, miss an objective; None for functions."""
    score: float
    scores: tuple[Score, ...]
    """By criterion; ``score`` is their weighted sum less penalties."""
    p_best: float
    fidelity: Fidelity
    verdict: Literal["fits", "conditions"]
    conditions: tuple[Reason, ...]
    bill: tuple[BillLine, ...]
    """What is paid to suppliers."""
    hours_per_month: float
    launch_days: float
    price_date: str
    """Of the machine."""
    sources: tuple[str, ...]
    """Of the price."""
    measured_by: tuple[str, ...] = ()
    """Sources of the latency, where it was measured."""
    people: tuple[BillLine, ...] = ()
    """People's time, which is paid to no supplier."""
    tco_usd_per_month: float | None = None
    """What is paid, and people's time."""
    usd_per_1000: float | None = None
    """What is paid for a thousand inferences."""
    price_dates: tuple[str, str] = ("", "")
    """Oldest and newest date of the lines of the bill."""
    energy_kwh_per_1000: Interval | None = None
    """Of a thousand inferences, idle time included; None where the power of the device is not stated."""
    carbon_g_per_1000: Interval | None = None
    """CO2e of the same; None where that, or the carbon of the grid, is not stated."""
    carbon_kg_per_month: Interval | None = None
    carbon_missing: tuple[str, ...] = ()
    """What is not stated: "power", "intensity"."""
    carbon_sources: tuple[str, ...] = ()
    """Of the grid intensity and of the PUE."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model does on one device."""

    latency_ms: Interval | None
    throughput_per_s: Interval | None
    ttft_ms: Interval | None
    tpot_ms: Interval | None
    fidelity: Fidelity
    basis: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No prediction, and why: a result, not an error."""

    code: str
    numbers: tuple[tuple[str, float | str], ...] = ()
