"""What machine this is, in a record that goes with every run."""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from advisor.errors import MissingExtraError
from advisor.lab.apple_hardware import apple_hardware
from advisor.lab.asking import first_line
from advisor.lab.control_groups import control_group_memory, control_group_quota
from advisor.lab.hardware import Accelerator, Cache, Hardware
from advisor.lab.linux_hardware import linux_hardware
from advisor.lab.windows_hardware import windows_hardware

_ROOT = Path("/")
_MEMBERSHIP = _ROOT / "proc/self/cgroup"
_CGROUP = _ROOT / "sys/fs/cgroup"
_GOVERNOR = _ROOT / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and its state when a run began; what the system does not tell is None or ()."""

    cpu: str
    cores: int | None
    """Physical cores."""
    logical_cpus: int
    usable_cpus: float
    """Processors that this process may use: its affinity, or the quota of its control group if that is less."""
    memory_bytes: int
    system: str
    python: str
    onnxruntime: str | None
    load_1min: float | None
    governor: str | None
    """How the system sets the clock rate."""
    cpu_id: str | None = None
    """As in ``Hardware``, like all that follows but the limit of memory."""
    instructions: tuple[str, ...] = ()
    caches: tuple[Cache, ...] = ()
    sockets: int | None = None
    virtual: bool | None = None
    board: str | None = None
    compatible: tuple[str, ...] = ()
    accelerators: tuple[Accelerator, ...] = ()
    memory_limit_bytes: int | None = None
    """Memory that the control group of this process may use, where that is less than the machine has.  [B]"""

    @property
    def usable_memory_bytes(self) -> int:
        """Bytes that this process may use."""
        return self.memory_bytes if self.memory_limit_bytes is None else self.memory_limit_bytes

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Machine":
        """Machine of a file: a record of ``dataclasses.asdict`` after JSON; older ones lack the later fields."""
        lists = {name: tuple(record.get(name, ())) for name in ("instructions", "compatible")}
        caches = tuple(Cache(**entry) for entry in record.get("caches", ()))
        accelerators = tuple(Accelerator(**entry) for entry in record.get("accelerators", ()))
        return cls(**{**record, **lists, "caches": caches, "accelerators": accelerators})


def this_machine() -> Machine:
    """Record of the machine that runs this process, within 50 ms unless a driver or tool of an accelerator is asked.

    Raises
    ------
    MissingExtraError
        If psutil is not installed.
    """
    if find_spec("psutil") is None:
        raise MissingExtraError("missing_lab", library="psutil")
    import psutil

    logical = os.cpu_count() or 1
    memory = psutil.virtual_memory().total
    quota, limit = control_group_quota(_MEMBERSHIP, _CGROUP), control_group_memory(_MEMBERSHIP, _CGROUP)
    usable = float(len(os.sched_getaffinity(0)) if sys.platform == "linux" else logical)
    parts = hardware()
    return Machine(
        cores=psutil.cpu_count(logical=False),
        logical_cpus=logical,
        usable_cpus=usable if quota is None else min(usable, quota),
        memory_bytes=memory,
        system=platform.platform(),
        python=platform.python_version(),
        onnxruntime=runtime_version(),
        load_1min=os.getloadavg()[0] if sys.platform != "win32" else None,
        governor=first_line(_GOVERNOR),
        memory_limit_bytes=limit if limit is not None and limit < memory else None,
        **{field.name: getattr(parts, field.name) for field in fields(parts)},
    )


def hardware() -> Hardware:
    """Processor, board and accelerators of this machine, as its system tells them."""
    if sys.platform == "win32":
        return windows_hardware()
    return apple_hardware() if sys.platform == "darwin" else linux_hardware(_ROOT)


def runtime_version() -> str | None:
    """Version of the installed onnxruntime, under any of the names it is packed as."""
    for name in ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
