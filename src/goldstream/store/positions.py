"""Where every reader has got to. This is the one place where exactly-once is decided.

A reader takes a partition over, and from then on writes its results and its new position in one transaction, with
`advance` between them. Whoever takes the partition over next raises the epoch, and `advance` refuses the one before.
See docs/explanation/exactly-once.md.
"""

from typing import Any, NamedTuple

import psycopg

from goldstream.errors import PositionError, Superseded

Connection = psycopg.Connection[Any]


class Taken(NamedTuple):
    """A partition of a log in the hands of one worker."""

    reader: str
    log: str  #: the log's identity
    partition: int
    position: int  #: where to go on
    epoch: int  #: ours as long as the row still says so


class Lag(NamedTuple):
    """How far a reader is behind."""

    reader: str
    partition: int
    position: int
    posts: int | None  #: not read yet; None where the log is not in this store
    seconds: float | None  #: age of the oldest post not read yet; 0 at the log's end


#: SQL for how many posts have been read of logs that are not in this store: the furthest reader of each partition counts.
READ_ELSEWHERE = """(
    SELECT sum(furthest) FROM (SELECT max(p.position) AS furthest FROM positions p
                               JOIN log_partitions l ON l.number = p.partition GROUP BY p.partition) partitions
)"""
_TAKE = """
    INSERT INTO positions AS p (reader, log, partition, epoch) VALUES (%s, %s, %s, 1)
    ON CONFLICT (reader, log, partition) DO UPDATE SET epoch = p.epoch + 1, updated_at = clock_timestamp()
    RETURNING position, epoch
"""
_ADVANCE = """
    UPDATE positions SET position = %s, updated_at = clock_timestamp()
    WHERE reader = %s AND log = %s AND partition = %s AND epoch = %s AND position = %s
"""
_READ = "SELECT position, epoch FROM positions WHERE reader = %s AND log = %s AND partition = %s"
_REWIND = """
    INSERT INTO positions AS p (reader, log, partition, position, epoch) VALUES (%s, %s, %s, %s, 1)
    ON CONFLICT (reader, log, partition)
    DO UPDATE SET position = excluded.position, epoch = p.epoch + 1, updated_at = clock_timestamp()
"""
_BACK = """
    UPDATE positions SET position = greatest(0, position - %s), epoch = epoch + 1, updated_at = clock_timestamp()
    WHERE reader = %s AND log = %s RETURNING partition, position
"""
_UNWRITE = "DELETE FROM predictions WHERE reader = %s AND partition = %s AND position >= %s"
_LAG = """
    SELECT p.reader, p.partition, p.position, l.next_position - greatest(p.position, l.start_position),
           CASE WHEN p.position >= l.next_position THEN 0
                ELSE (SELECT extract(epoch FROM clock_timestamp() - b.appended_at)::float8 FROM log_batches b
                      WHERE b.log = l.log AND b.first_position + b.posts > p.position
                        AND b.first_position >= coalesce((SELECT max(c.first_position) FROM log_batches c
                                                          WHERE c.log = l.log AND c.first_position <= p.position), 0)
                      ORDER BY b.first_position LIMIT 1) END
    FROM positions p LEFT JOIN logs l ON l.identity::text = p.log
    ORDER BY p.reader, p.partition
"""


def take(conn: Connection, reader: str, log_identity: str, partition: int) -> Taken:
    """Take the partition over, from whoever had it, and return where to go on: one statement, at once durable."""
    row = conn.execute(_TAKE, (reader, log_identity, partition)).fetchone()
    assert row is not None
    return Taken(reader, log_identity, partition, *row)


def advance(conn: Connection, taken: Taken, end: int) -> Taken:
    """Move from `taken.position` to `end`, inside the transaction that holds the results.

    Raises `Superseded` when another worker has the partition, or it was rewound: the transaction must not commit.
    """
    key = (taken.reader, taken.log, taken.partition, taken.epoch, taken.position)
    if conn.execute(_ADVANCE, (end, *key)).rowcount == 0:
        raise Superseded(f"another worker has taken {taken.reader!r} over; this one wrote nothing and stands down")
    return taken._replace(position=end)


def was_committed(conn: Connection, taken: Taken, end: int) -> bool:
    """Return whether a commit whose reply was lost took place: read the row again, after a connection error.

    Raises `Superseded` when the row is no longer ours, whatever became of that commit.
    """
    row = conn.execute(_READ, taken[:3]).fetchone()
    if row == (end, taken.epoch):
        return True
    if row == (taken.position, taken.epoch):
        return False
    raise Superseded(f"another worker has taken {taken.reader!r} over; this one stands down")


def rewind(conn: Connection, reader: str, log_identity: str, partition: int, position: int) -> None:
    """Let `reader` go on from `position`, wherever it was; whoever reads at this moment is superseded."""
    conn.execute(_REWIND, (reader, log_identity, partition, position))


def send_back(conn: Connection, reader: str, log_identity: str, posts: int) -> int:
    """Let `reader` read the last `posts` positions of each partition again; return how many rows it will write anew.

    Its predictions of them go in the same transaction, so that each position still gets one row.
    """
    with conn.transaction():  # two statements: the second sees what a worker committed while the first one waited for it
        moved = conn.execute(_BACK, (posts, reader, log_identity)).fetchall()
        return sum(conn.execute(_UNWRITE, (reader, *place)).rowcount for place in moved)


def check(taken: Taken, start: int, end: int) -> int:
    """Return how many positions before `start`, the log's oldest, the reader has missed: 0 nearly always.

    Raises `PositionError` when its position lies past `end`, as when a log was replaced by a shorter one.
    """
    if taken.position > end:
        raise PositionError(
            f"reader {taken.reader!r} stands at position {taken.position} of partition {taken.partition}, but the log "
            f"ends at {end}: it was restored from an older copy, or replaced; `goldstream reset` starts over"
        )
    return max(0, start - taken.position)


def lag(conn: Connection) -> list[Lag]:
    """Return how far every reader is behind the logs in this store."""
    return [Lag(*row) for row in conn.execute(_LAG)]
