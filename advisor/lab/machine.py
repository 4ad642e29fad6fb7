"""What machine this is, in a record that goes with every run."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from advisor.errors import MissingExtraError

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_BOARD = Path("/proc/device-tree/model")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and its state when a run began; what the system does not tell is None."""

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


def this_machine() -> Machine:
    """Record of the machine that runs this process, within 50 ms.

    Raises
    ------
    MissingExtraError
        If psutil is not installed.
    """
    if find_spec("psutil") is None:
        raise MissingExtraError("missing_lab", library="psutil")
    import psutil

    logical = os.cpu_count() or 1
    quota = control_group_quota(_PROC / "self" / "cgroup", _CGROUP)
    usable = float(len(os.sched_getaffinity(0)) if sys.platform == "linux" else logical)
    return Machine(
        cpu=_cpu_name(),
        cores=psutil.cpu_count(logical=False),
        logical_cpus=logical,
        usable_cpus=usable if quota is None else min(usable, quota),
        memory_bytes=psutil.virtual_memory().total,
        system=platform.platform(),
        python=platform.python_version(),
        onnxruntime=runtime_version(),
        load_1min=os.getloadavg()[0] if sys.platform != "win32" else None,
        governor=_first_line(_GOVERNOR),
    )


def runtime_version() -> str | None:
    """Version of the installed onnxruntime, under any of the names it is packed as."""
    for name in ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def control_group_quota(membership: Path, mount: Path) -> float | None:
    """Processors that the control groups of a process allow, the least along its path; None without a quota.

    Parameters
    ----------
    membership : Path
        File in the format of ``/proc/self/cgroup``.
    mount : Path
        Where the control groups are mounted, version 1 or 2.
    """
    quotas: list[float] = []
    for line in _text(membership).splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            quotas += [quota for folder in _upwards(mount, group) if (quota := _quota_2(folder)) is not None]
        elif "cpu" in controllers.split(","):
            own = mount / "cpu" if (mount / "cpu").is_dir() else mount / controllers
            quotas += [quota for folder in _upwards(own, group) if (quota := _quota_1(folder)) is not None]
    return min(quotas, default=None)


def _upwards(mount: Path, group: str) -> list[Path]:
    """Folders of a group and of all groups above it."""
    inside = PurePosixPath(group.lstrip("/"))
    return [mount / step for step in (inside, *inside.parents)]


def _quota_2(folder: Path) -> float | None:
    words = _text(folder / "cpu.max").split()
    return None if len(words) != 2 or words[0] == "max" else int(words[0]) / int(words[1])


def _quota_1(folder: Path) -> float | None:
    quota, period = (_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _cpu_name() -> str:
    """Name that the processor, else the board, gives itself."""
    if sys.platform == "win32":
        return _windows_cpu_name() or platform.processor()
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return told or platform.machine()
    fields = (line.partition(":") for line in _text(_PROC / "cpuinfo").splitlines())
    names = (value.strip() for name, _, value in fields if name.strip() == "model name")
    return next(names, None) or _first_line(_BOARD) or platform.machine()


def _windows_cpu_name() -> str:
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()
    return ""


def _first_line(file: Path) -> str | None:
    return _text(file).strip("\0\n ").split("\n")[0] or None


def _text(file: Path) -> str:
    """Contents of a file of the system, empty where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
