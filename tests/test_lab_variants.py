"""Models in another precision: what becomes of them, how they are judged, and what cannot be turned."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from english_words import CHINESE, english_words
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnxruntime import InferenceSession

from advisor import cli
from advisor.errors import AdvisorError, MeasureError, RequirementError
from advisor.lab import Variant, making, measure, processes, quantising, variant, variants, zoo
from advisor.lab.nets.writing import write
from advisor.lab.settings import settings
from advisor.lab.variant_data import Input, samples_of
from advisor.lab.variant_plans import plan
from advisor.lab.variant_words import variant_json, variant_text
from advisor.onnx_model import read
from advisor.text import languages, sentence

DIGITS = zoo.path("digits")
AS_IT_WAS = DIGITS.read_bytes()
WISHES = ("fp32", "int8", "int8-static", "int8-dynamic", "fp16")
TOKENS, WORDS = 16, 100

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def digits(home: Path) -> dict[str, Variant]:
    return {wish: variant("digits", wish, folder=home) for wish in WISHES}  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small transformer of random weights in a file of their own."""
    seeded, path = (
        tmp_path_factory.mktemp("seeded") / "encoder.onnx",
        tmp_path_factory.mktemp("encoder") / "encoder.onnx",
    )
    sizes = {"layers": 2, "width": 64, "heads": 2, "words": WORDS, "positions": TOKENS, "types": 0, "inner": 256}
    write("bert", {**sizes, "pooled": False}, seeded)
    onnx.save_model(
        onnx.load_model(seeded), path, save_as_external_data=True, location="weights.bin", size_threshold=256
    )
    return path


def texts(ids: np.ndarray) -> dict[str, np.ndarray]:
    """Inputs of the encoder, no token masked."""
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def changed(folder: Path, name: str, *, opset: int | None = None, operator: str | None = None) -> Path:
    """The digit classifier with another opset, or with its first activation replaced."""
    model = onnx.load_model(DIGITS)
    if opset is not None:
        model.opset_import[0].version = opset
    if operator is not None:
        node = next(node for node in model.graph.node if node.op_type == "Relu")
        node.op_type, node.domain = operator, "my.own"
        model.opset_import.append(helper.make_opsetid("my.own", 1))
    onnx.save_model(model, folder / name)
    return folder / name


