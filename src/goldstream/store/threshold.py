"""Moves the threshold that decides what is kept. One row is written, and every view follows."""

from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from goldstream.errors import DataError

CHANNEL = "goldstream_threshold"  #: PostgreSQL channel on which moves are announced


class Moved(NamedTuple):
    """One move of the threshold; moves are only ever added."""

    at: datetime
    version: int | None  #: None: of every version
    threshold: float | None  #: None: back to what was chosen on dev when the version was trained
    who: str
    why: str


def move(
    conn: psycopg.Connection[Any], threshold: float | None, *, floor: float, who: str, why: str, version: int | None = None
) -> int:
    """Set the threshold of a version (None: of all) and return how many posts are kept now. None: each version's own.

    Raises `DataError` below `floor`: posts under it were never stored.
    """
    if threshold is not None and threshold < floor:
        raise DataError(
            f"{threshold:.3g} is below stream.keep-floor, {floor}: posts under that are not stored; set it lower first"
        )
    with conn.transaction():
        conn.execute(
            "INSERT INTO threshold_moves (version, threshold, who, why) VALUES (%s, %s, %s, %s)", (version, threshold, who, why)
        )
        conn.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
        row = conn.execute("SELECT count(*) FROM kept").fetchone()
    return int(row[0]) if row else 0


def history(conn: psycopg.Connection[Any]) -> list[Moved]:
    """Return the moves, newest first."""
    rows = conn.execute("SELECT at, version, threshold, who, why FROM threshold_moves ORDER BY id DESC")
    return [Moved(*row) for row in rows]
