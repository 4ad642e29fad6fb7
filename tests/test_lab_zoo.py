"""Models at hand: generated ones run, decode and take any batch; files are written once; packages bring theirs."""

import hashlib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from advisor import load
from advisor.cli import main
from advisor.errors import MeasureError, MissingExtraError, UnknownIdError
from advisor.lab import measure, zoo
from advisor.lab.nets import writing
from advisor.lab.nets.fillings import Seeded
from advisor.lab.nets.writing import ARCHITECTURES, write
from advisor.lab.recipes import Recipe, recipes
from advisor.lab.settings import settings
from advisor.modelspec import of_onnx
from advisor.text import languages

RECIPES = recipes()
GENERATED = [recipe for recipe in RECIPES.values() if recipe.kind == "generated"]
PACKAGED = [recipe for recipe in RECIPES.values() if recipe.kind == "package"]
LIGHTEST = {
    name: min((recipe for recipe in GENERATED if recipe.architecture == name), key=lambda recipe: recipe.size)
    for name in ARCHITECTURES
}
SMALLER = {
    "alexnet": {"hidden": 64}, "vgg": {"hidden": 64}, "llama": {"layers": 3, "words": 500}, "bert": {"words": 500},
}  # fmt: skip
"""What makes the lightest net of an architecture light enough for a test, and no different otherwise."""
SIZES = {"batch": 2, "sequence": 8, "past_sequence": 5}
LEAST_NORMAL = float(np.finfo(np.float32).tiny)


def session(model: Path | bytes, *, plain: bool = False) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_DISABLE_ALL if plain else level.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feed(model: onnxruntime.InferenceSession) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    filled: dict[str, np.ndarray] = {}
    for entry in model.get_inputs():
        shape = [SIZES.get(size, size) for size in entry.shape]
        whole = random.integers(0, 2, shape) if "mask" not in entry.name else np.ones(shape, np.int64)
        filled[entry.name] = whole if "int64" in entry.type else random.random(shape, dtype=np.float32)
    return filled


