"""Makes a picture of every page, light and dark, at a desk and on a phone: `make screenshots`.

Without a project, the demo is run first, in a folder of its own, and a few answers are given in its name. Beside it stand an
empty project, one with forty labels and posts that strain a page, and one that asks for a token.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from goldstream.annotation import answers
from goldstream.annotation.rounds import draw_round
from goldstream.run.project import Project
from goldstream.web.server import serve

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
PAGES = {
    "live": "/", "earlier": "/?before=9000", "links": "/links", "annotate": "/annotate",
    "adjudicate": "/adjudicate", "people": "/people",
    "try": "/try?text=We+release+a+small+open+model:+https://example.org/paper", "search": "/search?q=model",
    "rules": "/rules", "rule": "/rules?function=says_ai&show=conflicts",
    "post": "/post/sample:0-000013", "model": "/model", "status": "/status", "missing": "/nowhere",
}  # fmt: skip
HARD = {
    "live": "/",
    "links": "/links",
    "annotate": "/annotate",
    "search": "/search?q=word",
    "post": "/post/hard:0",
    "model": "/model",
}
TEXTS = [
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft " * 3,
    "هذا منشور طويل عن نموذج لغوي جديد مفتوح المصدر, model v2 https://example.org/مقال",
    "😀🎉🏳️‍🌈👩‍👩‍👧‍👦 模型发布了一个新的语言模型", "A post that never ends, word after word. " * 125, "https://example.org/" + "a" * 900,
]  # fmt: skip
_CANDIDATE = """
    INSERT INTO candidates (post_id, revision, source, text, seen_at, author, lang, links, tags, media, extra, label, probability, version,
                            position)
    VALUES ('hard:' || %(number)s, 1, 'hard', %(text)s, now(), left(%(text)s, 90), 'en', ARRAY[%(link)s], '{}', '{}', '{}', 'ai', 0.9, 1,
            %(number)s)
"""
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@contextlib.contextmanager
def pages(config: Path) -> Iterator[tuple[str, Project]]:
    """Serve a project's pages for a while; nothing else of it runs."""
    stop, ready, where = threading.Event(), threading.Event(), []
    with Project.open(config) as project:

        def note(address: str) -> None:
            where.append(address)
            ready.set()

        options = {"folder": project.folder, "ready": note}
        thread = threading.Thread(target=serve, args=(project.store, project.settings, stop), kwargs=options)
        thread.start()
        ready.wait(30)
        try:
            yield where[0], project
        finally:
            stop.set()
            thread.join()


def answer_some(project: Project) -> None:
    """Let two people answer some posts, and not always alike."""
    section, labels = project.settings.annotation, project.settings.project.labels
    with project.store.connect(name="screenshots") as conn:
        if conn.execute("SELECT EXISTS (SELECT FROM questions)").fetchone() == (True,):
            return
        draw_round(
            conn, section, keep=labels.index(project.settings.project.keep), reader=project.settings.stream.reader, seed=1
        )
        for number, (post_id,) in enumerate(conn.execute("SELECT post_id FROM questions ORDER BY place LIMIT 40").fetchall()):
            for person in ("Ann", "Bob"):
                label = labels[(number + (person == "Bob" and number % 7 == 0)) % len(labels)]
                note = "the link says more than the post" if number == 7 and person == "Bob" else None
                answers.answer(conn, post_id, person, label, seconds=1.5 + number % 5, note=note)


def fill_hard(project: Project) -> None:
    """Keep posts that strain a page: long words, right-to-left text, emoji, 5,000 letters."""
    labels = list(project.settings.project.labels)
    with project.store.connect(name="screenshots") as conn:
        conn.execute(
            "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('hard', %s, 0.5, '', '{\"metrics\": {}}')",
            (labels,),
        )
        conn.execute(
            "INSERT INTO alias_moves (alias, after, who, why) VALUES ('champion', 1, %s, %s)", (TEXTS[0][:60], TEXTS[3][:900])
        )
        for number, text in enumerate(TEXTS):
            conn.execute(_CANDIDATE, {"number": number, "text": text, "link": "https://example.org/" + "b" * 60 * number})
        conn.execute("INSERT INTO candidate_links SELECT post_id, links[1], 'example.org', author, seen_at FROM candidates")
        draw_round(conn, project.settings.annotation, keep=0, reader=project.settings.stream.reader, seed=1)


def shoot(browser: Browser, address: str, out: Path, folder: str, addresses: dict[str, str]) -> list[str]:
    """Write a picture of each page in each size and scheme; return what overflowed."""
    wide = []
    for size, viewport in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport=viewport, color_scheme=scheme, base_url=address)
            context.request.post("/annotate/name", data={"name": "Ann"})
            page = context.new_page()
            for name, path in addresses.items():
                page.goto(path)
                page.wait_for_timeout(4_000 if name == "try" else 700)
                if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                    wide.append(f"{folder}{name} {size}")
                page.screenshot(
                    path=out / f"{folder}{name}-{size}-{scheme}.png",
                    full_page=name not in {"live", "earlier", "links", "rule", "search"},
                )
            context.close()
    return wide


def write(scratch: str, name: str, project: str = "", web: str = "") -> Path:
    """Write a project's settings, and return where they are."""
    config = Path(scratch) / name / "goldstream.toml"
    config.parent.mkdir()
    config.write_text(f'[project]\nname = "{name}"\n{project}[web]\nport = 0\n{web}')
    return config


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, help="a goldstream.toml; without one the demo is run")
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        config = options.project or Path(scratch) / "demo" / "goldstream.toml"
        if options.project is None:
            subprocess.run(
                [sys.executable, "-m", "goldstream", "demo", str(config.parent), "--exit", "--port", "0"], check=True
            )
        many = ", ".join(f'"topic {number}"' for number in range(39))
        empty = write(scratch, "empty")
        hard = write(scratch, "hard", f'labels = ["ai", {many}]\nkeep = "ai"\n')
        closed = write(scratch, "closed", web='token = { env = "SCREENSHOTS_TOKEN" }\n')
        os.environ["SCREENSHOTS_TOKEN"] = "whatever"
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        with pages(config) as (address, project):
            answer_some(project)
            wide = shoot(browser, address, options.out, "", PAGES)
        with pages(empty) as (address, _):
            wide += shoot(browser, address, options.out, "empty-", PAGES)
        with pages(hard) as (address, project):
            fill_hard(project)
            wide += shoot(browser, address, options.out, "hard-", HARD)
        with pages(closed) as (address, _):
            wide += shoot(browser, address, options.out, "closed-", {"enter": "/enter"})
        browser.close()
    print("\n".join(f"wider than the screen: {name}" for name in wide) or f"nothing overflows; pictures in {options.out}")


if __name__ == "__main__":
    main()
