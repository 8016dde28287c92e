"""What every plug-in promises, as checks that anyone can run on theirs. A broken promise is an `AssertionError`.

>>> from goldstream.log.memory import MemoryLog
>>> check_log(MemoryLog)
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from goldstream.annotation.strategies import Pool
from goldstream.clock import now
from goldstream.errors import PositionError
from goldstream.log.base import Extent, Log
from goldstream.records import POSTS, Post, empty, to_columns, to_rows
from goldstream.sources.base import Arrival, Source

_WRITERS, _APPENDS = 8, 25
_IDLE = 3  #: empty batches after which a live source has nothing more to say


def check_log(make_log: Callable[[], Log]) -> None:
    """Check a log; `make_log` returns an empty one, with one partition and nobody else at work, at each call."""
    for check in (
        check_log_gives_back_what_was_appended, check_log_keeps_the_cursor_with_the_posts, check_log_cuts_and_joins_batches,
        check_log_resumes_anywhere, check_log_refuses_a_position_past_the_end, check_log_shows_every_position_in_order,
    ):  # fmt: skip
        with _closing_twice(make_log()) as log:
            check(log)


def check_log_gives_back_what_was_appended(log: Log) -> None:
    """Posts come back as they were, all their columns, in the order of appending."""
    seen = now()
    posts = [
        Post(id="a:1", source="a", text="hi", seen_at=seen, links=["https://example.org/x"], extra={"stars": 5}),
        Post(id="a:2", source="a", kind="delete", revision=-7, seen_at=seen),
        Post(id="a:3", source="a", seen_at=seen, text="naïve ☃ 'quoted' \\ \n", author="z", tags=["t", ""]),
    ]
    log.append(to_columns(posts[:2]), "a", None)
    log.append(to_columns(posts[2:]), "a", None)
    read = [post for part in log.read(*_start(log), 100) for post in to_rows(part.posts)]
    assert read == posts, read


def check_log_keeps_the_cursor_with_the_posts(log: Log) -> None:
    """A source's cursor is that of its last append; None leaves it, and no posts are needed to move it."""
    assert log.cursor("a") is None
    log.append(_numbered("a", 0, 2), "a", "2")
    log.append(_numbered("b", 0, 1), "b", "1")
    log.append(_numbered("a", 2, 1), "a", None)
    assert (log.cursor("a"), log.cursor("b"), log.cursor("c")) == ("2", "1", None)
    end = _extent(log).end
    log.append(empty(), "a", "9")
    assert (log.cursor("a"), _extent(log).end) == ("9", end)


def check_log_cuts_and_joins_batches(log: Log) -> None:
    """A part never holds more than `limit` posts, and each goes on where the one before ended."""
    for first, count in ((0, 1), (1, 2), (3, 40), (43, 1)):
        log.append(_numbered("a", first, count), "a", None)
    partition, after = _start(log)
    seen: list[str] = []
    for part in log.read(partition, after, 7):
        assert 1 <= part.posts.num_rows <= 7
        assert part.start == after and part.end > part.positions[-1] >= part.start
        after = part.end
        seen += part.posts["id"].to_pylist()
    assert seen == [f"a:{number}" for number in range(44)], seen
    assert after == _extent(log).end


def check_log_resumes_anywhere(log: Log) -> None:
    """Reading on from the position of any post begins with that post."""
    log.append(_numbered("a", 0, 3), "a", None)
    log.append(_numbered("a", 3, 3), "a", None)
    partition, start = _start(log)
    end = _extent(log).end
    whole = [place for part in log.read(partition, start, 100) for place in zip(part.positions, part.posts["id"], strict=True)]
    for position, post_id in whole:
        part = next(iter(log.read(partition, int(position), 100)))
        assert part.posts["id"][0] == post_id and part.positions[0] == position
    assert list(log.read(partition, end, 100)) == []


def check_log_refuses_a_position_past_the_end(log: Log) -> None:
    """A reader that stands past the end hears about it: it has positions of another log."""
    log.append(_numbered("a", 0, 3), "a", None)
    try:
        list(log.read(_start(log)[0], _extent(log).end + 1, 100))
    except PositionError:
        return
    raise AssertionError("no PositionError for a position past the end")


def check_log_shows_every_position_in_order(log: Log) -> None:
    """Eight writers at once; a reader that follows them sees every post once, and each writer's in its order."""
    partition, start = _start(log)
    with ThreadPoolExecutor(_WRITERS) as threads:
        writers = [threads.submit(_write, log, f"w{number}") for number in range(_WRITERS)]
        seen: list[str] = []
        positions: list[int] = []
        after = start
        while len(seen) < _WRITERS * _APPENDS * 3:
            before = len(seen)
            done = all(writer.done() for writer in writers)
            for part in log.read(partition, after, 50):
                after = part.end
                seen += part.posts["id"].to_pylist()
                positions += part.positions.tolist()
            assert not (done and len(seen) == before), f"the reader stepped over posts: {len(seen)} seen"
        for writer in writers:
            writer.result()
    assert positions == sorted(set(positions)), "positions do not grow"
    for number in range(_WRITERS):
        own = [post_id for post_id in seen if post_id.startswith(f"w{number}:")]
        assert own == [f"w{number}:{count}" for count in range(_APPENDS * 3)], own


