"""Drops what serving answered longer ago than anybody wants to keep."""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

AT_ONCE = 50_000  #: rows in one transaction


def drop(conn: psycopg.Connection[Any], before: datetime) -> int:
    """Delete the answers given before that moment, with what was said of them, and return how many answers."""
    oldest_kept = UUID(int=int(before.timestamp() * 1_000) << 80)  # their ids sort by time
    total = 0
    while True:
        with conn.transaction():
            gone = conn.execute(
                "DELETE FROM served_predictions WHERE id = ANY (ARRAY(SELECT id FROM served_predictions WHERE id < %s LIMIT %s))",
                (oldest_kept, AT_ONCE),
            ).rowcount
        total += gone
        if gone < AT_ONCE:
            conn.execute("DELETE FROM feedback WHERE prediction_id < %s", (oldest_kept,))
            return total
