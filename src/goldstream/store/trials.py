"""Trials of a model version on live requests: which one runs, and what it has come to."""

from typing import Any, NamedTuple

import psycopg

Connection = psycopg.Connection[Any]

_ADD = """
    INSERT INTO trial_counts (trial, champion, texts, agreed, moved) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (trial, champion) DO UPDATE SET texts = trial_counts.texts + excluded.texts,
        agreed = trial_counts.agreed + excluded.agreed, moved = trial_counts.moved + excluded.moved
"""


class Trial(NamedTuple):
    """A version that is being tried."""

    id: int
    kind: str  #: shadow or canary
    version: int
    share: float  #: of the requests, 0 to 1


class Count(NamedTuple):
    """What a shadow came to beside one champion."""

    trial: int
    champion: int  #: version
    texts: int
    agreed: int  #: same label
    moved: float  #: sum of how far the probability of the champion's label moved


def newest(conn: Connection) -> Trial | None:
    """Return the trial that runs, if one does."""
    row = conn.execute("SELECT id, kind, version, share FROM trials ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None or row[1] == "none" else Trial(*row)


def begin(conn: Connection, kind: str, version: int, share: float, *, who: str, why: str) -> None:
    """Let `version` be tried on that share of the requests; a trial that runs ends by this."""
    conn.execute(
        "INSERT INTO trials (kind, version, share, who, why) VALUES (%s, %s, %s, %s, %s)", (kind, version, share, who, why)
    )


def end(conn: Connection, *, who: str, why: str) -> Trial | None:
    """End the trial that runs and return it."""
    ended = newest(conn)
    if ended is not None:
        conn.execute("INSERT INTO trials (kind, share, who, why) VALUES ('none', 0, %s, %s)", (who, why))
    return ended


def add(conn: Connection, count: Count) -> None:
    """Add what one process saw to what all saw."""
    conn.execute(_ADD, tuple(count))


def counts(conn: Connection, trial: int) -> list[Count]:
    """Return what the shadow came to beside each champion."""
    query = "SELECT trial, champion, texts, agreed, moved FROM trial_counts WHERE trial = %s ORDER BY champion"
    return [Count(*row) for row in conn.execute(query, (trial,))]
