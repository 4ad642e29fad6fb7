"""Processor, caches and board of a Linux machine, from its files."""

import platform
import re
from pathlib import Path

from advisor.lab.accelerators import accelerators
from advisor.lab.asking import first_line, pairs, text_of
from advisor.lab.hardware import Cache, Hardware, computer_name, instructions_of, is_guest
from advisor.lab.settings import hardware_names
from advisor.units import KIB

_CACHES = {("1", "Data"): "L1d", ("1", "Unified"): "L1d", ("2", "Unified"): "L2", ("3", "Unified"): "L3"}
_SIZES = {"K": int(KIB), "M": int(KIB) ** 2, "G": int(KIB) ** 3}


def linux_hardware(root: Path) -> Hardware:
    """What the files under a root tell: ``/proc``, ``/sys``, ``/dev``, ``/etc``."""
    facts = pairs(text_of(root / "proc/cpuinfo"), ":")
    names = compatible(root)
    on_board = board(root, facts)
    return Hardware(
        cpu=cpu_name(facts) or on_board or platform.machine(),
        cpu_id=cpu_id(facts),
        instructions=instructions(facts),
        caches=caches(root),
        sockets=sockets(root, facts),
        virtual=virtual(root, facts, on_board, names),
        board=on_board,
        compatible=names,
        accelerators=accelerators(root, names),
    )


def cpu_name(facts: list[tuple[str, str]]) -> str | None:
    """Name that the processor gives itself, else that of its cores, with their number where they differ."""
    names = _values(facts, "model name")
    if names:
        return names[0]
    parts = _parts(facts)
    known = hardware_names()["cores"]
    kinds = list(dict.fromkeys(parts))
    if not kinds or any(kind not in known for kind in kinds):
        return None
    if len(kinds) == 1:
        return str(known[kinds[0]])
    return ", ".join(f"{known[kind]} ×{parts.count(kind)}" for kind in kinds)


def cpu_id(facts: list[tuple[str, str]]) -> str | None:
    """Vendor, family and model of x86; implementer and part of Arm, every kind of core once."""
    own = [_values(facts, name)[:1] for name in ("vendor_id", "cpu family", "model")]
    if all(own):
        return "/".join(value for (value,) in own)
    return " ".join(dict.fromkeys(_parts(facts))) or None


def instructions(facts: list[tuple[str, str]]) -> tuple[str, ...]:
    """Instructions that every processor has."""
    flags = [set(value.split()) for name in ("flags", "Features") for value in _values(facts, name)]
    common = set.intersection(*flags) if flags else set()
    return instructions_of("linux", common.__contains__)


def caches(root: Path) -> tuple[Cache, ...]:
    """Caches of the first processor that the kernel gives a size for."""
    found = []
    for folder in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (text_of(folder / name).strip() for name in ("level", "type", "size"))
        if (level, kind) in _CACHES and re.fullmatch(r"\d+[KMG]", size):
            bytes_ = int(size[:-1]) * _SIZES[size[-1]]
            found.append(Cache(_CACHES[level, kind], bytes_, _count(text_of(folder / "shared_cpu_list").strip())))
    return tuple(found)


def sockets(root: Path, facts: list[tuple[str, str]]) -> int | None:
    """Packages with processors; a device tree may call clusters so, and tells none."""
    ids = set(_values(facts, "physical id"))
    if not ids and not compatible(root):
        cpus = (root / "sys/devices/system/cpu").glob("cpu[0-9]*")
        told = {text_of(cpu / "topology/physical_package_id").strip() for cpu in cpus}
        ids = {name for name in told if name.isdigit()}
    return len(ids) or None


def virtual(root: Path, facts: list[tuple[str, str]], on_board: str | None, names: tuple[str, ...]) -> bool | None:
    """Whether a hypervisor runs the machine: by the flag of x86, else True or not told, by firmware and device tree."""
    flags = _values(facts, "flags")
    if flags:
        return "hypervisor" in flags[0].split()
    guest = is_guest(on_board or "") or "linux,dummy-virt" in names
    return guest or first_line(root / "sys/hypervisor/type") is not None or None


def board(root: Path, facts: list[tuple[str, str]]) -> str | None:
    """Board by its device tree, else computer by its firmware; vendor first."""
    tree = first_line(root / "proc/device-tree/model") or next(iter(_values(facts, "Model")), None)
    if tree is not None:
        return tree
    firmware = root / "sys/class/dmi/id"
    return computer_name(*(first_line(firmware / name) or "" for name in ("sys_vendor", "product_name")))


def compatible(root: Path) -> tuple[str, ...]:
    """Names of the board and its chip in the device tree, the most exact first."""
    return tuple(name for name in text_of(root / "proc/device-tree/compatible").split("\0") if name.strip())


def _parts(facts: list[tuple[str, str]]) -> list[str]:
    """Implementer and part of every processor."""
    makers, parts = _values(facts, "CPU implementer"), _values(facts, "CPU part")
    return [f"{maker}/{part}" for maker, part in zip(makers, parts, strict=False)]


def _values(facts: list[tuple[str, str]], wanted: str) -> list[str]:
    return [value for name, value in facts if name == wanted and value]


def _count(numbers: str) -> int | None:
    """Processors in a list such as ``0-3,8``."""
    parts = [part.split("-") for part in numbers.split(",") if part]
    return sum(int(part[-1]) - int(part[0]) + 1 for part in parts) or None
