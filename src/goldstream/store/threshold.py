"""Moves the threshold that decides what is kept. One row is written, and every view follows."""

from typing import Any

import psycopg

from goldstream.errors import DataError


def move(conn: psycopg.Connection[Any], threshold: float | None, *, floor: float, who: str, why: str) -> int:
    """Set the threshold for all models (None: each model's own) and return how many posts are kept now.

    Raises `DataError` below `floor`: posts under it were never stored.
    """
    if threshold is not None and threshold < floor:
        raise DataError(f"{threshold} is below stream.keep-floor, {floor}: posts under that are not stored; set it lower first")
    with conn.transaction():
        conn.execute("INSERT INTO threshold_moves (threshold, who, why) VALUES (%s, %s, %s)", (threshold, who, why))
        row = conn.execute("SELECT count(*) FROM kept").fetchone()
    return int(row[0]) if row else 0
