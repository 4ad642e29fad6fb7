"""What the weights of a generated graph are filled with."""

from pathlib import Path

import numpy as np
from numpy.random import PCG64
from onnx import TensorProto

_DRAWN_BITS, _SPARE_BITS = 32, 8
"""A float32 holds the others, so that every number is exact on every machine."""
_STEPS = 2.0 ** (_DRAWN_BITS - _SPARE_BITS)
_ITEM_BYTES = 4


class Seeded:
    """Uniform numbers of one standard deviation each tensor, inside the file.

    They come from the bits of the generator and not from NumPy's distributions, whose streams may change from release
    to release.
    """

    def __init__(self, seed: int) -> None:
        self._bits = PCG64(seed)

    def fill(self, tensor: TensorProto, count: int, deviation: float) -> None:
        """Put the numbers into a tensor."""
        words = np.asarray(self._bits.random_raw((count + 1) // 2), dtype="<u8").view("<u4")[:count]
        half_width = np.float32(deviation * 3**0.5)
        numbers = (words >> np.uint32(_SPARE_BITS)).astype("<f4")
        numbers *= np.float32(2 / _STEPS) * half_width
        numbers -= half_width
        tensor.raw_data = numbers.tobytes()

    def finish(self) -> None:
        """Nothing is left to do."""


class Sparse:
    """Zeros in a sparse file beside the graph, which holds no data: enough to count a model, whatever its size."""

    def __init__(self, file: Path) -> None:
        self._file, self._size = file, 0

    def fill(self, tensor: TensorProto, count: int, deviation: float) -> None:  # noqa: ARG002  # as Seeded.fill
        """Point a tensor to its place in the file."""
        tensor.data_location = TensorProto.EXTERNAL
        length = _ITEM_BYTES * count
        for key, value in (("location", self._file.name), ("offset", self._size), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        self._size += length

    def finish(self) -> None:
        """Make the file as long as its tensors say."""
        with self._file.open("wb") as file:
            file.truncate(self._size)
