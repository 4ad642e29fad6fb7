"""A reader opens the notebook in JupyterLab, runs it, changes a number, and measures a model."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser

MINUTE_MS = 60_000
OPEN_MS = 2 * MINUTE_MS


@pytest.fixture(scope="module")
def page(browser: Browser, lab: str) -> Page:
    """Notebook with all its cells run."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=OPEN_MS)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=OPEN_MS)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).first.click()
    expect(ranked(page)).to_be_visible(timeout=OPEN_MS)
    return page


def ranked(page: Page) -> Locator:
    """First row of the ranked table."""
    return page.locator(".advisor-scroll table tbody tr").first


def test_the_address_opens_the_notebook_of_the_language(page: Page) -> None:
    assert page.url.split("?")[0].endswith("/lab/tree/zh/01-advise.ipynb")
    expect(page.locator(".jp-Notebook h1").first).to_contain_text("模型该部署在哪种系统上")


def test_all_cells_run_without_an_error(page: Page) -> None:
    expect(page.locator(".jp-InputPrompt").last).not_to_contain_text("*", timeout=OPEN_MS)
    expect(page.locator('[data-mime-type="application/vnd.jupyter.stderr"], .jp-mod-error')).to_have_count(0)


def test_the_plot_is_drawn_without_a_network(page: Page) -> None:
    page.locator(".jp-RenderedPlotly").first.scroll_into_view_if_needed()
    expect(page.locator(".jp-RenderedPlotly .point").first).to_be_visible(timeout=MINUTE_MS)
    expect(page.locator(".jp-RenderedPlotly")).to_contain_text("费用，美元/月")


def test_changing_a_control_changes_the_table(page: Page) -> None:
    page.get_by_label("从典型场景开始").select_option(label="手机应用后端")
    expect(page.get_by_label("每个站点平均每秒请求数")).to_have_value("50", timeout=MINUTE_MS)
    before = ranked(page).inner_text()
    page.get_by_label("每个站点平均每秒请求数").fill("5000")
    page.get_by_label("每个站点平均每秒请求数").press("Enter")
    expect(ranked(page)).not_to_have_text(before, timeout=MINUTE_MS, use_inner_text=True)


def test_a_wrong_number_is_said_beside_its_control(page: Page) -> None:
    box = page.get_by_label("每个站点平均每秒请求数")
    box.fill("-5")
    box.press("Enter")
    expect(page.locator(".advisor-wrong .advisor-error")).to_contain_text("qps", timeout=MINUTE_MS)
    box.fill("20")
    box.press("Enter")
    expect(page.locator(".advisor-wrong")).to_have_count(0, timeout=MINUTE_MS)


def test_the_switch_turns_the_form_to_english(page: Page) -> None:
    page.locator(".widget-toggle-button", has_text="English").click()
    expect(page.get_by_label("Country of users and data")).to_be_visible(timeout=MINUTE_MS)
    expect(page.locator(".advisor-scroll th").nth(1)).to_have_text("System · Region")


def test_a_measurement_is_cancelled(page: Page) -> None:
    page.locator(".lm-TabBar-tab", has_text="Measure on this machine").click()
    expect(page.locator(".advisor-digits img")).to_have_count(8, timeout=MINUTE_MS)
    page.get_by_label("Seconds").fill("600")
    page.get_by_label("Seconds").press("Enter")
    page.locator("button", has_text="Measure").first.click()
    expect(page.locator(".advisor-note", has_text="samples …")).to_be_visible(timeout=MINUTE_MS)
    page.locator("button", has_text="Cancel").click()
    expect(page.locator(".advisor-note", has_text="Cancelled after")).to_be_visible(timeout=MINUTE_MS)


def test_a_measurement_runs_to_its_verdict(page: Page) -> None:
    page.get_by_label("Seconds").fill("2")
    page.get_by_label("Seconds").press("Enter")
    page.locator("button", has_text="Measure").first.click()
    expect(page.locator(".advisor-note", has_text="Done:")).to_be_visible(timeout=MINUTE_MS)
    expect(page.locator(".advisor-lead", has_text="SLO p99 ≤ 150 ms: met")).to_be_visible(timeout=MINUTE_MS)
    expect(page.locator("li", has_text="p99:")).to_be_visible()


def test_the_server_asks_for_its_token(lab: str, browser: Browser) -> None:
    assert parse_qs(urlsplit(lab).query)["token"]
    stranger = browser.new_page()
    stranger.goto(lab.split("?", maxsplit=1)[0])
    expect(stranger.locator("#login_submit")).to_be_visible(timeout=MINUTE_MS)
    stranger.close()