def pictures(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zoo.pictures(count)
    return images[:, None], labels


def codes(found: Variant) -> list[str]:
    return [code for code, _ in found.assumptions]


def weight_types(path: Path) -> set[int]:
    return {tensor.data_type for tensor in onnx.load_model(path).graph.initializer}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# What becomes of a model


@pytest.mark.parametrize("wish", WISHES)
def test_the_accuracy_is_that_of_the_file_on_pictures_held_out(digits: dict[str, Variant], wish: str) -> None:
    images, labels = zoo.labelled_pictures("held-out")
    (logits,) = InferenceSession(digits[wish].path).run(None, {"image": images[:, None]})
    agreement = digits[wish].agreement
    assert agreement is not None
    assert agreement.samples == len(labels) == 540
    assert agreement.accuracy is not None
    # One picture at a time and all at once may round differently in dynamic int8.
    assert agreement.accuracy.mid == pytest.approx(np.mean(logits.argmax(axis=1) == labels), abs=1.5 / 540)
    assert agreement.accuracy.low < 0.987 < agreement.accuracy.high
    assert agreement.accuracy_before is not None
    assert agreement.accuracy_before.mid == pytest.approx(0.987, abs=5e-4)
    assert not agreement.not_finite


def test_each_precision_is_what_it_says(digits: dict[str, Variant]) -> None:
    operators = {wish: {node.op_type for node in onnx.load_model(digits[wish].path).graph.node} for wish in WISHES}
    assert {"QuantizeLinear", "DequantizeLinear"} <= operators["int8-static"]
    assert {"MatMulInteger", "Conv"} <= operators["int8-dynamic"]
    assert "ConvInteger" not in operators["int8-dynamic"]
    assert TensorProto.FLOAT16 in weight_types(digits["fp16"].path)
    assert TensorProto.INT8 in weight_types(digits["int8-static"].path) & weight_types(digits["int8-dynamic"].path)
    for wish in ("int8-static", "int8-dynamic", "fp16"):
        found = digits[wish]
        assert found.size_bytes == found.path.stat().st_size < 0.6 * found.source_bytes
        assert found.source_bytes == DIGITS.stat().st_size
        assert found.sha256 == sha256(found.path) != found.source_sha256
        (taken,) = InferenceSession(found.path).get_inputs()
        assert (taken.name, taken.type) == ("image", "tensor(float)")
    assert [found.precision for found in digits.values()] == ["fp32", "int8", "int8", "int8", "fp16"]


def test_fp32_is_the_file_itself_and_no_file_is_touched(digits: dict[str, Variant], home: Path) -> None:
    assert digits["fp32"].path == DIGITS
    assert digits["fp32"].sha256 == digits["int8"].source_sha256 == sha256(DIGITS)
    assert DIGITS.read_bytes() == AS_IT_WAS
    assert all(found.path.is_relative_to(home) for wish, found in digits.items() if wish != "fp32")


def test_a_variant_is_measured_like_any_file(digits: dict[str, Variant]) -> None:
    run = measure(digits["int8"].path, seconds=0.2)
    assert (run.model, run.sha256) == (digits["int8"].path.name, digits["int8"].sha256)
    assert run.model == f"digits-{digits['int8'].method}.onnx"


def test_convolutions_are_static_and_a_transformer_dynamic(
    digits: dict[str, Variant], encoder: Path, home: Path
) -> None:
    assert digits["int8"].method == digits["int8-static"].method
    assert codes(digits["int8"])[0] == "variant_static"
    before = sha256(encoder), sha256(encoder.parent / "weights.bin")
    ids = np.random.default_rng(1).integers(0, WORDS, (40, TOKENS))
    found = variant(encoder, "int8", data=texts(ids), folder=home)
    assert found.method == "dynamic-s8-channel"
    assert codes(found) == ["variant_dynamic"]
    assert found.source_bytes == sum(file.stat().st_size for file in encoder.parent.iterdir())
    assert found.size_bytes < 0.4 * found.source_bytes
    assert found.agreement is not None
    assert found.agreement.samples == 20
    assert found.agreement.same_choice is None
    (output,) = found.agreement.outputs
    assert 0.99 < output.least_cosine <= output.cosine < 1
    assert output.snr_db is not None
    assert output.snr_db > 20
    assert (sha256(encoder), sha256(encoder.parent / "weights.bin")) == before


def test_similarity_is_that_of_the_outputs(encoder: Path, home: Path) -> None:
    ids = np.random.default_rng(1).integers(0, WORDS, (40, TOKENS))
    found = variant(encoder, "int8", data=texts(ids), folder=home)
    assert found.agreement is not None
    first, second = (
        np.array([session.run(None, texts(one[None]))[0].ravel() for one in ids[20:]])
        for session in map(InferenceSession, (encoder, found.path))
    )
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    (output,) = found.agreement.outputs
    assert output.cosine == pytest.approx(np.median(cosines), abs=1e-5)
    assert output.snr_db == pytest.approx(10 * np.log10((first**2).sum() / ((first - second) ** 2).sum()), abs=0.1)


@pytest.mark.parametrize(
    ("machine", "method"), [("x86_64", "u8s8"), ("AMD64", "u8s8"), ("arm64", "s8s8"), ("aarch64", "s8s8")]
)
def test_activations_are_signed_on_arm_alone(machine: str, method: str) -> None:
    planned = plan("int8-static", read(DIGITS), DIGITS, machine)
    assert planned.wish is not None
    assert planned.wish["method"] == f"static-{method}"
    assert ("variant_signed" in dict(planned.assumptions)) == (method == "s8s8")


def test_signed_activations_classify_as_well(tmp_path: Path) -> None:
    planned = plan("int8-static", read(DIGITS), DIGITS, "arm64")
    images, labels = pictures(100)
    feeds = [{"image": image[None]} for image in images]
    assert planned.wish is not None
    method, notes = quantising.made(planned.wish, DIGITS, tmp_path / "signed.onnx", feeds[:50])
    assert (method, notes) == ("static-s8s8-channel", [])
    (logits,) = InferenceSession(tmp_path / "signed.onnx").run(None, {"image": images})
    assert np.mean(logits.argmax(axis=1) == labels) > 0.95


def test_an_old_opset_is_lifted_for_a_scale_of_each_channel(tmp_path: Path) -> None:
    old = changed(tmp_path, "old.onnx", opset=11)
    images, labels = pictures(200)
    found = variant(old, "int8-static", data={"image": images}, labels=labels, folder=tmp_path)
    assert found.method.endswith("-channel")
    assert ("variant_opset", (("opset", 11), ("least", 13))) in found.assumptions
    assert found.agreement is not None
    assert found.agreement.samples == 100
    assert found.agreement.accuracy is not None
    assert found.agreement.accuracy.mid > 0.95


def test_where_no_opset_can_be_lifted_each_tensor_has_a_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(*_: object) -> None:
        raise RuntimeError("no adapter")

    monkeypatch.setattr(quantising.version_converter, "convert_version", unable)
    old = changed(tmp_path, "old.onnx", opset=11)
    planned = plan("int8-static", read(old), old, "x86_64")
    images, labels = pictures(100)
    assert planned.wish is not None
    method, notes = quantising.made(planned.wish, old, tmp_path / "made.onnx", [{"image": images[:50]}])
    assert method == "static-u8s8-tensor"
    assert notes == [("variant_opset_kept", {"opset": 11, "least": 13, "reason": "no adapter"})]
    (logits,) = InferenceSession(tmp_path / "made.onnx").run(None, {"image": images})
    assert np.mean(logits.argmax(axis=1) == labels) > 0.95


def test_what_is_no_number_is_counted_and_weighs_as_nothing(digits: dict[str, Variant]) -> None:
    found: dict[str, Any] = {}
    fine, lost = np.array([3.0, 4.0, np.inf]), np.array([3.0, np.inf, 0.0])
    assert not making.compared({"y": fine}, {"y": fine}, found)
    assert making.compared({"y": fine}, {"y": lost}, found)
    assert found["y"]["cosines"] == pytest.approx([1, 0.6])
    assert (found["y"]["signal"], found["y"]["noise"]) == (50, 16)
    agreement = digits["int8"].agreement
    assert agreement is not None
    warned = replace(digits["int8"], agreement=replace(agreement, not_finite=7))
    for lang in languages():
        assert sentence("variant.not_finite", lang, count="7") in variant_text(warned, lang)


@pytest.mark.parametrize(
    ("outputs", "choices"),
    [
        ({"maps": np.zeros((2, 3, 4)), "scores": np.array([[0.1, 0.9], [0.8, 0.2]])}, [1, 0]),
        ({"scores": np.array([[np.nan, 0.1, 0.2]])}, [2]),
        ({"labels": np.array([4, 7])}, [4, 7]),
        ({"distance": np.array([[0.3], [0.4]]), "named": [{0: 0.1}]}, []),
    ],
)
def test_the_most_likely_class_is_found_where_there_is_one(outputs: dict[str, Any], choices: list[int]) -> None:
    assert making.choices(outputs) == choices


@pytest.mark.parametrize("wish", ["int8-static", "int8-dynamic", "fp16"])
def test_conditions_stay_as_they_are(tmp_path: Path, wish: str) -> None:
    model = onnx.load_model(DIGITS)
    logits = model.graph.output[0].name
    bodies = {}
    for name, operator in (("then_branch", "Identity"), ("else_branch", "Neg")):
        result = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        bodies[name] = helper.make_graph([helper.make_node(operator, [logits], [name])], name, [], [result])
    total = helper.make_node("ReduceSum", ["image"], ["ink"], keepdims=0)
    bright = helper.make_node("Greater", ["ink", "some"], ["bright"])
    model.graph.node.extend([total, bright, helper.make_node("If", ["bright"], ["answer"], **bodies)])
    model.graph.initializer.append(helper.make_tensor("some", TensorProto.FLOAT, [], [1.0]))
    model.graph.output[0].name = "answer"
    onnx.save_model(model, tmp_path / "if.onnx")
    images, labels = pictures(60)
    found = variant(tmp_path / "if.onnx", wish, data={"image": images}, labels=labels, folder=tmp_path)  # type: ignore[arg-type]
    assert "variant_bodies" in codes(found)
    assert found.agreement is not None
    assert found.agreement.accuracy is not None
    assert found.agreement.accuracy.mid > 0.9


# Data


def test_without_data_the_answers_are_said_to_be_worthless(tmp_path: Path) -> None:
    mine = changed(tmp_path, "mine.onnx")
    static = variant(mine, "int8", folder=tmp_path)
    assert static.agreement is None
    assert codes(static) == ["variant_static", "variant_noise"]
    assert codes(variant(mine, "fp16", folder=tmp_path)) == ["variant_fp16"]
    assert variant(mine, "fp32", folder=tmp_path).assumptions == ()


def test_what_calibrates_never_judges(tmp_path: Path) -> None:
    """Calibrated on empty pictures, the classifier is blind for the others; it would not be if it had seen them."""
    mine = changed(tmp_path, "mine.onnx")
    images, labels = pictures(60)
    blind = np.concatenate([np.zeros_like(images), images])
    found = variant(
        mine, "int8-static", data={"image": blind}, labels=np.concatenate([labels, labels]), folder=tmp_path
    )
    assert found.agreement is not None
    assert found.agreement.accuracy is not None
    assert found.agreement.accuracy_before is not None
    assert found.agreement.accuracy_change is not None
    assert found.agreement.samples == 60
    assert found.agreement.accuracy_before.mid > 0.9
    assert found.agreement.accuracy.mid < 0.8
    assert found.agreement.accuracy_change.high < 0


@given(st.integers(2, 3000))
def test_the_parts_do_not_overlap_and_keep_their_labels(count: int) -> None:
    table = settings()["variants"]
    samples = samples_of((Input("x", np.dtype("float32"), (None, 1)),), {"x": np.arange(count)[:, None]}, range(count))
    held_out = samples.held_out_labels
    assert 1 <= samples.calibration <= min(count // 2, table["calibration"])
    assert held_out is not None
    assert len(held_out) == min(count - samples.calibration, table["held_out"])
    assert (samples.arrays["x"][samples.calibration :].ravel() == held_out).all()


def test_runs_of_several_items_and_inputs_without_batch_are_taken() -> None:
    inputs = (Input("pairs", np.dtype("float32"), (2, 3)), Input("rate", np.dtype("int64"), ()))
    samples = samples_of(inputs, {"pairs": np.arange(24).reshape(8, 3), "rate": [7, 8, 9, 7]}, np.arange(8))
    assert samples.arrays["pairs"].shape == (4, 2, 3)
    assert samples.arrays["rate"].shape == (4,)
    assert (samples.count, samples.calibration) == (4, 2)
    assert samples.held_out_labels is not None
    assert samples.held_out_labels.tolist() == [4, 5, 6, 7]


def test_a_file_of_inputs_may_hold_labels(tmp_path: Path) -> None:
    images, labels = pictures(60)
    np.savez(tmp_path / "mine.npz", image=images, labels=labels)
    mine = changed(tmp_path, "mine.onnx")
    found = variant(mine, "int8-static", data=tmp_path / "mine.npz", folder=tmp_path)
    same = variant(mine, "int8-static", data={"image": images}, labels=labels, folder=tmp_path)
    assert found.agreement == same.agreement
    assert found.agreement is not None
    assert found.agreement.accuracy is not None
    np.save(tmp_path / "mine.npy", images)
    alone = variant(mine, "int8-static", data=tmp_path / "mine.npy", folder=tmp_path)
    assert alone.agreement is not None
    assert alone.agreement.accuracy is None
    assert alone.agreement.same_choice == found.agreement.same_choice


IMAGES, LABELS = pictures(10)
NAN = IMAGES.copy()
NAN[4, 0, 3, 3] = np.nan
BAD_DATA: dict[str, tuple[Any, Any, str, list[str]]] = {
    "another name": ({"images": IMAGES}, None, "variant_names", ["images", "image"]),
    "a name too many": ({"image": IMAGES, "mask": IMAGES}, None, "variant_names", ["mask"]),
    "nothing": ({}, None, "variant_names", ["image"]),
    "another shape": ({"image": IMAGES[:, :, :4]}, None, "variant_shape", ["image", "(10, 1, 4, 8)", "(n, 1, 8, 8)"]),
    "a single number": ({"image": 3.0}, None, "variant_shape", ["image"]),
    "no number": ({"image": NAN}, None, "variant_values", ["image", "4"]),
    "too large for fp32": ({"image": IMAGES.astype(np.float64) * 1e300}, None, "variant_values", ["image", "float32"]),
    "text": ({"image": np.full((10, 1, 8, 8), "x")}, None, "variant_type", ["image", "<U1", "float32"]),
    "one input": ({"image": IMAGES[:1]}, None, "variant_few", ["1"]),
    "no input": ({"image": IMAGES[:0]}, None, "variant_few", ["0"]),
    "labels too few": ({"image": IMAGES}, LABELS[:9], "variant_labels", ["(9,)", "10"]),
    "labels of text": ({"image": IMAGES}, ["a"] * 10, "variant_labels", ["<U1"]),
    "negative labels": ({"image": IMAGES}, -LABELS - 1, "variant_labels", ["10"]),
    "no file": ("{folder}/none.npz", None, "variant_data_missing", ["none.npz"]),
    "text file": ("{folder}/text.npz", None, "variant_data_unreadable", ["text.npz"]),
    "objects": ("{folder}/objects.npy", None, "variant_data_unreadable", ["objects.npy"]),
}


@pytest.mark.parametrize(("data", "labels", "code", "parts"), BAD_DATA.values(), ids=BAD_DATA.keys())
def test_bad_data_is_one_sentence(tmp_path: Path, data: Any, labels: Any, code: str, parts: list[str]) -> None:
    (tmp_path / "text.npz").write_text("no arrays")
    np.save(tmp_path / "objects.npy", np.array([{}, {}]), allow_pickle=True)
    given = data.replace("{folder}", str(tmp_path)) if isinstance(data, str) else data
    with pytest.raises(MeasureError) as caught:
        variant("digits", "int8", data=given, labels=labels, folder=tmp_path)
    assert caught.value.code == code
    _one_sentence(caught.value, parts)


@pytest.mark.parametrize("values", [np.array([[0.5]] * 4), np.array([[2**40]] * 4)], ids=["fractions", "too large"])
def test_whole_numbers_stay_what_they_are(values: np.ndarray) -> None:
    with pytest.raises(MeasureError) as caught:
        samples_of((Input("ids", np.dtype("int32"), (1, 1)),), {"ids": values}, None)
    assert caught.value.code in ("variant_type", "variant_values")


def test_inputs_are_given_equally_often() -> None:
    inputs = tuple(Input(name, np.dtype("float32"), (None,)) for name in "ab")
    with pytest.raises(MeasureError) as caught:
        samples_of(inputs, {"a": np.zeros(4), "b": np.zeros(5)}, None)
    assert caught.value.code == "variant_counts"
    _one_sentence(caught.value, ["a: 4", "b: 5"])


def test_labels_need_inputs_and_a_choice(tmp_path: Path, encoder: Path) -> None:
    with pytest.raises(RequirementError):
        variant("digits", "int8", labels=LABELS, folder=tmp_path)
    ids = np.zeros((4, TOKENS), dtype=np.int64)
    with pytest.raises(MeasureError) as caught:
        variant(encoder, "int8", data=texts(ids), labels=np.zeros(4, dtype=int), folder=tmp_path)
    assert caught.value.code == "variant_no_choice"
    _one_sentence(caught.value, [str(encoder)])


def _one_sentence(error: AdvisorError, parts: list[str]) -> None:
    for lang in languages():
        words = error.in_language(lang)
        assert "\n" not in words
        assert words.endswith((".", "。"))
        assert bool(CHINESE.search(words)) == (lang == "zh")
        assert all(part in words for part in parts), words


# What cannot be turned


def test_a_quantised_model_is_refused(digits: dict[str, Variant], home: Path) -> None:
    for wish, part in (("int8-static", "QuantizeLinear"), ("int8-dynamic", "MatMulInteger"), ("fp16", "fp16")):
        for again in ("int8", "fp16"):
            with pytest.raises(MeasureError) as caught:
                variant(digits[wish].path, again, folder=home)  # type: ignore[arg-type]
            assert caught.value.code == "variant_quantised"
            _one_sentence(caught.value, [part, str(digits[wish].path)])


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    strange = changed(tmp_path, "strange.onnx", operator="Strange")
    for wish in ("int8", "int8-dynamic", "fp16"):
        with pytest.raises(MeasureError) as caught:
            variant(strange, wish, folder=tmp_path)  # type: ignore[arg-type]
        assert caught.value.code == "measure_runtime"
        _one_sentence(caught.value, ["Strange", "strange.onnx"])


def test_a_model_without_products_has_nothing_to_turn(tmp_path: Path) -> None:
    model = onnx.load_model(DIGITS)
    del model.graph.node[5:]
    model.graph.node[4].output[0] = model.graph.output[0].name
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save_model(model, tmp_path / "convolutions.onnx")
    with pytest.raises(MeasureError) as caught:
        variant(tmp_path / "convolutions.onnx", "int8-dynamic", folder=tmp_path)
    assert caught.value.code == "variant_nothing"
    _one_sentence(caught.value, ["convolutions.onnx", "int8"])


def test_a_large_model_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(settings()["variants"]["most_bytes"] + 1)
    with pytest.raises(MeasureError) as caught:
        variant(tmp_path / "large.onnx", "int8", folder=tmp_path)
    assert caught.value.code == "variant_large"
    _one_sentence(caught.value, ["large.onnx", "2.0"])


def test_an_unknown_precision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeasureError) as caught:
        variant("digits", "int4", folder=tmp_path)  # type: ignore[arg-type]
    _one_sentence(caught.value, ["precision", "int4", "int8-dynamic"])


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A making that ends before it has begun."""
    start = processes.started
    monkeypatch.setattr(processes, "started", lambda spoken, module: start(spoken, f"{module}_nowhere"))
    yield
    assert not psutil.Process().children()


@pytest.mark.usefixtures("broken")
def test_a_crash_of_the_tools_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MeasureError) as caught:
        variant("digits", "int8", folder=tmp_path)
    assert caught.value.code == "variant_crashed"
    _one_sentence(caught.value, ["digits", "making_nowhere"])
    assert list(tmp_path.iterdir()) == []


def test_making_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = {**settings(), "variants": settings()["variants"] | {"limit_s": 0.05}}
    monkeypatch.setattr(variants, "settings", lambda: short)
    with pytest.raises(MeasureError) as caught:
        variant("digits", "int8", folder=tmp_path)
    assert caught.value.code == "variant_out_of_time"
    _one_sentence(caught.value, ["digits", "0.05"])
    assert not psutil.Process().children()


# What is kept


def test_a_variant_is_made_once_and_found_again(
    digits: dict[str, Variant], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "started", None)
    for wish in WISHES:
        assert variant("digits", wish, folder=home) == digits[wish]  # type: ignore[arg-type]


def test_other_data_or_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    mine = changed(tmp_path, "mine.onnx")
    first = variant(mine, "int8-static", folder=tmp_path / "kept")
    images, _ = pictures()
    second = variant(mine, "int8-static", data={"image": images}, folder=tmp_path / "kept")
    assert second.path != first.path
    first.path.write_bytes(b"damaged")
    again = variant(mine, "int8-static", folder=tmp_path / "kept")
    assert again.path == first.path
    assert again.sha256 == sha256(first.path)
    assert InferenceSession(again.path).get_inputs()[0].name == "image"


def test_the_cache_is_that_of_the_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path))
    found = variant("digits", "fp16")
    assert found.path.is_relative_to(tmp_path / "cache" / "variants")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MeasureError) as caught:
        variant("digits", "fp16", folder=tmp_path / "file")
    assert caught.value.code == "folder_not_written"


# Words


@pytest.mark.parametrize("wish", WISHES)
def test_a_variant_is_worded_in_both_languages(digits: dict[str, Variant], wish: str) -> None:
    found = digits[wish]
    english, chinese = (variant_text(found, lang) for lang in ("en", "zh"))
    assert len(english.splitlines()) == len(chinese.splitlines())
    assert "98.70 % (97.35–99.37 %)" in english
    assert CHINESE.search(chinese)
    known = {"digits", "logits", *found.path.parts, found.path.name}
    assert [word for word in english_words(chinese.split("文件：")[0]) if word not in known] == []
    assert not CHINESE.search(english)


def test_as_json_it_holds_every_field(digits: dict[str, Variant]) -> None:
    document = json.loads(json.dumps(variant_json(digits["int8"]), allow_nan=False))
    assert document["format"] == "advisor/variant/1"
    assert document["agreement"]["accuracy"]["mid"] == pytest.approx(0.987, abs=5e-3)
    assert document["path"] == str(digits["int8"].path)


def test_the_command_writes_a_new_file_alone(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    images, labels = pictures(60)
    np.savez(tmp_path / "mine.npz", image=images, labels=labels)
    mine, out = changed(tmp_path, "mine.onnx"), tmp_path / "small.onnx"
    arguments = ["quantise", str(mine), "--precision", "int8", "--data", str(tmp_path / "mine.npz"), "--lang", "en"]
    assert cli.main([*arguments, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "Size: 0.04 MB before, 0.0164 MB now" in said
    assert "Judged by 30 inputs" in said
    assert f"File: {out}" in said
    assert InferenceSession(out).run(None, {"image": images})[0].shape == (60, 10)
    for taken in (out, mine):
        before = sha256(taken)
        assert cli.main([*arguments, "--out", str(taken)]) == 2
        assert str(taken) in capsys.readouterr().err
        assert sha256(taken) == before
    assert cli.main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["precision"] == "int8"
