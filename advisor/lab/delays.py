"""Time that other work took from this process, as far as the system tells."""

import os
from collections.abc import Mapping

from advisor.units import NS_PER_S

_DELAYS = "/proc/thread-self/schedstat"
_LINE_BYTES = 64
_IDLE = ("idle", "iowait", "guest", "guest_nice")
"""Parts of the time of the processors that nobody uses, or that are counted in another part."""


class DelayClock:
    """Seconds for which the thread that makes this was ready and had no processor; None where the system is silent."""

    def __init__(self) -> None:
        self._file: int | None = None
        try:
            self._file = os.open(_DELAYS, os.O_RDONLY)
            os.pread(self._file, _LINE_BYTES, 0).split()[1]
        except (OSError, IndexError):
            self._close()

    def __call__(self) -> float | None:
        """Seconds so far."""
        return None if self._file is None else int(os.pread(self._file, _LINE_BYTES, 0).split()[1]) / NS_PER_S

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None


def processor_times() -> Mapping[str, float]:
    """Seconds of all processors of the machine since it started, by what they did."""
    import psutil

    return psutil.cpu_times()._asdict()


def stolen_share(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """Share of the time that the processors had work, in which the host of a virtual machine kept them for others.

    Parameters
    ----------
    before, after : mapping
        Two of ``processor_times``.

    Returns
    -------
    float or None
        None where the system does not tell.
    """
    if "steal" not in after:
        return None
    spent = {part: after[part] - before[part] for part in after if part not in _IDLE}
    busy = sum(spent.values())
    return spent["steal"] / busy if busy > 0 else 0.0
