"""Journeys: a real Chromium in front of a whole installation."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from tests.house import RunningHouse

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHouse]:
    """A running installation with an empty database on the server that the tests use."""
    running = RunningHouse(tmp_path_factory.mktemp("house"), os.environ["DATABASE_URL"])
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if executable is None:
        pytest.skip("no Chromium: install the package chromium to run the journeys")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=WIDE, locale="en-GB", timezone_id="Europe/Brussels")
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the journeys are kept: ``build/screenshots`` in the checkout."""
    directory = Path(__file__).resolve().parents[2] / "build" / "screenshots"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def newest_link(house: RunningHouse, address: str) -> str:
    """The last link mailed to an address."""
    mails = sorted(house.mail_directory.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
    for mail in mails:
        text = mail.read_text()
        if f"To: {address}" in text:
            links = re.findall(r"https?://\S+", text)
            if links:
                return links[-1]
    raise AssertionError(f"no mail with a link for {address}")
