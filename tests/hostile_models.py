"""300 model files that are broken, mean or absurd, by what is wrong with them; written anew on every call."""

import gzip
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
OPSET = helper.make_opsetid("", 17)
COUNT = 300
Files = Iterator[tuple[str, bytes]]


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def value(name: str, kind: int = FLOAT, shape: Iterable[int | str] | None = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name: str, array: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def model_of(
    nodes: list[NodeProto], weights: Iterable[TensorProto] = (), *, shape: Iterable[int | str] = (1, 4),
    kind: int = FLOAT, made: int = FLOAT, opsets: Iterable[onnx.OperatorSetIdProto] = (OPSET,),
    functions: Iterable[FunctionProto] = (), ir_version: int = 8,
) -> ModelProto:  # fmt: skip
    """Model from input x to output y."""
    graph = helper.make_graph(nodes, "g", [value("x", kind, shape)], [value("y", made)], list(weights))
    return helper.make_model(graph, opset_imports=list(opsets), functions=list(functions), ir_version=ir_version)


def small() -> ModelProto:
    layers = [weight("w", np.ones((4, 8), np.float32)), weight("b", np.ones(8, np.float32))]
    return model_of([node("MatMul", "x w", "h"), node("Add", "h b", "r"), node("Relu", "r", "y")], layers)


def one(operator: str, inputs: str = "x", weights: Iterable[TensorProto] = (), **options: Any) -> ModelProto:
    """Model of one operator; what ``model_of`` does not know are attributes of the operator."""
    known = ("shape", "kind", "made", "opsets", "functions", "ir_version")
    attributes = {name: option for name, option in options.items() if name not in known}
    wishes = {name: option for name, option in options.items() if name in known}
    return model_of([node(operator, inputs, "y", **attributes)], weights, **wishes)


def truncated(whole: bytes) -> Files:
    for number, size in enumerate(np.geomspace(1, len(whole) - 1, 40).astype(int)):
        yield f"{number}", whole[:size]


def mutated(whole: bytes, count: int) -> Files:
    random = np.random.default_rng(1)
    bases = (whole, small().SerializeToString())
    for number in range(count):
        changed = bytearray(bases[number % 2])
        reach = len(changed) if number % 3 else min(400, len(changed))
        for place in random.integers(0, reach, 1 + number % 7):
            changed[place] = int(random.integers(0, 256))
        yield f"{number}", bytes(changed)


def versions() -> Files:
    for number in (0, -1, 1, 6, 99, 9999, 2**40):
        yield f"opset {number}", one("Relu", opsets=[helper.make_opsetid("", number)]).SerializeToString()
    for number in (0, 1, 2, 99, 2**40):
        yield f"ir {number}", one("Relu", ir_version=number).SerializeToString()
    yield "no opset", one("Relu", opsets=[]).SerializeToString()
    yield "opset twice", one("Relu", opsets=[OPSET, helper.make_opsetid("", 7)]).SerializeToString()
    yield "opset of nobody", one("Relu", opsets=[helper.make_opsetid("nobody", 1)]).SerializeToString()


def operators() -> Files:
    nobody = helper.make_opsetid("nobody", 3)
    yield "unknown", one("NoSuchOperator").SerializeToString()
    yield "custom", one("Fast", domain="nobody", opsets=[OPSET, nobody]).SerializeToString()
    yield "custom, not imported", one("Fast", domain="nobody").SerializeToString()
    yield "vendor", one("NoSuchKernel", domain="com.microsoft").SerializeToString()
    yield "without inputs", one("Conv", "").SerializeToString()
    yield "too many inputs", one("Relu", "x x x x").SerializeToString()
    yield "attribute of another", one("Relu", kernel_shape=[3, 3]).SerializeToString()
    yield "attribute of another type", one("LeakyRelu", alpha="steep").SerializeToString()
    yield "long name", one("A" * 100_000).SerializeToString()
    yield "python", one("PyOp", domain="ai.onnx.contrib", module="os", compute="abort").SerializeToString()


def endless(body: list[NodeProto], *, constant: bool = False) -> ModelProto:
    """Loop of as many turns as there are numbers for them."""
    inside = helper.make_graph(
        [*body, node("Identity", "cond", "cond_out")], "body",
        [value("n", INT64, []), value("cond", TensorProto.BOOL, []), value("v", FLOAT, None)],
        [value("cond_out", TensorProto.BOOL, []), value("v_out", FLOAT, None)],
    )  # fmt: skip
    weights = [weight("most", np.array(2**62)), weight("yes", np.array(True)), weight("k", np.ones((1, 4), np.float32))]
    return model_of([node("Loop", f"most yes {'k' if constant else 'x'}", "y", body=inside)], weights)


def loops() -> Files:
    yield "still", endless([node("Identity", "v", "v_out")]).SerializeToString()
    yield "counting", endless([node("Add", "v v", "v_out")]).SerializeToString()
    yield "of a constant", endless([node("Identity", "v", "v_out")], constant=True).SerializeToString()
    yield "growing", endless([node("Concat", "v v", "v_out", axis=0)]).SerializeToString()


def filled(*shape: int, constant: bool = False) -> ModelProto:
    sides = [weight("sides", np.array(shape, np.int64)), weight("zero", np.array(0, np.int64))]
    start = [] if constant else [node("Cast", "x", "i", to=INT64), node("ReduceMin", "i", "low", keepdims=0),
             node("Mul", "low zero", "none"), node("Add", "sides none", "shape")]  # fmt: skip
    nodes = [*start, node("ConstantOfShape", "sides" if constant else "shape", "full")]
    return model_of([*nodes, node("ReduceSum", "full", "sum"), node("Add", "x sum", "y")], sides)


def large() -> Files:
    for constant in (False, True):
        for shape in ((25_000_000_000,), (2**31, 16), (2**20, 2**20, 2**20), (2**62, 2), (10_000, 100_000)):
            yield f"fill {shape} {constant}", filled(*shape, constant=constant).SerializeToString()
    yield "expand", one("Expand", "x s", [weight("s", [25_000_000_000, 4])]).SerializeToString()
    yield "tile", one("Tile", "x s", [weight("s", [10_000_000_000, 1])]).SerializeToString()
    yield "range", one("Range", "a b c", [weight("a", np.float32(0)), weight("b", np.float32(1e30)),
                                        weight("c", np.float32(1))]).SerializeToString()  # fmt: skip
    yield "pad", one("Pad", "x s", [weight("s", [0, 0, 0, 25_000_000_000])]).SerializeToString()
    yield "one hot", one("OneHot", "x d v", [weight("d", np.array([2**35])), weight("v", np.zeros(2, np.float32))],
                        kind=INT64).SerializeToString()  # fmt: skip
    for shape in ((1, 25_000_000_000), (1, 2**62), (1, 2**40, 2**40), (1, 200_000_000)):
        yield f"input {shape}", one("Relu", shape=shape).SerializeToString()
    claimed = TensorProto(name="w", dims=[2**20, 2**20], data_type=FLOAT, raw_data=b"1234")
    yield "claimed weight", one("MatMul", "x w", [claimed], shape=(1, 2**20)).SerializeToString()


def outside(**entries: object) -> TensorProto:
    tensor = TensorProto(name="w", dims=[4, 8], data_type=FLOAT, data_location=TensorProto.EXTERNAL)
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=str(text))
    return tensor