@pytest.fixture(scope="module", params=ARCHITECTURES)
def net(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lightest net of every architecture, with seeded weights."""
    recipe = LIGHTEST[request.param]
    path = tmp_path_factory.mktemp("nets") / f"{recipe.id}.onnx"
    write(recipe.architecture, {**recipe.arguments, **SMALLER.get(recipe.architecture, {})}, path)
    return path


def test_signals_stay_finite_normal_and_alive_in_every_layer(net: Path) -> None:
    onnx.checker.check_model(net, full_check=True)
    model = onnx.load(net)
    del model.graph.output[:]
    every = [name for node in model.graph.node for name in node.output]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in every)
    run = session(model.SerializeToString(), plain=True)
    found = dict(zip(every, run.run(every, feed(run)), strict=True))
    for name, values in found.items():
        if values.dtype != np.float32:
            continue
        assert np.isfinite(values).all(), name
        size = np.abs(values)
        assert size.max() < 1e6, name
        assert not ((size > 0) & (size < LEAST_NORMAL)).any(), name
    for entry in onnx.load(net).graph.output:
        values = found[entry.name]
        assert values.std() > 1e-3 * np.abs(values).mean() > 0, entry.name


def test_samples_of_a_batch_do_not_see_one_another(net: Path) -> None:
    run = session(net)
    both = feed(run)
    together = run.run(None, both)
    for place in range(2):
        alone = run.run(None, {name: values[place : place + 1] for name, values in both.items()})
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_of_them[place], rtol=1e-3, atol=1e-3 * np.abs(one).max())


def test_different_inputs_give_different_outputs(net: Path) -> None:
    run = session(net)
    first = feed(run)
    other = {name: values if "mask" in name else values[::-1].copy() for name, values in first.items()}
    pairs = zip(run.run(None, first), run.run(None, other), strict=True)
    assert max(np.abs(a - b).mean() / a.std() for a, b in pairs) > 1e-4


def test_padding_is_not_read(tmp_path: Path) -> None:
    recipe, path = LIGHTEST["bert"], tmp_path / "encoder.onnx"
    write("bert", {**recipe.arguments, "words": 50}, path)
    run = session(path)
    ids = np.array([[3, 14, 15, 9, 26, 5]])
    seen = [
        run.run(None, {"input_ids": part, "attention_mask": mask, "token_type_ids": np.zeros_like(part)})[0][:, :4]
        for part, mask in (
            (ids[:, :4], np.ones((1, 4), np.int64)),
            (ids, np.array([[1, 1, 1, 1, 0, 0]])),
            (ids, np.ones((1, 6), np.int64)),
        )
    ]
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-3, atol=1e-4)
    assert not np.allclose(seen[0], seen[2], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_what_was_said_before_is_remembered_in_the_cache(architecture: str, tmp_path: Path) -> None:
    recipe, path = LIGHTEST[architecture], tmp_path / "decoder.onnx"
    write(architecture, {**recipe.arguments, **SMALLER.get(architecture, {})}, path)
    run = session(path)
    ends = {text: spoken(run, text) for text in ((3, 7, 11), (5, 7, 11), (7, 3, 11))}
    logits = [found["logits"] for found in ends.values()]
    assert not any(np.allclose(a, b, rtol=1e-3) for a, b in ((logits[0], logits[1]), (logits[0], logits[2])))
    assert {values.shape[2] for name, values in ends[3, 7, 11].items() if name != "logits"} == {3}
    np.testing.assert_array_equal(spoken(run, (3, 7, 11))["logits"], logits[0])


def spoken(run: onnxruntime.InferenceSession, tokens: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Outputs of the last of some steps, each of which gets the keys and values of the one before."""
    names = [entry.name for entry in run.get_outputs()]
    past = {
        entry.name: np.zeros((1, entry.shape[1], 0, entry.shape[3]), np.float32)
        for entry in run.get_inputs()
        if entry.name.startswith("past")
    }
    for token in tokens:
        found = dict(zip(names, run.run(names, {"input_ids": np.array([[token]]), **past}), strict=True))
        for name, before in past.items():
            now = found[name.replace("past_key_values", "present")]
            np.testing.assert_array_equal(now[:, :, :-1], before)
            past[name] = now
    return found


def test_a_decoding_step_is_that_of_the_formula(tmp_path: Path) -> None:
    path, sizes = tmp_path / "one.onnx", {"layers": 1, "width": 8, "heads": 2, "words": 5, "positions": 4}
    write("gpt2", sizes, path)
    w = [onnx.numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer if one.data_type == 1]
    table, places, ones, zeros, joint, joint_bias, root, out, out_bias, _, _, up, up_bias, *_, down, down_bias, _, _ = w
    assert (ones == 1).all()
    assert (zeros == 0).all()
    assert root == pytest.approx(2)
    keys = values = np.zeros((0, 8))
    for place, token in enumerate((4, 1, 2)):
        x = table[token] + places[place]
        query, key, value = np.split(normed(x) @ joint + joint_bias, 3)
        keys, values = np.vstack([keys, key]), np.vstack([values, value])
        heads = []
        for part in (slice(0, 4), slice(4, 8)):
            share = np.exp(keys[:, part] @ query[part] / 2)
            heads.append(share / share.sum() @ values[:, part])
        x = x + np.concatenate(heads) @ out + out_bias
        y = normed(x) @ up + up_bias
        y = 0.5 * y * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y**3)))
        x = x + y @ down + down_bias
    found = spoken(session(path), (4, 1, 2))["logits"]
    np.testing.assert_allclose(found[0, 0], normed(x) @ table.T, rtol=1e-3, atol=1e-4)


def normed(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5)


