"""What a model is fed with when it is measured: sizes that were asked for, numbers that its formats and tables take."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from advisor.cli import main
from advisor.errors import AdvisorError, MeasureError, RequirementError
from advisor.lab import jobs, measure
from advisor.lab.sessions import feed_of
from advisor.lab.words import run_text
from advisor.text import languages

Entry = tuple[str, int, list[int | str]]


def saved(path: Path, inputs: list[Entry], nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray]) -> Path:
    given = [helper.make_tensor_value_info(*entry) for entry in inputs]
    kind = TensorProto.INT64 if nodes[-1].op_type == "Shape" else TensorProto.FLOAT
    made = [helper.make_tensor_value_info(nodes[-1].output[0], kind, None)]
    held = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "g", given, made, held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def identity(path: Path, kind: int, shape: list[int | str]) -> Path:
    return saved(path, [("x", kind, shape)], [helper.make_node("Identity", ["x"], ["y"])], {})


def lookup(path: Path, kind: int, nodes: list[onnx.NodeProto] | None = None, **weights: np.ndarray) -> Path:
    usual = [helper.make_node("Cast", ["ids"], ["cast"], to=TensorProto.INT64),
             helper.make_node("Gather", ["table", "cast"], ["y"])]  # fmt: skip
    table = {"table": np.zeros((500, 4), np.float32)}
    return saved(path, [("ids", kind, ["batch", 64])], nodes or usual, table | weights)


def fed(path: Path, **wishes: Any) -> dict[str, np.ndarray]:
    usual: dict[str, Any] = {"threads": 1, "batch": 1, "seconds": 1, "providers": None}
    message = jobs.job(path, **(usual | wishes)).message
    return feed_of(message["inputs"], seed=message["seed"], whole_number=message["whole_number"])


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_fractions_lie_between_0_and_1_in_their_own_format(kind: str, tmp_path: Path) -> None:
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    (x,) = fed(identity(tmp_path / "x.onnx", element, [1, 5000])).values()
    assert x.dtype == kind
    assert 0 <= x.min() < 0.01 < 0.99 < x.max() <= 1


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_bytes_are_all_bytes(kind: str, tmp_path: Path) -> None:
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    (x,) = fed(identity(tmp_path / "x.onnx", element, [1, 5000])).values()
    assert x.dtype == kind
    assert (x.min(), x.max()) == (np.iinfo(kind).min, np.iinfo(kind).max)


def test_masks_let_everything_through_and_other_whole_numbers_are_one(tmp_path: Path) -> None:
    (mask,) = fed(identity(tmp_path / "x.onnx", TensorProto.BOOL, [1, 8])).values()
    assert mask.dtype == bool
    assert mask.all()
    (lengths,) = fed(identity(tmp_path / "x.onnx", TensorProto.INT32, [1, 8])).values()
    assert (lengths == 1).all()


@pytest.mark.parametrize("element", [TensorProto.INT32, TensorProto.INT64])
def test_token_ids_are_drawn_from_the_rows_of_their_table(element: int, tmp_path: Path) -> None:
    path = lookup(tmp_path / "x.onnx", element)
    ids = fed(path, batch=200)["ids"]
    assert ids.shape == (200, 64)
    assert (ids.min(), ids.max()) == (0, 499)
    run = measure(path, seconds=0.2)
    assert ("input_range", (("input", "ids"), ("least", 0), ("most", 499))) in run.assumptions
    assert all("499" in run_text(run, lang=lang) for lang in languages())


def test_ids_of_several_tables_fit_the_smallest_one_however_it_is_stored(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["bytes", "scale"], ["few"]),
        helper.make_node("Unsqueeze", ["ids", "last"], ["wide"]),
        helper.make_node("Gather", ["few", "wide"], ["b"], axis=-1),
        helper.make_node("Gather", ["table", "ids"], ["a"]),
        helper.make_node("Shape", ["b"], ["y"]),
    ]
    weights = {
        "bytes": np.zeros((3, 7), np.uint8), "scale": np.array(1, np.float32), "last": np.array([-1], np.int64),
    }  # fmt: skip
    path = lookup(tmp_path / "x.onnx", TensorProto.INT64, nodes, **weights)
    assert fed(path, batch=50)["ids"].max() == 6
    assert len(measure(path, seconds=0.2).samples_s) > 0


def test_a_lookup_that_goes_in_a_circle_ends(tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["b"], ["a"], to=7), helper.make_node("Cast", ["a"], ["b"], to=7),
             helper.make_node("Gather", ["table", "b"], ["y"])]  # fmt: skip
    assert (fed(lookup(tmp_path / "x.onnx", TensorProto.INT64, nodes))["ids"] == 1).all()


def test_a_dynamic_axis_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    path = identity(tmp_path / "x.onnx", TensorProto.FLOAT, ["batch", "sequence", "hidden"])
    run = measure(path, batch=2, axes={"sequence": 17}, seconds=0.2)
    assert run.inputs[0][1][:2] == (2, 17)
    assumed = {dict(values)["axis"] for code, values in run.assumptions if code == "dynamic_axis"}
    assert assumed == {"hidden"}
    nameless = identity(tmp_path / "n.onnx", TensorProto.FLOAT, [3, ""])
    assert jobs.job(
        nameless, threads=1, batch=3, seconds=1, providers=None, axes={"x[1]": 9}
    ).inputs == (("x", (3, 9)),)  # fmt: skip


@pytest.mark.parametrize(
    ("axes", "kind", "named"),
    [
        ({"sequenz": 4}, RequirementError, "sequence"),
        ({"batch": 4}, MeasureError, "batch = 4"),
        ({"sequence": 0}, AdvisorError, "0"),
        ({"sequence": "long"}, AdvisorError, "long"),
        ({"sequence": 10**30}, AdvisorError, "1"),
    ],
)
def test_an_axis_that_cannot_be_set_is_a_sentence(
    axes: dict[str, Any], kind: type[AdvisorError], named: str, tmp_path: Path
) -> None:
    path = identity(tmp_path / "x.onnx", TensorProto.FLOAT, ["batch", "sequence"])
    with pytest.raises(kind) as caught:
        measure(path, axes=axes)
    for lang in languages():
        assert named in caught.value.in_language(lang)


@pytest.mark.parametrize("element", [TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.BFLOAT16])
def test_what_cannot_be_filled_is_named_with_its_input(element: int, tmp_path: Path) -> None:
    with pytest.raises(MeasureError) as caught:
        measure(identity(tmp_path / "x.onnx", element, [1]))
    assert (caught.value.code, caught.value.values["input"]) == ("measure_input", "x")


def test_an_input_that_is_no_tensor_is_named(tmp_path: Path) -> None:
    path = identity(tmp_path / "x.onnx", TensorProto.FLOAT, [1])
    model = onnx.load(path)
    model.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [1]))
    onnx.save(model, path)
    with pytest.raises(MeasureError) as caught:
        measure(path)
    assert (caught.value.code, caught.value.values["value"]) == ("measure_input", "sequence")


def test_the_command_line_takes_sizes_of_axes_and_shows_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(identity(tmp_path / "x.onnx", TensorProto.FLOAT, ["batch", "rows", "columns"]))
    wishes = ["--seconds", "0.2", "--bursts", "3", "--over", "0.5", "--memory-limit", "1 GB"]
    assert main(["measure", path, "--axes", "rows=9, columns=5", *wishes, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["inputs"] == [["x", [1, 9, 5]]]
    assert (record["format"], len(record["sizes"])) == (2, 3)
    assert record["cold_start"]["first_run_s"] > 0
    assert record["memory"]["peak_bytes"] > 10e6
    assert main(["measure", path, "--axes", "rows=long"]) != 0
    assert "axes" in capsys.readouterr().err
    for lang, words in (("en", ("Cold start", "Memory", "Bursts: 3")), ("zh", ("冷启动", "内存", "分 3 段"))):
        assert main(["measure", path, *wishes, "--lang", lang]) == 0
        shown = capsys.readouterr().out
        assert [word for word in words if word not in shown] == []
