"""A running router and a browser. Without Chromium or the checks' packages these tests are skipped, and say so."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from bootstrap.console import Console
from smart_ai_router.testing.upstream import UpstreamServer, UpstreamThread
from tests.console.browsing import AXE, ConsolePage
from tests.console.scene import log_in, shop
from tests.e2e.router_harness import Router
from tests.tidy.python_source import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def upstream() -> Iterator[UpstreamServer]:
    with UpstreamThread() as started:
        yield started


@pytest.fixture(scope="session")
def built() -> None:
    """The console as its sources are now."""
    console = Console(ROOT)
    if not console.is_fresh():
        console.build()


@pytest.fixture(scope="session")
def router(built: None, upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with shop(upstream, tmp_path_factory.mktemp("shop")) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here (Debian: apt-get install chromium)")
    if not AXE.exists():
        pytest.skip("the console's packages are not installed here (npm ci in console/)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="session")
def session(router: Router) -> str:
    """The cookie of an administrator's session."""
    return log_in(router)


@pytest.fixture
def console(browser: Browser, router: Router, session: str, screenshots: Path) -> Iterator[ConsolePage]:
    """A fresh tab at 1280 pixels; at the end nothing may have gone wrong that the test did not ask for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN", color_scheme="light")
    context.set_default_timeout(15_000)
    tab = ConsolePage(context.new_page(), router, session, screenshots)
    yield tab
    context.close()
    assert not tab.faults, "\n".join(tab.faults)
