"""A reader looks in Voilà at replicas, bill and break-even: tabs answer, nothing is cut off, the language switches."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from pictures import CUT_OFF
from playwright.sync_api import Browser, Page, expect
from servers import ended, free_port, started

from advisor.paths import packed

pytestmark = pytest.mark.browser

MINUTE_MS = 60_000
DATED = re.compile(r"20\d\d")


def opened(page: Page, tab: str) -> None:
    page.locator(".lm-TabBar-tab:visible", has_text=re.compile(f"^{tab}$")).click()


def nothing_is_cut_off(page: Page) -> None:
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366


def test_every_tab_answers_and_the_language_switches(browser: Browser, tmp_path: Path) -> None:
    shutil.copy(packed("notebooks") / "zh" / "02-capacity-and-cost.ipynb", tmp_path)
    command = [sys.executable, "-m", "voila", "02-capacity-and-cost.ipynb", "--no-browser", f"--port={free_port()}"]
    server, address = started(command, tmp_path, re.compile(r"http://localhost:\d+/"))
    try:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address, timeout=2 * MINUTE_MS)
        expect(page.locator(".js-plotly-plot .xtick").first).to_be_attached(timeout=2 * MINUTE_MS)
        nothing_is_cut_off(page)
        opened(page, "批处理")
        expect(page.locator(".js-plotly-plot:visible .xtick").first).to_be_attached(timeout=MINUTE_MS)
        nothing_is_cut_off(page)
        opened(page, "账单")
        expect(page.locator("table:visible").first).to_contain_text(DATED, timeout=MINUTE_MS)
        page.get_by_label("货币").select_option("CNY")
        expect(page.get_by_text(re.compile("汇率"))).to_be_visible(timeout=MINUTE_MS)
        opened(page, "盈亏平衡")
        expect(page.locator(".js-plotly-plot:visible .xtick").first).to_be_attached(timeout=2 * MINUTE_MS)
        nothing_is_cut_off(page)
        page.locator(".widget-toggle-button", has_text="English").click()
        expect(page.locator(".lm-TabBar-tab:visible", has_text="Break-even")).to_be_visible(timeout=MINUTE_MS)
        nothing_is_cut_off(page)
    finally:
        ended(server)
