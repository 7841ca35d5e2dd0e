"""A real server and a real browser, which may talk to each other and to nobody else."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Timer
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from playwright.sync_api import Error, Page, sync_playwright

from core.service.review import server as review_server
from core.settings import Settings
from tests.forked import end, start_dashboard
from tests.needed import skip_without
from tests.openid_provider import Provider, provider

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOME = {"", review_server.HOST, "localhost"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def settings(assessed_home: Path) -> Settings:
    return Settings(home=assessed_home)


@pytest.fixture
def serve(assessed_home: Path) -> Iterator[Callable[..., str]]:
    """Start the dashboard as `assay review` does, for a reviewer, and give its address."""
    with ExitStack() as stack:

        def start(reviewer: str = "", home: Path = assessed_home, **given: object) -> str:
            with socket.socket() as probe:
                probe.bind((review_server.HOST, 0))
                port = probe.getsockname()[1]
            settings = Settings(home=home, reviewer=reviewer, **given)
            server = start_dashboard(settings, port)
            stack.callback(end, server)
            address = f"http://{review_server.HOST}:{port}"
            while not answers(f"{address}/_stcore/health"):
                assert server.is_alive(), "the server ended by itself"
                time.sleep(0.1)
            return address

        yield start


@pytest.fixture(scope="module")
def openid() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture
def serve_team(openid, assessed_home) -> Iterator[Callable[..., str]]:
    """Start the dashboard as `assay review` does for a team, and give its address."""
    with ExitStack() as stack:

        def start(**given: object) -> str:
            with socket.socket() as probe:
                probe.bind((review_server.HOST, 0))
                port = probe.getsockname()[1]
            base = f"http://{review_server.HOST}:{port}/assay"
            settings = Settings(home=assessed_home, base_url=base, **openid.variables, **given)
            server = start_dashboard(settings, port)
            stack.callback(end, server)
            while True:
                assert server.is_alive(), "the server ended by itself"
                try:
                    httpx.get(f"{base}/_stcore/health").raise_for_status()
                    return base
                except httpx.HTTPError:
                    time.sleep(0.1)

        yield start


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A browser window of a review station; the test fails if it asks anybody else for anything."""
    skip_without(CHROMIUM.exists(), f"There is no {CHROMIUM}: apt-get install chromium")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            args=FLAGS,
            viewport={"width": 1440, "height": 900},
        )
        window = browser.new_page()
        browser.on("request", lambda request: asked.append(request.url))
        window.on("websocket", lambda websocket: asked.append(websocket.url))
        yield window
        # Playwright waits for chromium's end without limit, and chromium may hang on its way out.
        hanging = Timer(60, kill_browser, [tmp_path / "profile"])
        hanging.start()
        with suppress(Error):  # it was killed
            browser.close()
        hanging.cancel()
    assert asked
    assert [url for url in asked if (urlsplit(url).hostname or "") not in HOME] == []


def kill_browser(profile: Path) -> None:
    """Kill the browser of a profile."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if f"--user-data-dir={profile}" in process.cmdline():
                process.kill()


@pytest.fixture
def received(page: Page) -> list[bytes]:
    """Everything that the server sends to the browser, over the websocket and besides it."""
    parts: list[bytes] = []

    def keep(payload: str | bytes) -> None:
        parts.append(payload.encode() if isinstance(payload, str) else payload)

    page.on("websocket", lambda websocket: websocket.on("framereceived", keep))
    page.on("response", lambda one: keep(one.body()) if "assay-" in one.url else None)
    return parts
