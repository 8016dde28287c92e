"""Many posts are labelled at once in a real browser, and taken back."""

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect


def test_many_posts_get_a_label_and_lose_it_again(open_page, fill):
    fill.champion()
    for number in range(1, 4):
        fill.keep(f"sample:{number}", f"model number {number}")
    page = open_page("/annotate")
    page.locator("#who").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.locator("#desk")).to_be_visible()
    page.goto("/search")
    page.locator("#q").fill("model -2")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(2)
    page.locator("#all").check()
    page.get_by_role("button", name="other").click()
    expect(page.locator("#state")).to_contain_text("2 labelled other")
    expect(page.locator(".card:visible")).to_have_count(0)
    assert fill.conn.execute("SELECT count(*) FROM latest_answers WHERE label = 'other'").fetchone() == (2,)
    page.locator("#undo").click()
    expect(page.locator("#state")).to_have_text("2 taken back.")
    expect(page.locator(".card:visible")).to_have_count(2)
    assert fill.conn.execute("SELECT count(*) FROM latest_answers WHERE label = 'other'").fetchone() == (0,)
