import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from goldstream import settings
from goldstream.datasets import collect as module
from goldstream.datasets.build import build
from goldstream.errors import Superseded
from goldstream.log.base import Part
from goldstream.log.memory import MemoryLog
from goldstream.records import Post

Make = Callable[..., Post]
TEXTS = ("flooding in town", "a stream of posts", "rain", "sun")


def many(post: Make, count: int, start: int = 0) -> list[Post]:
    return [post(start + number, f"{TEXTS[number % 4]} {number}") for number in range(count)]


def test_posts_are_collected_by_stratum(collecting: Any, post: Make) -> None:
    collecting.append(post(1, "Flooded!"), post(2, "a stream, a flood"), post(3, "a stream"), post(4, "sun"))
    assert collecting.run() is False
    assert collecting.rows("id, stratum, weight, position") == [
        ("a:1", "topic", 1, 0), ("a:2", "topic", 1, 1), ("a:3", "false_friends", 1, 2), ("a:4", "rest", 1, 3),
    ]  # fmt: skip


def test_quotas_thin_a_stratum_by_lot_and_weights_say_what_a_row_stands_for(collecting: Any, post: Make) -> None:
    collecting.append(*many(post, 400))
    assert collecting.run() is True
    kept = dict(collecting.conn.execute("SELECT stratum, count(*) FROM raw_tweet_dataset_0 GROUP BY 1").fetchall())
    weights = dict(collecting.conn.execute("SELECT DISTINCT stratum, weight FROM raw_tweet_dataset_0").fetchall())
    assert kept == {"topic": 30, "false_friends": 30, "rest": 20}
    assert weights == {"topic": 1, "false_friends": 1, "rest": pytest.approx(58 / 20)}
    assert collecting.counts()["seen"] == {"topic": 30, "false_friends": 30, "rest": 58}