def external() -> Files:
    places: dict[str, dict[str, object]] = {
        "missing": {"location": "no-such-file.bin"}, "nowhere": {}, "empty name": {"location": ""},
        "this folder": {"location": "."}, "above": {"location": "../../secret.bin"},
        "absolute": {"location": "/etc/passwd"}, "device": {"location": "/dev/zero"}, "link": {"location": "link.bin"},
        "pipe": {"location": "pipe.bin"}, "short": {"location": "short.bin", "length": 128},
        "shorter than its shape": {"location": "short.bin"},
        "offset beyond": {"location": "short.bin", "offset": 2**40},
        "offset below": {"location": "short.bin", "offset": -5},
        "offset in words": {"location": "short.bin", "offset": "far"},
        "length below": {"location": "short.bin", "length": -1}, "nul": {"location": "a\0b"},
        "long name": {"location": "a" * 5000},
    }  # fmt: skip
    for name, entries in places.items():
        yield name, one("MatMul", "x w", [outside(**entries)]).SerializeToString()


def nested(depth: int) -> GraphProto:
    inner = helper.make_graph([node("Identity", "x", "o0")], "g0", [], [value("o0", FLOAT, None)])
    for level in range(1, depth):
        branch = node("If", "yes", f"o{level}", then_branch=inner, else_branch=inner)
        inner = helper.make_graph([branch], f"g{level}", [], [value(f"o{level}", FLOAT, None)])
    return inner


