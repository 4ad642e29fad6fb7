"""Detectors of objects in images."""

from collections.abc import Sequence

import numpy as np

from advisor.lab.nets.convolutional import image
from advisor.lab.nets.graph import BATCH, Net
from advisor.lab.nets.layers import conv, pool

_BOX = 4
"""Centre, width and height."""


def yolov5(
    net: Net, *, side: int, classes: int, widths: Sequence[int], blocks: Sequence[int], neck: int,
    strides: Sequence[int], anchors: Sequence[Sequence[Sequence[int]]],
) -> None:  # fmt: skip
    """CSP backbone, path aggregation, and boxes of three scales in pixels; without the suppression of doubles."""
    maps = _backbone(net, image(net, side), widths, blocks)
    boxes = [
        _boxes(net, x, channels, stride, shapes, side, classes)
        for (x, channels), stride, shapes in zip(_neck(net, maps, widths, neck), strides, anchors, strict=True)
    ]
    count = sum(len(shapes) * (side // stride) ** 2 for stride, shapes in zip(strides, anchors, strict=True))
    net.output("boxes", net.add("Concat", *boxes, axis=1), BATCH, count, classes + _BOX + 1)


def _silu(net: Net, x: str, inward: int, outward: int, kernel: int = 1, stride: int = 1, pad: int | None = None) -> str:
    return conv(net, x, inward, outward, kernel, stride, pad=pad, act="silu")


def _csp(net: Net, x: str, inward: int, outward: int, count: int, *, residual: bool) -> str:
    """Cross-stage partial block of ``count`` bottlenecks."""
    half = outward // 2
    deep = _silu(net, x, inward, half)
    for _ in range(count):
        y = _silu(net, _silu(net, deep, half, half), half, half, 3)
        deep = net.add("Add", deep, y) if residual else y
    return _silu(net, net.add("Concat", deep, _silu(net, x, inward, half), axis=1), 2 * half, outward)


def _backbone(net: Net, x: str, widths: Sequence[int], blocks: Sequence[int]) -> list[str]:
    """Maps at an eighth, a sixteenth and a thirty-second of the side."""
    x = _silu(net, x, 3, widths[0], 6, 2, pad=2)
    maps = []
    for inward, outward, count in zip(widths, widths[1:], blocks, strict=False):
        x = _csp(net, _silu(net, x, inward, outward, 3, 2), outward, outward, count, residual=True)
        maps.append(x)
    half = widths[-1] // 2
    pooled = [_silu(net, x, widths[-1], half)]
    for _ in range(3):
        pooled.append(pool(net, pooled[-1], 5, 1, 2))
    return [*maps[1:-1], _silu(net, net.add("Concat", *pooled, axis=1), 4 * half, widths[-1])]


def _neck(net: Net, maps: Sequence[str], widths: Sequence[int], count: int) -> list[tuple[str, int]]:
    """The three maps, each with what the others saw, and their channels."""
    fine, middle, coarse = maps
    small, medium, large = widths[-3:]
    top = _silu(net, coarse, large, medium)
    x = _csp(net, net.add("Concat", _doubled(net, top), middle, axis=1), 2 * medium, medium, count, residual=False)
    side = _silu(net, x, medium, small)
    x = _csp(net, net.add("Concat", _doubled(net, side), fine, axis=1), 2 * small, small, count, residual=False)
    found = [(x, small)]
    for kept, inward, outward in ((side, small, medium), (top, medium, large)):
        y = net.add("Concat", _silu(net, x, inward, inward, 3, 2), kept, axis=1)
        x = _csp(net, y, 2 * inward, outward, count, residual=False)
        found.append((x, outward))
    return found


def _doubled(net: Net, x: str) -> str:
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return net.add("Resize", x, "", net.constant([1, 1, 2, 2]), **options)


def _boxes(
    net: Net, x: str, channels: int, stride: int, shapes: Sequence[Sequence[int]], side: int, classes: int
) -> str:
    """Boxes of one scale: (batch, boxes, 5 + classes), centres and sizes in pixels."""
    cells, fields = side // stride, classes + _BOX + 1
    x = conv(net, x, channels, len(shapes) * fields, 1)
    x = net.add("Reshape", x, net.integers(0, len(shapes), fields, cells, cells))
    x = net.add("Sigmoid", net.add("Transpose", x, perm=[0, 1, 3, 4, 2]))
    centre, size, rest = net.split("Split", x, net.integers(2, 2, fields - _BOX), outputs=3, axis=4)
    corner = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), axis=-1)[None, None]
    place = net.add("Cast", net.constant(corner, np.int64), to=1)
    centre = net.add("Sub", net.add("Add", net.add("Mul", centre, net.constant(2)), place), net.constant(0.5))
    centre = net.add("Mul", centre, net.constant(stride))
    size = net.add("Pow", net.add("Mul", size, net.constant(2)), net.constant(2))
    size = net.add("Mul", size, net.constant(np.array(shapes)[None, :, None, None, :]))
    return net.add("Reshape", net.add("Concat", centre, size, rest, axis=4), net.integers(0, -1, fields))
