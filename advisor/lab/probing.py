"""What the processor in front of us attains: matrix products through ONNX Runtime, and copies in memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.device import DeviceSpec
from advisor.lab.jobs import need_runtime
from advisor.lab.machine import Machine, this_machine
from advisor.lab.sessions import session_of
from advisor.lab.settings import settings
from advisor.units import FLOP_PER_MAC


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of one thread: repeated, since neighbours and clock rates move it."""

    median: float
    best: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Attainable rates of one thread of a machine."""

    machine: Machine
    fp32_flop_per_s: Rate
    """Matrix products in single precision.  [FLOP/s]"""
    bytes_per_s: Rate
    """Copies between memory and memory: bytes read and bytes written.  [B/s]"""

    def device(self, kind: str = "cpu-server") -> DeviceSpec:
        """Data sheet of one thread of the machine, for ``predict``.

        Parameters
        ----------
        kind : str, default "cpu-server"
            Kind of device whose measured peers stand in for what was not measured here.
        """
        return DeviceSpec(
            kind=kind,
            peak_flop_per_s={"fp32": self.fp32_flop_per_s.best},
            bandwidth_bytes_per_s=self.bytes_per_s.best,
            memory_bytes=float(self.machine.memory_bytes),
        )


def probe(seconds: float = 2.0) -> Probe:
    """Attainable FLOP/s and bandwidth of one thread of this machine.

    Parameters
    ----------
    seconds : float, default 2
        Time for both together.  [s]

    Raises
    ------
    MissingExtraError
        If onnxruntime or psutil is not installed.

    Notes
    -----
    A product of two square matrices of n rows takes ``n ** 3`` multiply-accumulates.
    """
    need_runtime()
    terms = settings()["probe"]
    side, copied = int(terms["side"]), int(terms["copied_bytes"])
    session = _product(side)
    feed = {"a": np.full((side, side), 0.5, np.float32), "b": np.full((side, side), 0.5, np.float32)}
    source, target = np.ones(copied, np.uint8), np.empty(copied, np.uint8)
    return Probe(
        machine=this_machine(),
        fp32_flop_per_s=_rate(lambda: session.run(None, feed), FLOP_PER_MAC * float(side) ** 3, seconds / 2),
        bytes_per_s=_rate(lambda: np.copyto(target, source), 2.0 * copied, seconds / 2),
    )


def _rate(work: Callable[[], object], amount: float, seconds: float) -> Rate:
    """Amount of work a second, one figure a repetition; the first repetition is not counted."""
    work()
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while not rates or time.perf_counter() < end:
        begun = time.perf_counter()
        work()
        rates.append(amount / (time.perf_counter() - begun))
    return Rate(float(np.median(rates)), float(np.max(rates)), len(rates))


def _product(side: int) -> Any:
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [side, side]) for name in "abc"]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "product", ends[:2], ends[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return session_of(model.SerializeToString(), 1, ["CPUExecutionProvider"])
