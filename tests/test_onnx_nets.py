"""MACs and parameters of known architectures, read from their graphs, against the published ones of the catalogue."""

from pathlib import Path

import pytest

from advisor import load
from advisor.lab.nets.writing import ARCHITECTURES, write
from advisor.lab.recipes import recipes
from advisor.modelspec import ModelSpec, of_onnx

MODELS = load().models
NETS = {name: recipe for name, recipe in recipes().items() if recipe.kind == "generated"}
PUBLISHED = [name for name in NETS if name in MODELS]
SHARE = 0.01
OTHERWISE = {
    ("efficientnet-b0", "macs"): "timm rounds to 0.4 GMAC; torchvision states 386 MMAC",
    ("mobilenetv3-large", "params"): "TensorFlow's table says 5.4 M; torchvision states 5.483 M",
    ("yolov5n", "params"): "the README rounds to 1.9 M; its own layers hold 1.872 M",
}
"""Where the value of a record is rounded or counted otherwise; the checks of the record hold the finer one."""


def counted(name: str, folder: Path) -> ModelSpec:
    """Sizes of a net; a decoding step after one token alone, since published MACs leave the past out."""
    path, recipe = folder / f"{name}.onnx", NETS[name]
    write(recipe.architecture, recipe.arguments, path, "sparse")
    return of_onnx(path, {"past_sequence": 1} if recipe.decodes else None)


def test_every_architecture_is_used_and_most_nets_are_in_the_catalogue() -> None:
    assert {recipe.architecture for recipe in NETS.values()} == set(ARCHITECTURES)
    assert len(PUBLISHED) >= 45
    assert {name for name in NETS if name not in MODELS} == {"gpt2-mini"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_size_and_work_are_the_published_ones_within_a_percent(tmp_path: Path, name: str) -> None:
    found, record = counted(name, tmp_path), MODELS[name]
    assert found.family == record.family
    for field in ("params", "macs"):
        value = getattr(found, field)
        published = value == pytest.approx(getattr(record, field), rel=SHARE)
        finer = [check.value for check in record.checks if check.field == field]
        otherwise = (name, field) in OTHERWISE
        assert published != otherwise, (field, value, getattr(record, field))
        assert not otherwise or any(value == pytest.approx(one, rel=SHARE) for one in finer)
    if record.activations:
        assert found.activations == pytest.approx(record.activations, rel=SHARE)


@pytest.mark.parametrize("name", ["gpt2-mini"])
def test_a_net_outside_the_catalogue_states_its_own_size(tmp_path: Path, name: str) -> None:
    assert counted(name, tmp_path).params == NETS[name].params


def test_weights_are_not_read_to_be_counted(tmp_path: Path) -> None:
    counted("vgg16", tmp_path)
    weights = (tmp_path / "weights.bin").stat()
    assert weights.st_size > 500_000_000
    assert weights.st_blocks * 512 < 1_000_000
