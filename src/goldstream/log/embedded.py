"""The log as a table in the store: a row for each append, with the posts as an Arrow IPC stream.

Positions are given out by an UPDATE of the log's one row, whose lock is held to commit. So the order of positions is
the order of visibility, and no reader can step over a slower writer. An append is a single statement: posts, cursor
and positions come together or not at all, and a client that is stopped half-way holds no lock.
"""

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import psycopg
import pyarrow as pa

from goldstream import settings
from goldstream.errors import PositionError
from goldstream.log.base import Alone, Extent, Part, Say
from goldstream.records import POSTS

if TYPE_CHECKING:
    from goldstream.store import Store

Connection = psycopg.Connection[Any]

PARTITION = 0
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")
_FEW = 256  # bytes saved on so few posts are not worth the codec's frames

_MAKE = "INSERT INTO logs (log) VALUES (%s) ON CONFLICT DO NOTHING"
_IDENTITY = "SELECT identity::text FROM logs WHERE log = %s"
_EXTENT = "SELECT start_position, next_position FROM logs WHERE log = %s"
_APPEND = """
    WITH place AS (
        UPDATE logs SET next_position = next_position + %(posts)s, last_batch_at = clock_timestamp()
        WHERE log = %(log)s RETURNING next_position - %(posts)s AS first_position
    ), batch AS (
        INSERT INTO log_batches (log, first_position, posts, source, payload)
        SELECT %(log)s, first_position, %(posts)s, %(source)s, %(payload)b FROM place WHERE %(posts)s > 0
    ), moved AS (
        INSERT INTO cursors (log, source, cursor)
        SELECT %(log)s, %(source)s, %(cursor)s FROM place WHERE %(cursor)s::text IS NOT NULL
        ON CONFLICT (log, source) DO UPDATE SET cursor = excluded.cursor, updated_at = clock_timestamp()
    )
    SELECT pg_notify(%(channel)s, '') FROM place WHERE %(posts)s > 0
"""
_CURSOR = "SELECT cursor FROM cursors WHERE log = %s AND source = %s"
# The next batches from `after` on: at least one, then as many as hold `limit` posts and 32 MiB. Positions have no gaps
# but for what retention removed from the front, so that they count posts.
_NEXT = """
    SELECT first_position, payload
    FROM (SELECT first_position, payload,
                 sum(octet_length(payload)) OVER (ORDER BY first_position) - octet_length(payload) AS bytes_before
          FROM log_batches
          WHERE log = %(log)s AND first_position + posts > %(after)s
            AND first_position >= coalesce((SELECT max(first_position) FROM log_batches
                                            WHERE log = %(log)s AND first_position <= %(after)s), 0)
            AND first_position < least(%(end)s, %(limit)s + greatest(
                %(after)s, (SELECT start_position FROM logs WHERE log = %(log)s)))) near
    WHERE bytes_before < 33554432
    ORDER BY first_position
"""
# Only from the front: up to the slowest reader, and up to the first batch that is young enough to stay.
_TRIM = """
    WITH edge AS (
        SELECT least((SELECT min(p.position) FROM positions p WHERE p.log = l.identity::text),
                     (SELECT min(b.first_position) FROM log_batches b
                      WHERE b.log = l.log AND b.appended_at >= clock_timestamp() - make_interval(secs => %(seconds)s)),
                     l.next_position) AS position
        FROM logs l WHERE l.log = %(log)s
    ), gone AS (
        DELETE FROM log_batches b USING edge
        WHERE b.log = %(log)s AND b.first_position + b.posts <= edge.position
        RETURNING b.first_position + b.posts AS position, b.posts
    ), moved AS (
        UPDATE logs SET start_position = (SELECT max(position) FROM gone)
        WHERE log = %(log)s AND EXISTS (SELECT FROM gone)
    )
    SELECT coalesce(sum(posts), 0) FROM gone
"""


