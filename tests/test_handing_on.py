"""The report button: nothing before it is asked for, files that are the report, gone when the answer changes."""

import re
from base64 import b64decode
from html import unescape

import pytest
from small_knowledge import KNOWLEDGE, WISHES

from advisor import Advice, Knowledge, Requirements, advise
from advisor.full_advice import FullAdvice
from advisor.text import catalogue, languages
from advisor.view.handing_on import HandingOn

LINK = re.compile(r'<a download="([^"]+)" href="data:([^;]+);charset=utf-8;base64,([^"]+)">([^<]+)</a>')


@pytest.fixture(scope="module")
def advice() -> FullAdvice:
    return advise(Requirements(**WISHES), Knowledge(KNOWLEDGE))


@pytest.mark.parametrize("lang", languages())
def test_the_files_are_the_report(advice: FullAdvice, lang: str) -> None:
    report = HandingOn()
    report.show(advice, lang)
    assert report.button.description == catalogue(lang)["view.report.make"]
    assert report.links.value == ""
    report.button.click()
    files = {name: (mime, b64decode(data).decode()) for name, mime, data, _ in LINK.findall(report.links.value)}
    assert files["advisor-report.html"] == ("text/html", advice.to_html(lang=lang))
    assert files["advisor-report.md"] == ("text/markdown", advice.to_markdown(lang))
    assert files["advisor-report.json"][0] == "application/json"
    assert Advice.from_json(files["advisor-report.json"][1]).document == advice.document
    words = [unescape(text) for *_, text in LINK.findall(report.links.value)]
    assert words == [catalogue(lang)[f"view.report.{kind}"] for kind in ("html", "md", "json")]


def test_another_answer_or_language_takes_the_files_away(advice: FullAdvice) -> None:
    report = HandingOn()
    report.show(advice, "en")
    report.make()
    report.show(advice, "en")
    assert report.links.value
    report.show(advice, "zh")
    assert report.links.value == ""


def test_nothing_is_made_before_there_is_an_answer() -> None:
    report = HandingOn()
    report.button.click()
    assert report.links.value == ""
