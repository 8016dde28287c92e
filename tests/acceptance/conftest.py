"""What the tests share: the pages in a real browser that must not complain, and one run of the demo."""

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from goldstream.settings import Settings, convert
from goldstream.web.server import serve

DESK = {"width": 1280, "height": 900}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
EXPECTED = re.compile(
    r"status of (401|404|422)|net::ERR_FAILED"
)  # what a browser says of an answer that the page itself explains
SECTIONS = {"web": {"port": 0}, "project": {"name": "ai-links", "labels": ["ai", "other"], "keep": "ai"}}


@pytest.fixture(scope="module")  # not longer: it leaves an event loop in this thread
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
            lambda said: complaints.append(said.text) if said.type == "error" and not EXPECTED.search(said.text) else None,
        )
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def memory_mb(root: psutil.Process, folder: Path) -> float:
    """The proportional set sizes of a project's processes: the command's tree, the keeper, and PostgreSQL below it."""
    keepers = [each for each in psutil.process_iter(["cmdline"]) if _keeps(each.info["cmdline"] or (), folder)]
    tree = {each for top in (root, *keepers) for each in (top, *_children(top))}
    return sum(map(_proportional_kb, tree)) / 1024


def _keeps(words: list[str], folder: Path) -> bool:
    return any("keeper.py" in word for word in words) and any(str(folder) in word for word in words)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _proportional_kb(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], float]:
    """The demo's project, its last line, and the most memory that it took (MB)."""
    folder = tmp_path_factory.mktemp("a demo") / "project"
    command = [sys.executable, "-m", "goldstream", "demo", str(folder), "--exit", "--port", "0", "--json"]
    most = 0.0
    with (folder.parent / "said").open("w+") as said:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as running:
            while running.poll() is None:
                most = max(most, memory_mb(psutil.Process(running.pid), folder))
                time.sleep(0.5)
            out = running.communicate(timeout=10)[0]
        assert running.returncode == 0, said.seek(0) or said.read()
    assert out.count("\n") == 1
    return folder / "goldstream.toml", json.loads(out), most


@pytest.fixture(scope="session")
def demo(watched: tuple[Path, dict[str, Any], float]) -> tuple[Path, dict[str, Any]]:
    return watched[:2]
