"""What a system tells of a process and of the machine around it; light, as the measuring child imports it."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from advisor.lab.asking import text_of
from advisor.lab.control_groups import NO_LIMIT, group_folders
from advisor.units import KIB, NS_PER_S, THOUSAND, US_PER_S

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_CPUS = Path("/sys/devices/system/cpu")
_DELAYS = _PROC / "self" / "schedstat"
_LINE_BYTES = 64
_STOLEN = 7
"""Place of the time that a hypervisor gave to others, in a line of ``/proc/stat``."""


def delay_reader() -> Callable[[], int | None]:
    """Reader of the time for which this thread was ready and had no processor, where the system tells.  [ns]."""
    if _delay_ns(text_of(_DELAYS).encode()) is None:
        return lambda: None
    file = os.open(_DELAYS, os.O_RDONLY)
    return lambda: _delay_ns(os.pread(file, _LINE_BYTES, 0))


def _delay_ns(line: bytes) -> int | None:
    words = line.split()
    return int(words[1]) if len(words) > 1 else None


def hindrances() -> dict[str, Any]:
    """What kept the processes of this control group and this machine back so far; None where the system is silent.

    Returns
    -------
    dict
        ``quota``: periods in which the quota held the group back, and for how long [s]; ``stolen``: time that the
        hypervisor gave to others, and all time [ticks]; ``clock_hz``: clock rate of the processors [Hz].
    """
    return {"quota": _quota_waits(), "stolen": _stolen(), "clock_hz": _clock_hz()}


def resident_bytes() -> tuple[int, int]:
    """Memory of this process now and at its peak.  [B]."""
    if sys.platform == "linux":
        lines = text_of(_PROC / "self" / "status").splitlines()
        now, peak = (_kib(lines, name) for name in ("VmRSS:", "VmHWM:"))
    else:
        import psutil

        told = psutil.Process().memory_info()
        now, peak = told.rss, getattr(told, "peak_wset", told.rss)
    if sys.platform == "darwin":
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return now, max(now, peak)


def _kib(lines: list[str], name: str) -> int:
    """Bytes on the line of a name."""
    return next(int(int(line.split()[1]) * KIB) for line in lines if line.startswith(name))


def spare_bytes() -> int:
    """Memory that a new process may still take: of the machine, and of the control group of this process.  [B]."""
    import psutil

    groups = (_spare(folder) for folder in _groups("memory"))
    return min([psutil.virtual_memory().available, *(spare for spare in groups if spare is not None)])


def _spare(folder: Path) -> int | None:
    """Limit of a group less what it holds and cannot let go of."""
    limit = _number(folder / "memory.max", folder / "memory.limit_in_bytes")
    used = _number(folder / "memory.current", folder / "memory.usage_in_bytes")
    if limit is None or used is None or limit > NO_LIMIT:
        return None
    facts = _facts(folder / "memory.stat")
    return max(0, limit - used + facts.get("total_inactive_file", facts.get("inactive_file", 0)))


def _quota_waits() -> tuple[int, float] | None:
    """Largest counts of a group along the path; None without control groups that have a processor quota."""
    found = [_facts(folder / "cpu.stat") for folder in _groups("cpu")]
    counts = [(facts["nr_throttled"], _throttled_s(facts)) for facts in found if "nr_throttled" in facts]
    return max(counts, default=None)


def _throttled_s(facts: Mapping[str, int]) -> float:
    if "throttled_usec" in facts:
        return facts["throttled_usec"] / US_PER_S
    return facts.get("throttled_time", 0) / NS_PER_S


def _stolen() -> tuple[int, int] | None:
    """Processor time of the whole machine that went to others on its host, and all of it."""
    line = text_of(_PROC / "stat").partition("\n")[0].split()
    ticks = [int(word) for word in line[1:] if word.isdigit()]
    return (ticks[_STOLEN], sum(ticks[: _STOLEN + 1])) if len(ticks) > _STOLEN else None


def _clock_hz() -> float | None:
    """Mean clock rate of the processors that this process may use."""
    if sys.platform != "linux":
        return None
    rates = [_number(_CPUS / f"cpu{cpu}" / "cpufreq" / "scaling_cur_freq") for cpu in os.sched_getaffinity(0)]
    known = [rate * THOUSAND for rate in rates if rate is not None]
    return sum(known) / len(known) if known else None


def _groups(controller: str) -> Iterator[Path]:
    """Folders of the control groups of this process and of all above them, for one controller of either version."""
    return chain.from_iterable(group_folders(_PROC / "self" / "cgroup", _CGROUP, controller))


def _facts(file: Path) -> dict[str, int]:
    pairs = (line.split() for line in text_of(file).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _number(*files: Path) -> int | None:
    """Number in the first of some files that holds one."""
    texts = (text_of(file).strip() for file in files)
    return next((int(text) for text in texts if text.isdigit()), None)