class EmbeddedLog:
    """Posts in arrival order, in the project's PostgreSQL. May be used by several threads: each gets a connection."""

    def __init__(self, store: "Store", name: str = "posts") -> None:
        self._store, self._name = store, name
        self._own = threading.local()
        self._connections: list[Connection] = []
        self._lock = threading.Lock()
        self._connection().execute(_MAKE, (name,))
        self.identity = str(self._value(_IDENTITY, name))

    @classmethod
    def open(cls, store: "Store", section: settings.Settings) -> Self:
        """Return the log of the project whose store this is."""
        return cls(store)

    def append(self, posts: pa.RecordBatch, source: str, cursor: str | None) -> None:
        """Add `posts` and the source's `cursor` in one transaction of one statement."""
        values = {"log": self._name, "posts": posts.num_rows, "source": source, "payload": to_bytes(posts),
                  "cursor": cursor, "channel": self._channel}  # fmt: skip
        self._connection().execute(_APPEND, values)

    def cursor(self, source: str) -> str | None:
        """Return where `source` had got to with its last append."""
        found = self._value(_CURSOR, self._name, source)
        return None if found is None else str(found)

    def cursors(self) -> Mapping[str, str]:
        """Return where every source had got to."""
        return dict(self._connection().execute("SELECT source, cursor FROM cursors WHERE log = %s", (self._name,)).fetchall())

    def read(self, partition: int, after: int, limit: int) -> Iterator[Part]:
        """Yield what stands at `after` and later: small batches come together, large ones are cut at `limit` posts."""
        end = self.extents()[partition].end
        if after > end:
            raise PositionError(f"position {after} lies past the end of log {self._name!r}, {end}")
        while rows := self._next(after, end, limit):
            posts, positions = _joined(rows, after)
            for offset in range(0, posts.num_rows, limit):
                cut = positions[offset : offset + limit]
                yield Part(posts.slice(offset, limit), cut, partition, after, int(cut[-1]) + 1)
                after = int(cut[-1]) + 1

    def trim(self, *, retention_s: float) -> int:
        """Drop batches older than `retention_s` seconds that every reader has passed; return how many posts went."""
        values = {"log": self._name, "seconds": retention_s}
        return int(self._connection().execute(_TRIM, values).fetchone()[0])  # type: ignore[index]

    def extents(self) -> Mapping[int, Extent]:
        """Return how far the one partition reaches."""
        row = self._connection().execute(_EXTENT, (self._name,)).fetchone()
        assert row is not None
        return {PARTITION: Extent(*row)}

    def wait(self, timeout_s: float) -> None:
        """Return when a writer says that it has appended, or after `timeout_s`."""
        conn = self._connection()
        if not getattr(self._own, "listens", False):
            conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(self._channel)))
            self._own.listens = True
            return
        for _ in conn.notifies(timeout=timeout_s, stop_after=1):
            pass

    def follow(self, reader: str, say: Say, *, share: bool) -> Alone:
        """Return a follower of all of it: the log has one partition, which one worker reads."""
        return Alone(self)

    def close(self) -> None:
        """Close all connections; a second call does nothing."""
        with self._lock:
            while self._connections:
                self._connections.pop().close()

    @property
    def _channel(self) -> str:
        return f"goldstream_log_{self._name}"

    def _connection(self) -> Connection:
        conn: Connection | None = getattr(self._own, "conn", None)
        if conn is None or conn.closed:
            conn = self._store.connect(name=f"log {self._name}")
            self._own.conn, self._own.listens = conn, False
            with self._lock:
                self._connections = [*(other for other in self._connections if not other.closed), conn]
        return conn

    def _value(self, query: str, *values: Any) -> Any:
        row = self._connection().execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def _next(self, after: int, end: int, limit: int) -> list[tuple[int, bytes]]:
        values = {"log": self._name, "after": after, "end": end, "limit": limit}
        return self._connection().cursor(binary=True).execute(_NEXT, values).fetchall()


def to_bytes(posts: pa.RecordBatch) -> bytes:
    """Return `posts` as an Arrow IPC stream, compressed when there are enough of them."""
    sink = pa.BufferOutputStream()
    options = _COMPRESSED if posts.num_rows > _FEW else None
    with pa.ipc.new_stream(sink, POSTS, options=options) as writer:
        writer.write_batch(posts)
    return sink.getvalue().to_pybytes()


def _joined(rows: list[tuple[int, bytes]], after: int) -> tuple[pa.RecordBatch, np.ndarray]:
    """Return the stored batches as one, without what stands before `after`, and the position of every post."""
    batches, positions = [], []
    for first, payload in rows:
        batch = pa.ipc.open_stream(payload).read_next_batch()
        skip = max(0, after - first)
        batches.append(batch.slice(skip))
        positions.append(np.arange(first + skip, first + batch.num_rows))
    return (batches[0] if len(batches) == 1 else pa.concat_batches(batches)), np.concatenate(positions)
