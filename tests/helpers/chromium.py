"""A headless Chromium that connects only to our own servers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "ignore-certificate-errors", "disable-dev-shm-usage",
    "window-size=900,900",
)  # fmt: skip


@contextmanager
def chromium(directory: Path) -> Iterator[Any]:
    """Run one with an empty profile, and wait up to 20 s for what is looked for on a page."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        if os.environ.get("ZOHORECRUIT_REQUIRE_SERVERS") == "1":
            pytest.fail("chromium and chromedriver are not installed")
        pytest.skip("needs chromium and chromedriver")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"user-data-dir={directory}"):
        options.add_argument(f"--{flag}")
    with Chrome(options=options, service=Service(driver)) as browser:
        browser.implicitly_wait(20)
        yield browser
