"""The pages in a real browser: what a person who watches sees and does."""

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
PAGES = [
    "/",
    "/links",
    "/model",
    "/status",
    "/people",
    "/adjudicate",
    "/annotate",
    "/post/sample:1",
    "/post/nowhere",
    "/nowhere",
]


def posts(fill, many: int = 12) -> None:
    for number in range(1, many + 1):
        fill.keep(
            f"sample:{number}",
            f"Post {number}: we release a small open model",
            links=[f"https://example.org/paper-{number}"],
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_overflows_and_nobody_complains(open_page, fill, viewport, scheme):
    empty = open_page("/", viewport, scheme)
    sync_api.expect(empty.locator("#empty h2")).to_have_text("Waiting for the first posts")
    fill.champion()
    posts(fill)
    long = "w" * 400
    fill.keep("sample:" + long, long, author=long, links=["https://example.org/" + long], label=long)
    page = open_page("/", viewport, scheme)
    for path in PAGES:
        page.goto(path, wait_until="domcontentloaded")
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], path


def test_a_new_post_stands_on_the_page_without_loading_it_again(open_page, fill):
    fill.champion()
    page = open_page("/")
    sync_api.expect(page.locator("#pulse")).to_have_text("live")
    fill.keep("sample:new", "hot from the stream")
    sync_api.expect(page.locator(".card .text")).to_have_text("hot from the stream")
    sync_api.expect(page.locator("#empty")).to_be_hidden()
    sync_api.expect(page.locator("[data-count=kept]")).to_have_text("1")
    fill.conn.execute("DELETE FROM candidates")
    sync_api.expect(page.locator(".card")).to_have_count(0)


def test_a_new_champion_shows_its_metrics_at_once(open_page, fill):
    page = open_page("/")
    sync_api.expect(page.locator("#model")).to_contain_text("No champion yet")
    fill.champion()
    sync_api.expect(page.locator("#model")).to_contain_text("0.873")


def test_pause_holds_new_posts_back_until_it_is_let_go(open_page, fill):
    fill.champion()
    posts(fill, 2)
    page = open_page("/")
    page.keyboard.press("p")
    sync_api.expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    fill.keep("sample:held", "held back")
    sync_api.expect(page.locator("#waiting")).to_have_text("1 new post waits: show")
    sync_api.expect(page.locator(".card")).to_have_count(2)
    page.locator("#pause").click()
    sync_api.expect(page.locator(".card").first).to_contain_text("held back")


def test_the_filter_hides_as_it_is_typed(open_page, fill):
    fill.champion()
    posts(fill, 12)
    page = open_page("/")
    page.keyboard.press("/")
    page.keyboard.type("POST 12")
    sync_api.expect(page.locator(".card:visible")).to_have_count(1)


def test_all_can_be_reached_by_keyboard(open_page, fill):
    fill.champion()
    posts(fill, 1)
    page = open_page("/")
    reached = []
    for _ in range(22):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))
    assert reached[0] == "Skip to the content"
    assert {
        "Live",
        "Links",
        "Label",
        "Search",
        "Models",
        "Overview",
        "filter",
        "Pause",
        "details",
        "example.org/paper-1",
    } <= set(reached)


def test_strangers_scripts_do_not_run(open_page, fill):
    fill.champion()
    page = open_page("/")
    sync_api.expect(page.locator("#pulse")).to_have_text("live")
    for number, evil in enumerate(["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>']):
        fill.keep(f"sample:{number}{evil}", evil, author=evil, label=evil, lang=evil)
        fill.conn.execute("INSERT INTO dead_letters (stage, source, reason, payload) VALUES (%s, %s, %s, '')", [evil] * 3)
    sync_api.expect(page.locator(".card")).to_have_count(3)
    assert page.locator(".card .text").first.text_content() == '"><svg onload=alert(1)>'
    assert page.locator("main script, main img, main svg[onload]").count() == 0
    page.locator(".card a", has_text="details").first.click()
    sync_api.expect(page.locator("h1")).to_have_text("Post")
    open_page("/status")


class TestWithAToken:
    @pytest.fixture
    def sections(self, sections, monkeypatch):
        monkeypatch.setenv("A_TOKEN", "open sesame")
        return {**sections, "web": {"port": 0, "token": {"env": "A_TOKEN"}}}

    def test_a_person_enters_it_once(self, open_page):
        page = open_page("/status")
        for token, seen in (("wrong", "That was not it."), ("open sesame", "Kept posts")):
            page.locator("#token").fill(token)
            page.keyboard.press("Enter")
            sync_api.expect(page.locator("main")).to_contain_text(seen)
        page.goto("/status")
        sync_api.expect(page.locator("h1")).to_have_text("Overview")
