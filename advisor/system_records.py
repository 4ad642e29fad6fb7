"""Records of ``data/systems`` and ``data/families``: platforms, engines, hardware and tools that people know."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import field_validator, model_validator

from advisor.claims import Part, Point, Record, Words, refusal
from advisor.errors import QuantityError
from advisor.schema import Bytes, DeviceKind, ModelFamily, Operation, Precision, Provider, Seconds, Site, Skills
from advisor.units import QUANTITIES, quantity


class Platform(Part):
    """How a provider, a server room or a device runs containers and programs."""

    site: Site
    operation: Operation
    provider: Provider | None = None
    services: tuple[str, ...] = ()
    """Services of the price list whose machines it runs on."""
    machine_memory: Bytes | None = None
    """Memory that a machine must have for the platform itself; absent = the machines of its services have it."""
    surcharge: float | None = None
    """Share added to the machine price; absent = unknown."""
    fixed_usd_per_hour: float | None = None
    """Fee of a cluster or endpoint besides the machines; absent = unknown."""
    hours_fixed_month: float
    """People's hours a month for the platform itself."""
    hours_per_machine_month: float
    launch_days: float
    """Working days from nothing to the first answer in production."""
    scale: Seconds | None = None
    """Time from a rise in load to a new replica answering; absent = it does not scale by itself."""
    follows_load: bool
    """Whether idle replicas are given back."""
    skills: Skills


class Engine(Part):
    """A runtime: what it runs, on what, in which precision."""

    architectures: Mapping[str, tuple[Precision, ...]]
    """Device architecture -> precisions."""
    families: tuple[ModelFamily, ...]
    unsupported: tuple[str, ...] = ()
    """Operator types of an ONNX file that it does not run."""
    kinds: tuple[DeviceKind, ...] = ()
    """Device kinds it is confined to; empty = any of its architectures."""
    dedicated: bool = False
    """Whether it is built for inference on accelerators, as the article's family of inference platforms is."""
    server: bool
    """Whether it serves requests over the network by itself."""
    memory_overhead: Bytes
    package: Bytes
    """Size of what has to be shipped besides the model."""
    skills: Skills
    operations: tuple[Operation, ...]


class Hardware(Part):
    """Hardware that people ask for by name: a line of boards, cameras, gateways or chips."""

    devices: tuple[str, ...]
    """Ids of the devices that it stands for."""
    skills: Skills


class Tool(Part):
    """Something that stacks are run with besides their platform and engine."""

    operations: tuple[Operation, ...]
    sites: tuple[Site, ...] = ()
    """Sites where it is used; empty = any."""
    skills: Skills


class Bound(Words):
    """A limit of a system, named in words, with its number."""

    value: str
    """Quantity with its unit, such as "6 MB", "15 min" or "3"."""

    @field_validator("value")
    @classmethod
    def _is_a_quantity(cls, value: str) -> str:
        for kind in QUANTITIES:
            try:
                quantity(value, kind)
            except QuantityError:
                continue
            return value
        raise refusal("bound", value=f'"{value}"')


class System(Record):
    """A named system of the article or beyond it: a platform, an engine, a line of hardware, or a tool."""

    name: str
    name_zh: str | None = None
    """Chinese name, where it differs."""
    aliases: tuple[str, ...] = ()
    summary: Words
    status: Literal["current", "legacy"] = "current"
    successor: str | None = None
    strengths: tuple[Point, ...] = ()
    weaknesses: tuple[Point, ...] = ()
    scenarios: tuple[Point, ...] = ()
    limits: tuple[Bound, ...] = ()
    """Limits that no table of the knowledge states, see also those of its functions, engine and hardware."""
    platform: Platform | None = None
    engine: Engine | None = None
    hardware: Hardware | None = None
    tool: Tool | None = None

    _unclaimed: ClassVar[frozenset[str]] = frozenset(
        {"id", "name", "name_zh", "aliases", "summary", "sources", "estimates"}
    )

    @property
    def part(self) -> Platform | Engine | Hardware | Tool | None:
        """What it is in a stack; None for a legacy name that only points to its successor."""
        return self.platform or self.engine or self.hardware or self.tool

    @property
    def skills(self) -> Skills | None:
        """What a team must be able to run to use it."""
        return self.part.skills if self.part else None

    @model_validator(mode="after")
    def _plays_one_part(self) -> Self:
        parts = [part for part in (self.platform, self.engine, self.hardware, self.tool) if part]
        if len(parts) > 1:
            raise refusal("two_parts")
        if not parts and self.successor is None:
            raise refusal("no_part")
        return self


class Family(Record):
    """One of the article's six families: what speaks for it and against it, and where it wins."""

    summary: Words
    strengths: tuple[Point, ...]
    weaknesses: tuple[Point, ...]
    scenarios: tuple[Point, ...]

    _unclaimed: ClassVar[frozenset[str]] = frozenset({"id", "summary", "sources", "estimates"})
