"""A second look at the models that are no language models: published elsewhere, counted, or worked out by hand."""

import ast
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from advisor.errors import ModelFileError
from advisor.knowledge import read_table
from advisor.modelspec import plain, resolve
from advisor.paths import DATA
from advisor.schema import Check, Model

TOOLS = Path(__file__).parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

from count_by_hand import MACS, PARAMS, TERABYTE, encoder_macs, encoder_params, unet_products  # noqa: E402

MODELS = {
    path.stem: Model(**tomllib.loads(path.read_text(encoding="utf-8")))
    for path in sorted((DATA / "models").glob("*.toml"))
}
OTHERS = {name: record for name, record in MODELS.items() if record.family != "llm"}
RECIPES = tomllib.loads((TOOLS / "count_vision.toml").read_text(encoding="utf-8"))
AGREEMENT = read_table(DATA / "checks.toml")["agreement"]
COUNTED, BY_HAND = "tools/count_vision.py", "tools/count_by_hand.py"
FIELDS = ("params", "macs")
WRITTEN = 2.5e-3
"""What three digits may round away of a figure between 200 and 1000 of its unit."""
SEVERAL_INPUTS = (
    "clip-vit-b-32", "dlrm", "flux.1-dev", "stable-diffusion-1.5", "stable-diffusion-3-medium", "stable-diffusion-xl",
)  # fmt: skip
"""Models of several inputs, of which the record states one."""


def checks_of(record: Model, field: str) -> list[Check]:
    return [check for check in record.checks if check.field == field]


def sizes(given: object) -> list[int]:
    """Shape of the only tensor of a recipe's input."""
    if isinstance(given, dict):
        (given,) = given.values()
        return sizes(given)
    return given if isinstance(given[0], int) else sizes(given[0])


@pytest.mark.parametrize("record", OTHERS.values(), ids=lambda record: record.id)
@pytest.mark.parametrize("field", FIELDS)
def test_every_model_is_checked_within_the_agreement(record, field):
    found = checks_of(record, field)
    assert found
    for check in found:
        assert check.value == pytest.approx(getattr(record, field), rel=AGREEMENT[field])


def test_the_agreement_is_two_per_cent_of_parameters_and_five_of_macs():
    assert (AGREEMENT["params"], AGREEMENT["macs"]) == (0.02, 0.05)


@pytest.mark.parametrize("record", OTHERS.values(), ids=lambda record: record.id)
@pytest.mark.parametrize("field", FIELDS)
def test_a_figure_that_we_counted_is_checked_by_something_else(record, field):
    methods = [claim.method for claim in record.estimates if field in claim.fields]
    for tool in (COUNTED, BY_HAND):
        if any(tool in method for method in methods):
            assert [check for check in checks_of(record, field) if tool not in check.title]


def test_a_count_is_checked_by_a_recipe_that_is_there():
    counted = {name for name, record in OTHERS.items() if any(COUNTED in check.title for check in record.checks)}
    assert counted == set(RECIPES)


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in SEVERAL_INPUTS])
def test_the_recipe_of_a_count_is_for_the_input_of_the_record(name):
    shape = "x".join(str(size) for size in sizes(RECIPES[name]["input"]))
    stated = MODELS[name].input.replace("seq ", "1x")
    assert stated == shape or stated == f"1x{shape}"


@pytest.mark.parametrize("build", sorted({recipe["build"] for recipe in RECIPES.values()}))
def test_a_network_of_our_own_that_a_recipe_names_is_defined(build):
    module, _, name = build.partition(":")
    if module == "reference_nets":
        tree = ast.parse((TOOLS / f"{module}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("field", FIELDS)
def test_arithmetic_and_records_agree(field):
    for name, value in {"params": PARAMS, "macs": MACS}[field].items():
        methods = [claim.method for claim in MODELS[name].estimates if field in claim.fields]
        rel = WRITTEN if any(BY_HAND in method for method in methods) else AGREEMENT[field]
        assert getattr(MODELS[name], field) == pytest.approx(value, rel=rel), name


def test_what_arithmetic_is_said_to_give_it_gives():
    for field, values in (("params", PARAMS), ("macs", MACS)):
        said = {
            name
            for name, record in OTHERS.items()
            for claim in record.estimates
            if field in claim.fields and BY_HAND in claim.method
        }
        assert said <= set(values)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("mlperf-tiny-ic", 78_666),
        ("mlperf-tiny-vww", 221_794),
        ("mlperf-tiny-ad", 269_992),
        ("whisper-tiny", 37_760_640),
    ],
)
def test_arithmetic_meets_counts_of_others_to_the_last_weight(name, published):
    assert PARAMS[name] == published


def test_bert_by_hand():
    base = {"layers": 12, "hidden": 768, "inner": 3072}
    assert encoder_params(**base, vocabulary=30522, positions=512 + 2, pooled=True) == 109_482_240
    assert encoder_macs(**base, tokens=128) == 12 * (12 * 768**2 * 128 + 2 * 128**2 * 768)


def test_products_of_a_block_are_queries_with_keys_and_weights_with_values():
    tokens, text, width = 16, 3, 8
    own, across = 2 * tokens * tokens * width, 2 * tokens * text * width
    assert unet_products([(1, tokens, width)], text=text) == own + across
    assert unet_products([(5, tokens, width)], text=text) == 5 * (own + across)


def test_dlrm_has_a_table_for_each_of_26_features_of_at_most_40_million_rows():
    assert len(TERABYTE) == 26
    assert max(TERABYTE) <= 40_000_000


def test_the_catalogue_has_models_of_every_family():
    assert len(OTHERS) >= 130
    assert len(MODELS) >= 120
    families = Counter(record.family for record in MODELS.values())
    assert min(families[family] for family in ("cnn", "detector", "segmentation", "vit", "nlp-encoder", "speech")) >= 9
    assert min(families[family] for family in ("recsys", "diffusion", "tinyml")) >= 3


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("YOLOv5", "yolov5s"), ("yolov5s.pt", "yolov5s"), ("bert-base-uncased", "bert-base"), ("resnet-50", "resnet50"),
        ("mobilenet_v2", "mobilenetv2"), ("whisper", "whisper-small"), ("stable diffusion", "stable-diffusion-1.5"),
        ("yolov8", "yolov8s"), ("YOLO11n", "yolo11n"), ("中文 BERT", "bert-base-chinese"), ("ViT-B/32", "vit-base-32"),
        ("bge-small-zh-v1.5", "bge-small-zh"), ("facebook/detr-resnet-50", "detr-r50"), ("SDXL", "stable-diffusion-xl"),
        ("残差网络 101", "resnet101"), ("efficientnet_v2_s", "efficientnetv2-s"), ("segment anything", "sam-vit-b"),
    ],
)  # fmt: skip
def test_what_people_type_leads_to_one_model(typed, name):
    assert resolve(typed, MODELS).name == MODELS[name].name
    spelled = {
        key for key, one in MODELS.items() for said in (key, one.name, *one.aliases) if plain(said) == plain(typed)
    }
    assert spelled == {name}


def test_published_weights_are_a_name_and_other_files_of_their_format_are_not():
    assert resolve("YOLOv5s.pt", MODELS).name == "YOLOv5s"
    with pytest.raises(ModelFileError):
        resolve("my-yolov5s.pt", MODELS)
    with pytest.raises(ModelFileError):
        resolve(Path("yolov5s.pt"), MODELS)
