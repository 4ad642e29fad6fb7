"""MACs and parameters of known architectures, read from their graphs, against the published ones of the catalogue."""

from pathlib import Path

import pytest
from nets import NETS

from advisor import load
from advisor.modelspec import of_onnx

MODELS = load().models


def test_enough_architectures_are_counted() -> None:
    assert len(NETS) >= 25


@pytest.mark.parametrize("name", NETS)
def test_work_is_the_published_one_within_two_percent(tmp_path: Path, name: str) -> None:
    found = of_onnx(NETS[name](tmp_path))
    assert found.macs == pytest.approx(MODELS[name].macs, rel=0.02)
    assert found.params == pytest.approx(MODELS[name].params, rel=0.08)
    assert found.activations == pytest.approx(MODELS[name].activations, rel=0.02)


def test_weights_are_not_read_to_be_counted(tmp_path: Path) -> None:
    path = NETS["vgg16"](tmp_path)
    weights = path.with_name("weights.bin").stat()
    assert weights.st_size > 500_000_000
    assert weights.st_blocks * 512 < 1_000_000
    of_onnx(path)
