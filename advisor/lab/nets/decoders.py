"""One decoding step of a language model: a token for every sequence, with the keys and values of those before it."""

from collections.abc import Callable

import numpy as np

from advisor.lab.nets.graph import BATCH, IDS, Net
from advisor.lab.nets.layers import attended, dense, halved, heads_apart, heads_joined, layer_norm, rows
from advisor.lab.settings import settings

_PAST, _TOTAL = "past_sequence", "total_sequence"
_CUBE = 0.044715
"""Coefficient in the approximation of GELU by a tanh (D. Hendrycks and K. Gimpel, arXiv:1606.08415)."""

Attend = Callable[[str, str, str], str]
"""Query, key and value of the token -> what it sees of itself and its past."""


def gpt2(net: Net, *, layers: int, width: int, heads: int, words: int, positions: int) -> None:
    """GPT-2: learned positions, normalisation before each part, the table of words shared with the output."""
    size = width // heads
    ids, table = net.input("input_ids", BATCH, 1, kind=IDS), rows(net, words, width)
    past = [_cache(net, layer, heads, size) for layer in range(layers)]
    place = net.add("Gather", rows(net, positions, width), _length(net, past[0][0]))
    x = net.add("Add", net.add("Gather", table, ids), place)
    for layer in range(layers):
        y = dense(net, layer_norm(net, x, width), width, 3 * width)
        parts = net.split("Split", y, net.integers(width, width, width), outputs=3, axis=-1)
        query, key, value = (heads_apart(net, part, heads, size) for part in parts)
        key, value = _remembered(net, layer, past[layer], key, value, heads, size)
        seen = heads_joined(net, attended(net, query, key, value, size), width)
        x = net.add("Add", x, dense(net, seen, width, width))
        y = _gelu(net, dense(net, layer_norm(net, x, width), width, 4 * width))
        x = net.add("Add", x, dense(net, y, 4 * width, width))
    _logits(net, layer_norm(net, x, width), table, words, width)


def llama(
    net: Net, *, layers: int, width: int, heads: int, kv_heads: int, inner: int, words: int, rotation: float
) -> None:
    """Llama: rotated queries and keys, groups of heads that share keys and values, gated feed-forward networks."""
    size = width // heads
    ids, table = net.input("input_ids", BATCH, 1, kind=IDS), rows(net, words, width)
    past = [_cache(net, layer, kv_heads, size) for layer in range(layers)]
    turn = _rotation(net, _length(net, past[0][0]), size, rotation)
    x = net.add("Gather", table, ids)
    for layer in range(layers):
        y = _scaled(net, x, width)
        query = net.add("Reshape", _matrix(net, y, width, width), net.integers(0, kv_heads, heads // kv_heads, size))
        key, value = (heads_apart(net, _matrix(net, y, width, kv_heads * size), kv_heads, size) for _ in range(2))
        query, key = (_rotated(net, part, turn) for part in (query, key))
        key, value = _remembered(net, layer, past[layer], key, value, kv_heads, size)
        seen = net.add("Reshape", attended(net, query, key, value, size), net.integers(0, 1, width))
        x = net.add("Add", x, _matrix(net, seen, width, width))
        y = _scaled(net, x, width)
        gate = _matrix(net, y, width, inner, "silu")
        gate = net.add("Mul", gate, net.add("Sigmoid", gate))
        x = net.add("Add", x, _matrix(net, net.add("Mul", gate, _matrix(net, y, width, inner)), inner, width))
    _logits(net, _scaled(net, x, width), table, words, width)


def _cache(net: Net, layer: int, heads: int, size: int) -> tuple[str, str]:
    key, value = (f"past_key_values.{layer}.{part}" for part in ("key", "value"))
    return net.input(key, BATCH, heads, _PAST, size), net.input(value, BATCH, heads, _PAST, size)


def _length(net: Net, past: str) -> str:
    """Tokens before this one: (1,)."""
    return net.add("Gather", net.add("Shape", past), net.integers(2))


def _remembered(
    net: Net, layer: int, past: tuple[str, str], key: str, value: str, heads: int, size: int
) -> tuple[str, str]:
    """Keys and values of all tokens, which are outputs too."""
    keys, values = (net.add("Concat", old, new, axis=2) for old, new in zip(past, (key, value), strict=True))
    net.output(f"present.{layer}.key", keys, BATCH, heads, _TOTAL, size)
    net.output(f"present.{layer}.value", values, BATCH, heads, _TOTAL, size)
    return keys, values


def _logits(net: Net, x: str, table: str, words: int, width: int) -> None:
    """Scores of all words, by the table of the input."""
    flat = net.add("Gemm", net.add("Reshape", x, net.integers(-1, width)), table, transB=1)
    net.output("logits", net.add("Reshape", flat, net.integers(-1, 1, words)), BATCH, 1, words)


def _gelu(net: Net, x: str) -> str:
    cube = net.add("Mul", net.add("Pow", x, net.constant(3)), net.constant(_CUBE))
    bent = net.add("Tanh", net.add("Mul", net.add("Add", x, cube), net.constant(np.sqrt(2 / np.pi))))
    return net.add("Mul", net.add("Mul", x, net.add("Add", bent, net.constant(1))), net.constant(0.5))


def _matrix(net: Net, x: str, inward: int, outward: int, act: str | None = None) -> str:
    return net.add("MatMul", x, net.weight(inward, outward, fan=inward, gain=net.gain(act)))


def _scaled(net: Net, x: str, width: int) -> str:
    """Division by the root of the mean square (B. Zhang and R. Sennrich, arXiv:1910.07467)."""
    square = net.add("ReduceMean", net.add("Mul", x, x), axes=[-1], keepdims=1)
    root = net.add("Sqrt", net.add("Add", square, net.constant(settings()["zoo"]["epsilon"])))
    return net.add("Mul", net.add("Div", x, root), net.ones(width))


def _rotation(net: Net, place: str, size: int, base: float) -> tuple[str, str]:
    """Cosine and sine of the angles at a place (J. Su et al., arXiv:2104.09864): (size,) each."""
    rates = net.constant(base ** -(np.arange(0, size, 2) / size))
    angles = net.add("Mul", net.add("Cast", place, to=1), rates)
    both = net.add("Concat", angles, angles, axis=0)
    return net.add("Cos", both), net.add("Sin", both)


def _rotated(net: Net, x: str, turn: tuple[str, str]) -> str:
    first, second = halved(net, x, -1)
    across = net.add("Concat", net.add("Neg", second), first, axis=-1)
    cosine, sine = turn
    return net.add("Add", net.add("Mul", x, cosine), net.add("Mul", across, sine))
