"""Bluesky's stream, from a fake server on loopback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from goldstream.records import Post, to_rows
from goldstream.sources.bluesky import Bluesky, BlueskySettings
from goldstream.sources.bluesky_events import Terminal, read_event
from goldstream.testing import FakeJetstream

START = 1_790_000_000_000_000


def commit(number: int, operation: str = "create", **record: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "rev": "3laaaaaaaaa2a",
        "operation": operation,
        "collection": "app.bsky.feed.post",
        "rkey": f"k{number}",
    }
    if operation != "delete":
        body |= {"cid": "bafy", "record": {"text": f"post {number}", "createdAt": "2026-11-20T10:00:00Z", **record}}
    return {"did": "did:plc:a", "time_us": START + number * 1_000_000, "kind": "commit", "commit": body}


def read_until(source: Bluesky, cursor: str | None, enough: Callable[[list[Post]], bool]) -> tuple[list[Post], str | None, int]:
    posts: list[Post] = []
    rejects = 0
    for arrival in source.read(cursor):
        posts += to_rows(arrival.posts)
        rejects += len(arrival.rejects)
        if enough(posts):
            source.close()
            return posts, arrival.cursor, rejects
    raise AssertionError("the source ended")


def test_posts_come_in_order_with_links_tags_and_media() -> None:
    facets = [{"index": {"byteStart": 0, "byteEnd": 4}, "features": [
        {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.org/a"}, {"$type": "app.bsky.richtext.facet#tag", "tag": "ai"},
    ]}]  # fmt: skip
    embed = {"$type": "app.bsky.embed.external", "external": {"uri": "https://example.org/b"}}
    with FakeJetstream([commit(1, facets=facets, embed=embed, langs=["en"])]) as server:
        posts, cursor, _ = read_until(Bluesky(BlueskySettings(hosts=(server.url,))), None, lambda posts: len(posts) == 1)
    assert posts[0].id == "bluesky:did:plc:a/k1"
    assert (posts[0].links, posts[0].tags, posts[0].media) == (
        ["https://example.org/a", "https://example.org/b"],
        ["ai"],
        ["external"],
    )
    assert cursor == f"{server.url} {START + 1_000_000}"


def test_a_dropped_connection_loses_nothing() -> None:
    events = [commit(number) for number in range(40)]
    with FakeJetstream(events, drop_after=15) as server:
        posts, _, _ = read_until(
            Bluesky(BlueskySettings(hosts=(server.url,))),
            None,
            lambda posts: "post 39" in {post.text for post in posts},
        )
    assert {post.text for post in posts} == {f"post {number}" for number in range(40)}
    assert len(server.queries) > 1


def test_it_resumes_a_little_before_the_cursor() -> None:
    with FakeJetstream([commit(number) for number in range(20)]) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,)))
        posts, _, _ = read_until(source, f"wss://elsewhere {START + 15_000_000}", lambda posts: len(posts) >= 10)
    assert [post.text for post in posts] == [f"post {number}" for number in range(10, 20)]


def test_a_broken_frame_is_a_reject_and_the_stream_goes_on() -> None:
    with FakeJetstream([commit(1)], garbage=b"\xff not json") as server:
        posts, _, rejects = read_until(Bluesky(BlueskySettings(hosts=(server.url,))), None, lambda posts: len(posts) == 1)
    assert (len(posts), rejects) == (1, 1)


def test_only_the_languages_asked_for_but_every_deletion() -> None:
    events = [
        commit(1, langs=["en-GB"]),
        commit(2, langs=["de"]),
        commit(3),
        commit(2, "delete"),
        commit(4, langs=["en"]),
    ]
    events[4]["time_us"] += 1
    with FakeJetstream(events) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), languages=("en",)))
        posts, _, _ = read_until(source, None, lambda posts: len(posts) == 3)
    assert [(post.kind, post.id[-2:]) for post in posts] == [("create", "k1"), ("delete", "k2"), ("create", "k4")]


def test_the_second_protocol() -> None:
    payload = {
        "$type": "network.bsky.jetstream.subscribeEvents#commit",
        "seq": 7,
        "did": "did:plc:a",
        "time": "2026-11-20T10:00:00Z",
    }
    event = {"$type": "message", "payload": {**payload, **commit(1)["commit"]}}
    with FakeJetstream([event]) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), protocol="v2"))
        posts, cursor, _ = read_until(source, None, lambda posts: len(posts) == 1)
    assert (posts[0].text, cursor) == ("post 1", f"{server.url} 7")
    assert server.queries[0]["collections"] == ["app.bsky.feed.post"]


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        ({"active": False, "status": "deleted"}, "forget"),
        ({"active": False, "status": "throttled"}, None),
        ({"active": True}, None),
    ],
)
def test_an_account_that_goes_takes_its_posts_with_it(account: dict[str, Any], kind: str | None) -> None:
    event = read_event(json.dumps({"did": "did:plc:a", "time_us": START, "kind": "account", "account": account}))
    assert (event.post.kind if event.post else None) == kind


def test_an_accounts_deletion_is_newer_than_its_posts_and_older_than_later_ones() -> None:
    gone = read_event(
        json.dumps({"did": "d", "time_us": START, "kind": "account", "account": {"active": False, "status": "deleted"}})
    )
    before, after = (read_event(json.dumps({**commit(n), "commit": {**commit(n)["commit"], "rev": None}})) for n in (-1, 1))
    assert before.post and gone.post and after.post
    assert before.post.revision < gone.post.revision < after.post.revision


def test_an_error_frame_ends_the_connection() -> None:
    with pytest.raises(Terminal, match="ConsumerTooSlow"):
        read_event('{"$type":"error","error":"ConsumerTooSlow"}')


@pytest.mark.parametrize("frame", ["[]", "{}", '{"did":1,"time_us":2}', '{"did":"a","time_us":1,"kind":"commit"}', "nonsense"])
def test_what_is_no_event_says_so(frame: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_event(frame)


@pytest.mark.shared
def test_every_recorded_event_can_be_read(shared: Path) -> None:
    kinds = []
    for file in sorted((shared / "samples" / "bluesky").glob("jetstream_v*.jsonl")):
        for line in file.read_bytes().splitlines():
            event = read_event(line)
            kinds.append(event.post.kind if event.post else None)
    assert kinds.count("create") == 31
    assert {"delete", "forget"} <= set(kinds)
