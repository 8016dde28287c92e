"""From a source to the log: stamps each post with the time we saw it, and appends it together with the source's cursor.

What could not be read, and what is too large to be a short text, goes to the dead letters; nothing else is lost by that.
"""

import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from goldstream.clock import now
from goldstream.log.base import Log
from goldstream.log.refusals import refusals
from goldstream.records import POSTS, Post, to_json, to_rows
from goldstream.sources.base import Arrival, Source
from goldstream.store import Store, dead_letters
from goldstream.store.dead_letters import Letter
from goldstream.store.reconnect import Connection, Lasting, Stopped
from goldstream.stream.arrivals import joined

Say = Callable[[str], None]


class Pumped(NamedTuple):
    """What one source brought."""

    posts: int = 0
    rejected: int = 0


def pump(source: Source, log: Log, store: Store, *, max_text_bytes: int, stop: threading.Event, say: Say) -> Pumped:
    """Read `source` from its stored cursor on until it is through or `stop` is set; return what came.

    The source is closed at the end. An outage of the store pauses the pump; the source's own errors are raised.
    """
    lasting = Lasting(store, f"ingest {source.name}", stop, say)
    total = Pumped()
    try:
        lasting.do(partial(_claim, source.name))
        cursor = lasting.do(lambda conn, _: log.cursor(source.name))
        with closing(joined(source, cursor, stop)) as arrivals:
            for arrival in arrivals:
                posts, letters = _sorted_out(arrival, source.name, max_text_bytes)
                if letters:  # first: the cursor moves with the append, and a crash between must not lose them
                    lasting.do(partial(_bury, letters))
                lasting.do(partial(_append, log, posts, source.name, arrival.cursor))
                total = Pumped(total.posts + posts.num_rows, total.rejected + len(letters))
                if stop.is_set():
                    break
    except Stopped:
        pass
    finally:
        source.close()
        lasting.close()
    return total


def _claim(source: str, conn: Connection, attempt: int) -> None:
    """Wait until no other process pumps this source: one that was just killed goes with its connection."""
    conn.execute("SELECT pg_advisory_lock(hashtextextended(current_schema() || ' pump ' || %s, 3))", (source,))


def _bury(letters: list[Letter], conn: Connection, attempt: int) -> None:
    dead_letters.add(conn, letters)


def _append(log: Log, posts: pa.RecordBatch, source: str, cursor: str | None, conn: Connection, attempt: int) -> None:
    """Append once: after an outage, a cursor that has moved means that the lost reply said yes."""
    if attempt and cursor is not None and log.cursor(source) == cursor:
        return
    if posts.num_rows or cursor is not None:
        log.append(posts, source, cursor)


def _sorted_out(arrival: Arrival, source: str, max_text_bytes: int) -> tuple[pa.RecordBatch, list[Letter]]:
    """Return the posts that go on the log, stamped, and a letter for everything that does not."""
    letters = [Letter("source", source, reject.reason, reject.payload, reject.where) for reject in arrival.rejects]
    posts = arrival.posts
    if posts.num_rows == 0:
        return posts, letters
    reasons = refusals(posts, max_text_bytes)
    if reasons:
        letters += _letters(posts.take(pa.array(reasons)), list(reasons.values()))
        posts = posts.filter(pa.array(~np.isin(np.arange(posts.num_rows), list(reasons))))
    return _stamped(posts), letters


def _letters(posts: pa.RecordBatch, reasons: list[str]) -> list[Letter]:
    """A letter for each post, with the post as JSON: what is stored of it can be replayed."""
    return [
        Letter("ingest", post.source, reason, to_json(post), None, post.id, post.author, post.revision)
        for post, reason in zip(_rows(posts), reasons, strict=True)
    ]


def _rows(posts: pa.RecordBatch) -> list[Post]:
    try:
        return to_rows(posts)
    except (OverflowError, ValueError):  # a time that Python can't say
        index = POSTS.get_field_index("created_at")
        field = POSTS.field(index)
        return to_rows(posts.set_column(index, field, pa.nulls(posts.num_rows, field.type)))


def _stamped(posts: pa.RecordBatch) -> pa.RecordBatch:
    """Stamp each post with the present time, once: this is when we saw it."""
    index = POSTS.get_field_index("seen_at")
    times = pa.repeat(pa.scalar(now(), POSTS.field(index).type), posts.num_rows)
    return posts.set_column(index, POSTS.field(index), times)
