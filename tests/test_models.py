"""The reference models: what each record says of itself has to agree with what its architecture costs."""

import tomllib
from collections import Counter
from itertools import pairwise

import pytest

from advisor.modelspec import of_record, plain, resolve
from advisor.paths import DATA
from advisor.schema import Model
from advisor.units import BILLION

FILES = sorted((DATA / "models").glob("*.toml"))
MODELS = {path.stem: Model(**tomllib.loads(path.read_text(encoding="utf-8"))) for path in FILES}
ANCHORS = ("resnet50", "bert-base", "yolov5s", "mobilenetv2", "llama-3-8b")
OTHER_LAYERS = ("deberta-v3-base", "mobilebert", "tinybert-4l-312")
"""Encoders whose layers are not those of BERT."""
SHARED_OR_NARROW = ("albert-base-v2", "electra-small", "mobilebert")
"""Encoders whose layers share weights, or whose embeddings are narrower than they."""
ENCODERS = [record for record in MODELS.values() if record.family == "nlp-encoder"]
LANGUAGE_MODELS = [record for record in MODELS.values() if record.family == "llm"]
PATCHES, FRAMES = 197, 1500


def encoder_macs(record: Model, tokens: int) -> float:
    assert record.layers is not None
    assert record.hidden is not None
    return record.layers * (12 * record.hidden**2 * tokens + 2 * tokens**2 * record.hidden)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_file_name_is_the_id(path):
    assert MODELS[path.stem].id == path.stem


def test_no_two_models_share_a_name():
    taken = Counter(
        spelling
        for record in MODELS.values()
        for spelling in {plain(name) for name in (record.id, record.name, *record.aliases)}
    )
    assert [name for name, count in taken.items() if count > 1] == []


@pytest.mark.parametrize("record", MODELS.values(), ids=lambda record: record.id)
def test_every_name_of_a_model_leads_to_it(record):
    for name in (record.id, record.name, *record.aliases, record.name.upper(), record.id.replace("-", "_")):
        assert resolve(name, MODELS) == of_record(record)


@pytest.mark.parametrize("model", ANCHORS)
def test_the_models_of_the_golden_cases_are_there(model):
    assert model in MODELS


@pytest.mark.parametrize("record", MODELS.values(), ids=lambda record: record.id)
def test_every_model_states_its_work_and_an_input_that_can_be_read(record):
    spec = of_record(record)
    assert spec.macs is not None
    assert spec.input_shape is not None
    assert spec.basis == "catalogue"
    assert spec.assumptions == ()


@pytest.mark.parametrize(
    "record", [record for record in ENCODERS if record.id not in OTHER_LAYERS], ids=lambda record: record.id
)
def test_macs_of_encoders_follow_from_their_layers(record):
    assert record.macs == pytest.approx(encoder_macs(record, of_record(record).input_shape[-1]), rel=0.01)


@pytest.mark.parametrize(
    "record", [record for record in ENCODERS if record.id not in SHARED_OR_NARROW], ids=lambda record: record.id
)
def test_parameters_of_encoders_follow_from_their_layers(record):
    own = record.layers * 12 * record.hidden**2 + (record.vocabulary + record.context) * record.hidden
    assert record.params == pytest.approx(own, rel=0.1)


@pytest.mark.parametrize(("model", "tokens"), [("vit-base-16", PATCHES), ("whisper-small", FRAMES)])
def test_macs_of_other_transformers_follow_from_their_layers(model, tokens):
    assert MODELS[model].macs == pytest.approx(encoder_macs(MODELS[model], tokens), rel=0.1)


@pytest.mark.parametrize("record", LANGUAGE_MODELS, ids=lambda record: record.id)
def test_a_token_of_a_language_model_uses_every_active_parameter_once(record):
    assert record.macs == pytest.approx(record.active_params or record.params, rel=1e-9)
    assert of_record(record).input_shape == (1, 1)


def test_the_key_value_cache_of_llama_3_8b_is_128_kib_a_token():
    assert of_record(MODELS["llama-3-8b"]).kv_bytes_per_token("fp16") == 128 * 1024


def test_the_autoencoder_of_mlperf_tiny_has_the_macs_of_its_layers():
    widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    assert MODELS["mlperf-tiny-ad"].macs == pytest.approx(sum(a * b for a, b in pairwise(widths)), rel=1e-3)


def test_dlrm_has_the_macs_of_its_perceptrons_and_its_interaction():
    bottom, top, vectors = [13, 512, 256, 128], [479, 1024, 1024, 512, 256, 1], 27
    dense = sum(a * b for widths in (bottom, top) for a, b in pairwise(widths))
    assert MODELS["dlrm"].macs == pytest.approx(dense + vectors * (vectors - 1) // 2 * 128, rel=1e-3)


def test_resnet50_has_the_four_billion_macs_that_everybody_quotes():
    assert MODELS["resnet50"].macs / BILLION == pytest.approx(4.1, rel=0.01)
