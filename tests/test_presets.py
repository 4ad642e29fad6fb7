"""Presets are questions that can be asked, in both languages."""

import re
from pathlib import Path

import pytest

from advisor.errors import RecordError, UnknownIdError
from advisor.presets import preset, presets

RECORD = """id = "one"
order = 1
name = { en = "One", zh = "一" }
story = { en = "A story.", zh = "一件事。" }
[requirements]
model = "resnet50"
qps = 1
country = "CN"
p99_ms = 100
[[estimates]]
fields = ["requirements"]
method = "An example."
dated = 2026-11-25
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.toml").write_text(RECORD, encoding="utf-8")
    return tmp_path


def test_the_seven_situations_are_there_in_order() -> None:
    assert list(presets()) == [
        "campus-demo", "shop-camera", "hospital-imaging", "mobile-backend", "document-chat", "weekly-report",
        "factory-inspection",
    ]  # fmt: skip


def test_every_preset_tells_a_story_in_its_own_language_and_says_where_its_numbers_come_from() -> None:
    for one in presets().values():
        for words in (one.name, one.story):
            assert re.search("[\u4e00-\u9fff]", words.zh)
            assert not re.search("[\u4e00-\u9fff]", words.en)
        assert one.sources or one.estimates


def test_every_preset_has_an_answer() -> None:
    from advisor.pipeline import advise

    assert [name for name, one in presets().items() if advise(one.asked()).best is None] == []


def test_a_preset_is_read_as_it_stands(folder: Path) -> None:
    assert preset("one", folder).asked().qps == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [('order = 1\nsize = 3', "size"), ('order = "first"', "order"), ('order = 1\ncolour = "red"', "colour")],
)  # fmt: skip
def test_unknown_keys_and_wrong_types_are_refused(folder: Path, change: str, field: str) -> None:
    (folder / "one.toml").write_text(RECORD.replace("order = 1", change), encoding="utf-8")
    with pytest.raises(RecordError) as refused:
        presets(folder)
    assert refused.value.values["field"] == field


@pytest.mark.parametrize("wish", ["qps = -1", "qps = 1\nspeed = 3"])
def test_a_question_that_cannot_be_asked_is_refused(folder: Path, wish: str) -> None:
    (folder / "one.toml").write_text(RECORD.replace("qps = 1", wish), encoding="utf-8")
    with pytest.raises(RecordError):
        presets(folder)


def test_the_file_name_is_the_id(folder: Path) -> None:
    (folder / "one.toml").rename(folder / "two.toml")
    with pytest.raises(RecordError):
        presets(folder)


def test_an_unknown_preset_offers_the_known_ones() -> None:
    with pytest.raises(UnknownIdError) as refused:
        preset("nothing")
    assert "campus-demo" in refused.value.in_language("en")
