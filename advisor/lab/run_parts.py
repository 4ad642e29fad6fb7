"""Parts of a run: what came before its samples, and what was seen beside them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What came before the samples."""

    runs: int
    seconds: float
    steady: bool
    """Whether the times had settled before the samples began."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """What a fresh process does before its second inference; the files are as the system has them, cached or not."""

    import_s: float
    """Loading ONNX Runtime and NumPy.  [s]"""
    load_s: float
    """Reading the model and preparing it.  [s]"""
    first_run_s: float
    """The first inference.  [s]"""

    @property
    def total_s(self) -> float:
        """All three together.  [s]."""
        return self.import_s + self.load_s + self.first_run_s


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of the measuring process.  [B]."""

    imported_bytes: int
    """With ONNX Runtime and NumPy, before the model."""
    loaded_bytes: int
    """With the model, before its first inference."""
    end_bytes: int
    """When the last was heard of it."""
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Throttling:
    """What the system says that held the run back, from its first burst to its end; None or () where it is silent."""

    span_s: float
    """Time from the first burst to the end.  [s]"""
    quota_periods: int | None
    """Periods in which the processor quota of a control group was used up."""
    quota_s: float | None
    """Time for which it was.  [s]"""
    stolen_share: float | None
    """Share of the machine's processor time that went to others on its host.  [unitless]"""
    clock_hz: tuple[float, ...] = ()
    """Clock rate when each burst began.  [Hz]"""
