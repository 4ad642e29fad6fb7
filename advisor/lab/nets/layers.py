"""Layers that several architectures share."""

import math

import numpy as np

from advisor.lab.nets.graph import Net

_RELU6 = 6.0


def activated(net: Net, x: str, activation: str | None) -> str:
    """Output of an activation; None leaves its input as it is."""
    if activation is None:
        return x
    if activation == "silu":
        return net.add("Mul", x, net.add("Sigmoid", x))
    if activation == "gelu":
        bent = net.add("Erf", net.add("Div", x, net.constant(math.sqrt(2))))
        return net.add("Mul", net.add("Mul", x, net.add("Add", bent, net.constant(1))), net.constant(0.5))
    if activation == "relu6":
        return net.add("Clip", x, net.constant(0), net.constant(_RELU6))
    return net.add({"relu": "Relu", "hard-swish": "HardSwish"}[activation], x)


def conv(
    net: Net, x: str, inward: int, outward: int, kernel: int = 3, stride: int = 1, groups: int = 1,
    pad: int | None = None, act: str | None = None, *, normed: bool = False, gain: float = 1.0,
) -> str:  # fmt: skip
    """Convolution with a bias, square; ``normed`` keeps its batch normalisation apart and does not fold it in."""
    pad = kernel // 2 if pad is None else pad
    fan = inward // groups * kernel**2
    weight = net.weight(outward, inward // groups, kernel, kernel, fan=fan, gain=gain * net.gain(act))
    x = net.add("Conv", x, weight, net.bias(outward), strides=[stride] * 2, pads=[pad] * 4, group=groups)
    return activated(net, batch_norm(net, x, outward) if normed else x, act)


def batch_norm(net: Net, x: str, channels: int) -> str:
    """Batch normalisation of inference, as it stands before training."""
    scales = (net.ones(channels), net.zeros(channels), net.zeros(channels), net.ones(channels))
    return net.add("BatchNormalization", x, *scales)


def layer_norm(net: Net, x: str, width: int) -> str:
    """Normalisation over the last axis."""
    return net.add("LayerNormalization", x, net.ones(width), net.zeros(width))


def pool(net: Net, x: str, kernel: int, stride: int, pad: int = 0, *, kind: str = "MaxPool", ceil: int = 0) -> str:
    """Greatest or mean number of square fields."""
    options = {"ceil_mode": ceil} if kind == "MaxPool" else {}
    return net.add(kind, x, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, **options)


def dense(net: Net, x: str, inward: int, outward: int, act: str | None = None) -> str:
    """Linear layer over the last axis."""
    weight = net.weight(inward, outward, fan=inward, gain=net.gain(act))
    return activated(net, net.add("Add", net.add("MatMul", x, weight), net.bias(outward)), act)


def mean_over_map(net: Net, x: str) -> str:
    """Mean of each channel: (batch, channels)."""
    return net.add("Flatten", net.add("GlobalAveragePool", x))


def squeezed(net: Net, x: str, channels: int, inner: int, act: str, gate: str = "Sigmoid") -> str:
    """Squeeze and excitation (J. Hu et al., arXiv:1709.01507): channels weighed by what the whole map shows."""
    y = conv(net, net.add("GlobalAveragePool", x), channels, inner, 1, act=act)
    return net.add("Mul", x, net.add(gate, conv(net, y, inner, channels, 1)))


def rows(net: Net, count: int, width: int) -> str:
    """Table of vectors: words, positions, classes."""
    return net.weight(count, width, fan=width)


def halved(net: Net, x: str, axis: int) -> list[str]:
    """Two halves along an axis."""
    return net.split("Split", x, outputs=2, axis=axis)


def heads_apart(net: Net, x: str, heads: int, size: int) -> str:
    """(batch, tokens, heads * size) to (batch, heads, tokens, size)."""
    return net.add("Transpose", net.add("Reshape", x, net.integers(0, -1, heads, size)), perm=[0, 2, 1, 3])


def attended(net: Net, query: str, key: str, value: str, size: int, mask: str | None = None) -> str:
    """Scaled dot-product attention of heads that lie apart."""
    scores = net.add("MatMul", query, net.add("Transpose", key, perm=[0, 1, 3, 2]))
    scores = net.add("Div", scores, net.constant(np.sqrt(size)))
    if mask is not None:
        scores = net.add("Add", scores, mask)
    return net.add("MatMul", net.add("Softmax", scores, axis=-1), value)


def heads_joined(net: Net, x: str, width: int) -> str:
    """(batch, heads, tokens, size) to (batch, tokens, width)."""
    return net.add("Reshape", net.add("Transpose", x, perm=[0, 2, 1, 3]), net.integers(0, -1, width))
