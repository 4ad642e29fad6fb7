"""What a service class is: the peaks, the memory and the terms of its device and engine."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from advisor.columns import ClassColumns, Stacks
from advisor.device import peak_at
from advisor.question import Question
from advisor.schema import Device


def class_columns(
    found: Stacks, asking: Question, *, orders: Mapping[str, Sequence[str]], settings: Mapping[str, Any]
) -> ClassColumns:
    """Columns of the service classes of an enumeration for the model that is asked about.

    ``orders`` names the number formats at whose rate a device computes one, the best first.
    """
    index = {device.id: row for row, device in enumerate(found.devices)}
    devices = [found.devices[index[klass.device]] for klass in found.classes]
    engines = [found.engines[klass.engine].engine for klass in found.classes]
    weights = {p: asking.spec.weight_bytes(p) for p in {klass.precision for klass in found.classes}}
    used = {p: asking.spec.used_weight_bytes(p) for p in weights}
    return ClassColumns(
        device=np.array([index[klass.device] for klass in found.classes], np.intp),
        kind=np.array([device.kind for device in devices], object),
        precision=np.array([klass.precision for klass in found.classes], object),
        engine=np.array([klass.engine for klass in found.classes], object),
        accelerator=np.array([device.unit == "device" for device in devices], bool),
        peak_flop_per_s=np.array(
            [peak_at(d.peak, orders[k.precision]) or np.nan for d, k in zip(devices, found.classes, strict=True)]
        ),
        bandwidth_bytes_per_s=np.array([device.bandwidth or np.nan for device in devices]),
        unit_memory_bytes=np.array([_unit_memory(device, settings) for device in devices]),
        weight_bytes=np.array([weights[klass.precision] for klass in found.classes]),
        used_weight_bytes=np.array([used[klass.precision] for klass in found.classes]),
        cache_bytes_per_token=np.array(
            [asking.spec.kv_bytes_per_token(settings["cache_format"][k.precision]) for k in found.classes]
        ),
        overhead_bytes=np.array([engine.memory_overhead for engine in engines if engine]),
        package_bytes=np.array([engine.package for engine in engines if engine]),
        skills=[engine.skills for engine in engines if engine],
    )


def _unit_memory(device: Device, settings: Mapping[str, Any]) -> float:
    if device.unit == "vCPU":
        return float(settings["memory_per_vcpu_bytes"])
    return device.memory or (device.board.memory if device.board else float("nan"))