def test_llamas_rotation_sees_distances_alone(tmp_path: Path) -> None:
    """Without its own place in the table a token knows others by distance: the same words later attend the same."""
    path = tmp_path / "llama.onnx"
    sizes = {"layers": 1, "width": 16, "heads": 4, "kv_heads": 2, "inner": 8, "words": 9, "rotation": 10_000.0}
    write("llama", sizes, path)
    run = session(path)
    early, late = spoken(run, (1, 2)), spoken(run, (1, 1, 1, 1, 1, 2))
    key, later = early["present.0.key"][0, :, -1], late["present.0.key"][0, :, -1]
    assert not np.allclose(key, later, rtol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(key, axis=-1), np.linalg.norm(later, axis=-1), rtol=1e-4)
    products = [
        (found["present.0.key"][0, :, -2] * found["present.0.key"][0, :, -1]).sum(-1) for found in (early, late)
    ]
    np.testing.assert_allclose(*products, rtol=1e-3, atol=1e-5)


def test_boxes_lie_in_the_picture_in_pixels(tmp_path: Path) -> None:
    recipe, path = RECIPES["yolov5n"], tmp_path / "boxes.onnx"
    write("yolov5", {**recipe.arguments, "side": 64}, path)
    run = session(path)
    (boxes,) = run.run(None, {"image": np.zeros((1, 3, 64, 64), np.float32)})
    assert boxes.shape == (1, 3 * (8**2 + 4**2 + 2**2), 85)
    centres, sizes, shares = boxes[0, :, :2], boxes[0, :, 2:4], boxes[0, :, 4:]
    cells = [(x, y, stride) for stride in (8, 16, 32) for _ in range(3) for y in range(64 // stride)
             for x in range(64 // stride)]  # fmt: skip
    for centre, (x, y, stride) in zip(centres, cells, strict=True):
        assert (np.abs(centre / stride - (x + 0.5, y + 0.5)) <= 1).all()
    assert (sizes[:64] <= 4 * np.array([10, 13])).all()
    assert ((shares >= 0) & (shares <= 1)).all()


def test_weights_are_the_same_on_every_machine() -> None:
    tensor = onnx.TensorProto()
    Seeded(0).fill(tensor, 5, 1.0)
    again = onnx.TensorProto()
    Seeded(0).fill(again, 5, 1.0)
    assert tensor.raw_data == again.raw_data
    assert hashlib.sha256(tensor.raw_data).hexdigest() == PINNED
    Seeded(1).fill(again, 5, 1.0)
    assert tensor.raw_data != again.raw_data


PINNED = "8ce0da76c8d772044901f987f34fe0b88091af3a9b13c251175557c25650c98e"


def test_weights_have_the_deviation_that_was_asked_for() -> None:
    tensor = onnx.TensorProto()
    Seeded(3).fill(tensor, 200_001, 0.25)
    numbers = np.frombuffer(tensor.raw_data, "<f4")
    assert len(numbers) == 200_001
    assert numbers.std() == pytest.approx(0.25, rel=0.01)
    assert abs(numbers.mean()) < 0.003
    assert np.abs(numbers).max() <= 0.25 * 3**0.5


def test_a_generated_file_is_written_once_and_again_when_the_generator_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    path = zoo.path("mlperf-tiny-kws")
    first = path.read_bytes()
    stamp = path.stat().st_mtime_ns
    assert zoo.path("mlperf-tiny-kws") == path
    assert path.stat().st_mtime_ns == stamp
    path.unlink()
    assert zoo.path("mlperf-tiny-kws").read_bytes() == first
    monkeypatch.setattr(writing, "settings", lambda: {"zoo": {**settings()["zoo"], "seed": 1}})
    other = zoo.path("mlperf-tiny-kws")
    assert other != path
    assert other.name == path.name
    assert other.read_bytes() != first


def test_the_cache_is_a_file_of_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "mine"))
    path = zoo.path("mlperf-tiny-ad")
    assert path.is_relative_to(tmp_path / "mine" / "cache")
    assert [file for file in (tmp_path / "mine").rglob("*") if file.is_file()] == [path]


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "taken"))
    with pytest.raises(MeasureError) as caught:
        zoo.path("mlperf-tiny-ad")
    assert all("ADVISOR_HOME" in caught.value.in_language(lang) for lang in languages())


