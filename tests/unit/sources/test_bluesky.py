"""Bluesky's stream, from a fake server on loopback."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from goldstream.checks import check_source
from goldstream.errors import SettingsError, SourceError
from goldstream.records import Post, to_rows
from goldstream.sources.bluesky import Bluesky, BlueskySettings
from goldstream.sources.bluesky_dictionary import Dictionary
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
    assert cursor == f"{server.url} {START + 1_000_000} {START + 1_000_000}"


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


def test_a_connection_that_says_nothing_is_given_up(capfd: pytest.CaptureFixture[str]) -> None:
    events = [commit(number) for number in range(25)]
    with FakeJetstream(events, silent_after=15) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), silence_s=0.3))
        posts, _, _ = read_until(source, None, lambda posts: "post 24" in {post.text for post in posts})
    assert {post.text for post in posts} == {f"post {number}" for number in range(25)}
    assert f"{server.url}: it said nothing for 0.3 s; connecting again" in capfd.readouterr().err


def dictionary(number: int) -> bytes:
    samples = [json.dumps(commit(each)).encode() for each in range(500)]
    return zstandard.train_dictionary(4096, samples, dict_id=number).as_bytes()


def test_the_first_protocol_compressed_with_the_dictionary_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "zstd_dictionary").write_bytes(dictionary(1612007021))
    with FakeJetstream([commit(1)], dictionary=dictionary(1612007021)) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), dictionary=str(tmp_path / "zstd_dictionary")))
        posts, _, rejects = read_until(source, None, lambda posts: len(posts) == 1)
    assert ([post.text for post in posts], rejects, server.queries[0]["compress"]) == (["post 1"], 0, ["true"])


def test_the_second_protocol_compressed_with_the_dictionary_of_the_host() -> None:
    with FakeJetstream([numbered(1)], dictionary=dictionary(20260811)) as server:
        posts, _, rejects = read_until(
            Bluesky(BlueskySettings(hosts=(server.url,), protocol="v2")), None, lambda posts: len(posts) == 1
        )
    assert ([post.text for post in posts], rejects, server.queries[0]["zstdDictionary"]) == (["post 1"], 0, ["20260811"])


def test_a_host_with_a_newer_dictionary_is_asked_for_it() -> None:
    with FakeJetstream([numbered(seq) for seq in range(1, 11)], drop_after=9, dictionary=dictionary(1)) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), protocol="v2"))
        texts: list[str] = []
        for arrival in source.read(None):
            texts += [post.text for post in to_rows(arrival.posts)]
            server.dictionary = dictionary(2)
            if "post 10" in texts:
                source.close()
    assert set(texts) == {f"post {number}" for number in range(1, 11)}
    assert {query["zstdDictionary"][0] for query in server.queries} == {"1", "2"}


def test_a_host_without_a_dictionary_sends_plain_json() -> None:
    with FakeJetstream([numbered(1)]) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), protocol="v2"))
        posts, _, _ = read_until(source, None, lambda posts: len(posts) == 1)
    assert (len(posts), "zstdDictionary" in server.queries[0]) == (1, False)


def test_a_dictionary_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    with pytest.raises(SourceError, match="is no zstd dictionary"):
        Bluesky(BlueskySettings(dictionary=str(tmp_path / "text")))
    with pytest.raises(SourceError, match="can't be read: No such file"):
        Bluesky(BlueskySettings(dictionary=str(tmp_path / "nowhere")))
    with pytest.raises(SettingsError, match="v2 fetches its dictionary"):
        Bluesky(BlueskySettings(protocol="v2", dictionary=str(tmp_path / "text")))


@pytest.mark.parametrize("frame", [b"", b"plain", zstandard.compress(bytes(5 << 20))[:40], zstandard.compress(b"other")[:-1]])
def test_a_frame_that_cannot_be_unpacked_is_left_as_it_is(frame: bytes) -> None:
    assert Dictionary(dictionary(1)).decompress(frame) == frame


def test_it_resumes_a_little_before_the_cursor() -> None:
    with FakeJetstream([commit(number) for number in range(20)]) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,)))
        posts, _, _ = read_until(
            source, f"wss://elsewhere {START + 15_000_000} {START + 15_000_000}", lambda posts: len(posts) >= 10
        )
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
    assert (posts[0].text, cursor) == ("post 1", f"{server.url} 7 1795168800000000")
    assert server.queries[0]["collections"] == ["app.bsky.feed.post"]


def numbered(seq: int) -> dict[str, Any]:
    body = commit(seq)
    time = datetime.fromtimestamp(body["time_us"] / 1_000_000, UTC).isoformat()
    kind = "network.bsky.jetstream.subscribeEvents#commit"
    return {"$type": "message", "payload": {"$type": kind, "seq": seq, "did": "did:plc:a", "time": time, **body["commit"]}}


def test_numbers_of_one_host_become_times_at_another() -> None:
    with FakeJetstream([numbered(seq) for seq in range(1, 20)]) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), protocol="v2"))
        posts, _, _ = read_until(source, f"wss://elsewhere 999999 {START + 15_000_000}", lambda posts: len(posts) >= 10)
    assert [post.text for post in posts] == [f"post {number}" for number in range(10, 20)]


def test_it_goes_back_to_the_host_of_its_cursor() -> None:
    with FakeJetstream([]) as other, FakeJetstream([numbered(seq) for seq in range(1, 20)]) as server:
        source = Bluesky(BlueskySettings(hosts=(other.url, server.url), protocol="v2"))
        posts, _, _ = read_until(source, f"{server.url} 18 {START + 18_000_000}", lambda posts: len(posts) >= 2)
    assert ([post.text for post in posts], other.queries) == (["post 18", "post 19"], [])


def test_a_number_that_is_too_old_becomes_a_time_and_the_gap_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    with FakeJetstream([numbered(seq) for seq in range(100, 103)], oldest=100) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), protocol="v2"))
        posts, _, _ = read_until(source, f"{server.url} 5 {START + 5_000_000}", lambda posts: len(posts) >= 3)
    assert len(posts) == 3
    assert "begins 2 minutes after the cursor" in capfd.readouterr().err


def test_a_hostile_first_frame_does_not_end_the_stream() -> None:
    with FakeJetstream([commit(1)], garbage=b"[" * 100_000) as server:
        posts, _, rejects = read_until(Bluesky(BlueskySettings(hosts=(server.url,))), None, lambda posts: len(posts) == 1)
    assert (len(posts), rejects) == (1, 1)


def test_an_edit_comes_through_whatever_its_language() -> None:
    with FakeJetstream([commit(1, langs=["en"]), commit(1, "update", langs=["de"])]) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), languages=("EN",)))
        posts, _, _ = read_until(source, None, lambda posts: len(posts) == 2)
    assert [post.kind for post in posts] == ["create", "update"]


def test_facets_that_miss_the_text_are_left_out() -> None:
    def facet(start: Any, end: Any, tag: str) -> dict[str, Any]:
        return {
            "index": {"byteStart": start, "byteEnd": end},
            "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": tag}],
        }

    facets = [facet(0, 2, "é"), facet(0, 1, "cut"), facet(0, 99, "past"), facet(2, 2, "empty"), facet("0", 2, "text"), None]
    event = read_event(json.dumps(commit(1, text="éa", facets=facets)))
    assert event.post is not None and event.post.tags == ["é"]


def test_it_keeps_the_promises_of_a_source() -> None:
    with FakeJetstream([commit(number) for number in range(30)]) as server:
        check_source(lambda: Bluesky(BlueskySettings(hosts=(server.url,))), repeats=True)


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


@pytest.mark.shared
@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_recorded_streams_come_through_the_socket(shared: Path, protocol: str) -> None:
    files = sorted((shared / "samples" / "bluesky").glob(f"jetstream_{protocol}_*.jsonl"))
    events = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    events = [event for event in events if "time_us" in event or event["payload"]["$type"].endswith("#commit")]
    expected = [post for event in events if (post := read_event(json.dumps(event)).post) is not None]
    assert expected
    with FakeJetstream(events) as server:
        source = Bluesky(BlueskySettings(hosts=(server.url,), protocol=protocol))  # type: ignore[arg-type]
        posts, _, rejects = read_until(source, None, lambda posts: len(posts) >= len(expected))
    assert ([post.id for post in posts], rejects) == ([post.id for post in expected], 0)