def deep() -> Files:
    yes = weight("yes", np.array(True))
    for depth in (5, 10, 14):
        branch = nested(depth)
        nodes = [node("If", "yes", "y", then_branch=branch, else_branch=branch)]
        yield f"branches {depth}", model_of(nodes, [yes]).SerializeToString()
    itself = helper.make_function("f", "again", ["a"], ["b"], [node("again", "a", "b", domain="f")], [OPSET])
    opsets = [OPSET, helper.make_opsetid("f", 1)]
    yield "itself", one("again", domain="f", opsets=opsets, functions=[itself]).SerializeToString()
    twice = [helper.make_function("f", "f0", ["a"], ["b"], [node("Relu", "a", "b")], [OPSET])]
    for level in range(1, 30):
        calls = [node(f"f{level - 1}", "a", "m", domain="f"), node(f"f{level - 1}", "m", "b", domain="f")]
        twice.append(helper.make_function("f", f"f{level}", ["a"], ["b"], calls, opsets))
    yield "functions that multiply", one("f29", domain="f", opsets=opsets, functions=twice).SerializeToString()
    chain = [node("Relu", f"r{n}" if n else "x", f"r{n + 1}" if n < 19_999 else "y") for n in range(20_000)]
    yield "long chain", model_of(chain).SerializeToString()
    message = b""
    for _ in range(2000):
        head, size = b"\x3a", len(message)
        length = b""
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        message = head + length + bytes([size]) + message
    yield "messages in messages", message


def shapes() -> Files:
    four, eight = np.ones((4, 4), np.float32), np.ones((8, 8), np.float32)
    cases: dict[str, ModelProto] = {
        "product": one("MatMul", "x w", [weight("w", eight)]),
        "sum": one("Add", "x w", [weight("w", np.ones(3, np.float32))]),
        "convolution of a line": one("Conv", "x w", [weight("w", four)]),
        "convolution of other channels": one(
            "Conv", "x w", [weight("w", np.ones((1, 2, 3, 3), np.float32))], shape=(1, 5, 8, 8)
        ),
        "kernel larger than image": one(
            "Conv", "x w", [weight("w", np.ones((1, 1, 9, 9), np.float32))], shape=(1, 1, 4, 4)
        ),
        "reshape": one("Reshape", "x s", [weight("s", [7, 7])]),
        "reshape with two unknowns": one("Reshape", "x s", [weight("s", [-1, -1])]),
        "reshape to less than nothing": one("Reshape", "x s", [weight("s", [-5, 4])]),
        "joined": model_of([node("Concat", "x w", "y", axis=0)], [weight("w", eight)]),
        "joined along no axis": model_of([node("Concat", "x x", "y", axis=9)]),
        "turned": one("Transpose", perm=[0, 0]),
        "picked beyond": one("Gather", "x i", [weight("i", [99])], axis=1),
        "picked below": one("Gather", "x i", [weight("i", [-99])], axis=1),
        "squeezed": one("Squeeze", "x a", [weight("a", [1])]),
        "split": model_of([node("Split", "x s", "y z")], [weight("s", [9, -9])]),
        "stride of nothing": one("MaxPool", shape=(1, 1, 4, 4), kernel_shape=[2, 2], strides=[0, 0]),
        "kernel of nothing": one("MaxPool", shape=(1, 1, 4, 4), kernel_shape=[0, 0]),
        "negative pads": one("MaxPool", shape=(1, 1, 4, 4), kernel_shape=[2, 2], pads=[-9, -9, -9, -9]),
        "groups of nothing": one("Conv", "x w", [weight("w", np.ones((1, 1, 1, 1), np.float32))], group=0,
                                 shape=(1, 1, 4, 4)),
        "input of a negative size": one("Relu", shape=(1, -4)),
        "scattered": one("ScatterND", "x i u", [weight("i", [[99, 99]]), weight("u", np.ones(1, np.float32))]),
        "top of few": model_of([node("TopK", "x k", "y i")], [weight("k", [99])]),
        "layer over no axis": one("LayerNormalization", "x w", [weight("w", np.ones(4, np.float32))], axis=-9),
        "equation": one("Einsum", equation="ij,jk->q"),
    }  # fmt: skip
    for name, model in cases.items():
        yield name, model.SerializeToString()


