"""Architectures written down as ONNX graphs; their weights lie in a sparse file beside them that holds no data."""

from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import TensorProto, helper

FLOAT, IDS = TensorProto.FLOAT, TensorProto.INT64
RESNETS = {"18": (2, 2, 2, 2), "34": (3, 4, 6, 3), "50": (3, 4, 6, 3), "101": (3, 4, 23, 3), "152": (3, 8, 36, 3)}
STAGES = (64, 128, 256, 512)
VGGS = {"16": (2, 2, 3, 3, 3), "19": (2, 2, 4, 4, 4)}
DENSENETS = {"121": (6, 12, 24, 16), "169": (6, 12, 32, 32), "201": (6, 12, 48, 32)}
INVERTED = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""MobileNetV2: expansion, channels, blocks, stride of a stage."""
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""SqueezeNet: channels of the thin layer, and of each of the two wide ones."""
SEPARABLE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""MobileNetV1: channels, stride."""
IMAGE = (1, 3, 224, 224)
CLASSES = 1000


class Net:
    """A graph that grows by one operator at a time; every method takes and gives the name of a tensor."""

    def __init__(self, shape: tuple[int, ...], kind: int = FLOAT) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []
        self.size = 0
        self.input = helper.make_tensor_value_info("input", kind, shape)

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def weight(self, *shape: int) -> str:
        count = 4
        for side in shape:
            count *= side
        tensor = TensorProto(name=f"w{len(self.weights)}", dims=shape, data_type=FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "weights.bin"), ("offset", self.size), ("length", count)):
            tensor.external_data.add(key=key, value=str(value))
        self.size += count
        self.weights.append(tensor)
        return tensor.name

    def integers(self, *values: int) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(helper.make_tensor(name, IDS, [len(values)], values))
        return name

    def conv(self, x: str, inward: int, outward: int, kernel: int = 3, stride: int = 1, groups: int = 1,
             pad: int | None = None) -> str:  # fmt: skip
        pad = kernel // 2 if pad is None else pad
        weight = self.weight(outward, inward // groups, kernel, kernel)
        return self.add("Conv", x, weight, strides=[stride] * 2, pads=[pad] * 4, group=groups)

    def relu(self, x: str) -> str:
        return self.add("Relu", x)

    def pool(self, x: str, kernel: int, stride: int, pad: int = 0, *, kind: str = "MaxPool", ceil: int = 0) -> str:
        options = {"ceil_mode": ceil} if kind == "MaxPool" else {}
        return self.add(kind, x, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, **options)

    def dense(self, x: str, inward: int, outward: int) -> str:
        return self.add("Add", self.add("MatMul", x, self.weight(inward, outward)), self.weight(outward))

    def head(self, x: str, channels: int) -> str:
        flat = self.add("Flatten", self.add("GlobalAveragePool", x))
        return self.dense(flat, channels, CLASSES)

    def saved(self, folder: Path, last: str) -> Path:
        result = helper.make_tensor_value_info(last, FLOAT, None)
        graph = helper.make_graph(self.nodes, "net", [self.input], [result], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = folder / "net.onnx"
        path.write_bytes(model.SerializeToString())
        with (folder / "weights.bin").open("wb") as file:
            file.truncate(self.size)
        return path


def resnet(folder: Path, depth: str, width: int = 64, groups: int = 1, *, squeeze: bool = False) -> Path:
    """He et al. 2015; width and groups as in ResNeXt and wide ResNets, squeeze as in SE-ResNet."""
    net, deep = Net(IMAGE), depth not in {"18", "34"}
    x, channels = net.pool(net.relu(net.conv("input", 3, 64, 7, 2)), 3, 2, 1), 64
    for stage, (blocks, base) in enumerate(zip(RESNETS[depth], STAGES, strict=True)):
        inner, outward = base * width * groups // 64, base * (4 if deep else 1)
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            short = x if channels == outward and stride == 1 else net.conv(x, channels, outward, 1, stride)
            if deep:
                y = net.relu(net.conv(x, channels, inner, 1))
                y = net.conv(net.relu(net.conv(y, inner, inner, 3, stride, groups)), inner, outward, 1)
            else:
                y = net.conv(net.relu(net.conv(x, channels, base, 3, stride)), base, base)
            if squeeze:
                gate = net.relu(net.conv(net.add("GlobalAveragePool", y), outward, outward // 16, 1))
                y = net.add("Mul", y, net.add("Sigmoid", net.conv(gate, outward // 16, outward, 1)))
            x, channels = net.relu(net.add("Add", y, short)), outward
    return net.saved(folder, net.head(x, channels))


def vgg(folder: Path, depth: str) -> Path:
    """Simonyan and Zisserman 2014."""
    net, x, channels = Net(IMAGE), "input", 3
    for layers, outward in zip(VGGS[depth], (64, 128, 256, 512, 512), strict=True):
        for _ in range(layers):
            x, channels = net.relu(net.conv(x, channels, outward)), outward
        x = net.pool(x, 2, 2)
    x = net.add("Flatten", x)
    for inward, outward in ((512 * 49, 4096), (4096, 4096), (4096, CLASSES)):
        x = net.dense(x, inward, outward)
    return net.saved(folder, x)


def alexnet(folder: Path) -> Path:
    """Krizhevsky 2014, the one-tower version of torchvision."""
    net = Net(IMAGE)
    x = net.pool(net.relu(net.conv("input", 3, 64, 11, 4, pad=2)), 3, 2)
    x = net.pool(net.relu(net.conv(x, 64, 192, 5)), 3, 2)
    for inward, outward in ((192, 384), (384, 256), (256, 256)):
        x = net.relu(net.conv(x, inward, outward))
    x = net.add("Flatten", net.pool(x, 3, 2))
    for inward, outward in ((256 * 36, 4096), (4096, 4096), (4096, CLASSES)):
        x = net.dense(x, inward, outward)
    return net.saved(folder, x)


def squeezenet(folder: Path) -> Path:
    """SqueezeNet 1.1 (Iandola et al. 2016)."""
    net = Net(IMAGE)
    x, channels = net.pool(net.relu(net.conv("input", 3, 64, 3, 2, pad=0)), 3, 2, ceil=1), 64
    for place, (thin, wide) in enumerate(FIRES):
        if place in {2, 4}:
            x = net.pool(x, 3, 2, ceil=1)
        y = net.relu(net.conv(x, channels, thin, 1))
        x, channels = net.add("Concat", net.conv(y, thin, wide, 1), net.conv(y, thin, wide), axis=1), 2 * wide
    return net.saved(folder, net.add("GlobalAveragePool", net.conv(x, channels, CLASSES, 1)))


def densenet(folder: Path, depth: str) -> Path:
    """Huang et al. 2016, growth 32."""
    net = Net(IMAGE)
    x, channels = net.pool(net.conv("input", 3, 64, 7, 2), 3, 2, 1), 64
    for stage, blocks in enumerate(DENSENETS[depth]):
        for _ in range(blocks):
            y = net.conv(net.relu(net.conv(net.relu(x), channels, 128, 1)), 128, 32)
            x, channels = net.add("Concat", x, y, axis=1), channels + 32
        if stage < 3:
            x, channels = net.pool(net.conv(x, channels, channels // 2, 1), 2, 2, kind="AveragePool"), channels // 2
    return net.saved(folder, net.head(x, channels))


def mobilenetv1(folder: Path) -> Path:
    """Howard et al. 2017."""
    net = Net(IMAGE)
    x, channels = net.relu(net.conv("input", 3, 32, 3, 2)), 32
    for outward, stride in SEPARABLE:
        x = net.relu(net.conv(x, channels, channels, 3, stride, channels))
        x, channels = net.relu(net.conv(x, channels, outward, 1)), outward
    return net.saved(folder, net.head(x, channels))


def mobilenetv2(folder: Path) -> Path:
    """Sandler et al. 2018."""
    net = Net(IMAGE)
    x, channels = net.conv("input", 3, 32, 3, 2), 32
    for expansion, outward, blocks, first in INVERTED:
        for block in range(blocks):
            stride, inner = (first if block == 0 else 1), channels * expansion
            y = net.conv(x, channels, inner, 1) if expansion > 1 else x
            y = net.conv(net.conv(y, inner, inner, 3, stride, inner), inner, outward, 1)
            x, channels = (net.add("Add", x, y) if stride == 1 and channels == outward else y), outward
    return net.saved(folder, net.head(net.conv(x, channels, 1280, 1), 1280))


def convnext(folder: Path, depths: tuple[int, ...], width: int) -> Path:
    """Liu et al. 2022."""
    net = Net(IMAGE)
    x, channels = net.conv("input", 3, width, 4, 4, pad=0), width
    for stage, blocks in enumerate(depths):
        if stage:
            x, channels = net.conv(x, channels, channels * 2, 2, 2, pad=0), channels * 2
        for _ in range(blocks):
            y = net.conv(x, channels, channels, 7, 1, channels)
            y = net.conv(net.relu(net.conv(y, channels, 4 * channels, 1)), 4 * channels, channels, 1)
            x = net.add("Add", x, y)
    return net.saved(folder, net.head(x, channels))


def encoder(net: Net, x: str, layers: int, width: int, tokens: int, heads: int, inner: int) -> str:
    """Transformer encoder (Vaswani et al. 2017) of one sequence."""
    split, joined = net.integers(1, tokens, heads, width // heads), net.integers(1, tokens, width)
    for _ in range(layers):
        query, key, value = (net.add("Reshape", net.dense(x, width, width), split) for _ in range(3))
        key = net.add("Transpose", key, perm=[0, 2, 3, 1])
        query, value = (net.add("Transpose", one, perm=[0, 2, 1, 3]) for one in (query, value))
        scores = net.add("Softmax", net.add("MatMul", query, key), axis=-1)
        seen = net.add("Transpose", net.add("MatMul", scores, value), perm=[0, 2, 1, 3])
        x = net.add("Add", x, net.dense(net.add("Reshape", seen, joined), width, width))
        x = net.add("Add", x, net.dense(net.relu(net.dense(x, width, inner)), inner, width))
    return x


def vit(folder: Path, layers: int, width: int, heads: int, patch: int = 16) -> Path:
    """Dosovitskiy et al. 2020; one class token."""
    net, patches = Net(IMAGE), (224 // patch) ** 2
    x = net.add("Reshape", net.conv("input", 3, width, patch, patch, pad=0), net.integers(1, width, patches))
    x = net.add("Concat", net.weight(1, 1, width), net.add("Transpose", x, perm=[0, 2, 1]), axis=1)
    x = encoder(net, x, layers, width, patches + 1, heads, 4 * width)
    return net.saved(folder, net.dense(net.add("ReduceMean", x, axes=[1], keepdims=0), width, CLASSES))


def bert(folder: Path, layers: int, width: int, heads: int, words: int = 30522, tokens: int = 128) -> Path:
    """Devlin et al. 2018 without its pooler."""
    net = Net((1, tokens), IDS)
    x = net.add("Gather", net.weight(words, width), "input")
    return net.saved(folder, encoder(net, x, layers, width, tokens, heads, 4 * width))


NETS: dict[str, Callable[[Path], Path]] = {
    **{f"resnet{depth}": lambda folder, depth=depth: resnet(folder, depth) for depth in RESNETS},
    "resnext50-32x4d": lambda folder: resnet(folder, "50", width=4, groups=32),
    "wide-resnet50-2": lambda folder: resnet(folder, "50", width=128),
    "seresnet50": lambda folder: resnet(folder, "50", squeeze=True),
    **{f"vgg{depth}": lambda folder, depth=depth: vgg(folder, depth) for depth in VGGS},
    "alexnet": alexnet,
    "squeezenet1.1": squeezenet,
    **{f"densenet{depth}": lambda folder, depth=depth: densenet(folder, depth) for depth in DENSENETS},
    "mobilenetv1": mobilenetv1,
    "mobilenetv2": mobilenetv2,
    "convnext-tiny": lambda folder: convnext(folder, (3, 3, 9, 3), 96),
    "convnext-small": lambda folder: convnext(folder, (3, 3, 27, 3), 96),
    "convnext-base": lambda folder: convnext(folder, (3, 3, 27, 3), 128),
    "vit-tiny-16": lambda folder: vit(folder, 12, 192, 3),
    "vit-small-16": lambda folder: vit(folder, 12, 384, 6),
    "vit-base-16": lambda folder: vit(folder, 12, 768, 12),
    "vit-base-32": lambda folder: vit(folder, 12, 768, 12, patch=32),
    "vit-large-16": lambda folder: vit(folder, 24, 1024, 16),
    "bert-base": lambda folder: bert(folder, 12, 768, 12),
    "bert-large": lambda folder: bert(folder, 24, 1024, 16),
    "distilbert": lambda folder: bert(folder, 6, 768, 12),
    "minilm-l6": lambda folder: bert(folder, 6, 384, 12),
    "minilm-l12": lambda folder: bert(folder, 12, 384, 12),
}
"""Id in ``data/models`` -> writer of the graph into a folder."""
