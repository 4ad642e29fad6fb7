"""A reader asks in Voilà whether a number is real: everything is drawn, nothing is cut off, the language switches."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from pictures import CUT_OFF
from playwright.sync_api import Browser, expect
from servers import ended, free_port, started

from advisor.paths import packed

pytestmark = pytest.mark.browser

MINUTE_MS = 60_000


def test_the_card_is_drawn_answers_and_switches_the_language(browser: Browser, tmp_path: Path) -> None:
    shutil.copy(packed("notebooks") / "zh" / "05-accuracy.ipynb", tmp_path)
    command = [sys.executable, "-m", "voila", "05-accuracy.ipynb", "--no-browser", f"--port={free_port()}"]
    server, address = started(command, tmp_path, re.compile(r"http://localhost:\d+/"))
    try:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address, timeout=2 * MINUTE_MS)
        expect(page.locator(".js-plotly-plot .xtick").first).to_be_attached(timeout=2 * MINUTE_MS)
        expect(page.locator(".js-plotly-plot")).to_have_count(4, timeout=MINUTE_MS)
        page.get_by_label("从这里开始").select_option(index=7)
        expect(page.get_by_text("无法预测")).to_be_visible(timeout=MINUTE_MS)
        expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=MINUTE_MS)
        page.get_by_label("数值格式").select_option("int4")
        page.get_by_label("设备", exact=True).select_option(label="NVIDIA GeForce RTX 4090")
        expect(page.locator(".js-plotly-plot")).to_have_count(4, timeout=MINUTE_MS)
        page.locator(".widget-toggle-button", has_text="English").click()
        expect(page.get_by_label("Start from")).to_be_visible(timeout=MINUTE_MS)
        expect(page.get_by_label("Device", exact=True).locator("option:checked")).to_have_text(
            "NVIDIA GeForce RTX 4090"
        )
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366
    finally:
        ended(server)
