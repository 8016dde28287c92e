"""Trials of a model version on live requests and on the stream: which one runs, and what it has come to."""

from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

Connection = psycopg.Connection[Any]

_BEGIN = "INSERT INTO trials (kind, version, share, who, why) VALUES (%s, %s, %s, %s, %s) RETURNING id, kind, version, share"
# From where the stream's reader stands now, so that both score the same posts.
_START_READER = """
    INSERT INTO positions (reader, log, partition, position)
    SELECT %s, log, partition, position FROM positions WHERE reader = %s
"""
_ADD = """
    INSERT INTO trial_counts (trial, champion, texts, agreed, moved) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (trial, champion) DO UPDATE SET texts = trial_counts.texts + excluded.texts,
        agreed = trial_counts.agreed + excluded.agreed, moved = trial_counts.moved + excluded.moved
"""
_ON_STREAM = """
    WITH pairs AS (
        SELECT p.version, p.label = s.label AS agree, p.probability AS before, s.probability AS after,
               p.probability >= ours.threshold AS kept, s.probability >= theirs.threshold AS shadow_kept
        FROM shadow_predictions s
        JOIN predictions p ON p.partition = s.partition AND p.position = s.position
        JOIN thresholds ours ON ours.version = p.version
        JOIN thresholds theirs ON theirs.version = s.version
        WHERE s.trial = %(trial)s AND p.reader = %(reader)s AND s.label IS NOT NULL AND p.label IS NOT NULL
          AND p.position >= (SELECT min(position) FROM shadow_predictions WHERE trial = %(trial)s)
    )
    SELECT version AS champion, count(*) AS posts, count(*) FILTER (WHERE agree) AS agreed,
           count(*) FILTER (WHERE kept) AS kept, count(*) FILTER (WHERE shadow_kept) AS shadow_kept,
           count(*) FILTER (WHERE kept AND shadow_kept) AS both_kept,
           avg(before) FILTER (WHERE kept) AS precision, avg(after) FILTER (WHERE shadow_kept) AS shadow_precision,
           avg(abs(after - before)) AS moved
    FROM pairs GROUP BY version ORDER BY version
"""
_BEHIND = """
    SELECT coalesce(sum(greatest(stream.position - coalesce(shadow.position, 0), 0)), 0)::bigint
    FROM positions stream
    LEFT JOIN positions shadow ON shadow.reader = %s AND shadow.log = stream.log AND shadow.partition = stream.partition
    WHERE stream.reader = %s
"""


class Trial(NamedTuple):
    """A version that is being tried."""

    id: int
    kind: str  #: shadow or canary
    version: int
    share: float  #: of the requests, 0 to 1

    @property
    def reader(self) -> str:
        """The name under which a shadow reads the log; settings can't give it to another reader."""
        return f"shadow:{self.id}"


class Count(NamedTuple):
    """What a shadow came to beside one champion."""

    trial: int
    champion: int  #: version
    texts: int
    agreed: int  #: same label
    moved: float  #: sum of how far the probability of the champion's label moved


class Beside(NamedTuple):
    """What a shadow came to on the stream, beside what one champion said of the same posts."""

    champion: int  #: version
    posts: int
    agreed: int  #: same label
    kept: int  #: by the champion
    shadow_kept: int
    both_kept: int
    precision: float | None  #: that is to be expected of what the champion keeps: the mean of its probabilities
    shadow_precision: float | None
    moved: float  #: mean of how far the probability moved


def newest(conn: Connection) -> Trial | None:
    """Return the trial that runs, if one does."""
    row = conn.execute("SELECT id, kind, version, share FROM trials ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None or row[1] == "none" else Trial(*row)


def begin(conn: Connection, kind: str, version: int, share: float, *, reader: str, who: str, why: str) -> Trial:
    """Let `version` be tried on that share of the requests; a trial that runs ends by this.

    A shadow also reads the log, from where the stream's `reader` stands.
    """
    with conn.transaction():
        _forget_reader(conn)
        row = conn.execute(_BEGIN, (kind, version, share, who, why)).fetchone()
        assert row is not None
        trial = Trial(*row)
        if kind == "shadow":
            conn.execute(_START_READER, (trial.reader, reader))
    return trial


def end(conn: Connection, *, who: str, why: str) -> Trial | None:
    """End the trial that runs and return it."""
    with conn.transaction():
        ended = newest(conn)
        if ended is not None:
            _forget_reader(conn)
            conn.execute("INSERT INTO trials (kind, share, who, why) VALUES ('none', 0, %s, %s)", (who, why))
    return ended


def add(conn: Connection, count: Count) -> None:
    """Add what one process saw to what all saw."""
    conn.execute(_ADD, tuple(count))


def counts(conn: Connection, trial: int) -> list[Count]:
    """Return what the shadow came to beside each champion, on requests."""
    query = "SELECT trial, champion, texts, agreed, moved FROM trial_counts WHERE trial = %s ORDER BY champion"
    return [Count(*row) for row in conn.execute(query, (trial,))]


def on_stream(conn: Connection, trial: int, reader: str) -> list[Beside]:
    """Return what the shadow came to beside each champion, on posts that it and the stream's `reader` have both scored."""
    with conn.cursor(row_factory=class_row(Beside)) as cursor:
        return cursor.execute(_ON_STREAM, {"trial": trial, "reader": reader}).fetchall()


def behind(conn: Connection, trial: Trial, reader: str) -> int:
    """Return how many positions the shadow is behind the stream's `reader`."""
    row = conn.execute(_BEHIND, (trial.reader, reader)).fetchone()
    assert row is not None
    return int(row[0])


def drop_older(conn: Connection, before: datetime) -> int:
    """Delete what shadows said of the stream before that moment, and return how many rows."""
    return conn.execute("DELETE FROM shadow_predictions WHERE at < %s", (before,)).rowcount


def _forget_reader(conn: Connection) -> None:
    """A shadow whose trial is over has no position any more, so it can't go on, and `status` does not list it."""
    conn.execute("DELETE FROM positions WHERE reader LIKE 'shadow:%'")
