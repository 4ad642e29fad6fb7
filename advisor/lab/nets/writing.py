"""Generated models as files."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from advisor.lab.nets import convolutional, decoders, detectors, encoders, mobile, tiny
from advisor.lab.nets.fillings import Seeded, Sparse
from advisor.lab.nets.graph import Net
from advisor.lab.settings import settings

Weights = Literal["seeded", "sparse"]

ARCHITECTURES: Mapping[str, Callable[..., None]] = {
    architecture.__name__: architecture
    for architecture in (
        convolutional.alexnet, convolutional.convnext, convolutional.densenet, convolutional.resnet,
        convolutional.squeezenet, convolutional.vgg, decoders.gpt2, decoders.llama, detectors.yolov5, encoders.bert,
        encoders.vit, mobile.efficientnet, mobile.mobilenetv1, mobile.mobilenetv2, mobile.mobilenetv3,
        tiny.autoencoder, tiny.ds_cnn, tiny.small_resnet,
    )
}  # fmt: skip
"""Name in ``data/lab/zoo`` -> builder of the graph."""


def write(architecture: str, arguments: Mapping[str, Any], path: Path, weights: Weights = "seeded") -> None:
    """Write a model.

    Parameters
    ----------
    architecture : str
        A name of ``ARCHITECTURES``.
    arguments : mapping
        What it takes: sizes of layers.
    path : Path
        File to write.
    weights : {"seeded", "sparse"}
        Numbers inside the file, the same at every call; or zeros in a sparse file beside it, ``weights.bin``.
    """
    seed = settings()["zoo"]["seed"]
    net = Net(Seeded(seed) if weights == "seeded" else Sparse(path.with_name("weights.bin")))
    ARCHITECTURES[architecture](net, **arguments)
    net.save(path)


def key(architecture: str, arguments: Mapping[str, Any]) -> str:
    """Name that changes with all that decides what is written."""
    decisive = json.dumps([architecture, arguments, settings()["zoo"], _generator()], sort_keys=True)
    return hashlib.sha256(decisive.encode()).hexdigest()[:16]


@cache
def _generator() -> str:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