def test_names_go_from_trained_over_light_to_heavy() -> None:
    names = zoo.names()
    assert names[:2] == ("digits", "digits-int8")
    sizes = [RECIPES[name].size for name in names if RECIPES[name].kind == "generated"]
    assert sizes == sorted(sizes)
    assert len(sizes) == len(GENERATED)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.id)
def test_every_model_says_what_it_is(recipe: Recipe) -> None:
    told = zoo.about(recipe.id)
    assert (told.id, told.kind, told.licence, told.source) == (recipe.id, recipe.kind, recipe.licence, recipe.source)
    assert told.url.startswith("https://")
    assert told.name == (recipe.name or load().models[recipe.id].name)
    assert (recipe.name is None) == (recipe.id in load().models)
    assert {told.in_language(lang).startswith(recipe.title(lang)) for lang in languages()} == {True}
    assert (told.params is None) == (recipe.kind == "package" and recipe.id not in zoo.names())


@pytest.mark.parametrize("name", ["digits", "digits-int8", "mlperf-tiny-ic", "mobilenetv2"])
def test_what_is_told_is_what_the_file_holds(name: str) -> None:
    told, found = zoo.about(name), of_onnx(zoo.path(name))
    assert (told.params, told.macs) == (found.params, found.macs)


@pytest.mark.parametrize(
    ("name", "batch"), [("mobilenetv2", 1), ("squeezenet1.1", 2), ("gpt2-mini", 2), ("digits-int8", 3)]
)
def test_models_at_hand_are_measured_by_name(name: str, batch: int) -> None:
    run = measure(name, batch=batch, seconds=0.5)
    assert (run.model, run.batch) == (name, batch)
    assert run.sha256 == hashlib.sha256(zoo.path(name).read_bytes()).hexdigest()
    assert len(run.samples_s) > 3
    assert not run.cancelled
    assert {shape[0] for _, shape in run.inputs} == {batch}


def test_the_command_measures_a_generated_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "mlperf-tiny-kws", "--seconds", "0.3", "--batch", "4"]) == 0
    assert "mlperf-tiny-kws" in capsys.readouterr().out


def test_a_near_name_is_answered_with_generated_ones() -> None:
    with pytest.raises(UnknownIdError, match="resnet50"):
        zoo.path("resnet-50")
    with pytest.raises(UnknownIdError, match="resnet50"):
        measure("resnet-50", seconds=0.3)


def packed(folder: Path, recipe: Recipe, content: bytes) -> None:
    """A package as pip would leave it in a folder, with a model where the recipe expects one."""
    file = recipe.file.replace("*", "some")
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(content)
    info = folder / f"{recipe.package.replace('-', '_')}-99.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {recipe.package}\nVersion: 99\n")
    with (info / "RECORD").open("a") as record:
        record.write(f"{file},,\n")


@pytest.mark.parametrize("recipe", PACKAGED, ids=lambda recipe: recipe.id)
def test_a_model_of_an_installed_package_is_found_and_measured(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed(tmp_path, recipe, zoo.path("digits").read_bytes())
    monkeypatch.syspath_prepend(tmp_path)
    assert recipe.id in zoo.names()
    assert zoo.path(recipe.id).is_relative_to(tmp_path)
    assert zoo.about(recipe.id).params == zoo.about("digits").params
    run = measure(recipe.id, seconds=0.2)
    assert (run.model, len(run.samples_s) > 3) == (recipe.id, True)


@pytest.mark.parametrize("recipe", PACKAGED, ids=lambda recipe: recipe.id)
def test_without_its_package_a_model_is_a_sentence(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(zoo, "distribution", missing)
    assert recipe.id not in zoo.names()
    assert zoo.about(recipe.id).macs is None
    with pytest.raises(MissingExtraError) as caught:
        zoo.path(recipe.id)
    assert all(f"pip install {recipe.package}" in caught.value.in_language(lang) for lang in languages())
