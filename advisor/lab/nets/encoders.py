"""Transformers that read all at once: of images and of text."""

import numpy as np

from advisor.lab.nets.convolutional import image, scores
from advisor.lab.nets.graph import BATCH, IDS, Net
from advisor.lab.nets.layers import (
    attended,
    conv,
    dense,
    heads_apart,
    heads_joined,
    layer_norm,
    rows,
)

_TOKENS = "sequence"
_UNSEEN = -1e4
"""Added to the scores of tokens that are padding."""


def vit(net: Net, *, side: int, classes: int, layers: int, width: int, heads: int, patch: int) -> None:
    """Vision transformer with a class token; normalisation before each part."""
    patches = (side // patch) ** 2
    x = conv(net, image(net, side), 3, width, patch, patch, pad=0)
    x = net.add("Transpose", net.add("Reshape", x, net.integers(0, width, patches)), perm=[0, 2, 1])
    count = net.add("Gather", net.add("Shape", "image"), net.integers(0))
    each = net.add("Concat", count, net.integers(1, width), axis=0)
    marker = net.add("Expand", net.weight(1, 1, width, fan=width), each)
    x = net.add("Add", net.add("Concat", marker, x, axis=1), net.weight(1, patches + 1, width, fan=width))
    for _ in range(layers):
        x = net.add("Add", x, _attention(net, layer_norm(net, x, width), width, heads))
        x = net.add("Add", x, _feed_forward(net, layer_norm(net, x, width), width, 4 * width))
    first = net.add("Gather", layer_norm(net, x, width), net.constant(0, np.int64), axis=1)
    scores(net, dense(net, first, width, classes), classes)


def bert(
    net: Net, *, layers: int, width: int, heads: int, words: int, positions: int, types: int, inner: int, pooled: bool
) -> None:
    """Encoder of text, normalisation after each part; ``types`` are kinds of segment, ``pooled`` adds one vector."""
    ids = net.input("input_ids", BATCH, _TOKENS, kind=IDS)
    mask = net.input("attention_mask", BATCH, _TOKENS, kind=IDS)
    x = net.add("Gather", rows(net, words, width), ids)
    tokens = net.add("Gather", net.add("Shape", ids), net.integers(1))
    x = net.add("Add", x, net.add("Slice", rows(net, positions, width), net.integers(0), tokens, net.integers(0)))
    if types:
        kinds = net.input("token_type_ids", BATCH, _TOKENS, kind=IDS)
        x = net.add("Add", x, net.add("Gather", rows(net, types, width), kinds))
    x = layer_norm(net, x, width)
    padding = net.add("Sub", net.constant(1), net.add("Cast", mask, to=1))
    hidden = net.add("Mul", net.add("Unsqueeze", padding, net.integers(1, 2)), net.constant(_UNSEEN))
    for _ in range(layers):
        x = layer_norm(net, net.add("Add", x, _attention(net, x, width, heads, hidden)), width)
        x = layer_norm(net, net.add("Add", x, _feed_forward(net, x, width, inner)), width)
    net.output("last_hidden_state", x, BATCH, _TOKENS, width)
    if pooled:
        first = net.add("Gather", x, net.constant(0, np.int64), axis=1)
        net.output("pooler_output", net.add("Tanh", dense(net, first, width, width)), BATCH, width)


def _attention(net: Net, x: str, width: int, heads: int, mask: str | None = None) -> str:
    size = width // heads
    query, key, value = (heads_apart(net, dense(net, x, width, width), heads, size) for _ in range(3))
    seen = heads_joined(net, attended(net, query, key, value, size, mask), width)
    return dense(net, seen, width, width)


def _feed_forward(net: Net, x: str, width: int, inner: int) -> str:
    return dense(net, dense(net, x, width, inner, "gelu"), inner, width)
