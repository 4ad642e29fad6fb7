"""A model by its name or its sizes."""

import json
import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import AdvisorError, ModelFileError, RequirementError, UnknownIdError
from advisor.modelspec import ModelSpec, of_record, plain, resolve
from advisor.paths import DATA
from advisor.schema import Model
from advisor.sizes import estimates, macs_spread, pixels, shape_of
from advisor.text import sentence

FAMILIES = ("cnn", "detector", "segmentation", "vit", "nlp-encoder", "speech", "recsys", "diffusion", "llm", "tinyml")
SOURCE = {"fields": ["family", "task", "params", "macs", "input"], "title": "a book", "dated": "2024"}
PRECISIONS = ("fp32", "fp16", "int8", "fp8", "int4")


def record(key: str, name: str, *aliases: str) -> Model:
    return Model(id=key, name=name, aliases=aliases, family="cnn", task="t", params="25.6 M", macs="4.1 GMAC",
                 input="1x3x224x224", sources=[SOURCE])  # fmt: skip


SHELF = {
    "resnet50": record("resnet50", "ResNet-50", "timm:resnet50"),
    "resnet18": record("resnet18", "ResNet-18"),
    "bert-base": record("bert-base", "BERT-Base", "bert", "bert-base-uncased"),
    "qwen2.5-7b": record("qwen2.5-7b", "Qwen2.5 7B", "通义千问2.5 7B"),
    "yolov5s": record("yolov5s", "YOLOv5s"),
}


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("resnet50", "resnet50"), ("ResNet-50", "resnet50"), ("RESNET 50", "resnet50"), ("res_net-50", "resnet50"),
        ("timm:resnet50", "resnet50"), ("ＲｅｓＮｅｔ５０", "resnet50"), (" resnet50 ", "resnet50"),
        ("BERT", "bert-base"), ("bert_base_uncased", "bert-base"), ("通义千问2.5-7B", "qwen2.5-7b"),
        ("通义千问 2.5 7b", "qwen2.5-7b"),
        ("YOLO v5s", "yolov5s"), ("Qwen2.5–7B", "qwen2.5-7b"),
    ],
)  # fmt: skip
def test_people_may_spell_a_model_as_they_like(spelling, key):
    assert resolve(spelling, SHELF) == of_record(SHELF[key])


def test_an_id_wins_over_the_name_of_another_model():
    assert resolve("bert", {**SHELF, "bert": record("bert", "The original")}).name == "The original"


@pytest.mark.parametrize(
    ("wanted", "first"), [("resnet500", "resnet50"), ("yolov5", "yolov5s"), ("bert-bse", "bert-base")]
)
def test_an_unknown_name_offers_the_three_nearest(wanted, first):
    with pytest.raises(UnknownIdError) as caught:
        resolve(wanted, SHELF)
    known = caught.value.values["known"].split(", ")
    assert known[0] == first
    assert len(set(known)) == 3
    assert wanted in str(caught.value)


@pytest.mark.parametrize("path", ["weights.pt", "model.tflite", "net.SAFETENSORS", "llama.gguf"])
def test_a_file_of_another_format_is_refused_with_the_way_out(path):
    with pytest.raises(ModelFileError, match=r"export it to \.onnx"):
        resolve(path, SHELF)


def test_a_model_stands_for_itself():
    spec = ModelSpec("cnn", 1e6)
    assert resolve(spec, SHELF) is spec


@given(
    st.sampled_from(("ResNet-50", "通义千问2.5 7B", "bert-base-uncased")), st.lists(st.sampled_from(" -_"), max_size=30)
)
def test_separators_never_change_which_model_is_meant(name, separators):
    padded = "".join(sign + separator for sign, separator in zip(name, [*separators, *[""] * len(name)], strict=False))
    assert plain(padded.upper()) == plain(name)