def numbers() -> Files:
    nan = np.float32("nan")
    cast = [node("Div", "z z", "nan"), node("Cast", "nan", "size", to=INT64), node("ConstantOfShape", "size", "k"),
            node("ReduceSum", "k", "s"), node("Add", "x s", "y")]  # fmt: skip
    cases: dict[str, ModelProto] = {
        "divided by zero": one("Div", "x w", [weight("w", np.zeros(4, np.int32))], kind=6, made=6),
        "remainder of zero": one("Mod", "x w", [weight("w", np.zeros(4, np.int64))], kind=INT64, made=INT64),
        "least by minus one": one("Div", "m w", [weight("m", np.full(4, -(2**31), np.int32)),
                                                  weight("w", np.full(4, -1, np.int32))], kind=6, made=6),
        "size of no number": model_of(cast, [weight("z", np.zeros(1, np.float32))]),
        "scales of no number": one("Resize", "x n s", [weight("n", np.zeros(0, np.float32)),
                                                       weight("s", [nan, nan])]),
        "scales without end": one("Resize", "x n s", [weight("n", np.zeros(0, np.float32)),
                                                      weight("s", np.array([1, np.inf], np.float32))]),
        "range of no number": one("Range", "a a a", [weight("a", nan)]),
        "range without steps": one("Range", "a b c", [weight("a", np.float32(0)), weight("b", np.float32(9)),
                                                      weight("c", np.float32(0))]),
        "quantised by nothing": one("QuantizeLinear", "x s", [weight("s", np.float32(0))], made=2),
        "shifted far": one("BitShift", "x w", [weight("w", np.full(4, 99, np.uint8))], kind=2, made=2,
                           direction="LEFT"),
        "clipped backwards": one("Clip", "x a b", [weight("a", np.float32(9)), weight("b", np.float32(-9))]),
        "drawn from nothing": one("Multinomial", sample_size=0),
    }  # fmt: skip
    for name, model in cases.items():
        yield name, model.SerializeToString()


def formats() -> Files:
    whole = weight("w", np.ones((4, 8), np.int64))
    short = TensorProto(name="w", dims=[4, 8], data_type=FLOAT, raw_data=b"1234567")
    unknown, undefined = (TensorProto(name="w", dims=[4, 8], data_type=kind) for kind in (77, 0))
    cases: dict[str, ModelProto] = {
        "fractions by whole numbers": one("MatMul", "x w", [whole]),
        "fractions and text": one("Add", "x w", [weight("w", np.array(["a"], object))]),
        "short contents": one("MatMul", "x w", [short]),
        "unknown": one("MatMul", "x w", [unknown]),
        "undefined": one("MatMul", "x w", [undefined]),
        "unknown input": one("Relu", kind=77),
        "text": one("Identity", kind=TensorProto.STRING, made=TensorProto.STRING),
        "complex": one("Identity", kind=TensorProto.COMPLEX64, made=TensorProto.COMPLEX64),
        "brain float": one("Identity", kind=TensorProto.BFLOAT16, made=TensorProto.BFLOAT16),
        "eight bits": one("Identity", kind=TensorProto.FLOAT8E4M3FN, made=TensorProto.FLOAT8E4M3FN),
        "cast to nothing": one("Cast", to=0),
        "cast to the unknown": one("Cast", to=77),
        "true": one("Relu", kind=TensorProto.BOOL, made=TensorProto.BOOL),
        "other output": one("Relu", made=INT64),
    }
    for name, model in cases.items():
        yield name, model.SerializeToString()
    sequence = one("Identity")
    sequence.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", FLOAT, [1]))
    yield "sequence", sequence.SerializeToString()
    nothing = one("Identity")
    nothing.graph.input[0].ClearField("type")
    yield "input without a type", nothing.SerializeToString()


