"""The facts of a question, rule by rule: what every machine, platform, class, run and candidate needs and has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from advisor.columns import HIGH, MID, SHAPES, Bill, ClassColumns, Column, FloatArray, IntArray, Network, Sized, Stacks
from advisor.feasibility import DATA_SCOPES, SKILL_LEVELS, Level, Limit, Side, side
from advisor.machines import Machines
from advisor.objectives import objective_limits
from advisor.question import Question
from advisor.schema import Device
from advisor.system_records import Engine, System
from advisor.units import BITS_PER_BYTE, BYTES_PER_KB, BYTES_PER_MB, BYTES_PER_MIB, MILLION

if TYPE_CHECKING:
    import pandas as pd


_NAMES = 5
"""Operators that a sentence lists."""
_QUOTAS = ("timeout_s", "max_instances", "max_running_mb", "max_package_mb", "max_image_mb", "max_payload_mb")


def machine_limits(
    asking: Question, found: Stacks, trips: Network, *, lines: Mapping[str, Mapping[str, float]]
) -> list[Limit]:
    """Where a machine stands, who offers it and what it is."""
    rows, asked = found.machines, asking.asked
    home = trips.same_country[trips.row(rows.site, rows.place)]
    scope = np.where(rows.site == 0, home, rows.site + 1)
    parts = rows.traits["attachment"] | rows.traits["fpga"] | rows.traits["graphics-only"]
    line = lines["good" if asked.internet == "none" else asked.internet]
    line_bits = np.array([line["device_mbit_per_s"], line["room_mbit_per_s"], line["device_mbit_per_s"]]) * MILLION
    peak_bits = asking.rates_per_s[0] * asked.payload_kb * BYTES_PER_KB * BITS_PER_BYTE
    over_the_line = (rows.site == 0) == asking.local
    return [
        Limit("data-scope", "machine", side(DATA_SCOPES.index(asked.data)), side(scope)),
        Limit("offline", "machine", side(asking.needs_no_network), side(rows.site > 0)),
        Limit("provider", "machine", side(asked.providers is not None), _offered_by(rows, asked.providers)),
        Limit("uplink", "machine", side(peak_bits * over_the_line), side(line_bits, rows.site)),
        Limit("at-the-source", "machine", side(not asking.at_devices), side(rows.site != 2)),
        Limit("open-region", "machine", side(1), side(~rows.traits["government"])),
        Limit("sustained-speed", "machine", side(1), side(~rows.traits["burstable"])),
        Limit("complete-machine", "machine", side(1), side(~parts)),
    ]


def _offered_by(rows: Machines, providers: Sequence[str] | None) -> Side:
    """Whether a machine is one of the user's own or of a wanted provider."""
    return side(1 if providers is None else np.isin(rows.provider.astype(str), ["", *providers]))


def platform_limits(asking: Question, found: Stacks) -> list[Limit]:
    """What a platform asks of the team, and how long it takes to launch."""
    terms = [system.platform for system in found.platforms if system.platform]
    team = SKILL_LEVELS.index(asking.asked.skills)
    levels = [SKILL_LEVELS.index(platform.skills) for platform in terms]
    limits = [Limit("skills", "platform", side(levels), side(team))]
    if asking.asked.launch_days is not None:
        days = [platform.launch_days for platform in terms]
        limits.append(Limit("launch-days", "platform", side(days), side(asking.asked.launch_days)))
    return limits


def class_limits(asking: Question, found: Stacks, columns: ClassColumns) -> list[Limit]:
    """What an engine asks of the team, the number formats it offers, and the operators it lacks.

    Skills count where they go beyond running a container, which the platforms ask for already.
    """
    levels = np.array([SKILL_LEVELS.index(skill) for skill in columns.skills])
    beyond = np.where(levels > SKILL_LEVELS.index("containers"), levels, 0)
    other = ~np.isin(columns.precision.astype(str), asking.asked.precisions)
    lacking = [_operators_lacking(asking, found.engines[name].engine) for name in columns.engine]
    return [
        Limit("skills", "class", side(beyond), side(SKILL_LEVELS.index(asking.asked.skills))),
        Limit("precision", "class", side(other), side(0), name=lambda klass: str(columns.precision[klass])),
        Limit("operators", "class", side([*map(len, lacking)]), side(0), name=lambda klass: _listed(lacking[klass])),
    ]


def _operators_lacking(asking: Question, engine: Engine | None) -> list[str]:
    """Operator types of the model's file that an engine does not run."""
    return sorted(set(asking.spec.operators).intersection(engine.unsupported if engine else ()))


def _listed(names: Sequence[str]) -> str:
    """The first few names."""
    return ", ".join(names[:_NAMES]) + (", …" if len(names) > _NAMES else "")


def run_limits(
    asking: Question,
    found: Stacks,
    trips: Network,
    columns: ClassColumns,
    sized: Sized,
    terms: "pd.DataFrame",
    *,
    memory_share: float,
) -> list[Limit]:
    """Memory, latency objectives and the quotas of functions, for a machine that runs a service class."""
    package = columns.package_bytes + columns.weight_bytes
    row = found.machines.terms[found.run_machine]
    quotas = {name: np.append(terms[name].to_numpy(float), np.nan) for name in _QUOTAS}
    cell, cells = sized.cell, sized.cells
    payload = quotas["max_payload_mb"] * BYTES_PER_MB
    taken = np.where(np.isnan(quotas["max_image_mb"]), quotas["max_package_mb"], quotas["max_image_mb"]) * BYTES_PER_MB
    running = quotas["max_running_mb"][row] * BYTES_PER_MIB / found.machines.memory_bytes[found.run_machine]
    instances = np.fmin(quotas["max_instances"][row], np.floor(running))
    limits = [
        Limit("memory", "run", side(cells.memory_bytes, cell), _memory(asking, found, sized, memory_share)),
        Limit("function-time", "run", side(cells.service_s[MID], cell), side(quotas["timeout_s"], row)),
        Limit("function-instances", "run", side(sized.servers), side(instances)),
        Limit("function-package", "run", side(package, found.run_class), side(taken, row)),
        Limit("function-payload", "run", side(asking.asked.payload_kb * BYTES_PER_KB), side(payload, row)),
    ]
    if asking.token_s is not None:
        limits.append(Limit("tpot", "run", side(cells.token_s[MID], cell), side(asking.token_s)))
    return [*limits, *objective_limits(asking, trips, sized)]


