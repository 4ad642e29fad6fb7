"""GPUs and NPUs of a Linux machine: on PCI, on USB, inside its chip, and what their own tools tell."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from advisor.lab.asking import first_line, pairs, text_of, told
from advisor.lab.hardware import Accelerator
from advisor.lab.nvidia import nvidia
from advisor.lab.settings import hardware_names
from advisor.units import KIB

_PCI = "sys/bus/pci/devices"
_USB = "sys/bus/usb/devices"
_TREE = "proc/device-tree/compatible"
_CLASSES = ("3", "12")
"""PCI classes without leading zeros: display controllers, processing accelerators."""
_CLASS_DIGITS = 4
"""Digits of a PCI class after its first part: subclass and interface."""
_CELLS = 3
_MIB = int(KIB) ** 2


def accelerators(root: Path, compatible: tuple[str, ...]) -> tuple[Accelerator, ...]:
    """Accelerators that files under a root tell of; a tool of the vendor knows more and comes first.

    Parameters
    ----------
    root : Path
        Folder with ``proc``, ``sys``, ``dev`` and ``etc``.
    compatible : tuple of str
        Names of the chip in the device tree.
    """
    chip = in_chip(root, compatible)
    cards = tuple(card for card in nvidia(root) if not chip or card.memory_bytes is not None)
    own = {"10de": cards, "19e5": ascend(root)}
    rest = tuple(found for address, found in on_pci(root) if not own.get(address.partition(":")[0]))
    return (*cards, *own["19e5"], *exact_hailo(root, rest), *on_usb(root), *chip)


def on_pci(root: Path) -> list[tuple[str, Accelerator]]:
    """Vendor and device, and the accelerator, for everything on PCI that is one."""
    names = hardware_names()
    found = []
    for folder in sorted((root / _PCI).glob("*")):
        facts = dict(pairs(text_of(folder / "uevent"), "="))
        address = facts.get("PCI_ID", "").lower()
        entry = names["pci"].get(address) or _by_vendor(facts, address)
        if entry is not None:
            memory = first_line(folder / "mem_info_vram_total")
            name = first_line(folder / "product_name") or entry["name"]
            found.append((address, _entered(root, {**entry, "name": name}, facts.get("DRIVER"), memory, _PCI)))
    return found


def _by_vendor(facts: Mapping[str, str], address: str) -> Mapping[str, Any] | None:
    """Entry for a display controller or accelerator that the table does not name."""
    entry = hardware_names()["vendors"].get(address.partition(":")[0])
    if entry is None or facts.get("PCI_CLASS", "")[:-_CLASS_DIGITS] not in _CLASSES:
        return None
    return {**entry, "name": f"{entry['name']} {address}"}


def on_usb(root: Path) -> tuple[Accelerator, ...]:
    """Accelerators on USB; they need no driver of the kernel."""
    known = hardware_names()["usb"]
    products = [dict(pairs(text_of(folder / "uevent"), "=")) for folder in sorted((root / _USB).glob("*"))]
    devices = [facts for facts in products if facts.get("DEVTYPE") == "usb_device"]
    ids = [facts.get("PRODUCT", "").rpartition("/")[0] for facts in devices]
    return tuple(
        Accelerator(known[name]["kind"], known[name]["name"], None, None, f"/{_USB}") for name in ids if name in known
    )


def in_chip(root: Path, compatible: tuple[str, ...]) -> tuple[Accelerator, ...]:
    """The accelerator inside a chip that the device tree names."""
    known = hardware_names()["chips"]
    entry = next((known[name] for name in compatible if name in known), None)
    if entry is None:
        return ()
    version = first_line(root / entry["version"])
    return (_entered(root, entry, None if version is None else _short(version), None, _TREE),)


def _short(version: str) -> str:
    """Version as it stands, but of a Jetson (``# R36 (release), REVISION: 4.3, GCID: ...``) in short."""
    tegra = re.match(r"# R(\d+) \(release\), REVISION: ([\d.]+)", version)
    return f"L4T {tegra[1]}.{tegra[2]}" if tegra else version


def _entered(root: Path, entry: Mapping[str, Any], driver: str | None, memory: str | None, source: str) -> Accelerator:
    size = None if memory is None else int(memory)
    return Accelerator(entry["kind"], entry["name"], size, driver, f"/{source}", any(root.glob(entry["node"])))


def exact_hailo(root: Path, found: tuple[Accelerator, ...]) -> tuple[Accelerator, ...]:
    """Accelerators with those of Hailo by their exact name, which only the chip itself tells."""
    if not any("Hailo" in one.name for one in found) or not any(root.glob("dev/hailo[0-9]*")):
        return found
    answer = dict(pairs(told("hailortcli", "fw-control", "identify"), ":"))
    name = hardware_names()["hailo"].get(answer.get("Device Architecture"))
    return tuple(replace(one, name=name, source="hailortcli") if name and "Hailo" in one.name else one for one in found)


def ascend(root: Path) -> tuple[Accelerator, ...]:
    """Ascend chips that ``npu-smi info`` lists, where there is a device file."""
    if not any(root.glob("dev/davinci[0-9]*")):
        return ()
    return ascend_table(told("npu-smi", "info"))


def ascend_table(text: str) -> tuple[Accelerator, ...]:
    """Chips of the table that ``npu-smi info`` prints: two lines a chip, first its name, then its memory."""
    version = re.search(r"Version:\s*(\S+)", text)
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines()]
    rows = [row for row in rows if len(row) == _CELLS]
    found = []
    for first, second in pairwise(rows):
        name = re.fullmatch(r"\d+\s+(\d{3}\w*)", first[0])
        memory = re.search(r"/\s*(\d+)$", second[2])
        if name and re.fullmatch(r"\d+(\s+\d+)?", second[0]):
            size = int(memory[1]) * _MIB if memory else None
            driver = None if version is None else f"npu-smi {version[1]}"
            found.append(Accelerator("npu", f"Ascend {name[1]}", size, driver, "npu-smi", reachable=True))
    return tuple(found)
