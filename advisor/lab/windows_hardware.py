"""Processor, caches, computer and display adapters of a Windows machine, from its registry and its kernel."""

import platform
import re
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any

from advisor.lab.hardware import Accelerator, Cache, Hardware, computer_name, instructions_of, is_guest
from advisor.lab.nvidia import by_library

_CPU = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
_COMPUTER = r"HARDWARE\DESCRIPTION\System\BIOS"
_CLASSES = r"SYSTEM\CurrentControlSet\Control\Class"
_ADAPTERS = {"gpu": "{4d36e968-e325-11ce-bfc1-08002be10318}", "npu": "{f01a9d53-3ff6-48d2-9f97-c8a7004be10c}"}
"""Setup classes "display adapters" and "compute accelerators"."""
_RECORD = struct.Struct("<QL4xBBHLL4x")
"""SYSTEM_LOGICAL_PROCESSOR_INFORMATION of 64 bits: mask, relationship, then level, associativity, line, size, type."""
_IS_CACHE, _IS_PACKAGE = 2, 3
_CACHES = {(1, 2): "L1d", (1, 0): "L1d", (2, 0): "L2", (3, 0): "L3"}
_MOST_ADAPTERS = 16


def windows_hardware() -> Hardware:
    """What Windows tells of this machine."""
    return from_registry(_registry, _feature, _processors())


def from_registry(
    values: Callable[[str], Mapping[str, Any]], feature: Callable[[int], bool], processors: bytes
) -> Hardware:
    """Hardware by what the system answers.

    Parameters
    ----------
    values : callable
        Values under a key of HKEY_LOCAL_MACHINE, {} where there is no such key.
    feature : callable
        Whether the processor has the feature of a number (IsProcessorFeaturePresent).
    processors : bytes
        Records of GetLogicalProcessorInformation.
    """
    cpu, computer = values(_CPU), values(_COMPUTER)
    board = computer_name(*(str(computer.get(f"System{name}", "")) for name in ("Manufacturer", "ProductName")))
    sockets = [record for record in _records(processors) if record[1] == _IS_PACKAGE]
    return Hardware(
        cpu=str(cpu.get("ProcessorNameString", "")).strip() or platform.processor(),
        cpu_id=_cpu_id(cpu),
        instructions=instructions_of("windows", feature),
        caches=caches(processors),
        sockets=len(sockets) or None,
        virtual=is_guest(board) if board else None,
        board=board,
        accelerators=_accelerators(values),
    )


def caches(processors: bytes) -> tuple[Cache, ...]:
    """Caches of the first processor, by the records of GetLogicalProcessorInformation."""
    return tuple(
        Cache(_CACHES[level, kind], size, mask.bit_count())
        for mask, relation, level, _, _, size, kind in _records(processors)
        if relation == _IS_CACHE and mask & 1 and (level, kind) in _CACHES
    )


def _records(processors: bytes) -> list[tuple[int, ...]]:
    whole = len(processors) - len(processors) % _RECORD.size
    return list(_RECORD.iter_unpack(processors[:whole]))


def _cpu_id(cpu: Mapping[str, Any]) -> str | None:
    """Vendor, family and model, as ``Intel64 Family 6 Model 143 Stepping 8`` tells them."""
    numbers = re.search(r"Family (\d+) Model (\d+)", str(cpu.get("Identifier", "")))
    vendor = cpu.get("VendorIdentifier")
    return f"{vendor}/{numbers[1]}/{numbers[2]}" if numbers and vendor else None


def _accelerators(values: Callable[[str], Mapping[str, Any]]) -> tuple[Accelerator, ...]:
    """What NVML lists, and all other display adapters and accelerators with a driver."""
    cards = by_library()
    found = list(cards)
    for kind, class_ in _ADAPTERS.items():
        for place in range(_MOST_ADAPTERS):
            adapter = values(rf"{_CLASSES}\{class_}\{place:04d}")
            name = str(adapter.get("DriverDesc", ""))
            hidden = "Microsoft" in name or (cards and "NVIDIA" in name)
            if name and not hidden:
                memory = adapter.get("HardwareInformation.qwMemorySize")
                version = adapter.get("DriverVersion")
                size = memory if isinstance(memory, int) and memory else None
                found.append(Accelerator(kind, name, size, None if version is None else str(version), "registry"))
    return tuple(found)


def _registry(key: str) -> Mapping[str, Any]:
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as handle:
                count = winreg.QueryInfoKey(handle)[1]
                return {name: value for name, value, _ in (winreg.EnumValue(handle, place) for place in range(count))}
        except OSError:
            return {}
    return {}


def _feature(number: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.kernel32.IsProcessorFeaturePresent(number))
    return False


def _processors() -> bytes:
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        size = wintypes.DWORD(0)
        ask = ctypes.windll.kernel32.GetLogicalProcessorInformation
        ask(None, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        return buffer.raw if ask(buffer, ctypes.byref(size)) else b""
    return b""