@pytest.mark.parametrize("batch", [7, 100, 16_384])
def test_the_sample_is_the_lowest_lots_whatever_the_batches(
    collecting: Any, post: Make, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(module, "BATCH", batch)
    posts = many(post, 200)  # 50 of the topic, 50 false friends, 100 others
    collecting.append(*posts)
    collecting.run()
    posts = posts[:118]  # the 30th false friend fills the last quota
    assert sum(collecting.counts()["seen"].values()) == len(posts)
    for stratum, quota, numbers in (("topic", 30, {0}), ("false_friends", 30, {1}), ("rest", 20, {2, 3})):
        ids = [each.id for number, each in enumerate(posts) if number % 4 in numbers]
        assert collecting.rows("id", f"stratum = '{stratum}'") == sorted(
            (each,) for each in sorted(ids, key=module._lot)[:quota]
        )


def test_the_sample_covers_the_whole_time_of_collecting(collecting: Any, post: Make) -> None:
    collecting.append(*(post(number, "rain") for number in range(2_000)))
    collecting.run(settings.Dataset(quotas=settings.Quotas(rest=200)))
    halves = collecting.conn.execute("SELECT position < 1000, count(*) FROM raw_tweet_dataset_0 GROUP BY 1").fetchall()
    assert all(70 <= count <= 130 for _, count in halves)


def test_a_quota_of_nought_takes_nothing(collecting: Any, post: Make) -> None:
    collecting.append(*many(post, 40))
    collecting.run(settings.Dataset(quotas=settings.Quotas(topic=0, false_friends=5, rest=0)))
    assert {row[0] for row in collecting.rows("stratum")} == {"false_friends"}


def test_reposts_and_posts_without_words_are_not_collected(collecting: Any, post: Make) -> None:
    collecting.append(post(1, "flood", repost_of="a:0"), post(2, "  "), post(3, ""), post(4))
    collecting.run()
    assert collecting.rows("id") == [("a:4",)]


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in batches of their own"])
def test_the_newest_revision_counts_in_whatever_order_it_comes(collecting: Any, post: Make, together: bool) -> None:
    events = [
        post(1, "old", revision=1), post(1, "new", revision=3, kind="update"), post(1, "older", revision=2, kind="update"),
        post(2, "new", revision=3, kind="update"), post(2, "old", revision=1),
        post(3, "same", revision=1), post(3, "again", revision=1),
    ]  # fmt: skip
    for batch in [events] if together else [[event] for event in events]:
        collecting.append(*batch)
        collecting.run()
    texts = collecting.rows("id, text, revision")
    assert texts[:2] == [("a:1", "new", 3), ("a:2", "new", 3)]
    assert texts[2][0] == "a:3"


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in batches of their own"])
def test_deletions_win_in_whatever_order_they_come(collecting: Any, post: Make, together: bool) -> None:
    events = [
        post(1, revision=1), post(1, "", kind="delete", revision=2),
        post(2, "", kind="delete", revision=2), post(2, revision=1),
        post(3, "", kind="delete", revision=2), post(3, "written again", revision=3),
        post(4, author="ann", revision=1), post(5, author="bob", revision=1),
        Post(id="a:forget", source="a", kind="forget", author="ann", revision=9), post(6, author="ann", revision=8),
    ]  # fmt: skip
    for batch in [events] if together else [[event] for event in events]:
        collecting.append(*batch)
        collecting.run()
    assert collecting.rows("id") == [("a:3",), ("a:5",)]


def test_a_full_dataset_takes_edits_and_deletions_but_nobody_new(collecting: Any, post: Make) -> None:
    collecting.append(*many(post, 400))
    collecting.run()
    (one,), (other,) = collecting.rows("id")[:2]
    collecting.append(
        Post(id=one, source="a", kind="delete", revision=1), Post(id=other, source="a", kind="update", text="edited", revision=1),
        *many(post, 100, start=1_000),
    )  # fmt: skip
    assert collecting.run() is True
    assert len(collecting.rows("id")) == 79
    assert collecting.rows("text", f"id = '{other}'") == [("edited",)]
    assert not collecting.rows("id", "position > 401")


def test_a_frozen_post_that_is_deleted_keeps_its_place_without_its_words(collecting: Any, post: Make) -> None:
    collecting.append(*(post(number, f"rain {number} {number * 7}", author=f"u{number}") for number in range(60)))
    collecting.run()
    build(collecting.conn, settings.Dataset(), print)
    splits = collecting.rows("id, split")
    (one,) = collecting.rows("id", "split = 'test'")[0]
    collecting.append(Post(id=one, source="a", kind="delete", revision=1))
    collecting.run()
    assert collecting.rows("id, split") == splits
    assert collecting.rows("kind, text, author, url", f"id = '{one}'") == [("delete", "", None, None)]


class Fragile(MemoryLog):
    """A log that breaks after its first part."""

    def read(self, partition: int, after: int, limit: int) -> Iterator[Part]:
        yield from list(super().read(partition, after, limit))[:1]
        raise RuntimeError("power cut")


def test_after_a_crash_nothing_is_counted_twice(collecting: Any, post: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 50)
    collecting.log = Fragile()
    collecting.append(*many(post, 200))
    for _ in range(4):
        with pytest.raises(RuntimeError, match="power cut"):
            collecting.run()
    assert sum(collecting.counts()["seen"].values()) == 118
    assert len(collecting.rows("id")) == 80


def test_a_dead_connection_pauses_and_goes_on(collecting: Any, post: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 50)
    collecting.append(*many(post, 200))
    stage, calls = module._stage, []

    def cut_once(conn: Any, dataset: Any, arrivals: Any) -> int:
        calls.append(len(arrivals))
        if len(calls) == 3:
            collecting.conn.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
        return stage(conn, dataset, arrivals)

    monkeypatch.setattr(module, "_stage", cut_once)
    assert collecting.run() is True
    assert sum(collecting.counts()["seen"].values()) == 118
    assert [line.split(":")[0] for line in collecting.said] == ["collect", "collect"]


def test_a_collector_that_was_superseded_stands_down(collecting: Any, post: Make) -> None:
    collecting.append(*many(post, 8))
    rounds = []

    def other_takes_over(_: bool) -> bool:
        collecting.run()
        collecting.append(*many(post, 8, start=100))
        rounds.append(len(collecting.rows("id")))
        return True

    with pytest.raises(Superseded):
        module.collect(
            collecting.log, collecting.store, settings.Dataset(), settings.Strata(), stop=threading.Event(), say=print,
            on_end=other_takes_over,
        )  # fmt: skip
    assert rounds == [8]
    assert len(collecting.rows("id")) == 8


def test_what_retention_took_first_is_said(collecting: Any, post: Make) -> None:
    collecting.append(post(1), post(2))
    collecting.append(post(3))
    collecting.log.trim(2)
    collecting.run()
    assert collecting.rows("id") == [("a:3",)]
    assert collecting.said == ["collect: 2 posts had left the log before they were read (log.retention-days)"]


def test_hostile_posts_are_kept_as_they_are(collecting: Any, post: Make) -> None:
    texts = ["a\x00b", "\ud83d alone", "'; DROP TABLE posts; --", "<script>x</script>", "x" * 1_000_000, '{"a": "\\u0000"}']
    collecting.append(*(post(number, text, extra={"n": "\x00"}, tags=[text[:50]]) for number, text in enumerate(texts)))
    collecting.run()
    assert [row[0] for row in collecting.rows("text")] == ["a\ufffdb", "\ufffd alone", *texts[2:]]
