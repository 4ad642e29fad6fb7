"""Networks for microcontrollers, those of MLPerf Tiny; batch normalisation stands apart, as their makers count it."""

from collections.abc import Sequence
from itertools import pairwise

from advisor.lab.nets.convolutional import head, image
from advisor.lab.nets.graph import BATCH, Net
from advisor.lab.nets.layers import activated, batch_norm, conv, dense


def autoencoder(net: Net, *, widths: Sequence[int]) -> None:
    """Linear layers to a narrow middle and back."""
    x = net.input("features", BATCH, widths[0])
    for inward, outward in pairwise(widths[:-1]):
        x = activated(net, batch_norm(net, dense(net, x, inward, outward), outward), "relu")
    net.output("restored", dense(net, x, widths[-2], widths[-1]), BATCH, widths[-1])


def small_resnet(net: Net, *, side: int, classes: int, widths: Sequence[int]) -> None:
    """Residual network of one block a stage."""
    channels = widths[0]
    x = conv(net, image(net, side), 3, channels, act="relu", normed=True)
    for stage, outward in enumerate(widths):
        stride = 2 if stage else 1
        short = conv(net, x, channels, outward, 1, stride) if stage else x
        y = conv(net, x, channels, outward, 3, stride, act="relu", normed=True)
        y = conv(net, y, outward, outward, normed=True)
        x, channels = activated(net, net.add("Add", y, short), "relu"), outward
    head(net, x, channels, classes)


def ds_cnn(net: Net, *, frames: int, features: int, classes: int, width: int, blocks: int, kernel: Sequence[int],
           pads: Sequence[int]) -> None:  # fmt: skip
    """Depthwise separable convolutions over the features of a second of sound."""
    tall, wide = kernel
    x = net.input("features", BATCH, 1, frames, features)
    weight = net.weight(width, 1, tall, wide, fan=tall * wide, gain=net.gain("relu"))
    x = net.add("Conv", x, weight, net.bias(width), strides=[2, 2], pads=list(pads))
    x = activated(net, batch_norm(net, x, width), "relu")
    for _ in range(blocks):
        x = conv(net, x, width, width, 3, 1, width, act="relu", normed=True)
        x = conv(net, x, width, width, 1, act="relu", normed=True)
    head(net, x, width, classes)
