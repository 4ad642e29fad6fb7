"""A reader measures in Voilà: samples arrive, the two loops are drawn, nothing is cut off, the language switches."""

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


def test_a_measurement_an_upload_and_two_loops(browser: Browser, tmp_path: Path) -> None:
    shutil.copy(packed("notebooks") / "zh" / "04-measure.ipynb", tmp_path)
    command = [sys.executable, "-m", "voila", "04-measure.ipynb", "--no-browser", f"--port={free_port()}"]
    server, address = started(command, tmp_path, re.compile(r"http://localhost:\d+/"))
    try:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address, timeout=2 * MINUTE_MS)
        with page.expect_file_chooser(timeout=2 * MINUTE_MS) as chooser:
            page.get_by_role("button", name="上传 .onnx 文件").click(timeout=2 * MINUTE_MS)
        chooser.value.set_files(packed("data") / "lab" / "digits.onnx")
        expect(page.get_by_label("模型或 .onnx 文件路径").first).to_have_value(re.compile(r"digits\.onnx$"))
        page.get_by_label("秒数").first.fill("1")
        page.get_by_label("秒数").first.press("Tab")
        page.get_by_role("button", name="开始测量").click()
        expect(page.get_by_text(re.compile("^完成："))).to_be_visible(timeout=MINUTE_MS)
        expect(page.locator(".js-plotly-plot")).to_have_count(1)
        page.locator(".lm-TabBar-tab", has_text="两种压测方式").click()
        page.get_by_label("每次压测时长").fill("2")
        page.get_by_label("每次压测时长").press("Tab")
        page.get_by_role("button", name="压测两次").click()
        expect(page.locator(".js-plotly-plot:visible .legendtext")).to_have_count(2, timeout=MINUTE_MS)
        page.locator(".widget-toggle-button", has_text="English").click()
        expect(page.get_by_role("button", name="Load the server twice")).to_be_visible(timeout=MINUTE_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366
    finally:
        ended(server)
