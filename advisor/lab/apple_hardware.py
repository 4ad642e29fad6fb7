"""Processor, caches and accelerators of a Mac, from sysctl."""

import platform
from collections.abc import Mapping

from advisor.lab.asking import pairs, told
from advisor.lab.hardware import Accelerator, Cache, Hardware, instructions_of

_COMMAND = ("/usr/sbin/sysctl", "hw", "machdep.cpu", "kern.hv_vmm_present")
_CACHES = {"L1d": ("l1dcachesize", None), "L2": ("l2cachesize", "cpusperl2"), "L3": ("l3cachesize", "cpusperl3")}
_FAST = "hw.perflevel0."
"""The fast cores of an Apple chip."""


def apple_hardware() -> Hardware:
    """What sysctl tells of this Mac."""
    return from_sysctl(told(*_COMMAND))


def from_sysctl(text: str) -> Hardware:
    """Hardware by lines such as ``hw.model: Mac14,2``."""
    facts = dict(pairs(text, ":"))
    cpu = facts.get("machdep.cpu.brand_string") or platform.machine()
    guest = {"0": False, "1": True}.get(facts.get("kern.hv_vmm_present", ""))
    return Hardware(
        cpu=cpu,
        instructions=instructions_of("macos", lambda name: facts.get(name) == "1"),
        caches=_caches(facts),
        sockets=_number(facts, "hw.packages"),
        virtual=guest,
        board=facts.get("hw.model"),
        accelerators=() if guest else _accelerators(cpu),
    )


def _caches(facts: Mapping[str, str]) -> tuple[Cache, ...]:
    """Caches of the fast cores, or of all where they are alike."""
    found = []
    for name, (size, shared) in _CACHES.items():
        bytes_ = _number(facts, _FAST + size) or _number(facts, f"hw.{size}")
        if bytes_:
            cpus = None if shared is None else _number(facts, _FAST + shared)
            found.append(Cache(name, bytes_, cpus))
    return tuple(found)


def _accelerators(cpu: str) -> tuple[Accelerator, ...]:
    """GPU and neural engine that every Apple chip has; both share the memory of the machine."""
    if not cpu.startswith("Apple "):
        return ()
    parts = (("gpu", f"{cpu} GPU"), ("npu", f"{cpu} Neural Engine"))
    return tuple(Accelerator(kind, name, None, "macOS", "sysctl", reachable=True) for kind, name in parts)


def _number(facts: Mapping[str, str], name: str) -> int | None:
    text = facts.get(name, "")
    return int(text) if text.isdigit() else None
