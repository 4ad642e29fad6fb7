"""Hostile ONNX files cost bounded time and memory, and each gives one sentence or a model."""

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from advisor.errors import AdvisorError, ModelFileError
from advisor.modelspec import of_onnx
from advisor.sizes import limits

MOST = int(limits()["onnx"]["operators"])
CONV = helper.make_node("Conv", ["x", "w"], ["c"])
WEIGHT = numpy_helper.from_array(np.zeros((4, 3, 3, 3), np.float32), "w")
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
SECONDS = 20


def model_of(nodes: list[NodeProto], last: str, *, weight: TensorProto = WEIGHT,
             functions: list[FunctionProto] | None = None,
             shape: tuple[int, ...] = (1, 3, 8, 8)) -> ModelProto:  # fmt: skip
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    result = helper.make_tensor_value_info(last, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [image], [result], [weight])
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=8, functions=functions or [])


def saved(tmp_path: Path, model: ModelProto) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def sentence_of(path: Path) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        of_onnx(path)
    for lang in ("en", "zh"):
        assert path.name in caught.value.in_language(lang)
    return caught.value


def outside(location: str) -> TensorProto:
    weight = TensorProto(name="w", dims=[4, 3, 3, 3], data_type=TensorProto.FLOAT)
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    return weight


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "sub/../../secret.bin", "link.bin"])
def test_weights_outside_the_folder_are_not_looked_at(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(10_000))
    folder = tmp_path / "models"
    (folder / "sub").mkdir(parents=True)
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    assert (
        sentence_of(saved(folder, model_of([CONV], "c", weight=outside(location)))).code == "external_weights_outside"
    )


def bomb(depth: int) -> list[FunctionProto]:
    """Functions that each call the one before twice: 2 ** depth operators in a few kilobytes."""
    last = helper.make_function("f", "f0", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], OPSETS[:1])
    found = [last]
    for number in range(1, depth):
        calls = [helper.make_node(f"f{number - 1}", [a], [b], domain="f") for a, b in (("a", "m"), ("m", "b"))]
        found.append(helper.make_function("f", f"f{number}", ["a"], ["b"], calls, OPSETS))
    return found


def test_functions_that_would_fill_the_memory_are_counted_and_not_written_out(tmp_path: Path) -> None:
    started = time.perf_counter()
    call = helper.make_node("f59", ["c"], ["y"], domain="f")
    assert sentence_of(saved(tmp_path, model_of([CONV, call], "y", functions=bomb(60)))).code == "model_file_too_large"
    assert time.perf_counter() - started < SECONDS


def test_functions_within_the_bound_are_counted_where_they_are_called(tmp_path: Path) -> None:
    call = helper.make_node("f7", ["c"], ["y"], domain="f")
    assert of_onnx(saved(tmp_path, model_of([CONV, call], "y", functions=bomb(8)))).macs == 3 * 9 * 4 * 36


def test_a_function_that_calls_itself_is_a_sentence(tmp_path: Path) -> None:
    loop = helper.make_function("f", "g", ["a"], ["b"], [helper.make_node("g", ["a"], ["b"], domain="f")], OPSETS)
    call = helper.make_node("g", ["c"], ["y"], domain="f")
    assert sentence_of(saved(tmp_path, model_of([CONV, call], "y", functions=[loop]))).code == "model_file_recursive"


def test_a_million_operators_are_a_sentence_in_bounded_time_and_memory(tmp_path: Path) -> None:
    nodes = [CONV, *(helper.make_node("Relu", [f"r{n - 1}" if n else "c"], [f"r{n}"]) for n in range(1_000_000))]
    path = saved(tmp_path, model_of(nodes, "r999999"))
    del nodes
    read = "import sys; from advisor.modelspec import of_onnx; of_onnx(sys.argv[1])"
    answer = subprocess.run(
        [sys.executable, "-c", read, str(path)], capture_output=True, text=True, timeout=3 * SECONDS, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
    )  # fmt: skip
    assert "ModelFileError" in answer.stderr
    assert f"{MOST}" in answer.stderr.replace(",", "")


def huge(*dims: int) -> TensorProto:
    return TensorProto(name="w", dims=dims, data_type=TensorProto.FLOAT)


@pytest.mark.parametrize(
    "model",
    [
        model_of([CONV], "c", weight=huge(2**31, 2**31, 3, 3)),
        model_of([CONV], "c", weight=huge(-4, 3, 3, 3)),
        model_of([CONV], "c", shape=(2**40, 3, 2**40, 2**40)),
    ],
    ids=["huge weight", "negative size", "huge input"],
)
def test_absurd_sizes_are_a_sentence(tmp_path: Path, model: ModelProto) -> None:
    with pytest.raises(AdvisorError):
        of_onnx(saved(tmp_path, model))


def test_a_graph_that_feeds_itself_ends(tmp_path: Path) -> None:
    circle = [helper.make_node("Add", ["c", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"]), CONV]
    assert of_onnx(saved(tmp_path, model_of(circle, "b"))).macs == 3 * 9 * 4 * 36


def test_a_fill_of_a_trillion_numbers_is_not_made(tmp_path: Path) -> None:
    shape = numpy_helper.from_array(np.array([2**15, 2**15, 2**10], np.int64), "w")
    nodes = [helper.make_node("ConstantOfShape", ["w"], ["k"]), helper.make_node("Relu", ["k"], ["y"])]
    started = time.perf_counter()
    with pytest.raises(AdvisorError):
        of_onnx(saved(tmp_path, model_of(nodes, "y", weight=shape)))
    assert time.perf_counter() - started < SECONDS
