"""What the processor in front of us attains: matrix products through ONNX Runtime, copies and reads in memory."""

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.device import DeviceSpec
from advisor.lab.jobs import need_runtime, within_bounds
from advisor.lab.machine import Machine, this_machine
from advisor.lab.sessions import runtime_errors, session_of
from advisor.lab.settings import settings
from advisor.units import FLOP_PER_MAC

_FLOAT_BYTES = 4
_MATRICES = 3
_BUFFERS = 2
_Task = tuple[Callable[[], object], float]
"""Work, and how much of it one repetition is."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate: repeated, since neighbours and clock rates move it."""

    median: float
    best: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Rates:
    """What some threads attain together; None where the runtime lacks the operator."""

    threads: int
    fp32_flop_per_s: Rate
    int8_flop_per_s: Rate | None
    bytes_per_s: Rate
    read_bytes_per_s: Rate | None


@dataclass(frozen=True, slots=True)
class Probe:
    """Attainable rates of one thread of a machine, and of all together; None where it was not measured."""

    machine: Machine
    fp32_flop_per_s: Rate
    """Matrix products in single precision.  [FLOP/s]"""
    bytes_per_s: Rate
    """Copies between memory and memory: bytes read and bytes written.  [B/s]"""
    int8_flop_per_s: Rate | None = None
    """Matrix products of whole numbers: unsigned inputs, signed weights; a multiply-accumulate counts two.  [OP/s]"""
    read_bytes_per_s: Rate | None = None
    """Reads from memory: the largest of many bytes.  [B/s]"""
    together: Rates | None = None
    """All processors that may be used; None where that is one."""
    buffer_bytes: int | None = None
    """Size of the copied buffer, less than usual where there is little memory."""
    dated: str | None = None
    """UTC, ISO 8601."""

    @property
    def in_cache(self) -> bool | None:
        """Whether both buffers fit into the largest cache, which then counts as memory; None where none is told."""
        largest = max((cache.size_bytes for cache in self.machine.caches), default=None)
        if largest is None or self.buffer_bytes is None:
            return None
        return _BUFFERS * self.buffer_bytes <= largest

    def device(self, kind: str = "cpu-server") -> DeviceSpec:
        """Data sheet of one thread of the machine, for ``predict``.

        Parameters
        ----------
        kind : str, default "cpu-server"
            Kind of device whose measured peers stand in for what was not measured here.
        """
        rates = {"fp32": self.fp32_flop_per_s, "int8": self.int8_flop_per_s}
        return DeviceSpec(
            kind=kind,
            peak_flop_per_s={name: rate.best for name, rate in rates.items() if rate is not None},
            bandwidth_bytes_per_s=self.bytes_per_s.best,
            memory_bytes=float(self.machine.usable_memory_bytes),
        )


