import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from advisor.errors import MeasureError, UnknownIdError
from advisor.lab import zoo
from advisor.lab.recipes import recipes
from advisor.paths import DATA
from advisor.text import languages
from tools import train_digits

MODELS = ("digits", "digits-int8")
MOST_BYTES = 300_000
LEAST_ACCURACY = 0.97


def held_out() -> tuple[np.ndarray, np.ndarray]:
    return zoo.labelled_pictures("held-out")


@pytest.mark.parametrize("model", MODELS)
def test_a_committed_classifier_reads_what_it_was_not_trained_on(model: str) -> None:
    images, labels = held_out()
    accuracy = (zoo.classify(images, model) == labels).mean()
    recipe = recipes()[model]
    assert accuracy >= LEAST_ACCURACY
    assert accuracy == pytest.approx(recipe.held_out_accuracy, abs=5e-5)
    assert len(labels) == recipe.held_out_pictures


def test_eight_bits_are_what_the_second_file_computes_with() -> None:
    path = zoo.path("digits-int8")
    graph = onnx.load(path).graph
    weights = {entry.name: entry.data_type for entry in graph.initializer}
    scaled = [node for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in weights]
    signals = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    kinds = [weights[node.input[0]] for node in scaled]
    assert kinds.count(onnx.TensorProto.INT8) == kinds.count(onnx.TensorProto.INT32) == 4
    assert {weights[node.input[2]] for node in signals} == {onnx.TensorProto.UINT8}
    assert path.stat().st_size < zoo.path("digits").stat().st_size / 2
    exact, rounded = (logits_of(model) for model in MODELS)
    assert 0 < np.abs(exact - rounded).max() < 0.1 * np.abs(exact).max()


def logits_of(model: str) -> np.ndarray:
    session = onnxruntime.InferenceSession(zoo.path(model), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": held_out()[0][:, None]})[0]


def test_the_committed_file_is_compact_and_takes_any_batch() -> None:
    path = zoo.path("digits")
    model = onnx.load(path)
    assert path.stat().st_size < MOST_BYTES
    assert {weight.data_type for weight in model.graph.initializer} == {onnx.TensorProto.FLOAT}
    images, _ = held_out()
    one_by_one = np.concatenate([zoo.classify(images[place : place + 1]) for place in range(9)])
    np.testing.assert_array_equal(one_by_one, zoo.classify(images[:9]))


def test_training_again_writes_the_committed_bytes(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tools.train_digits", str(tmp_path / "again.onnx")]
    one_thread = os.environ | {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    subprocess.run(program, env=one_thread, cwd=DATA.parent, check=True, capture_output=True)
    assert (tmp_path / "again.onnx").read_bytes() == zoo.path("digits").read_bytes()
    again, committed = (onnx.load(path) for path in (tmp_path / "again-int8.onnx", zoo.path("digits-int8")))
    for here, there in zip(again.graph.initializer, committed.graph.initializer, strict=True):
        numbers = [onnx.numpy_helper.to_array(one).astype(float) for one in (here, there)]
        scales = here.data_type == onnx.TensorProto.FLOAT
        np.testing.assert_allclose(*numbers, rtol=1e-3 if scales else 1e-4, atol=0 if scales else 1)


def test_a_bad_classifier_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_digits, "EPOCHS", 0)
    with pytest.raises(SystemExit, match="nothing is written"):
        train_digits.main(tmp_path / "bad.onnx")
    assert not list(tmp_path.iterdir())


def test_the_parts_of_the_pictures_are_whole_and_apart() -> None:
    packed = (DATA / "lab" / "digits.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    training, unseen = zoo.labelled_pictures("training")[0], held_out()[0]
    assert packed[4:8] == b"\0\0\0\0"
    assert len(training) + len(unseen) == len(lines) - 1 == 1797
    assert not {picture.tobytes() for picture in training} & {picture.tobytes() for picture in unseen}
    assert unseen.min() == 0
    assert unseen.max() == 1


def test_pictures_are_the_first_of_the_held_out_part() -> None:
    images, labels = zoo.pictures(7)
    assert images.shape == (7, 8, 8)
    np.testing.assert_array_equal(labels, held_out()[1][:7])


@pytest.mark.parametrize("count", [0, -1, 541])
def test_a_count_that_cannot_be_is_a_sentence(count: int) -> None:
    with pytest.raises(MeasureError, match="count"):
        zoo.pictures(count)


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownIdError) as caught:
        zoo.path("digit")
    assert all(
        "digit " in caught.value.in_language(lang) and "digits" in caught.value.in_language(lang)
        for lang in languages()
    )


def test_images_of_another_shape_are_a_sentence() -> None:
    with pytest.raises(MeasureError, match="shape"):
        zoo.classify(np.zeros((2, 28, 28)))
