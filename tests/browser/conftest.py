"""JupyterLab as ``advisor notebooks --no-browser`` starts it, and a real Chromium.

Playwright keeps an event loop running while it lives, so both end with their module.
"""

import re
import shutil
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from servers import ended, free_port, started

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+/\S*")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), MAC)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address, with its token, that ``advisor notebooks --no-browser`` prints."""
    folder = tmp_path_factory.mktemp("lab")
    command = [sys.executable, "-m", "advisor", "notebooks", "--no-browser", "--lang", "zh", "--port", str(free_port()),
               "--folder", str(folder / "notebooks")]  # fmt: skip
    server, address = started(command, folder, ADDRESS)
    yield address
    ended(server)
