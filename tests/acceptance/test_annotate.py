"""Labelling in a real browser, by keyboard, by two people, and on a phone."""

import time

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

PHONE = {"width": 360, "height": 740}


def enter(page, name: str) -> None:
    page.locator("#who").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_visible()


def posts(fill, many: int) -> None:
    fill.champion()
    for number in range(1, many + 1):
        fill.keep(f"sample:{number}", f"Post {number} about a model", probability=0.9)


def answers(fill) -> list[tuple[str, str | None, str]]:
    return fill.conn.execute("SELECT annotator, label, act FROM annotations ORDER BY id").fetchall()


def saved(page, fill, many: int) -> None:
    """Wait until `many` answers are stored and the page says so: before the first one it says "saved", too."""
    deadline = time.monotonic() + 30
    while len(answers(fill)) < many:
        assert time.monotonic() < deadline, answers(fill)
        time.sleep(0.02)
    expect(page.locator("#state")).to_have_text("saved")


def test_posts_are_labelled_by_keyboard_alone(open_page, fill):
    posts(fill, 6)
    page = open_page("/annotate")
    enter(page, "Ann")
    for key, seen in (("1", 1), ("2", 2), (" ", 3), ("s", 3)):
        before = page.locator("#text").text_content()
        page.keyboard.press(key)
        expect(page.locator("#text")).not_to_have_text(before)
        expect(page.locator("#progress")).to_contain_text(f"{seen} answered now")
    page.keyboard.press("n")
    page.keyboard.type("looks odd: 1 2 3")
    page.keyboard.press("Escape")
    before = page.locator("#text").text_content()
    page.keyboard.press("1")
    saved(page, fill, 5)
    assert [row[1:] for row in answers(fill)] == [
        ("ai", "answer"), ("other", "answer"), ("ai", "answer"), (None, "skip"), ("ai", "answer")
    ]  # fmt: skip
    assert fill.conn.execute("SELECT note FROM annotations WHERE note IS NOT NULL").fetchall() == [("looks odd: 1 2 3",)]
    page.keyboard.press("u")
    expect(page.locator("#text")).to_have_text(before)
    page.keyboard.press("2")
    saved(page, fill, 7)
    page.keyboard.press("1")
    expect(page.locator("#nothing")).to_contain_text("Nothing left to ask you")
    saved(page, fill, 8)
    assert fill.conn.execute("SELECT count(*) FROM latest_answers WHERE label IS NOT NULL").fetchone() == (5,)


def test_an_answer_that_can_not_be_sent_is_kept_and_sent_later(open_page, fill):
    posts(fill, 3)
    page = open_page("/annotate")
    enter(page, "Ann")
    page.route("**/annotate/answer", lambda route: route.abort())
    page.keyboard.press("1")
    expect(page.locator("#state")).to_have_text("not saved yet, trying again")
    page.keyboard.press("2")
    assert answers(fill) == []
    page.unroute("**/annotate/answer")
    saved(page, fill, 2)
    assert answers(fill) == [("Ann", "ai", "answer"), ("Ann", "other", "answer")]


def test_blind_hides_suggestions_and_is_remembered(open_page, fill):
    posts(fill, 2)
    page = open_page("/annotate")
    enter(page, "Ann")
    expect(page.locator("#suggestions")).to_contain_text("ai 90 %")
    page.keyboard.press("b")
    expect(page.locator("#suggestions")).to_have_text("Suggestions are hidden.")
    page.keyboard.press(" ")  # nothing to accept
    page.reload()
    expect(page.locator("#question")).to_be_visible()
    expect(page.locator("#suggestions")).to_have_text("Suggestions are hidden.")
    page.keyboard.press("1")
    saved(page, fill, 1)
    assert fill.conn.execute("SELECT shown FROM annotations").fetchall() == [(None,)]


def test_help_names_every_key(open_page, fill):
    posts(fill, 1)
    page = open_page("/annotate")
    enter(page, "Ann")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("1")  # no answer while the list is open
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    assert answers(fill) == []


class TestTwoPeople:
    @pytest.fixture
    def sections(self, sections):
        return {**sections, "annotation": {"overlap": 2}}

    def test_they_answer_the_same_post_and_one_adjudicates(self, open_page, fill):
        posts(fill, 1)
        pages = [open_page("/annotate"), open_page("/annotate")]
        for page, name in zip(pages, ("Ann", "Bob"), strict=True):
            enter(page, name)
        for page, key in zip(pages, "12", strict=True):
            page.keyboard.press(key)
        for page in pages:
            saved(page, fill, 2)
        assert sorted(answers(fill)) == [("Ann", "ai", "answer"), ("Bob", "other", "answer")]
        page = pages[0]
        page.goto("/adjudicate")
        expect(page.locator(".said")).to_contain_text("Bob: other")
        page.locator(".decide", has_text="other").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#agreed")).to_be_visible()
        assert fill.conn.execute("SELECT label FROM gold").fetchall() == [("other",)]
        page.goto("/people")
        expect(page.locator("main")).to_contain_text("Ann and Bob")


class TestManyLabels:
    @pytest.fixture
    def sections(self, sections):
        return {**sections, "project": {**sections["project"], "labels": ["ai", *(f"topic {n}" for n in range(39))]}}

    def test_a_label_is_found_by_its_letters(self, open_page, fill):
        posts(fill, 1)
        page = open_page("/annotate", PHONE)
        enter(page, "Ann")
        page.keyboard.press("/")
        page.keyboard.type("PIC 17")
        expect(page.locator(".answer:visible")).to_have_text(["topic 17"])
        assert page.evaluate("document.getElementById('text').getBoundingClientRect().bottom") < PHONE["height"]
        page.keyboard.press("Enter")
        saved(page, fill, 1)
        assert [row[1] for row in answers(fill)] == ["topic 17"]


def test_a_thumb_is_enough(browser, address, fill):
    posts(fill, 3)
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, base_url=address)
    page = context.new_page()
    page.goto("/annotate")
    enter(page, "Ann")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".answer").last).to_be_in_viewport()
    before = page.locator("#text").text_content()
    page.locator(".answer", has_text="other").tap()
    expect(page.locator("#text")).not_to_have_text(before)
    before = page.locator("#text").text_content()
    page.evaluate(
        """() => { const card = document.getElementById("post"), box = card.getBoundingClientRect();
        const touch = (x) => new Touch({ identifier: 1, target: card, clientX: box.x + x, clientY: box.y + 50 });
        const send = (name, x) => card.dispatchEvent(new TouchEvent(name, { touches: name === "touchend" ? [] : [touch(x)],
            changedTouches: [touch(x)], bubbles: true }));
        send("touchstart", 40); send("touchmove", 120); send("touchend", 200); }"""
    )
    expect(page.locator("#text")).not_to_have_text(before)
    saved(page, fill, 2)
    assert [row[1] for row in answers(fill)] == ["other", "ai"]
    context.close()
