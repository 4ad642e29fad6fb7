"""Convolutional classifiers of images."""

from collections.abc import Sequence

from advisor.lab.nets.graph import BATCH, Net
from advisor.lab.nets.layers import (
    activated,
    batch_norm,
    conv,
    dense,
    layer_norm,
    mean_over_map,
    pool,
    squeezed,
)

_CHANNELS_LAST, _CHANNELS_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


def image(net: Net, side: int, channels: int = 3) -> str:
    """Input of square images."""
    return net.input("image", BATCH, channels, side, side)


def head(net: Net, x: str, channels: int, classes: int) -> None:
    """Mean over the map, and a linear layer to the classes."""
    scores(net, dense(net, mean_over_map(net, x), channels, classes), classes)


def scores(net: Net, x: str, classes: int) -> None:
    """Output of classifiers."""
    net.output("logits", x, BATCH, classes)


def resnet(
    net: Net, *, side: int, classes: int, blocks: Sequence[int], widths: Sequence[int], expansion: int,
    inner: float = 1.0, groups: int = 1, squeeze: int = 0,
) -> None:  # fmt: skip
    """Residual network; inner width and groups make it a wide ResNet or a ResNeXt, squeeze an SE-ResNet."""
    channels, gain = widths[0], 1 / sum(blocks)
    x = pool(net, conv(net, image(net, side), 3, channels, 7, 2, act="relu"), 3, 2, 1)
    for stage, (count, base) in enumerate(zip(blocks, widths, strict=True)):
        thin, outward = int(base * inner), base * expansion
        for block in range(count):
            stride = 2 if stage and not block else 1
            short = x if channels == outward and stride == 1 else conv(net, x, channels, outward, 1, stride)
            if expansion > 1:
                y = conv(net, x, channels, thin, 1, act="relu")
                y = conv(net, y, thin, thin, 3, stride, groups, act="relu")
                y = conv(net, y, thin, outward, 1, gain=gain)
            else:
                y = conv(net, x, channels, base, 3, stride, act="relu")
                y = conv(net, y, base, base, gain=gain)
            if squeeze:
                y = squeezed(net, y, outward, outward // squeeze, "relu")
            x, channels = activated(net, net.add("Add", y, short), "relu"), outward
    head(net, x, channels, classes)


def vgg(net: Net, *, side: int, classes: int, layers: Sequence[int], widths: Sequence[int], hidden: int) -> None:
    """Stacks of 3 x 3 convolutions, and three linear layers."""
    x, channels = image(net, side), 3
    for count, outward in zip(layers, widths, strict=True):
        for _ in range(count):
            x, channels = conv(net, x, channels, outward, act="relu"), outward
        x = pool(net, x, 2, 2)
    _three_dense(net, x, channels * (side // 2 ** len(widths)) ** 2, hidden, classes)


def alexnet(net: Net, *, side: int, classes: int, widths: Sequence[int], hidden: int) -> None:
    """AlexNet in one tower."""
    one, two, three, four, five = widths
    x = pool(net, conv(net, image(net, side), 3, one, 11, 4, pad=2, act="relu"), 3, 2)
    x = pool(net, conv(net, x, one, two, 5, act="relu"), 3, 2)
    for inward, outward in ((two, three), (three, four), (four, five)):
        x = conv(net, x, inward, outward, act="relu")
    _three_dense(net, pool(net, x, 3, 2), five * 36, hidden, classes)


def _three_dense(net: Net, x: str, inward: int, hidden: int, classes: int) -> None:
    x = dense(net, net.add("Flatten", x), inward, hidden, "relu")
    scores(net, dense(net, dense(net, x, hidden, hidden, "relu"), hidden, classes), classes)


def squeezenet(
    net: Net, *, side: int, classes: int, stem: int, fires: Sequence[Sequence[int]], pools: Sequence[int]
) -> None:
    """SqueezeNet 1.1; ``fires`` hold the channels of the thin and of each wide layer, ``pools`` stand before them."""
    x, channels = pool(net, conv(net, image(net, side), 3, stem, 3, 2, pad=0, act="relu"), 3, 2, ceil=1), stem
    for place, (thin, wide) in enumerate(fires):
        if place in pools:
            x = pool(net, x, 3, 2, ceil=1)
        y = conv(net, x, channels, thin, 1, act="relu")
        both = (conv(net, y, thin, wide, 1, act="relu"), conv(net, y, thin, wide, act="relu"))
        x, channels = net.add("Concat", *both, axis=1), 2 * wide
    scores(net, mean_over_map(net, conv(net, x, channels, classes, 1, act="relu")), classes)


def densenet(net: Net, *, side: int, classes: int, blocks: Sequence[int], stem: int, growth: int) -> None:
    """Each layer reads all before it; their normalisation stands before the convolution and cannot be folded."""
    x, channels = pool(net, conv(net, image(net, side), 3, stem, 7, 2, act="relu"), 3, 2, 1), stem
    for stage, count in enumerate(blocks):
        for _ in range(count):
            y = activated(net, batch_norm(net, x, channels), "relu")
            y = conv(net, conv(net, y, channels, 4 * growth, 1, act="relu"), 4 * growth, growth)
            x, channels = net.add("Concat", x, y, axis=1), channels + growth
        if stage < len(blocks) - 1:
            y = activated(net, batch_norm(net, x, channels), "relu")
            x = pool(net, conv(net, y, channels, channels // 2, 1), 2, 2, kind="AveragePool")
            channels //= 2
    head(net, activated(net, batch_norm(net, x, channels), "relu"), channels, classes)


def convnext(net: Net, *, side: int, classes: int, blocks: Sequence[int], width: int) -> None:
    """Wide depthwise convolutions, and linear layers over the channels."""
    x, channels = conv(net, image(net, side), 3, width, 4, 4, pad=0), width
    x = _normed_map(net, x, channels)
    for stage, count in enumerate(blocks):
        if stage:
            x = conv(net, _normed_map(net, x, channels), channels, 2 * channels, 2, 2, pad=0)
            channels *= 2
        for _ in range(count):
            y = net.add("Transpose", conv(net, x, channels, channels, 7, 1, channels), perm=_CHANNELS_LAST)
            y = dense(net, layer_norm(net, y, channels), channels, 4 * channels, "gelu")
            y = net.add("Mul", dense(net, y, 4 * channels, channels), net.weight(channels, fan=1))
            x = net.add("Add", x, net.add("Transpose", y, perm=_CHANNELS_FIRST))
    x = layer_norm(net, mean_over_map(net, x), channels)
    scores(net, dense(net, x, channels, classes), classes)


def _normed_map(net: Net, x: str, channels: int) -> str:
    x = layer_norm(net, net.add("Transpose", x, perm=_CHANNELS_LAST), channels)
    return net.add("Transpose", x, perm=_CHANNELS_FIRST)
