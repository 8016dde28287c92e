"""Positions: taken over with a higher epoch, moved only by their owner."""

import pytest

from goldstream.errors import PositionError, Superseded
from goldstream.store import Store
from goldstream.store.positions import advance, check, lag, rewind, take, was_committed


@pytest.fixture
def conn(store: Store):
    with store.connect(name="test") as opened:
        yield opened


def test_a_reader_goes_on_where_it_stopped_with_a_higher_epoch(conn):
    first = take(conn, "r", "log", 0)
    assert (first.position, first.epoch) == (0, 1)
    advance(conn, first, 10)
    second = take(conn, "r", "log", 0)
    assert (second.position, second.epoch) == (10, 2)


def test_whoever_was_overtaken_is_refused_for_ever(conn):
    first = take(conn, "r", "log", 0)
    second = take(conn, "r", "log", 0)
    for taken in (first, first._replace(position=5)):
        with pytest.raises(Superseded):
            advance(conn, taken, 10)
    assert advance(conn, second, 10).position == 10


def test_a_position_moves_only_from_where_it_is(conn):
    taken = take(conn, "r", "log", 0)
    advance(conn, taken, 10)
    with pytest.raises(Superseded):
        advance(conn, taken, 20)


def test_a_lost_reply_is_looked_up(conn):
    taken = take(conn, "r", "log", 0)
    assert not was_committed(conn, taken, 10)
    advance(conn, taken, 10)
    assert was_committed(conn, taken, 10)
    take(conn, "r", "log", 0)
    with pytest.raises(Superseded):
        was_committed(conn, taken, 10)


def test_a_rewind_supersedes_the_reader(conn):
    taken = advance(conn, take(conn, "r", "log", 0), 10)
    rewind(conn, "r", "log", 0, 3)
    with pytest.raises(Superseded):
        advance(conn, taken, 20)
    assert take(conn, "r", "log", 0).position == 3


def test_positions_of_another_log_or_reader_are_others(conn):
    advance(conn, take(conn, "r", "log", 0), 10)
    assert take(conn, "r", "other log", 0).position == 0
    assert take(conn, "other", "log", 0).position == 0
    assert take(conn, "r", "log", 1).position == 0


def test_positions_outside_the_log(conn):
    taken = take(conn, "r", "log", 0)._replace(position=5)
    assert check(taken, 0, 5) == 0
    assert check(taken, 8, 10) == 3
    with pytest.raises(PositionError, match="position 5"):
        check(taken, 0, 4)


def test_lag_counts_posts_and_the_age_of_the_oldest_unread(conn):
    conn.execute("INSERT INTO logs (log, next_position) VALUES ('posts', 30)")
    (identity,) = conn.execute("SELECT identity::text FROM logs").fetchone()
    for first, age in ((0, 300), (10, 200), (20, 100)):
        conn.execute(
            "INSERT INTO log_batches (log, first_position, posts, source, appended_at, payload) "
            "VALUES ('posts', %s, 10, 's', now() - make_interval(secs => %s), '')", (first, age),
        )  # fmt: skip
    advance(conn, take(conn, "behind", identity, 0), 15)
    advance(conn, take(conn, "there", identity, 0), 30)
    take(conn, "elsewhere", "another log", 0)
    found = {each.reader: each for each in lag(conn)}
    assert found["behind"].posts == 15 and 199 < found["behind"].seconds < 300
    assert (found["there"].posts, found["there"].seconds) == (0, 0)
    assert (found["elsewhere"].posts, found["elsewhere"].seconds) == (None, None)