def _start(log: Log) -> tuple[int, int]:
    """The log's one partition and where it begins."""
    ((partition, extent),) = log.extents().items()
    return partition, extent.start


def _extent(log: Log) -> Extent:
    (extent,) = log.extents().values()
    return extent


def _write(log: Log, name: str) -> None:
    for number in range(_APPENDS):
        log.append(_numbered(name, 3 * number, 3), name, str(number))


def _numbered(source: str, first: int, count: int) -> pa.RecordBatch:
    return to_columns([Post(id=f"{source}:{number}", source=source, text="x") for number in range(first, first + count)])


@contextmanager
def _closing_twice(log: Log) -> Iterator[Log]:
    try:
        yield log
    finally:
        log.close()
        log.close()


def check_source(make_source: Callable[[], Source], *, repeats: bool = False) -> None:
    """Check a source; `make_source` returns one that has something to say, the same at each call.

    With `repeats`, it may say again, after a resume, what it has said: networks do.
    """
    arrivals = _arrivals(make_source, None)
    check_source_has_the_schema(arrivals)
    check_source_names_each_version_once(arrivals)
    check_source_resumes_anywhere(make_source, arrivals, repeats=repeats)
    first, second = make_source(), make_source()
    assert first.name == second.name, f"two names for one source: {first.name!r} and {second.name!r}"
    for source in (first, second):
        source.close()
        source.close()


def check_source_has_the_schema(arrivals: list[Arrival]) -> None:
    """Every batch has the columns of a post, valid to the last byte, and what has come has a cursor."""
    assert any(arrival.posts.num_rows for arrival in arrivals), "the source says nothing: there is nothing to check"
    for arrival in arrivals:
        assert arrival.posts.schema.equals(POSTS), arrival.posts.schema
        arrival.posts.validate(full=True)
        assert arrival.cursor is not None or not arrival.posts.num_rows, "posts without a cursor"


def check_source_names_each_version_once(arrivals: list[Arrival]) -> None:
    """Ids begin with the network's name, and no two different posts have the same id, kind and revision."""
    seen: dict[tuple[str, str, int], Post] = {}
    for post in _posts(arrivals):
        assert post.id.startswith(f"{post.source}:"), post.id
        assert seen.setdefault((post.id, post.kind, post.revision), post) == post, f"two posts are {post.id}"


def check_source_resumes_anywhere(make_source: Callable[[], Source], arrivals: list[Arrival], *, repeats: bool) -> None:
    """From the cursor of any batch come the posts after it: none is lost, and none comes twice unless it `repeats`."""
    cuts = sorted({number * (len(arrivals) - 1) // 4 for number in range(5)})
    for cut in cuts:
        rest = _posts(_arrivals(make_source, arrivals[cut].cursor))
        expected = _posts(arrivals[cut + 1 :])
        if repeats:
            assert {post.id for post in expected} <= {post.id for post in rest}, f"lost after batch {cut}"
        else:
            assert rest == expected, f"after batch {cut}: {len(rest)} posts where {len(expected)} are left"


def _arrivals(make_source: Callable[[], Source], cursor: str | None) -> list[Arrival]:
    source = make_source()
    arrivals: list[Arrival] = []
    idle = 0
    try:
        for arrival in source.read(cursor):
            arrivals.append(arrival)
            idle = 0 if arrival.posts.num_rows or arrival.rejects else idle + 1
            if idle >= _IDLE and any(each.posts.num_rows for each in arrivals):
                break
            if idle >= 20 * _IDLE:
                break
    finally:
        source.close()
        source.close()
    return arrivals


def _posts(arrivals: list[Arrival]) -> list[Post]:
    return [post for arrival in arrivals for post in to_rows(arrival.posts)]


def check_strategy(strategy: Callable[[Pool], np.ndarray]) -> None:
    """Check a strategy of what to ask next.

    >>> from goldstream.annotation.strategies import uncertain
    >>> check_strategy(uncertain)
    """
    for pool in (_pool(0), _pool(50), _pool(50, known=False)):
        wishes = np.asarray(strategy(pool), float)
        assert wishes.shape == (len(pool),), f"a wish for each post: {wishes.shape} for {len(pool)} posts"
        assert np.isfinite(wishes).all(), "a post of which nothing is known needs a wish too: nought, not NaN"
        assert (wishes >= 0).all(), "a wish is nought or more"
        assert np.array_equal(wishes, np.asarray(strategy(pool), float)), "the same pool gives the same wishes"


def _pool(posts: int, *, known: bool = True) -> Pool:
    random = np.random.default_rng(0)
    nothing = np.full(posts, np.nan)
    votes = random.integers(0, 4, posts)
    return Pool(
        random.random(posts) if known else nothing,
        np.where(votes > 0, random.random(posts), np.nan) if known else nothing,
        votes, np.minimum(votes, random.integers(1, 3, posts)),
    )  # fmt: skip