@pytest.mark.parametrize(
    ("sizes", "code", "field"),
    [
        ({}, "model_field_missing", "family"),
        ({"family": "cnn"}, "model_field_missing", "params"),
        ({"family": "cn", "params": 1e6}, "unknown_family", "family"),
        ({"family": 3, "params": 1e6}, "unknown_family", "family"),
        ({"family": "cnn", "params": 0}, "model_bounds", "params"),
        ({"family": "cnn", "params": -1e6}, "model_bounds", "params"),
        ({"family": "cnn", "params": 1.1e14}, "model_bounds", "params"),
        ({"family": "cnn", "params": 25.6}, "model_whole", "params"),
        ({"family": "cnn", "params": "25.6e6"}, "model_number", "params"),
        ({"family": "cnn", "params": True}, "model_number", "params"),
        ({"family": "cnn", "params": float("nan")}, "model_number", "params"),
        ({"family": "cnn", "params": float("inf")}, "model_number", "params"),
        ({"family": "cnn", "params": 1e6, "macs": -5}, "model_bounds", "macs"),
        ({"family": "cnn", "params": 1e6, "input_shape": (1, 3, 0, 224)}, "model_bounds", "input_shape"),
        ({"family": "cnn", "params": 1e6, "input_shape": "224"}, "model_shape", "input_shape"),
        ({"family": "cnn", "params": 1e6, "input_shape": (1, 3.5)}, "model_whole", "input_shape"),
        ({"family": "llm", "params": 1e9, "active_params": 2e9}, "model_exceeds", "active_params"),
        ({"family": "llm", "params": 1e9, "heads": 8, "kv_heads": 16}, "model_exceeds", "kv_heads"),
        ({"family": "cnn", "params": 1e6, "parms": 3}, "model_field_unknown", "parms"),
        ({"family": "cnn", "params": 1e6, "precision": "fp4"}, "model_value", "precision"),
        ({"family": "cnn", "params": 1e6, "name": 7}, "model_value", "name"),
    ],
)  # fmt: skip
def test_bad_sizes_are_a_sentence_with_field_and_value(sizes, code, field):
    with pytest.raises(RequirementError) as caught:
        ModelSpec(**sizes)
    assert (caught.value.code, caught.value.values["field"]) == (code, field)
    for lang in ("en", "zh"):
        assert field in caught.value.in_language(lang)
        assert str(caught.value.values.get("value", "")) in caught.value.in_language(lang)


def test_near_families_are_offered():
    with pytest.raises(RequirementError, match="detector"):
        ModelSpec("detection", 1e6)


def test_a_size_that_arithmetic_made_slightly_uneven_still_counts():
    assert ModelSpec("llm", 8.03 * 1e9).params == 8_030_000_000


def test_a_model_survives_being_written_down():
    spec = ModelSpec(
        "llm", 7e9, layers=32, hidden=4096, heads=32, read_assumptions=(("dynamic_axis", (("axis", "n"), ("size", 1))),)
    )
    assert ModelSpec(**json.loads(spec.model_dump_json())) == spec
    assert hash(ModelSpec(**spec.model_dump())) == hash(spec)


def test_a_model_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        ModelSpec("cnn", 1e6).params = 3


def test_one_mac_is_two_flop():
    assert ModelSpec("cnn", 25.6e6, macs=4.1e9).work_flop == 8.2e9


def test_known_macs_have_no_spread():
    assert set(ModelSpec("cnn", 25.6e6, macs=4.1e9).macs_interval()) == {4.1e9}


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "llm"])
def test_macs_by_family_and_size_come_with_a_spread_and_an_assumption(family):
    spec = ModelSpec(family, 10e6)
    low, mid, high = spec.macs_interval()
    assert low < mid < high
    assert ("macs_estimated", (("low", low), ("mid", mid), ("high", high))) in spec.assumptions


@pytest.mark.parametrize(
    ("family", "params", "macs"),
    [("cnn", 25.56e6, 4.11e9), ("cnn", 138.4e6, 15.48e9), ("detector", 7.2e6, 8.25e9), ("vit", 86.57e6, 17.58e9),
     ("nlp-encoder", 110e6, 11.17e9), ("segmentation", 31e6, 130.1e9 * 512**2 / (368 * 480)), ("speech", 244e6, 172e9)],
)  # fmt: skip
def test_well_known_models_lie_in_the_interval_of_their_size(family, params, macs):
    low, _, high = ModelSpec(family, params).macs_interval()
    assert low < macs < high


