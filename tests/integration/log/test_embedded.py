"""The embedded log keeps what every log promises, and what a database adds to that."""

from itertools import count

import psycopg
import pytest

from goldstream.checks import check_log
from goldstream.log.embedded import EmbeddedLog
from goldstream.records import Post, to_columns
from goldstream.store import Store, positions


def posts(count: int, first: int = 0):
    return to_columns([Post(id=f"a:{number}", source="a", text="hello") for number in range(first, first + count)])


def test_the_embedded_log_keeps_every_promise_of_a_log(store: Store):
    numbers = count()
    check_log(lambda: EmbeddedLog(store, f"log{next(numbers)}"))


def test_a_log_goes_on_after_its_connection_was_cut(store: Store):
    log = EmbeddedLog(store)
    with store.connect(name="cutter") as conn:
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%log posts%'")
    with pytest.raises(psycopg.OperationalError):
        log.append(posts(1), "a", "1")
    log.append(posts(1), "a", "1")
    assert [part.posts.num_rows for part in log.read(0, 0, 10)] == [1]
    log.close()


def test_two_open_logs_are_one_log(store: Store):
    one, two = EmbeddedLog(store), EmbeddedLog(store)
    one.append(posts(2), "a", "2")
    two.append(posts(1, first=2), "a", "3")
    assert one.identity == two.identity
    assert one.cursor("a") == "3"
    assert one.extents() == two.extents() == {0: (0, 3)}
    one.close(), two.close()


def test_retention_keeps_what_a_reader_has_not_read(store: Store):
    # batches   0 1 | 2 3 | 4 5
    # reader            ^ has read up to 3: only the first batch may go
    log = EmbeddedLog(store)
    for first in (0, 2, 4):
        log.append(posts(2, first), "a", str(first))
    with store.connect(name="reader") as conn:
        taken = positions.take(conn, "slow", log.identity, 0)
        positions.advance(conn, taken, 3)
    assert log.trim(retention_s=3600) == 0
    assert log.trim(retention_s=0) == 2
    assert log.extents() == {0: (2, 6)}
    part = next(iter(log.read(0, 0, 100)))
    assert (part.start, part.positions.tolist(), part.end) == (0, [2, 3, 4, 5], 6)
    log.close()


def test_an_emptied_log_goes_on_counting(store: Store):
    log = EmbeddedLog(store)
    log.append(posts(3), "a", "3")
    assert log.trim(retention_s=0) == 3
    assert list(log.read(0, 0, 10)) == []
    log.append(posts(1, 3), "a", "4")
    assert [part.positions.tolist() for part in log.read(0, 0, 10)] == [[3]]
    log.close()


def test_a_waiting_reader_is_woken_by_an_append(store: Store):
    reader, writer = EmbeddedLog(store), EmbeddedLog(store)
    reader.wait(0)  # listens from here on
    writer.append(posts(1), "a", None)
    reader.wait(30)  # would be felt if nobody woke it
    assert reader.extents()[0].end == 1
    reader.close(), writer.close()
