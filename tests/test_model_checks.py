"""A second look at the reference models: counted from the architecture, or told by another source."""

import csv
import sys
import tomllib
from pathlib import Path

import pytest

from advisor.knowledge import read_table
from advisor.paths import DATA
from advisor.schema import Check, Model
from advisor.units import BILLION, MILLION

TOOLS = Path(__file__).parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

from count_models import attention, decoder, latent_attention, lines  # noqa: E402

RECORDS = [
    Model(**tomllib.loads(path.read_text(encoding="utf-8"))) for path in sorted((DATA / "models").glob("*.toml"))
]
LANGUAGE_MODELS = [record for record in RECORDS if record.family == "llm"]
MIXTURES = [record for record in LANGUAGE_MODELS if record.active_params]
AGREEMENT = read_table(DATA / "checks.toml")["agreement"]
OWN = "tools/count_models.py"
LINES = lines()
WRITTEN = 5e-4
"""Half of the last of four digits."""


def checks_of(record: Model, field: str) -> list[Check]:
    return [check for check in record.checks if check.field == field]


def own_check(record: Model, field: str) -> Check:
    (check,) = [check for check in checks_of(record, field) if OWN in check.title]
    return check


def test_there_are_language_models_of_every_size():
    sizes = sorted(record.params for record in LANGUAGE_MODELS)
    assert len(sizes) >= 55
    assert sizes[0] < 200 * MILLION
    assert sizes[-1] > 400 * BILLION


@pytest.mark.parametrize("record", LANGUAGE_MODELS, ids=lambda record: record.id)
def test_parameters_of_a_language_model_are_checked_within_the_agreement(record):
    found = checks_of(record, "params")
    assert found
    for check in (*found, *checks_of(record, "active_params")):
        assert check.value == pytest.approx(getattr(record, check.field), rel=AGREEMENT[check.field])


@pytest.mark.parametrize("record", LANGUAGE_MODELS, ids=lambda record: record.id)
def test_the_counting_tool_remakes_the_committed_checks(record):
    every, active = decoder(record, LINES[record.id])
    assert own_check(record, "params").value == pytest.approx(every, rel=WRITTEN)
    if record.active_params:
        assert own_check(record, "active_params").value == pytest.approx(active, rel=WRITTEN)


@pytest.mark.parametrize("record", MIXTURES, ids=lambda record: record.id)
def test_a_mixture_of_experts_states_what_one_token_uses(record):
    line = LINES[record.id]
    assert record.active_params < record.params / 2
    assert 0 < line["active_experts"] < line["experts"]


def test_only_mixtures_of_experts_have_active_parameters():
    assert {record.id for record in MIXTURES} == {name for name, line in LINES.items() if line["experts"]}


def test_the_table_holds_exactly_the_language_models_and_says_where_from():
    with (TOOLS / "counts_llm.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == sorted(record.id for record in LANGUAGE_MODELS)
    assert [row["model"] for row in rows if not row["source"].strip()] == []


def test_latent_attention_is_written_as_a_cache_of_the_size_that_it_takes():
    latent = {record.id: record for record in MIXTURES if LINES[record.id]["latent_rank"]}
    assert "deepseek-v3" in latent
    for name, record in latent.items():
        line = LINES[name]
        assert 2 * record.kv_heads * record.head_size == line["latent_rank"] + line["rope_size"]


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("llama-3.1-8b", 8_030_261_248), ("qwen2.5-72b", 72_706_203_648), ("mixtral-8x22b", 140_630_071_296),
        ("deepseek-v2-lite", 15_706_484_224), ("deepseek-v3", 671_026_419_200), ("gpt-oss-120b", 116_829_156_672),
        ("gemma-2-27b", 27_227_128_320), ("kimi-k2", 1_026_408_235_864),
    ],
)  # fmt: skip
def test_counts_meet_the_stored_weights_to_a_thousandth(name, published):
    record = next(record for record in LANGUAGE_MODELS if record.id == name)
    assert decoder(record, LINES[name])[0] == pytest.approx(published, rel=1e-3)


def test_grouped_queries_share_keys_and_values():
    assert attention(hidden=4096, heads=32, kv_heads=32, head_size=128) == 4 * 4096**2
    assert attention(hidden=4096, heads=32, kv_heads=8, head_size=128) == 2.5 * 4096**2


def test_latent_attention_of_deepseek_v3_by_hand():
    queries, keys, values, output = 7168 * 1536 + 1536 * 128 * 192, 7168 * 576, 512 * 128 * 256, 128 * 128 * 7168
    assert (
        latent_attention(hidden=7168, heads=128, query_rank=1536, latent_rank=512, nope=128, rope=64, value=128)
        == queries + keys + values + output
    )