@given(st.sampled_from(("cnn", "vit", "detector", "segmentation")), st.integers(32, 2000), st.integers(32, 2000))
def test_the_work_on_an_image_follows_its_pixels(family, height, width):
    one = macs_spread(family, 10_000_000, (1, 3, height, width)).mid
    four = macs_spread(family, 10_000_000, (1, 3, 2 * height, 2 * width)).mid
    assert four == pytest.approx(4 * one)


@given(st.sampled_from(FAMILIES), st.integers(1_000, 10**12))
def test_a_larger_model_never_works_less(family, params):
    assert ModelSpec(family, 2 * params).work_flop > ModelSpec(family, params).work_flop


def test_channels_first_and_last_have_the_same_pixels():
    assert pixels((1, 3, 100, 200)) == pixels((1, 100, 200, 3)) == pixels((100, 200, 3)) == pixels((100, 200)) == 20_000


@pytest.mark.parametrize(
    ("text", "shape"), [("1x3x8x9", (1, 3, 8, 9)), ("seq 77", (1, 77)), ("13 dense + 26 sparse", None)]
)
def test_shapes_are_read_as_written(text, shape):
    assert shape_of(text) == shape


def test_every_fit_states_its_method_its_rows_and_its_date():
    for fit in (*estimates()["macs"].values(), *estimates()["llm"].values()):
        assert {"factor", "exponent", "low", "high", "n", "method", "dated"} <= fit.keys()
    assert set(estimates()["macs"]) == set(FAMILIES)


@pytest.mark.parametrize(("precision", "size"), [("fp32", 4), ("fp16", 2), ("int8", 1), ("fp8", 1), ("int4", 0.5625)])
def test_weights_take_the_bytes_of_their_format(precision, size):
    assert ModelSpec("llm", 8e9).weight_bytes(precision) == pytest.approx(8e9 * size)


def test_a_mixture_of_experts_holds_all_weights_and_reads_the_active_ones():
    spec = ModelSpec("llm", 46.7e9, active_params=12.9e9)
    assert spec.weight_bytes("fp16") == 2 * 46.7e9
    assert spec.used_weight_bytes("fp16") == pytest.approx(2 * 12.9e9)
    assert spec.work_flop == 2 * 12.9e9


def test_the_cache_holds_keys_and_values_of_every_layer():
    spec = ModelSpec("llm", 7e9, layers=32, hidden=4096, heads=32, kv_heads=8, head_size=128)
    assert spec.kv_bytes_per_token("fp16") == 2 * 32 * 8 * 128 * 2
    assert spec.assumptions == ()


def test_heads_without_groups_are_assumed_to_have_their_own_keys():
    spec = ModelSpec("llm", 7e9, layers=32, hidden=4096, heads=32)
    assert spec.kv_bytes_per_token("fp16") == 2 * 32 * 4096 * 2
    assert ("kv_heads_assumed", (("heads", 32),)) in spec.assumptions


def test_a_language_model_known_by_its_size_alone_gets_layers_and_cache_with_a_spread():
    spec = ModelSpec("llm", 8e9)
    codes = [code for code, _ in spec.assumptions]
    assert codes == ["layers_estimated", "kv_estimated"]
    assert spec.kv_elements().low < 2 * 32 * 8 * 128 < spec.kv_elements().high
    assert 20 < spec.layer_count < 50


def test_other_models_have_no_cache():
    assert ModelSpec("cnn", 1e6).kv_bytes_per_token("fp16") == 0


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_assumption_has_its_words(lang):
    for spec in (ModelSpec("llm", 8e9), ModelSpec("cnn", 1e6), ModelSpec("llm", 7e9, layers=32, hidden=4096, heads=32)):
        for code, numbers in spec.assumptions:
            assert sentence(f"assumption.{code}", lang=lang, **dict(numbers))


def test_errors_are_the_products_own():
    assert issubclass(RequirementError, AdvisorError)


def test_a_model_is_described_without_the_onnx_library():
    code = "import sys; from advisor.modelspec import ModelSpec; ModelSpec('cnn', 1e6); sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_limits_are_data():
    limits = tomllib.loads((DATA / "limits.toml").read_text(encoding="utf-8"))
    assert limits["model"]["params"] == {"least": 1, "most": 1e14}
