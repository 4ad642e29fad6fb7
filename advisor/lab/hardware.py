"""What a machine is made of; what its system does not tell is None or ()."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from advisor.lab.settings import hardware_names


@dataclass(frozen=True, slots=True)
class Cache:
    """Cache of the first processor."""

    name: str
    """L1d, L2, L3."""
    size_bytes: int
    cpus: int | None
    """Logical processors that share it."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """GPU or NPU."""

    kind: str
    """gpu or npu."""
    name: str
    memory_bytes: int | None
    """Memory of its own; None too where it shares that of the machine."""
    driver: str | None
    """Driver, with its version where it is told; None where no driver holds the device."""
    source: str
    """What told of it."""
    reachable: bool | None = None
    """Whether this process may reach it: the driver is there, and so is the file of the device."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """Processor, board and accelerators, as a system tells them."""

    cpu: str
    cpu_id: str | None = None
    """Vendor, family and model of x86 ("GenuineIntel/6/143"); implementer and part of Arm, every kind of core once."""
    instructions: tuple[str, ...] = ()
    caches: tuple[Cache, ...] = ()
    sockets: int | None = None
    virtual: bool | None = None
    """Whether it is a virtual machine."""
    board: str | None = None
    """Board, computer or type of instance, with its vendor."""
    compatible: tuple[str, ...] = ()
    """Names of board and chip in the device tree, the most exact first."""
    accelerators: tuple[Accelerator, ...] = ()


def instructions_of(system: str, present: Callable[[Any], bool]) -> tuple[str, ...]:
    """Instructions of the table for whose name on a system ``present`` holds.

    Parameters
    ----------
    system : str
        linux, macos or windows.
    present : callable
        Takes one name (a number on Windows), and says whether the processor has it.
    """
    known = hardware_names()["instructions"]
    names = {key: entry[system] for key, entry in known.items() if system in entry}
    return tuple(key for key, name in names.items() if any(map(present, name if isinstance(name, list) else [name])))


def computer_name(vendor: str, product: str) -> str | None:
    """Vendor and product of a computer as its firmware names them; None where it names none."""
    unnamed = hardware_names()["firmware"]["unnamed"]
    vendor, product = (word.strip() if word.strip() not in unnamed else "" for word in (vendor, product))
    return (product if product.startswith(vendor) else f"{vendor} {product}".strip()) or None


def is_guest(computer: str) -> bool:
    """Whether the firmware of a computer is that of a virtual machine."""
    return any(re.search(guest, computer) for guest in hardware_names()["firmware"]["guests"])
