"""The pages in a real browser: the system's own Chromium, and pages that must not complain."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from goldstream.settings import Settings, convert
from goldstream.web.server import serve

DESK = {"width": 1280, "height": 900}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SECTIONS = {"web": {"port": 0}, "project": {"name": "ai-links", "labels": ["ai", "other"], "keep": "ai"}}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(found).exists():
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def sections() -> dict[str, Any]:
    """The settings of the pages; a test module may have its own."""
    return SECTIONS


@pytest.fixture
def address(store, sections, tmp_path) -> Iterator[str]:
    stop, ready, addresses = threading.Event(), threading.Event(), []

    def note(where: str) -> None:
        addresses.append(where)
        ready.set()

    settings = convert(sections, Settings, "test")
    thread = threading.Thread(target=serve, args=(store, settings, stop), kwargs={"ready": note, "folder": tmp_path})
    thread.start()
    assert ready.wait(30)
    yield addresses[0]
    stop.set()
    thread.join()


@pytest.fixture
def open_page(browser, address) -> Iterator[Callable[..., Any]]:
    """Opens a path; at the end, no page may have complained."""
    complaints: list[str] = []
    contexts = []

    def opened(path: str, viewport: dict[str, int] = DESK, scheme: str = "light") -> Any:
        context = browser.new_context(viewport=viewport, color_scheme=scheme, base_url=address)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" and " 404 " not in said.text else None,
        )
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
