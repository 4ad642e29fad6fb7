"""Named systems: which ones a stack is made of, which families one belongs to, and what follows a legacy one."""

from collections.abc import Mapping

from advisor.knowledge import Knowledge
from advisor.schema import FAMILIES, Operation, Site
from advisor.system_records import Engine, Platform, System

EDGE_KINDS = ("edge-gpu-soc", "edge-npu", "cpu-edge-arm", "phone-npu", "mcu")


def systems_of(
    knowledge: Knowledge, *, platform: str, engine: str, device: str, operation: Operation, site: str
) -> tuple[str, ...]:
    """Ids of the systems that a stack is made of: its platform, its engine, its hardware and the tools it is run with.

    Examples
    --------
    >>> from advisor import load
    >>> systems_of(load(), platform="aws-ec2", engine="triton", device="nvidia-t4", operation="vm", site="cloud")[:2]
    ('aws-ec2', 'triton')
    """
    hardware = [s.id for s in knowledge.systems.values() if s.hardware and device in s.hardware.devices]
    tools = [
        s.id
        for s in knowledge.systems.values()
        if s.tool and operation in s.tool.operations and (not s.tool.sites or site in s.tool.sites)
    ]
    return (platform, engine, *hardware, *tools)


def predecessors(knowledge: Knowledge) -> Mapping[str, tuple[str, ...]]:
    """Legacy systems by the system that has succeeded them."""
    found: Mapping[str, tuple[str, ...]] = knowledge.kept("predecessors", lambda: _predecessors(knowledge))
    return found


def _predecessors(knowledge: Knowledge) -> dict[str, tuple[str, ...]]:
    old = [system for system in knowledge.systems.values() if system.successor]
    return {
        heir: tuple(system.id for system in old if system.successor == heir)
        for heir in sorted({str(system.successor) for system in old})
    }


def families_of_platform(operation: Operation, site: Site | str) -> tuple[str, ...]:
    """Families that a stack belongs to by where it stands and how it is run."""
    holds = {
        "edge": site == "device",
        "on-premises": site == "on-premises",
        "serverless": operation == "serverless",
        "containers": operation in ("containers", "kubernetes"),
        "cloud": site == "cloud",
    }
    return tuple(family for family in FAMILIES if holds.get(family))


def families_of_system(system: System) -> tuple[str, ...]:
    """Families that a system stands for; none for an engine that runs in all of them and for a mere old name."""
    part = system.part
    if isinstance(part, Platform):
        return families_of_platform(part.operation, part.site)
    if isinstance(part, Engine):
        edge = bool(part.kinds) and set(part.kinds) <= set(EDGE_KINDS)
        return ("edge",) if edge else ("inference-platform",) if part.dedicated else ()
    return () if part is None else ("edge",) if system.hardware else ("containers",)
