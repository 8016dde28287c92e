"""A rule is tried in a real browser."""

import pytest

from goldstream.datasets.tables import Dataset

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect


def test_a_rule_is_tried_and_shown_as_code_to_paste(open_page, fill):
    dataset = Dataset("", 0)
    dataset.create(fill.conn, {})
    dataset.update(fill.conn, {}, "split")
    fill.conn.execute(
        """INSERT INTO raw_tweet_dataset_0 (id, source, kind, revision, text, links, tags, media, extra, stratum,
               lot, position, split)
           SELECT 's:' || n, 's', 'create', 1, 'post <b>' || n, '{}', '{}', '{}', '{}', 'topic', 0, n, 'train'
           FROM generate_series(1, 5) n"""
    )
    page = open_page("/rules")
    page.locator("#pattern").fill("post")
    page.locator("#pattern").press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("tried on 5 posts")
    expect(page.locator("#code")).to_have_text('my_rule = keyword_rule("ai", ["post"], name="my_rule")')
    expect(page.locator("#examples li").first).to_contain_text("post <b>1")
    page.locator("select[name=kind]").select_option("regex")
    page.locator("#pattern").fill("(")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#state")).to_contain_text("not a regular expression")
