"""The pump: every post that a source brings is on the log once, with the cursor, and nothing bad stops it."""

import threading
from collections.abc import Iterator

import pytest

from goldstream.log.embedded import EmbeddedLog
from goldstream.log.memory import MemoryLog
from goldstream.records import Post, empty, to_columns, to_rows
from goldstream.sources.base import Arrival, Reject
from goldstream.store import Store, dead_letters
from goldstream.stream.pump import Pumped, pump

from .conftest import DyingStore


class Counting:
    """A source of posts 0, 1, 2 … in batches; its cursor is the number of the next one."""

    name = "t"

    def __init__(self, posts: int, batch: int = 2, fails_at: int | None = None) -> None:
        self.posts, self.batch, self.fails_at, self.closed = posts, batch, fails_at, 0

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        for first in range(int(cursor or 0), self.posts, self.batch):
            if self.fails_at is not None and first >= self.fails_at:
                raise ConnectionError("the network is gone")
            numbers = range(first, min(first + self.batch, self.posts))
            yield Arrival(to_columns([Post(id=f"t:{n}", source="t", text=str(n)) for n in numbers]), str(numbers[-1] + 1))

    def close(self) -> None:
        self.closed += 1


class Once:
    """A source that brings one arrival."""

    name = "t"

    def __init__(self, *posts: Post, rejects: tuple[Reject, ...] = (), cursor: str | None = "end") -> None:
        self.arrival = Arrival(to_columns(posts), cursor, rejects)

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        if cursor is None:
            yield self.arrival

    def close(self) -> None:
        pass


def go(source, log, store, *, max_text_bytes: int = 1_000, stop: threading.Event | None = None) -> Pumped:
    return pump(source, log, store, max_text_bytes=max_text_bytes, stop=stop or threading.Event(), say=lambda _: None)


def on(log) -> list[Post]:
    return [post for part in log.read(0, 0, 1_000) for post in to_rows(part.posts)]


def test_posts_are_on_the_log_stamped_with_the_cursor(store: Store):
    log = MemoryLog()
    source = Counting(5)
    assert go(source, log, store) == Pumped(5, 0)
    assert [post.text for post in on(log)] == ["0", "1", "2", "3", "4"]
    assert all(post.seen_at is not None for post in on(log))
    assert log.cursor("t") == "5"
    assert source.closed


def test_a_source_that_fails_is_resumed_where_its_posts_are_safe(store: Store):
    log = MemoryLog()
    with pytest.raises(ConnectionError):
        go(Counting(9, fails_at=4), log, store)
    assert log.cursor("t") == "4"
    assert go(Counting(9), log, store) == Pumped(5, 0)
    assert [post.text for post in on(log)] == [str(n) for n in range(9)]


def test_an_outage_at_any_moment_loses_and_doubles_nothing(store: Store):
    for cut_at in range(1, 9):
        for answer_lost in (False, True):
            name = f"log_{cut_at}_{answer_lost}"
            log = EmbeddedLog(DyingStore(store, [(2 + cut_at, answer_lost)]), name)  # type: ignore[arg-type]
            go(Counting(6, batch=1), log, store)
            log.close()
            whole = EmbeddedLog(store, name)
            assert [post.text for post in on(whole)] == [str(n) for n in range(6)], (cut_at, answer_lost)
            whole.close()


@pytest.mark.parametrize(
    ("post", "reason"),
    [
        (Post(id="", source="t"), "the post has no id"),
        (Post(id="x" * 1_001, source="t"), "its id is longer than 1000 bytes"),
        (Post(id="t:1", source="t", author="é" * 501), "its author is longer than 1000 bytes"),
        (Post(id="t:1", source="t", text="é" * 501), "its text is longer than stream.max-text-bytes, 1000"),
        (Post(id="t:1", source="t", tags=["x"] * 10_000), "it has more than 500 tags"),
        (Post(id="t:1", source="t", links=["x" * 300] * 4), "its links are longer than stream.max-text-bytes, 1000"),
        (Post(id="t:1", source="t", extra={"a": "x" * 1_000}), "its extra is longer than stream.max-text-bytes, 1000"),
    ],
)
def test_what_is_no_short_text_goes_to_the_dead_letters_and_the_rest_to_the_log(store: Store, post: Post, reason: str):
    log = MemoryLog()
    good = [Post(id="t:good", source="t", text="fine"), Post(id="t:good2", source="t", text="x" * 1_000)]
    assert go(Once(good[0], post, good[1]), log, store) == Pumped(2, 1)
    assert [each.id for each in on(log)] == ["t:good", "t:good2"]
    with store.connect(name="look") as conn:
        (letter,) = dead_letters.listed(conn)
        assert (letter["stage"], letter["reason"]) == ("ingest", reason)
        assert dead_letters.show(conn, letter["id"])["payload"].startswith(b'{"id":')


def test_rejects_are_kept_with_their_place_and_not_twice(store: Store):
    log = MemoryLog()
    reject = Reject("broken at byte 3", b"{,\x00", "file.jsonl:7")
    go(Once(rejects=(reject,), cursor="7"), log, store)
    log = MemoryLog()  # as if the crash came between the letters and the append
    go(Once(rejects=(reject,), cursor="7"), log, store)
    with store.connect(name="look") as conn:
        (letter,) = dead_letters.listed(conn)
        assert (letter["place"], dead_letters.show(conn, letter["id"])["payload"]) == ("file.jsonl:7", b"{,\x00")
    assert log.cursor("t") == "7"


class Idle:
    """A live source on which nothing happens."""

    name = "t"

    def __init__(self) -> None:
        self.gone = threading.Event()

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        while not self.gone.wait(0.01):
            yield Arrival(empty(), cursor)

    def close(self) -> None:
        self.gone.set()


def test_a_live_source_stops_when_asked(store: Store):
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert go(Idle(), MemoryLog(), store, stop=stop) == Pumped(0, 0)
