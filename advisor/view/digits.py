"""A few handwritten digits and what the small model reads in them."""

import base64
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.lab import zoo
from advisor.text import sentence

SHOWN = 8


def page(number: int, lang: str) -> str:
    """HTML of the pictures on a page, from 1 on, each with what was written and what the model reads."""
    images, labels = (part[-SHOWN:] for part in zoo.pictures(number * SHOWN))
    read = zoo.classify(images)
    figures = (
        _figure(image, int(label), int(seen), lang) for image, label, seen in zip(images, labels, read, strict=True)
    )
    return f'<div class="advisor-digits">{"".join(figures)}</div>'


def _figure(image: NDArray[np.float32], label: int, seen: int, lang: str) -> str:
    words = sentence("view.live.read_right" if label == seen else "view.live.read_wrong", lang, seen=seen, label=label)
    source = base64.b64encode(png(1 - image)).decode("ascii")
    return f'<figure><img alt="{label}" src="data:image/png;base64,{source}"><figcaption>{words}</figcaption></figure>'


def png(image: NDArray[Any]) -> bytes:
    """Grey picture with values from 0 (black) to 1 (white) as a PNG file."""
    levels = np.clip(np.round(image * np.iinfo(np.uint8).max), 0, np.iinfo(np.uint8).max).astype(np.uint8)
    height, width = levels.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), levels]).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