def probe(seconds: float = 2.0) -> Probe:
    """Attainable FLOP/s and bandwidth of this machine, of one thread and of all together.

    Parameters
    ----------
    seconds : float, default 2
        Time for everything together.  [s]

    Raises
    ------
    MissingExtraError
        If onnxruntime or psutil is not installed.
    MeasureError
        If the time is out of bounds.

    Notes
    -----
    A product of two square matrices of n rows takes ``n ** 3`` multiply-accumulates.
    """
    need_runtime()
    within_bounds("seconds", seconds)
    machine = this_machine()
    allowed, counts = _allowed_bytes(machine), sorted({1, max(1, int(machine.usable_cpus))})
    size = _buffer_bytes(allowed)
    with ThreadPoolExecutor(counts[-1]) as pool:
        taken = _rates(_tasks(counts, allowed, size, pool), seconds)
    one, *rest = [
        Rates(
            threads=threads,
            fp32_flop_per_s=taken[threads, "fp32"],
            int8_flop_per_s=taken.get((threads, "int8")),
            bytes_per_s=taken[threads, "copy"],
            read_bytes_per_s=taken[threads, "read"],
        )
        for threads in counts
    ]
    return Probe(
        machine=machine,
        fp32_flop_per_s=one.fp32_flop_per_s,
        bytes_per_s=one.bytes_per_s,
        int8_flop_per_s=one.int8_flop_per_s,
        read_bytes_per_s=one.read_bytes_per_s,
        together=rest[0] if rest else None,
        buffer_bytes=size,
        dated=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _allowed_bytes(machine: Machine) -> int:
    """Memory that the probe may take, so that a small machine or container is not filled."""
    import psutil

    free = min(machine.usable_memory_bytes, psutil.virtual_memory().available)
    return int(settings()["probe"]["memory_share"] * free)


def _buffer_bytes(allowed: int) -> int:
    terms = settings()["probe"]
    return int(min(terms["copied_bytes"], max(terms["least_bytes"], allowed // _BUFFERS)))


def _side(threads: int, allowed: int) -> int:
    """Rows of the matrices: more for more threads, so that a product lasts about as long."""
    wished = int(settings()["probe"]["side"]) * round(math.cbrt(threads))
    return min(wished, max(1, math.isqrt(allowed // (_MATRICES * _FLOAT_BYTES))))


def _tasks(counts: list[int], allowed: int, size: int, pool: ThreadPoolExecutor) -> dict[tuple[int, str], _Task]:
    """Everything to time, by the number of threads and the name of the rate."""
    source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
    found: dict[tuple[int, str], _Task] = {}
    for threads in counts:
        side = _side(threads, allowed)
        flop = FLOP_PER_MAC * float(side) ** 3
        parts = partial(np.array_split, indices_or_sections=threads)
        found[threads, "fp32"] = _product(side, threads), flop
        whole = _whole_product(side, threads)
        if whole is not None:
            found[threads, "int8"] = whole, flop
        found[threads, "copy"] = _on(pool, np.copyto, parts(target), parts(source)), 2.0 * size
        found[threads, "read"] = _on(pool, np.max, parts(source)), float(size)
    return found


def _on(pool: ThreadPoolExecutor, work: Callable[..., object], *parts: list[NDArray[np.uint8]]) -> Callable[[], object]:
    """Work on all parts at once; NumPy holds no lock while it copies and reads."""
    return lambda: list(pool.map(work, *parts))


def _rates(tasks: Mapping[tuple[int, str], _Task], seconds: float) -> dict[tuple[int, str], Rate]:
    """Rates of tasks that take turns, so that a busy moment spoils none of them."""
    turns = int(settings()["probe"]["turns"])
    taken: dict[tuple[int, str], list[float]] = {key: [] for key in tasks}
    for turn in range(turns):
        for key, (work, amount) in tasks.items():
            taken[key] += _repeated(work, amount, seconds / (turns * len(tasks)), warm=turn > 0)
    return {key: Rate(float(np.median(rates)), float(np.max(rates)), len(rates)) for key, rates in taken.items()}


def _repeated(work: Callable[[], object], amount: float, seconds: float, *, warm: bool) -> list[float]:
    """Amount of work a second, one figure a repetition; the very first repetition is not counted."""
    if not warm:
        work()
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while not rates or time.perf_counter() < end:
        begun = time.perf_counter()
        work()
        rates.append(amount / (time.perf_counter() - begun))
    return rates


def _product(side: int, threads: int) -> Callable[[], object]:
    """Product of two matrices in single precision, ready to run."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [side, side]) for name in "abc"]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "product", ends[:2], ends[2:])
    feed = {name: np.full((side, side), 0.5, np.float32) for name in "ab"}
    return _ready(graph, threads, feed)


def _whole_product(side: int, threads: int) -> Callable[[], object] | None:
    """Product of unsigned bytes and signed bytes that stay the same, as the weights of a quantised layer do."""
    from onnx import TensorProto, helper, numpy_helper

    ends = [
        helper.make_tensor_value_info(name, kind, [side, side])
        for name, kind in (("a", TensorProto.UINT8), ("c", TensorProto.INT32))
    ]
    weights = numpy_helper.from_array(np.ones((side, side), np.int8), "b")
    node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "whole_product", ends[:1], ends[1:], [weights])
    try:
        work = _ready(graph, threads, {"a": np.ones((side, side), np.uint8)})
        work()
    except runtime_errors():
        return None
    return work


def _ready(graph: Any, threads: int, feed: dict[str, NDArray[Any]]) -> Callable[[], object]:
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = session_of(model.SerializeToString(), threads, ["CPUExecutionProvider"])
    return lambda: session.run(None, feed)