def graphs() -> Files:
    relu, four = node("Relu", "x", "y"), np.ones(4, np.float32)
    cases: dict[str, ModelProto] = {
        "circle": model_of([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y")]),
        "backwards": model_of([node("Relu", "a", "y"), node("Relu", "x", "a")]),
        "twice made": model_of([relu, relu]),
        "made from nothing": one("Relu", "nothing"),
        "no output made": model_of([node("Relu", "x", "z")]),
        "input is output": model_of([node("Relu", "x", "x")]),
        "nothing": model_of([]),
        "no name": model_of([node("Relu", "x", "")]),
        "constant of nothing": model_of([node("Constant", "", "k"), node("Add", "x k", "y")]),
        "branch of nothing": model_of([node("If", "c", "y")], [weight("c", np.array(True))]),
        "weight twice": one("Add", "x w", [weight("w", four), weight("w", four)]),
        "weight is input": one("Add", "x w", [weight("x", four), weight("w", four)]),
    }  # fmt: skip
    for name, model in cases.items():
        yield name, model.SerializeToString()
    without = one("Relu")
    del without.graph.output[:]
    yield "no output", without.SerializeToString()
    without = one("RandomUniform", "", shape=[2, 2])
    del without.graph.input[:]
    yield "no input", without.SerializeToString()
    crowd = one("Relu")
    crowd.graph.input.extend(value(f"x{number}", FLOAT, [1, 4]) for number in range(3000))
    yield "crowd of inputs", crowd.SerializeToString()


def other_files() -> Files:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.onnx", bytes(200_000_000))
    yield "zip bomb", packed.getvalue()
    yield "gzip bomb", gzip.compress(bytes(200_000_000))
    yield "empty", b""
    yield "zeros", bytes(100_000)
    yield "ones", b"\xff" * 100_000
    yield "text", b"This is no model.\n" * 100
    yield "json", b'{"graph": {}}'
    yield "python", b"import os\nos.abort()\n"
    yield "pickle", b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
    yield "program", b"\x7fELF\x02\x01\x01" + bytes(1000)
    yield "picture", b"\x89PNG\r\n\x1a\n" + bytes(1000)
    yield "promise of much", b"\x3a\xff\xff\xff\xff\x07" + bytes(100)
    yield "promise of too much", b"\x3a" + b"\xff" * 9 + b"\x01" + bytes(100)
    yield "noise", np.random.default_rng(0).bytes(50_000)


def hostile_files(home: Path, whole: bytes) -> dict[str, Path]:
    """300 files by group and name, each in a folder of its own; ``whole`` is a sound model that is cut and changed."""
    groups: dict[str, Callable[[], Files]] = {
        "truncated": lambda: truncated(whole), "versions": versions, "operators": operators, "loops": loops,
        "large": large, "external": external, "deep": deep, "shapes": shapes, "numbers": numbers, "formats": formats,
        "graphs": graphs, "other files": other_files,
    }  # fmt: skip
    made = [(f"{group}: {name}", data) for group, files in groups.items() for name, data in files()]
    made += [(f"mutated: {name}", data) for name, data in mutated(whole, COUNT - len(made))]
    return {name: _written(home / f"{number}", data) for number, (name, data) in enumerate(made)}


def _written(folder: Path, data: bytes) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "secret.bin").write_bytes(bytes(1000))
    (folder / "models" / "short.bin").write_bytes(bytes(16))
    if sys.platform != "win32":
        (folder / "models" / "link.bin").symlink_to(folder / "secret.bin")
        os.mkfifo(folder / "models" / "pipe.bin")
    path = folder / "models" / "hostile.onnx"
    path.write_bytes(data)
    return path
