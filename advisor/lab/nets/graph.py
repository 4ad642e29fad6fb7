"""A graph that grows by one operator at a time; every method takes and gives names of tensors."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from advisor.lab.nets.fillings import Seeded, Sparse
from advisor.lab.settings import settings

FLOAT, IDS = TensorProto.FLOAT, TensorProto.INT64
BATCH = "batch"
"""Name of the dynamic axis that holds the samples of a batch."""
_OPSET, _IR_VERSION = 17, 8

Size = int | str


class Net:
    """The graph of one model, and its weights in a filling of choice.

    Weights are drawn with the deviation ``sqrt(gain / fan)``, where ``fan`` numbers are summed up and the gain makes up
    for what the activation behind takes away [1]_: signals neither die out nor grow from layer to layer.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers," ICCV, 2015, doi:10.1109/ICCV.2015.123.
    """

    def __init__(self, filling: Seeded | Sparse) -> None:
        self._filling = filling
        self._settings = settings()["zoo"]
        self._nodes: list[NodeProto] = []
        self._weights: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def input(self, name: str, *shape: Size, kind: int = FLOAT) -> str:
        """Input of the model."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, x: str, *shape: Size) -> None:
        """Output of the model."""
        self._nodes.append(helper.make_node("Identity", [x], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, FLOAT, shape))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Operator with one output."""
        return self.split(operator, *inputs, outputs=1, **attributes)[0]

    def split(self, operator: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Operator with several outputs."""
        names = [f"t{len(self._nodes)}_{place}" for place in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def weight(self, *shape: int, fan: int, gain: float = 1.0) -> str:
        """Learned tensor."""
        tensor = TensorProto(name=f"w{len(self._weights)}", dims=shape, data_type=FLOAT)
        self._filling.fill(tensor, math.prod(shape), math.sqrt(gain / fan))
        self._weights.append(tensor)
        return tensor.name

    def bias(self, count: int) -> str:
        """Learned offsets, small."""
        return self.weight(count, fan=1, gain=self._settings["bias_variance"])

    def constant(self, values: ArrayLike, kind: type[np.generic] = np.float32) -> str:
        """Tensor of known numbers."""
        tensor = numpy_helper.from_array(np.asarray(values, dtype=kind), f"w{len(self._weights)}")
        self._weights.append(tensor)
        return str(tensor.name)

    def integers(self, *values: int) -> str:
        """Shape, axes or indices: 64-bit integers."""
        return self.constant(values, np.int64)

    def ones(self, count: int) -> str:
        """Scales of a normalisation."""
        return self.constant(np.ones(count))

    def zeros(self, count: int) -> str:
        """Offsets of a normalisation."""
        return self.constant(np.zeros(count))

    def gain(self, activation: str | None) -> float:
        """Variance that a layer before an activation has to have, over the one that is to come out."""
        gain: float = self._settings["gains"][activation or "linear"]
        return gain

    def model(self) -> ModelProto:
        """The finished model."""
        graph = helper.make_graph(self._nodes, "net", self._inputs, self._outputs, self._weights)
        opset = [helper.make_opsetid("", _OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="deployment-advisor")

    def save(self, path: Path) -> None:
        """Write the model, and beside it what its weights need."""
        path.write_bytes(self.model().SerializeToString(deterministic=True))
        self._filling.finish()
