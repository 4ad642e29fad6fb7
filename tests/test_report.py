"""Reports: five answers first, every fact with its source, inert whatever it is given, a round trip through JSON."""

import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from english_words import CHINESE, english_words
from small_knowledge import Ask

from advisor import Advice, ModelSpec, Requirements, advise, cli
from advisor import document as documents
from advisor.answers import QUESTIONS, five_answers
from advisor.errors import DocumentError
from advisor.full_advice import FullAdvice
from advisor.report import label
from advisor.text import catalogue, languages
from advisor.what_if import same_kind
from advisor.written import web_address

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>|`[a](javascript:alert(3))'
QUESTIONS_ASKED: dict[str, dict[str, Any]] = {
    "China": {"model": "resnet50", "qps": 50, "p99_ms": 100, "country": "CN"},
    "own room": {"model": "bert-base", "qps": 20, "p99_ms": 200, "country": "DE", "data": "on-premises"},
    "devices": {"model": "yolov5s", "qps": 1, "p99_ms": 500, "country": "CN", "offline": True},
    "chat": {"model": "llama-3-8b", "qps": 1, "country": "US"},
    "rare": {"model": "mobilenetv2", "qps": 0.01, "p99_ms": 5000, "country": "US", "skills": "none"},
    "sizes": {"model": ModelSpec(family="cnn", params=25.6e6), "qps": 5, "p99_ms": 300, "country": "US"},
    "nothing": {"model": "resnet50", "qps": 50, "p99_ms": 0.001, "country": "US"},
}
every_question = pytest.mark.parametrize("asked", QUESTIONS_ASKED)
every_language = pytest.mark.parametrize("lang", languages())


@cache
def answered(asked: str) -> FullAdvice:
    """Advice on the packed knowledge, its document worked out once."""
    return advise(Requirements(**QUESTIONS_ASKED[asked]))


class Seen(HTMLParser):
    """Tags, attributes and texts of a page; evidence is kept apart, as titles of sources stay as they were printed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._stack: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._stack.append("evidence" if (tag, dict(attrs).get("class")) == ("section", "evidence") else tag)

    def handle_endtag(self, tag: str) -> None:
        while self._stack and (last := self._stack.pop()) != tag:
            if last == "evidence" and tag == "section":
                break

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"evidence", "style"} & set(self._stack):
            self.text.append(data.strip())


# The first page


@every_question
@every_language
def test_the_five_questions_stand_first_and_are_answered(asked: str, lang: str) -> None:
    advice = answered(asked)
    answers = five_answers(advice.document, advice.knowledge, lang)
    best = advice.best
    assert list(answers) == [code for code in QUESTIONS if best or code not in ("cost", "cheaper")]
    assert all(lines and all(line.strip() for line in lines) for lines in answers.values())
    html = advice.to_html(lang=lang)
    places = [html.index(catalogue(lang)[f"question.{code}"]) for code in answers]
    assert places == sorted(places)
    assert places[-1] < html.index("<table")
    if best is not None:
        assert label(best.names, "hardware", lang) in answers["use"][0]
        assert best.price_date in " ".join(answers["cost"])


def test_a_cheaper_stack_that_fits_is_named_with_what_decides() -> None:
    advice = answered("own room")
    best = advice.best
    assert best is not None
    assert best.usd_per_month is not None
    cheaper = [o for o in advice.shortlist if o.usd_per_month is not None and o.usd_per_month < best.usd_per_month]
    said = five_answers(advice.document, advice.knowledge, "en")["cheaper"]
    if cheaper:
        least = min(cheaper, key=lambda option: option.usd_per_month or 0)
        assert least.names["hardware"] in said[0]
        assert "What decides" in said[1]
    else:
        assert said[0] == catalogue("en")["answer.none_cheaper"]


@every_question
def test_a_cheaper_miss_costs_less_and_one_rule_stops_it(asked: str) -> None:
    advice = answered(asked)
    miss, best = advice.document.cheaper, advice.best
    if miss is not None:
        assert best is not None
        assert miss.usd_per_month is not None
        assert best.usd_per_month is not None
        assert miss.usd_per_month < best.usd_per_month
        assert len({reason.rule for reason in miss.reasons}) == 1


@every_question
def test_the_cost_spans_the_latency_interval(asked: str) -> None:
    advice = answered(asked)
    cost, best = advice.document.cost, advice.best
    if best is None or best.usd_per_month is None:
        assert cost is None
    else:
        assert cost is not None
        assert cost.low <= best.usd_per_month * (1 + 1e-9)
        at = cost.mid if best.cold else cost.high
        assert at == pytest.approx(best.usd_per_month, rel=1e-6)


# What would change it


@every_question
def test_what_would_change_the_first_choice_does(asked: str) -> None:
    advice = answered(asked)
    changes = advice.document.what_if
    assert changes
    for change in changes[:: max(1, len(changes) // 3)]:
        other = advise(Requirements(**{**QUESTIONS_ASKED[asked], change.field: change.value})).best
        assert (other.id if other else None) == (change.best.id if change.best else None)
        assert change.same == same_kind(advice.best, other)
        assert not (change.searched and change.same)


def test_a_point_that_was_searched_is_where_the_choice_changes(ask: Ask) -> None:
    advice = ask()
    assert isinstance(advice, FullAdvice)
    searched = [change for change in advice.document.what_if or () if change.searched]
    assert searched
    for change in searched:
        just_before = change.value + (float(change.was) - change.value) * 0.3  # type: ignore[operator, arg-type]
        assert same_kind(ask(**{change.field: just_before}).best, advice.best), change


# Evidence


@every_question
@every_language
def test_every_fact_has_its_source_and_date_or_is_an_estimate_with_its_method(asked: str, lang: str) -> None:
    advice = answered(asked)
    for line in advice.document.evidence:
        assert line.title.strip(), line
        assert line.dated[:2] == "20" or "column" in line.dated, line
        for fact in line.facts:
            assert f"fact.{fact}" in catalogue(lang), line
    section = advice.page(lang).sections[-1]
    assert len(section.rows) == len(advice.document.evidence)
    estimates = [row for row in section.rows if row.estimate]
    assert {row.cells[2] for row in estimates} == {catalogue(lang)["report.basis_estimate"]}


@every_question
def test_every_price_device_and_system_on_the_page_is_claimed(asked: str) -> None:
    advice = answered(asked)
    homes = {line.home for line in advice.document.evidence}
    for option in advice.document.options:
        assert f"devices/{option.device}" in homes
        assert {f"systems/{name}" for name in option.systems} <= homes
        if option.usd_per_month is not None and option.site == "cloud":
            assert {f"offers/{option.provider}", "serverless"} & homes


# Languages


@every_question
def test_a_chinese_report_holds_no_english_sentence(asked: str) -> None:
    page = Seen(answered(asked).to_html(lang="zh"))
    text = "\n".join(page.text)
    assert CHINESE.search(text)
    assert english_words(text) == []


@every_question
def test_an_english_report_holds_no_chinese(asked: str) -> None:
    page = Seen(answered(asked).to_html(lang="en"))
    assert CHINESE.findall("\n".join(page.text)) == []


# Hostile input


@every_language
def test_whatever_is_given_is_text(lang: str) -> None:
    model = ModelSpec(family="cnn", params=25.6e6, name=HOSTILE)
    advice = advise(Requirements(model=model, qps=5, p99_ms=300, country="US"))
    page = Seen(advice.to_html(lang=lang, note=HOSTILE))
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "iframe", "object", "embed", "link", "form", "input", "base"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    addresses = [str(attributes[name]) for _, attributes in page.tags for name in ("href", "src") if name in attributes]
    assert all(address.startswith(("http://", "https://", "#")) for address in addresses)
    assert sum(HOSTILE in text for text in page.text) >= 2
    markdown = advice.to_markdown(lang, note=HOSTILE)
    assert "<script" not in markdown
    assert "<img" not in markdown
    assert not re.search(r"(?<!\\)\]\(javascript", markdown)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//host", "", "http://["]
)
def test_only_addresses_of_the_web_are_links(url: str) -> None:
    assert web_address(url) is None
    assert web_address("https://example.org/a?b=c") == "https://example.org/a?b=c"


# Size, files, JSON


def test_fifty_rows_are_small_and_need_no_network() -> None:
    advice = answered("China")
    assert len(advice.document.options) >= 50
    text = advice.to_html(lang="zh")
    assert len(text.encode()) < 1e6
    loading = [tag for tag, attributes in Seen(text).tags if "src" in attributes or tag == "link"]
    assert loading == []
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text


@every_question
def test_json_makes_the_round_trip(asked: str) -> None:
    advice = answered(asked)
    for text in (advice.to_json(), advice.to_json(what_if=True)):
        again = Advice.from_json(text)
        assert again.to_json() == text
        assert again.asked == advice.asked
        assert again.table(20, "zh").equals(advice.table(20, "zh"))
        assert again.families("zh").equals(advice.families("zh"))
    for lang in languages():
        assert again.to_html(lang=lang) == advice.to_html(lang=lang)
        assert again.to_markdown(lang) == advice.to_markdown(lang)
    for option in advice.shortlist[:5]:
        assert again.explain(option.id, "en") == advice.explain(option.id, "en")
    assert list(again.options.columns) == list(advice.options.columns)
    assert set(again.rejected.columns) <= set(advice.rejected.columns) or again.rejected.empty


def test_the_published_schema_is_that_of_the_program() -> None:
    published = json.loads((ROOT / "docs" / "advice.schema.json").read_text(encoding="utf-8"))
    assert published == documents.schema()


@pytest.mark.parametrize("text", ["", "{}", "null", "[1]", '{"format": "advisor/advice/1"}', "no json"])
def test_what_is_no_advice_is_refused_in_words(text: str) -> None:
    with pytest.raises(DocumentError) as refused:
        Advice.from_json(text)
    for lang in languages():
        assert documents.FORMAT in refused.value.in_language(lang)


# The command


ASKED = ["report", "--model", "resnet50", "--qps", "50", "--p99-ms", "100", "--country", "US"]


@pytest.mark.parametrize(("name", "mark"), [("r.html", "<!DOCTYPE html>"), ("r.md", "# ResNet-50"), ("r.json", "{")])
def test_the_command_writes_what_the_suffix_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, mark: str
) -> None:
    path = tmp_path / name
    assert cli.main([*ASKED, "--out", str(path), "--note", "for the board"]) == 0
    assert str(path) in capsys.readouterr().out
    assert path.read_text(encoding="utf-8").startswith(mark)


def test_a_report_can_be_made_of_what_was_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "advice.json"
    saved.write_text(answered("China").to_json(what_if=True), encoding="utf-8")
    assert cli.main(["report", "--from", str(saved), "--lang", "zh"]) == 0
    assert capsys.readouterr().out.strip() == answered("China").to_markdown("zh").strip()


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["report", "--from", "none.json"], "none.json"),
        (["report", "--from", __file__], documents.FORMAT),
        ([*ASKED, "--out", "/no/such/folder/r.html"], "/no/such/folder/r.html"),
        ([*ASKED, "--format", "pdf"], "pdf"),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], part: str, lang: str
) -> None:
    assert cli.main([*arguments, "--lang", lang]) == 2
    said = capsys.readouterr().err
    assert part in said
    assert said.count("\n") == 1
