"""Classifiers of images for small machines: depthwise convolutions between cheap ones."""

import math
from collections.abc import Sequence

from advisor.lab.nets.convolutional import head, image, scores
from advisor.lab.nets.graph import Net
from advisor.lab.nets.layers import conv, dense, mean_over_map, squeezed

_STEP = 8
_LEAST_KEPT = 0.9
"""Channels come in steps of 8, rounded, but never down by more than a tenth (as in the sources of MobileNetV2)."""


def in_steps(channels: float) -> int:
    """Channels rounded to a multiple of 8."""
    rounded = max(_STEP, int(channels + _STEP / 2) // _STEP * _STEP)
    return rounded if rounded >= _LEAST_KEPT * channels else rounded + _STEP


def mobilenetv1(
    net: Net, *, side: int, classes: int, stem: int, steps: Sequence[Sequence[int]], normed: bool = False
) -> None:
    """Depthwise and pointwise convolutions in turn; ``steps`` hold channels and stride."""
    x, channels = conv(net, image(net, side), 3, stem, 3, 2, act="relu", normed=normed), stem
    for outward, stride in steps:
        x = conv(net, x, channels, channels, 3, stride, channels, act="relu", normed=normed)
        x, channels = conv(net, x, channels, outward, 1, act="relu", normed=normed), outward
    head(net, x, channels, classes)


def mobilenetv2(net: Net, *, side: int, classes: int, stem: int, last: int, stages: Sequence[Sequence[int]]) -> None:
    """Inverted residuals; ``stages`` hold expansion, channels, blocks and first stride."""
    x, channels = conv(net, image(net, side), 3, stem, 3, 2, act="relu6"), stem
    for expansion, outward, blocks, first in stages:
        for block in range(blocks):
            stride = 1 if block else first
            x = inverted(net, x, channels, channels * expansion, outward, 3, stride, "relu6")
            channels = outward
    head(net, conv(net, x, channels, last, 1, act="relu6"), last, classes)


def mobilenetv3(
    net: Net, *, side: int, classes: int, stem: int, last: int, hidden: int, blocks: Sequence[Sequence[int]]
) -> None:
    """Inverted residuals found by search.

    ``blocks`` hold kernel, inner and outer channels, whether it squeezes, whether it is a hard swish and no ReLU, and
    the stride.
    """
    x, channels = conv(net, image(net, side), 3, stem, 3, 2, act="hard-swish"), stem
    for kernel, inner, outward, squeezes, swish, stride in blocks:
        thin = in_steps(inner / 4) if squeezes else 0
        act = "hard-swish" if swish else "relu"
        x = inverted(net, x, channels, inner, outward, kernel, stride, act, thin, "relu", "HardSigmoid")
        channels = outward
    x = mean_over_map(net, conv(net, x, channels, last, 1, act="hard-swish"))
    scores(net, dense(net, dense(net, x, last, hidden, "hard-swish"), hidden, classes), classes)


def efficientnet(
    net: Net, *, side: int, classes: int, stem: int, stages: Sequence[Sequence[int]], width: float, depth: float
) -> None:
    """Squeezing inverted residuals, scaled; ``stages`` hold expansion, kernel, channels, blocks and first stride."""
    channels = in_steps(stem * width)
    x = conv(net, image(net, side), 3, channels, 3, 2, act="silu")
    for expansion, kernel, outward, blocks, first in stages:
        for block in range(math.ceil(blocks * depth)):
            stride, wide = (1 if block else first), in_steps(outward * width)
            x = inverted(net, x, channels, channels * expansion, wide, kernel, stride, "silu", channels // 4)
            channels = wide
    head(net, conv(net, x, channels, 4 * channels, 1, act="silu"), 4 * channels, classes)


def inverted(
    net: Net, x: str, inward: int, inner: int, outward: int, kernel: int, stride: int, act: str, thin: int = 0,
    thin_act: str = "silu", gate: str = "Sigmoid",
) -> str:  # fmt: skip
    """Inverted residual: widened, convolved by channel, squeezed to ``thin`` channels if any, narrowed."""
    y = conv(net, x, inward, inner, 1, act=act) if inner != inward else x
    y = conv(net, y, inner, inner, kernel, stride, inner, act=act)
    if thin:
        y = squeezed(net, y, inner, thin, thin_act, gate)
    y = conv(net, y, inner, outward, 1, gain=net.gain("gated" if thin else None))
    return net.add("Add", x, y) if stride == 1 and inward == outward else y
