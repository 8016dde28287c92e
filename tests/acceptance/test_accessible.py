"""axe-core finds nothing wrong with any page, full or empty, light or dark, and strangers' words do nothing in a real browser."""

from pathlib import Path

import pytest

from goldstream.annotation import answers
from goldstream.datasets.tables import Dataset

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
PAGES = ["/", "/links", "/annotate", "/adjudicate", "/people", "/search?q=model", "/rules", "/rules?function=news", "/model", "/try",
         "/status", "/post/sample:1", "/nowhere"]  # fmt: skip
DIALOGS = {"/annotate": "#keys", "/model": "#rollback"}
EVIL = [
    "<script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">", "'\"><svg onload=document.title='owned'>",
    "</script><script>document.title='owned'</script>", "javascript:document.title='owned'", "{{7*7}}</textarea><iframe srcdoc=x>",
]  # fmt: skip


def fill_all(fill, words: list[str]) -> None:
    """Something on every page, out of `words`."""
    fill.champion()
    dataset = Dataset("", 0)
    dataset.create(fill.conn, {})
    for number in range(1, 7):
        word = words[number % len(words)]
        fill.keep(
            f"sample:{number}",
            f"model {word}",
            author=word,
            source=word,
            lang=word,
            links=["https://example.org/a", f"https://e.org/{number}"],
        )
        fill.conn.execute(
            """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, author, links, tags, media, extra, stratum, lot, position,
                   split) VALUES (%s, 's', 'create', 1, %s, %s, '{}', '{}', '{}', '{}', 'topic', 0, %s, 'test')""",
            (f"raw:{number}", f"model {word}", word, number),
        )
        fill.conn.execute("INSERT INTO votes VALUES ('news', '1', %s, 1, 'ai')", (f"raw:{number}",))
    dataset.update(fill.conn, {"splits": {"test": 6}}, "split")
    row = {"function": words[0], "j": 0, "Polarity": ["ai"], "Coverage": 0.5, "Overlaps": 0.1, "Conflicts": 0.0, "Correct": 1,
           "Incorrect": 0, "Emp. Acc.": 1.0}  # fmt: skip
    fill.conn.execute(
        "INSERT INTO label_runs (prefix, dataset, label_model, functions, report) VALUES ('', 0, 'majority', '{\"news\": \"1\"}', %s)",
        (fill.json({"functions": [row], "errors": {words[0]: {"posts": 1, "first": words[-1]}}}),),
    )
    for name, label in (("Ann", "ai"), (words[0], "other")):
        answers.answer(fill.conn, "sample:1", name, label, note=words[-1], place=words[0])
    fill.conn.execute(
        "INSERT INTO dead_letters (stage, source, reason, payload) VALUES ('source', %s, %s, '')", (words[0], words[-1])
    )


def enter(page) -> None:
    page.request.post("/annotate/name", data={"name": "Ann"})


def violations(page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [f"{each['id']}: {node['html'][:150]}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"])
def test_no_page_shuts_anybody_out(open_page, fill, viewport, scheme):
    found = {}
    page = open_page("/", viewport, scheme)
    for kind in ("empty", "full") if viewport == DESK else ("full",):
        if kind == "full":
            fill_all(fill, ["one", "two", "three"])
            enter(page)
        for path in PAGES:
            page.goto(path)
            page.wait_for_timeout(50)
            if problems := violations(page):
                found[f"{kind} {path}"] = problems
            if kind == "full" and path in DIALOGS:
                page.locator(DIALOGS[path]).click()
                sync_api.expect(page.locator("dialog[open]")).to_be_visible()
                if problems := violations(page):
                    found[f"dialog of {path}"] = problems
    assert found == {}


def test_strangers_words_do_nothing_on_any_page(open_page, fill):
    fill_all(fill, EVIL)
    page = open_page("/")
    enter(page)
    for path in [*PAGES, "/people?name=" + EVIL[0], "/search?q=" + EVIL[0], "/?q=" + EVIL[1]]:
        page.goto(path)
        page.wait_for_timeout(100)
        assert "owned" not in page.title(), path
        assert page.locator("main script, main img, main iframe, main svg[onload]").count() == 0, path
    page.goto("/annotate")
    sync_api.expect(page.locator("#question")).to_be_visible()
    assert page.locator("#text").text_content() in {f"model {word}" for word in EVIL}
