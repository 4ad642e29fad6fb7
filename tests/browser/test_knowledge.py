"""A reader browses the knowledge in Voilà: filters, compares, switches the language."""

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


def test_families_and_systems_are_browsed_and_compared(browser: Browser, tmp_path: Path) -> None:
    shutil.copy(packed("notebooks") / "zh" / "00-knowledge.ipynb", tmp_path)
    command = [sys.executable, "-m", "voila", "00-knowledge.ipynb", "--no-browser", f"--port={free_port()}"]
    server, address = started(command, tmp_path, re.compile(r"http://localhost:\d+/"))
    try:
        page = browser.new_page(viewport={"width": 1024, "height": 768})
        page.goto(address, timeout=2 * MINUTE_MS)
        families, side = page.locator(".advisor-compare").first, page.locator(".advisor-compare").nth(1)
        expect(families).to_contain_text("边缘设备", timeout=2 * MINUTE_MS)
        page.get_by_label("搜索").fill("Jetson")
        page.get_by_label("搜索").press("Enter")
        rows = page.locator(".advisor-scroll:not(.advisor-compare) tbody tr")
        expect(rows.first).to_contain_text("Jetson", timeout=MINUTE_MS)
        expect(side).to_contain_text("Jetson", timeout=MINUTE_MS)
        page.locator(".widget-toggle-button", has_text="English").click()
        expect(page.get_by_label("Search")).to_have_value("Jetson", timeout=MINUTE_MS)
        expect(families).to_contain_text("Edge device")
        assert page.evaluate("document.documentElement.scrollWidth") <= 1024
    finally:
        ended(server)
