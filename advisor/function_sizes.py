"""Sizes at which functions are tried: each service couples memory and processors in its own way."""

from collections.abc import Mapping
from typing import Any, TypedDict

from advisor.schema import Device
from advisor.units import BYTES_PER_MIB


class Size(TypedDict):
    """One size of a function as the table of machines takes it."""

    name: str
    device: str
    units: float
    memory_bytes: float


def sizes_of(terms: Mapping[Any, Any], tried: Mapping[str, Any], devices: Mapping[str, Device]) -> list[Size]:
    """Sizes of one row of the serverless table: one whole accelerator, or pairs of processors and memory.

    Parameters
    ----------
    terms : mapping
        A row of ``data/serverless.csv``.
    tried : mapping
        ``data/serverless.toml``.
    devices : mapping
        Hardware by id.
    """
    service, gpu = terms["service"], terms["gpu_device"]
    if isinstance(gpu, str):
        return [_size(f"{service} {devices[gpu].name}", gpu, 1.0, terms["gpu_memory_mb"])]
    arm = "arm" in terms["variant"]
    device = tried["cpu_device"]["arm" if arm else "x86"]
    label = f"{service} arm64" if arm else service
    return [
        _size(f"{label} {vcpu:g} vCPU {memory_mb:.0f} MB", device, vcpu, memory_mb)
        for vcpu, memory_mb in tried["sizes"][f"{terms['provider']}/{service}"]
    ]


def _size(name: str, device: str, units: float, memory_mb: float) -> Size:
    return Size(name=name, device=device, units=units, memory_bytes=memory_mb * BYTES_PER_MIB)
