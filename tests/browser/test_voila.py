"""The same notebook as a page without code: Voilà."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from servers import ended, free_port, started

from advisor.paths import packed

pytestmark = pytest.mark.browser

MINUTE_MS = 60_000
LOW_PX = 300


def test_the_app_answers_and_draws_in_voila(browser: Browser, tmp_path: Path) -> None:
    shutil.copy(packed("notebooks") / "en" / "01-advise.ipynb", tmp_path)
    command = [sys.executable, "-m", "voila", "01-advise.ipynb", "--no-browser", f"--port={free_port()}"]
    server, address = started(command, tmp_path, re.compile(r"http://localhost:\d+/"))
    try:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address, timeout=2 * MINUTE_MS)
        row = page.locator(".advisor-scroll table tbody tr").first
        expect(row).to_be_visible(timeout=2 * MINUTE_MS)
        expect(page.locator(".jp-RenderedPlotly .point").first).to_be_visible(timeout=MINUTE_MS)
        frame = page.locator(".jp-RenderedPlotly").first.bounding_box()
        assert frame is not None
        assert frame["height"] > LOW_PX, "the chart is there but flat: nobody sees it"
        page.get_by_role("button", name="Report to hand on").click()
        with page.expect_download() as saved:
            page.get_by_role("link", name="web page").click(timeout=MINUTE_MS)
        report = saved.value.path().read_text(encoding="utf-8")
        assert "What would change it?" in report
        assert "<script" not in report
        before = row.inner_text()
        page.get_by_label("Start from").select_option(label="Factory inspection")
        expect(row).not_to_have_text(before, timeout=MINUTE_MS, use_inner_text=True)
    finally:
        ended(server)
