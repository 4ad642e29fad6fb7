"""A fixed piece of work whose time tells how fast the machine is now; light, as the measuring child imports it."""

import time
from collections.abc import Callable

import numpy as np


def canary(side: int, seconds: float) -> Callable[[], float]:
    """Function that gives the shortest time of one product of two square matrices, tried again and again.

    Parameters
    ----------
    side : int
        Rows of the matrices.
    seconds : float
        For how long the product is tried; once at least, after an untimed one.  [s]

    Returns
    -------
    callable
        Gives seconds.  The shortest of many is free of waits for a processor: what changes it is the speed of the
        processor itself, or a neighbour that shares its core, caches or power.
    """
    factor = np.full((side, side), 1 / side, np.float32)
    product = np.empty_like(factor)

    def shortest_s() -> float:
        np.matmul(factor, factor, out=product)
        end = time.perf_counter() + seconds
        shortest = float("inf")
        while True:
            start = time.perf_counter()
            np.matmul(factor, factor, out=product)
            now = time.perf_counter()
            shortest = min(shortest, now - start)
            if now >= end:
                return shortest

    return shortest_s