def _memory(asking: Question, found: Stacks, sized: Sized, share: float) -> Side:
    """Memory for one worker: of its accelerators, else of the machine; language models hold one copy a worker."""
    rows = found.machines

    def have(runs: IntArray | slice) -> FloatArray:
        machine, units = found.run_machine[runs], SHAPES[sized.shape[runs]]
        part = np.minimum(units / rows.units[machine], 1.0) if asking.generates else 1.0
        card = rows.unit_memory_bytes[machine] * units * share
        return np.where(np.isnan(card), rows.memory_bytes[machine] * part, card)

    return have


def stack_limits(asking: Question, found: Stacks, sized: Sized, bill: Bill) -> list[Limit]:
    """Money a month, money before the start, power at a site, and that the machine in front of the user is one."""
    asked, rows = asking.asked, found.machines

    def fleet_size(runs: IntArray | slice) -> Column:
        replicas = sized.replicas[runs]
        return np.where(np.isfinite(replicas), replicas, np.nan)

    def upfront(runs: IntArray | slice) -> Column:
        return bill.upfront_usd[found.run_machine[runs]] * fleet_size(runs) * asked.sites

    def power(runs: IntArray | slice) -> Column:
        return rows.power_w[found.run_machine[runs]] * fleet_size(runs)

    def taken_here(runs: IntArray | slice) -> Column:
        return np.where(rows.here[found.run_machine[runs]], fleet_size(runs), 0.0)

    wishes: tuple[tuple[str, Level, Side, float | None], ...] = (
        ("budget", "candidate", side(bill.usd_per_month), asked.budget_usd_month),
        ("upfront", "run", upfront, asked.upfront_usd),
        ("power", "run", power, asked.power_w),
    )
    limits = [Limit(rule, level, need, side(have)) for rule, level, need, have in wishes if have is not None]
    return [*limits, Limit("one-machine", "run", taken_here, side(1))] if rows.here.any() else limits


def conditions(
    asking: Question,
    found: Stacks,
    trips: Network,
    columns: ClassColumns,
    sized: Sized,
    bill: Bill,
    *,
    stale_days: float,
    cold_share: float,
) -> list[Limit]:
    """What a person should know or do before they choose a stack that fits."""
    rows = found.machines
    heirs, licence = _heirs(found, columns), asking.spec.licence
    objective = asking.response_s or asking.first_s or np.inf
    above = np.nextafter(np.float32(objective), np.float32(np.inf))
    border = trips.crosses_border[trips.row(rows.site, rows.place)]
    every, functions = np.arange(len(found.run_machine)), sized.functions
    token_late = sized.cells.token_late(asking.token_s)

    def late(runs: IntArray | slice) -> Column:
        whole = asking.response_s is not None
        high = sized.response_high_s[runs] if whole else sized.first_token_s(trips, every[runs])[HIGH]
        return np.where(sized.misses_high[runs] & ~token_late[sized.cell[runs]], np.maximum(high, above), 0.0)

    def token(runs: IntArray | slice) -> Column:
        cell = sized.cell[runs]
        return np.where(token_late[cell], sized.cells.token_s[HIGH][cell], 0.0)

    def starts(runs: IntArray | slice) -> Column:
        return np.zeros(1) if functions is None else functions.column(functions.cold_share, every[runs])

    quantised = np.isin(columns.precision.astype(str), ["int8", "int4", "fp8"])
    return [
        Limit("quantisation", "class", side(quantised), side(0)),
        Limit("licence", "class", side(licence is not None), side(0), name=lambda _: licence or ""),
        Limit("measure-first", "run", late, side(objective)),
        Limit("measure-first", "run", token, side(asking.token_s or np.inf)),
        Limit("cold-start-seen", "run", starts, side(cold_share)),
        Limit(
            "end-of-life",
            "class",
            side([heir is not None for heir in heirs]),
            side(0),
            name=lambda klass: heirs[klass] or "",
        ),
        Limit("mainland-border", "machine", side(border), side(0)),
        Limit("price-known", "candidate", lambda rows: (~bill.known[rows]).astype(float), side(0)),
        Limit("price-fresh", "machine", side(rows.age_days), side(stale_days)),
    ]


def _heirs(found: Stacks, columns: ClassColumns) -> list[str | None]:
    """What has succeeded the device, or the engine, of a class that is no longer made; None where both are current."""
    of_devices = [_heir(device, found.devices) for device in found.devices]
    of_engines = {name: _heir(engine, found.engines.values()) for name, engine in found.engines.items()}
    both = zip(columns.device, columns.engine, strict=True)
    return [of_devices[device] if of_devices[device] is not None else of_engines[engine] for device, engine in both]


def _heir(old: Device | System, others: Iterable[Device | System]) -> str | None:
    if old.status != "legacy":
        return None
    return next((other.name for other in others if other.id == old.successor), old.successor or "")
