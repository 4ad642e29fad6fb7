"""A machine -> the devices of the catalogue that it is or holds."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from advisor.lab.machine import Machine
from advisor.lab.settings import identities
from advisor.schema import Device


def catalogue_ids(machine: Machine, devices: Mapping[str, Device]) -> tuple[str, ...]:
    """Devices of the catalogue that a machine is or holds: its processor, its board, its accelerators.

    Parameters
    ----------
    machine : Machine
    devices : mapping of str to Device
        The catalogue, such as ``advisor.load().devices``.

    Returns
    -------
    tuple of str
        Ids without repeats; () where nothing is known for sure.

    Notes
    -----
    ``data/lab/identities.toml`` holds the patterns.  A cloud that names its type of instance settles the processor.
    """
    rented = _of_instance(machine, devices)
    found = [
        name
        for entry in identities()["identity"]
        if _holds(entry, machine) and not (rented and "cpu_id" in entry)
        for name in _named(entry, machine, devices)
    ]
    return tuple(dict.fromkeys((*rented, *found)))


def _of_instance(machine: Machine, devices: Mapping[str, Device]) -> list[str]:
    """Processor of the type of instance that the firmware names."""
    for firmware, provider in identities()["instances"].items():
        if machine.board is not None and machine.board.startswith(f"{firmware} "):
            kind = f"{provider}/{machine.board.removeprefix(firmware).strip()}"
            return [name for name, device in devices.items() if any(fnmatchcase(kind, p) for p in device.instances)]
    return []


def _holds(entry: Mapping[str, Any], machine: Machine) -> bool:
    """Whether all conditions of an entry hold."""
    names = {
        "cpu": [machine.cpu], "board": [machine.board or ""], "compatible": machine.compatible,
        "accelerator": [one.name for one in machine.accelerators],
    }  # fmt: skip
    fits = all(
        any(re.fullmatch(entry[part], name) for name in having) for part, having in names.items() if part in entry
    )
    known = "cpu_id" not in entry or machine.cpu_id in entry["cpu_id"]
    threads = "hyperthreads" not in entry or entry["hyperthreads"] is _hyperthreads(machine)
    return fits and known and threads


def _hyperthreads(machine: Machine) -> bool | None:
    """Whether a core runs two threads; None where a hypervisor may hide it."""
    if machine.cores is None:
        return None
    if machine.logical_cpus > machine.cores:
        return True
    return None if machine.virtual is not False else False


def _named(entry: Mapping[str, Any], machine: Machine, devices: Mapping[str, Device]) -> list[str]:
    """Devices of an entry, where it asks for it those of the right memory."""
    ids = [name for name in entry["devices"] if name in devices]
    if not entry.get("by_memory"):
        return ids
    sizes = [machine.memory_bytes]
    if "accelerator" in entry:
        cards = [one for one in machine.accelerators if re.fullmatch(entry["accelerator"], one.name)]
        sizes = [card.memory_bytes for card in cards if card.memory_bytes is not None]
    bounds = identities()["memory"]
    return [
        name
        for name in ids
        if any(bounds["least"] <= size / (devices[name].memory or size) <= bounds["most"] for size in sizes)
    ]
