"""Count parameters, multiply-accumulates and activations of published architectures, without their weights.

Usage: python tools/count_vision.py [ID ...]

Needs ``pip install torch torchvision timm transformers diffusers`` and what ``count_vision.toml`` names
besides, none of which the product needs.  A network is built on the meta device, where tensors have shapes and no
numbers, and run once; one that asks for numbers on the way runs on the CPU with random ones, which decide how many
regions a detector looks at.  Counted are convolutions and matrix products, those of attention among them, as PyTorch's
own counter sees them; one MAC is two of its FLOP.  Recurrent layers, which it does not see on the CPU, are counted as
one product of every weight matrix at each step.  Activations are the numbers that convolutions and linear
layers write; the products of attention with itself are not among them.

Prints id, parameters, MACs, activations, and by how many per cent the record of that name differs from them.
"""

import importlib
import importlib.resources
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from advisor.schema import Model  # noqa: E402
from advisor.units import FLOP_PER_MAC, PERCENT  # noqa: E402

RECIPES = (Path(__file__).with_suffix(".toml"), Path(__file__).with_name("count_measured.toml"))
TOKENS = 100
"""Whole numbers of an input are below this, so that every vocabulary has them."""


def named(path: str) -> Any:
    """What ``module:name`` leads to."""
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def built(recipe: Mapping[str, Any]) -> nn.Module:
    """Network of a recipe: a builder with its arguments, or a class with its configuration."""
    options = dict(recipe.get("options", {}))
    parts = {key: named(kind)(**options.pop(key, {})) for key, kind in recipe.get("parts", {}).items()}
    if "config" in recipe:
        config = named(recipe["config"])(**options, **parts)
        config._attn_implementation = "eager"
        return named(recipe["build"])(config)
    arguments = list(recipe.get("arguments", ()))
    if "file" in recipe:
        package, _, name = recipe["file"].partition(":")
        arguments.insert(0, str(importlib.resources.files(package) / name))
    network: nn.Module = named(recipe["build"])(*arguments, **options, **parts)
    return network


def fed(value: Any) -> Any:
    """Input of a recipe: a shape as numbers, ``{tokens = shape}`` as whole numbers, anything else as it stands."""
    if isinstance(value, Mapping):
        if "tokens" in value:
            return torch.randint(TOKENS, tuple(value["tokens"]))
        return {key: fed(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(type(size) is int for size in value):
        return torch.randn(value)
    return [fed(part) for part in value] if isinstance(value, list) else value


class Written(TorchDispatchMode):
    """Counts the numbers that convolutions and linear layers write while a network runs."""

    OPERATORS = ("convolution", "mm", "addmm")

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = operator(*args, **(kwargs or {}))
        if operator.overloadpacket.__name__ in self.OPERATORS:
            self.numbers += found.numel()
        return found


def recurrent_macs(network: nn.Module) -> list[int]:
    """List that fills with the MACs of recurrent layers as the network runs."""
    found: list[int] = []

    def note(layer: nn.RNNBase, given: tuple[torch.Tensor, ...], _: object) -> None:
        matrices = sum(one.numel() for one in layer.parameters() if one.dim() > 1)
        found.append(matrices * given[0].numel() // given[0].shape[-1])

    for layer in network.modules():
        if isinstance(layer, nn.RNNBase):
            layer.register_forward_hook(note)
    return found


def counted(recipe: Mapping[str, Any]) -> tuple[int, int, int]:
    """Parameters, MACs and activations of a recipe.

    ``part`` names the piece of the network whose work is counted, ``statistics`` counts the running means and variances
    of batch normalisations among the parameters, as Keras does.
    """
    device = recipe.get("device", "meta")
    torch.manual_seed(0)
    with torch.device(device), torch.no_grad():
        network = built(recipe).eval()
        given = fed(recipe["input"])
        run = network.get_submodule(recipe.get("part", ""))
        recurrent = recurrent_macs(run) if device == "cpu" else []
        with FlopCounterMode(display=False) as counter, Written() as written:
            run(**given) if isinstance(given, dict) else run(given)
    sizes = [one.numel() for one in network.parameters()]
    if recipe.get("statistics"):
        sizes += [one.numel() for name, one in network.named_buffers() if "running" in name]
    return sum(sizes), round(counter.get_total_flops() / FLOP_PER_MAC) + sum(recurrent), written.numbers


def apart(name: str, params: int, macs: int) -> str:
    """By how much the record of a model differs from the count, or that there is none."""
    path = ROOT / "data" / "models" / f"{name}.toml"
    if not path.exists():
        return "no record"
    record = Model(**tomllib.loads(path.read_text(encoding="utf-8")))
    work = "" if record.macs is None else f"  macs {(record.macs / macs - 1) * PERCENT:+.1f} %"
    return f"params {(record.params / params - 1) * PERCENT:+.1f} %{work}"


if __name__ == "__main__":
    recipes = {k: v for path in RECIPES for k, v in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    for key in sys.argv[1:] or recipes:
        params, macs, written = counted(recipes[key])
        print(f"{key:28} {params:>14,} {macs:>18,} {written:>14,}  {apart(key, params, macs)}", flush=True)
