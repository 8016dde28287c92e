"""Trials of a model version on live requests and on the stream: which one runs."""

from datetime import datetime
from typing import Any, NamedTuple

import psycopg

Connection = psycopg.Connection[Any]

_BEGIN = "INSERT INTO trials (kind, version, share, who, why) VALUES (%s, %s, %s, %s, %s) RETURNING id, kind, version, share"
# From where the stream's reader stands now, so that both score the same posts.
_START_READER = """
    INSERT INTO positions (reader, log, partition, position)
    SELECT %s, log, partition, position FROM positions WHERE reader = %s
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


def drop_older(conn: Connection, before: datetime) -> int:
    """Delete what shadows said of the stream before that moment, and return how many rows."""
    return conn.execute("DELETE FROM shadow_predictions WHERE at < %s", (before,)).rowcount


def _forget_reader(conn: Connection) -> None:
    """A shadow whose trial is over has no position any more, so it can't go on, and `status` does not list it."""
    conn.execute("DELETE FROM positions WHERE reader LIKE 'shadow:%'")
