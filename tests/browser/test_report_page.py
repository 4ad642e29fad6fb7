"""A report with hostile names and notes in a real Chromium: it runs nothing, loads nothing, and fits its page."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from advisor import ModelSpec, Requirements, advise
from advisor.full_advice import FullAdvice
from advisor.text import languages

pytestmark = pytest.mark.browser

HOSTILE = (
    "</title></h1><script>window.hit=1</script><img src=x onerror=window.hit=2>"
    "<svg onload=window.hit=3><a href='javascript:window.hit=4'>x</a>{{7*7}}"
)


@pytest.fixture(scope="module")
def advice() -> FullAdvice:
    model = ModelSpec(family="cnn", params=25.6e6, name=HOSTILE)
    return advise(Requirements(model=model, qps=20, p99_ms=200, country="CN"))


@pytest.mark.parametrize("lang", languages())
def test_a_hostile_report_is_inert(browser: Browser, advice: FullAdvice, tmp_path: Path, lang: str) -> None:
    path = tmp_path / "report.html"
    advice.to_html(path, lang, note=HOSTILE)
    context = browser.new_context(offline=True, viewport={"width": 1024, "height": 768})
    page = context.new_page()
    asked: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None
    assert asked == [path.as_uri()]
    assert dialogs == []
    assert page.locator("script, img, iframe, form").count() == 0
    assert HOSTILE in page.locator("h1").inner_text()
    assert page.locator(".note").inner_text() == HOSTILE
    links = page.locator("a").evaluate_all("all => all.map(one => one.protocol)")
    assert set(links) <= {"http:", "https:"}
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
    context.close()


@pytest.mark.parametrize("lang", languages())
def test_the_five_answers_fill_the_first_page_of_a4(browser: Browser, tmp_path: Path, lang: str) -> None:
    """A4 at 96 dots an inch less the margins is 703 x 1017 px: the answers end before that."""
    path = tmp_path / "report.html"
    advise(Requirements(model="resnet50", qps=50, p99_ms=100, country="CN")).to_html(path, lang)
    page = browser.new_page(viewport={"width": 703, "height": 1017})
    page.emulate_media(media="print")
    page.goto(path.as_uri())
    box = page.locator(".answers").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 1017
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    page.close()
