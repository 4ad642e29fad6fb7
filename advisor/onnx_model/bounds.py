"""How many operators an ONNX model has once its functions are written out, before anything is written out."""

from pathlib import Path

from onnx import FunctionProto, GraphProto, ModelProto, NodeProto

from advisor.errors import ModelFileError
from advisor.sizes import limits

Key = tuple[str, str]
"""Domain and name of a function."""


def check_operators(model: ModelProto, path: Path) -> None:
    """See that a model is no larger than can be read in bounded time and memory.

    Raises
    ------
    ModelFileError
        If it has too many operators once its functions are written out, or a function calls itself.
    """
    most = int(limits()["onnx"]["operators"])
    count = _Count({(one.domain, one.name): one for one in model.functions}, path, most)
    if count.of_graph(model.graph) > most:
        raise ModelFileError("model_file_too_large", file=str(path), most=most)


class _Count:
    """Operators of graphs and functions; every function is counted once, and never past the bound."""

    def __init__(self, functions: dict[Key, FunctionProto], path: Path, most: int) -> None:
        self.functions, self.path, self.most = functions, path, most
        self.known: dict[Key, int] = {}
        self.open: set[Key] = set()

    def of_graph(self, graph: GraphProto) -> int:
        """Operators of a graph, of the graphs within it, and of the functions it calls."""
        if len(graph.node) > self.most:
            return len(graph.node)
        return sum(self._of_node(node) for node in graph.node)

    def _of_node(self, node: NodeProto) -> int:
        inner = sum(self.of_graph(attribute.g) for attribute in node.attribute if attribute.HasField("g"))
        inner += sum(self.of_graph(graph) for attribute in node.attribute for graph in attribute.graphs)
        key = (node.domain, node.op_type)
        return 1 + inner + (self._of_function(key) if key in self.functions else 0)

    def _of_function(self, key: Key) -> int:
        if key in self.open:
            raise ModelFileError("model_file_recursive", file=str(self.path), function=key[1])
        if key not in self.known:
            self.open.add(key)
            self.known[key] = min(self.most + 1, sum(self._of_node(node) for node in self.functions[key].node))
            self.open.remove(key)
        return self.known[key]
