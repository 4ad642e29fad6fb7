"""A comparison in files, in words and on the command line."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from english_words import CHINESE, english_words
from test_lab_statistics import series_of

from advisor import cli
from advisor.errors import MeasureError
from advisor.lab import Comparison
from advisor.lab.comparison_words import comparison_json, comparison_text
from advisor.text import languages

ROUNDS, SAMPLES = 20, 200
CALM = np.random.default_rng(0).normal(0.01, 0.0001, (ROUNDS, SAMPLES))


def comparison(**changes: object) -> Comparison:
    none = np.zeros_like(CALM)
    first, copy = series_of(CALM, waits=none, **changes), series_of(CALM * 1.001, waits=none, **changes)
    slower, batch = series_of(CALM * 2, waits=none, **changes), series_of(CALM * 4, waits=none, batch=8, **changes)
    return Comparison(first, copy, (slower, series_of(CALM, waits=none, **changes), batch), seed=3)


def test_it_comes_back_from_its_file_with_every_sample(tmp_path: Path) -> None:
    made = comparison()
    path = made.save(tmp_path)
    assert made.save(tmp_path) != path
    back = Comparison.load(path)
    assert json.dumps(back.record()) == json.dumps(made.record())
    assert (back.seed, back.rounds, back.basis, back.floor()) == (3, ROUNDS, "corrected", made.floor())
    for one, other in zip(back.series, made.series, strict=True):
        np.testing.assert_array_equal(one.times_s("corrected"), other.times_s("corrected"))
        assert (one.sizes, one.run.machine) == (other.sizes, other.run.machine)
    assert [back.decision(place) for place in range(3)] == ["slower", "same", "slower"]
    record = made.record()
    assert (record["kind"], record["format"]) == ("comparison", 1)
    unknown = Comparison(series_of(CALM), series_of(CALM), (), seed=0)
    assert Comparison.from_record(unknown.record()).basis == "wall"


BROKEN: dict[str, Callable[[dict], object]] = {
    "another kind": lambda record: record.update(kind="load"),
    "a later format": lambda record: record.update(format=2),
    "no kind": lambda record: record.pop("kind"),
    "no copy": lambda record: record.pop("copy"),
    "bursts that are not all": lambda record: record["first"].update(sizes=[1]),
    "bursts of nothing": lambda record: record["first"].update(sizes=[0, ROUNDS * SAMPLES]),
    "no bursts": lambda record: record["others"][0].update(sizes=[]),
    "waits of some": lambda record: record["copy"].update(delays_s=[0.0]),
    "a run of another format": lambda record: record["first"]["run"].update(format=99),
    "a run without samples": lambda record: record["first"]["run"].pop("samples_s"),
    "others that are none": lambda record: record.update(others=3),
    "a seed in words": lambda record: record.update(seed="x"),
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_or_foreign_record_is_refused(tmp_path: Path, spoil: Callable[[dict], object]) -> None:
    record = json.loads(json.dumps(comparison().record()))
    spoil(record)
    file = tmp_path / "x.json"
    file.write_text(json.dumps(record), encoding="utf-8")
    for ask in (lambda: Comparison.from_record(record), lambda: Comparison.load(file)):
        with pytest.raises(MeasureError) as caught:
            ask()
        assert caught.value.code in ("record_unreadable", "record_file")


@pytest.mark.parametrize("lang", languages())
def test_every_ratio_is_told_with_what_it_means(lang: str) -> None:
    made = comparison(delay_share=0.3)
    said = comparison_text(made, lang).replace(made.first.run.machine.system, "")
    assert not re.search(r"\{\w*\}|\bnan\b|None", said)
    assert bool(CHINESE.search(said)) == (lang == "zh")
    assert lang != "zh" or [w for w in english_words(said) if w not in ("digits", "CPUExecutionProvider")] == []
    lines = said.splitlines()
    words = {"en": ("slower", "the same"), "zh": ("更慢", "相同")}[lang]
    of_second, of_third, of_fourth = (
        next(line for line in lines if re.match(rf"[(（]{place}[)）].*[(（]1[)）]", line)) for place in (2, 3, 4)
    )
    assert "2 " in of_second
    assert words[0] in of_second
    assert words[1] in of_third
    assert "4 " in of_fourth
    assert "30.0 %" in said
    assert any("0.5 " in line for line in lines), "for each item of the batch of eight"


@pytest.mark.parametrize("lang", languages())
def test_too_few_rounds_say_so(lang: str) -> None:
    few = Comparison(series_of(CALM[:3]), series_of(CALM[:3]), (series_of(CALM[:3]),), seed=0)
    said = comparison_text(few, lang)
    assert {"en": "too few rounds", "zh": "轮数太少"}[lang] in said
    document = comparison_json(few)
    assert document["ratios"] == [{"ratio": None, "item_ratio": None, "decision": "undecided"}]
    assert document["floor"] is None


def test_the_document_holds_the_record_and_what_it_says() -> None:
    made = comparison(delay_share=0.01)
    document = json.loads(json.dumps(comparison_json(made), allow_nan=False))
    assert json.dumps(Comparison.from_record(document).record()) == json.dumps(made.record())
    ratio = made.ratio()
    assert ratio is not None
    assert document["ratios"][0]["ratio"] == {"low": ratio.low, "mid": ratio.mid, "high": ratio.high}
    assert document["ratios"][2]["item_ratio"]["mid"] == pytest.approx(0.5, rel=0.01)
    assert [each["decision"] for each in document["ratios"]] == ["slower", "same", "slower"]
    assert document["quantiles_ms"][0]["p50"]["mid"] == pytest.approx(10, rel=0.01)
    assert (document["interfered"], len(document["quantiles_ms"])) == (False, 5)


def test_the_command_line_measures_in_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare", "digits", "digits", "--seconds", "1", "--bursts", "6", "--save", str(tmp_path)]
    assert cli.main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], document["rounds"], len(document["ratios"])) == ("comparison", 6, 1)
    (file,) = tmp_path.glob("*.json")
    assert Comparison.load(file).rounds == 6
    for lang in languages():
        assert cli.main([*command[:7], "--lang", lang]) == 0
        assert bool(CHINESE.search(capsys.readouterr().out)) == (lang == "zh")


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["compare", "digits"], "compare"),
        (["compare", "digits", "none.onnx"], "none.onnx"),
        (["compare", "digits", "digits", "--seconds", "soon"], "soon"),
        (["compare", "digits", "digits", "--bursts", "0"], "bursts"),
    ],
)
def test_bad_arguments_are_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], part: str, lang: str
) -> None:
    assert cli.main([*arguments, "--lang", lang]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert part in said.err
