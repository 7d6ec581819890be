"""The console in a browser, over `asset-sync up`; by `make test-console`, not by `make test`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from console_browser import TUNING, WAIT_S, Service, Tabs, command

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The driver is only in the environment of `make test-console`.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]

_NAMES = (os.environ.get("ASSET_SYNC_CHROMIUM") or "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    options = ("--port", "0", "--console-port", "0", "--system", "everything")
    with command("up", *options, **TUNING) as started:
        yield Service(started["console"].rstrip("/"), started["environment"])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    assert CHROMIUM is not None, (
        "no Chromium here: apt-get install chromium, or CHROMIUM=/path/to/it"
    )
    expect.set_options(timeout=WAIT_S * 1_000)
    # Chromium's sandbox does not start for root, as in a container.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Tabs]:
    """Fails the test if a script fails, or a page breaks its own policy."""
    tabs = Tabs(browser, [])
    yield tabs
    for context in browser.contexts:
        context.close()
    assert tabs.complaints == []
