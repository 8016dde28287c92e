"""Moving what decides, and asking it, in a real browser."""

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect


def test_the_threshold_is_moved_by_a_slider(open_page, fill):
    fill.champion()
    for number, probability in enumerate((0.3, 0.6, 0.95)):
        fill.keep(f"sample:{number}", probability=probability)
    page = open_page("/status")
    expect(page.locator("#would")).to_have_text("2")
    slider = page.locator("#slider")
    slider.focus()
    page.keyboard.press("End")
    expect(page.locator("#value")).to_have_text("1.00")
    slider.fill("0.25")
    expect(page.locator("#would")).to_have_text("3")
    page.locator("#because").fill("to see more")
    page.keyboard.press("Enter")
    expect(page.locator("#moved")).to_contain_text("3 posts are kept now")
    assert fill.conn.execute("SELECT threshold, why FROM threshold_moves").fetchall() == [(0.25, "to see more")]


def test_a_version_is_promoted_and_rolled_back_with_a_reason(open_page, fill, register):
    first, second = register(), register()
    page = open_page("/model")
    for version in (first, second):
        page.locator(f".promote[data-version='{version}']").click()
        page.locator("#why").fill("better")
        with page.expect_navigation():
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text(f"Champion: version {version}")
    page.locator("#rollback").click()
    page.locator("#why").fill("worse")
    with page.expect_navigation():
        page.get_by_role("button", name="Do it").click()
    expect(page.locator("h1")).to_have_text(f"Champion: version {first}")
    assert fill.conn.execute("SELECT why FROM alias_moves ORDER BY id").fetchall() == [("better",), ("better",), ("worse",)]


def test_a_text_is_answered_as_it_is_typed(open_page, fill, register):
    version = register()
    fill.conn.execute("INSERT INTO alias_moves (alias, after, who, why) VALUES ('champion', %s, 't', 't')", (version,))
    page = open_page("/try")
    page.locator("#box").press_sequentially("a <b>model</b>")
    expect(page.locator("#verdict")).to_have_text("kept")
    expect(page.locator("#tokens mark", has_text="model")).to_have_class("for-4")
    page.locator("#right").click()
    expect(page.locator("#rates")).to_have_text(f"v{version}, typed100 % of 1")
    page.locator("#box").fill("rain")
    expect(page.locator("#verdict")).to_have_text("not kept")


def test_live_posts_are_judged_filtered_and_looked_into(open_page, fill, register):
    version = register()
    fill.conn.execute("INSERT INTO alias_moves (alias, after, who, why) VALUES ('champion', %s, 't', 't')", (version,))
    fill.keep("sample:1", "a model in French", lang="fr")
    fill.keep("sample:2", "a model in English", lang="en")
    page = open_page("/")
    page.locator("select[name=lang]").select_option("fr")
    expect(page.locator(".card")).to_have_count(1)
    fill.keep("sample:3", "another in English", lang="en")
    fill.keep("sample:4", "another in French", lang="fr")
    expect(page.locator(".card .text").first).to_have_text("another in French")
    expect(page.locator(".card")).to_have_count(2)
    page.locator(".card").first.get_by_role("button", name="wrong").click()
    expect(page.locator(".card").first.get_by_role("button", name="wrong")).to_have_attribute("aria-pressed", "true")
    assert fill.conn.execute("SELECT post_id, correct FROM feedback").fetchall() == [("sample:4", False)]
    page.goto("/post/sample:1")
    expect(page.locator("#tokens mark").first).to_be_visible()
