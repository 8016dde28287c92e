"""From a source to the log: stamps each post with the time we saw it, and appends it together with the source's cursor.

What could not be read, and what is too large to be a short text, goes to the dead letters; nothing else is lost by that.
"""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from goldstream.clock import now
from goldstream.log.base import Log
from goldstream.records import POSTS, to_json, to_rows
from goldstream.sources.base import Arrival, Source
from goldstream.store import Store, dead_letters
from goldstream.store.dead_letters import Letter
from goldstream.store.reconnect import Connection, Lasting, Stopped

LONGEST_ID = 1_000  #: bytes
MOST_ITEMS = 500  #: links, tags or media of one post
GATHER_S = 0.1  #: a live source's small batches come together for this long
GATHER_POSTS = 16_384

Say = Callable[[str], None]


class Pumped(NamedTuple):
    """What one source brought."""

    posts: int = 0
    rejected: int = 0


def pump(source: Source, log: Log, store: Store, *, max_text_bytes: int, stop: threading.Event, say: Say) -> Pumped:
    """Read `source` from its stored cursor on until it is through or `stop` is set; return what came."""
    lasting = Lasting(store, f"ingest {source.name}", stop, say)
    total = Pumped()
    try:
        cursor = lasting.do(lambda conn, _: log.cursor(source.name))
        for arrival in _gathered(source.read(cursor), stop):
            posts, letters = _sorted_out(arrival, source.name, max_text_bytes)
            lasting.do(partial(_store, log, source.name, posts, arrival.cursor, letters))
            total = Pumped(total.posts + posts.num_rows, total.rejected + len(letters))
            if stop.is_set():
                break
    except Stopped:
        pass
    finally:
        source.close()
        lasting.close()
    return total


def _store(
    log: Log, source: str, posts: pa.RecordBatch, cursor: str | None, letters: list[Letter], conn: Connection, attempt: int
) -> None:
    """Store once: after an outage, a cursor that has moved means that the lost reply said yes.

    Letters go first, since the cursor moves with the append: a crash between may repeat a letter, and never loses one.
    """
    if attempt and cursor is not None and log.cursor(source) == cursor:
        return
    if letters:
        dead_letters.add(conn, letters)
    if posts.num_rows or cursor is not None:
        log.append(posts, source, cursor)


def _gathered(arrivals: Iterator[Arrival], stop: threading.Event) -> Iterator[Arrival]:
    """Join small batches that follow each other quickly, so that an append is worth its transaction."""
    held: list[Arrival] = []
    since = time.monotonic()
    for arrival in arrivals:
        held.append(arrival)
        count = sum(each.posts.num_rows for each in held)
        idle = arrival.posts.num_rows == 0
        if count >= GATHER_POSTS or idle or stop.is_set() or time.monotonic() - since > GATHER_S:
            yield _joined(held)
            held, since = [], time.monotonic()
    if held:
        yield _joined(held)


def _joined(arrivals: list[Arrival]) -> Arrival:
    if len(arrivals) == 1:
        return arrivals[0]
    posts = pa.concat_batches([arrival.posts for arrival in arrivals])
    return Arrival(posts, arrivals[-1].cursor, tuple(reject for arrival in arrivals for reject in arrival.rejects))


def _sorted_out(arrival: Arrival, source: str, max_text_bytes: int) -> tuple[pa.RecordBatch, list[Letter]]:
    """Return the posts that go on the log, stamped, and a letter for everything that does not."""
    letters = [Letter("source", source, reject.reason, reject.payload, reject.where) for reject in arrival.rejects]
    posts = arrival.posts
    if posts.num_rows == 0:
        return posts, letters
    reasons = _refusals(posts, max_text_bytes)
    wrong = reasons.is_not_null()
    if wrong.any():
        refused = posts.filter(pa.array(wrong.to_list()))
        letters += [
            Letter("ingest", post.source, reason, to_json(post), None, post.id, post.author)
            for post, reason in zip(to_rows(refused), reasons.drop_nulls(), strict=True)
        ]
        posts = posts.filter(pa.array((~wrong).to_list()))
    return _stamped(posts), letters


def _refusals(posts: pa.RecordBatch, max_text_bytes: int) -> pl.Series:
    """The reason why each post can't go on the log, or null."""
    size, known = pl.col("text"), pl.col("id")
    items = pl.max_horizontal(pl.col("links"), pl.col("tags"), pl.col("media"))
    frame = pl.DataFrame({
        "text": pl.Series(pc.binary_length(posts["text"])), "id": pl.Series(pc.binary_length(posts["id"])),
        **{name: pl.Series(pc.list_value_length(posts[name])) for name in ("links", "tags", "media")},
    })  # fmt: skip
    return frame.select(
        pl.when(known == 0).then(pl.lit("the post has no id"))
        .when(known > LONGEST_ID).then(pl.format("the id has {} bytes, more than {}", known, pl.lit(LONGEST_ID)))
        .when(size > max_text_bytes).then(pl.format("the text has {} bytes, more than max-text-bytes, {}", size, pl.lit(max_text_bytes)))
        .when(items > MOST_ITEMS).then(pl.format("it has {} links, tags or media, more than {}", items, pl.lit(MOST_ITEMS)))
    ).to_series()  # fmt: skip


def _stamped(posts: pa.RecordBatch) -> pa.RecordBatch:
    """Stamp each post with the present time, once: this is when we saw it."""
    index = POSTS.get_field_index("seen_at")
    times = pa.repeat(pa.scalar(now(), POSTS.field(index).type), posts.num_rows)
    return posts.set_column(index, POSTS.field(index), times)
