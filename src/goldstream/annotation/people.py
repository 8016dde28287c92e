"""What people have said of each other's posts: where they disagree, how far they agree, and everything in order."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]

MOST_COMPARED = 20_000  #: posts with several answers, the newest, on which agreement is measured

_SAID = """
    SELECT post_id, annotator, label, note, at, strategy FROM latest_answers
    WHERE post_id = ANY(%s) AND label IS NOT NULL ORDER BY at
"""
_COMPARED = """
    WITH several AS (
        SELECT post_id, max(id) AS newest FROM annotations WHERE act <> 'adjudicate'
        GROUP BY post_id HAVING min(annotator) <> max(annotator) ORDER BY newest DESC LIMIT %s
    )
    SELECT post_id, annotator, label FROM latest_answers JOIN several USING (post_id) WHERE label IS NOT NULL
"""
_TRAIL = """
    SELECT id, at, annotator, act, label, post_id, strategy, chance, note, seconds, shown FROM annotations
    WHERE id < %(before)s AND (%(name)s::text IS NULL OR annotator = %(name)s) ORDER BY id DESC LIMIT %(limit)s
"""
_END = 2**63 - 1


def conflicts(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Return posts on whose label people disagree, the longest waiting first, each with `said`: who says what."""
    with conn.cursor(row_factory=dict_row) as cursor:
        query = "SELECT post_id, since FROM conflicts ORDER BY since, post_id LIMIT %s"
        found: list[dict[str, Any]] = cursor.execute(query, (limit,)).fetchall()
        said = cursor.execute(_SAID, ([row["post_id"] for row in found],)).fetchall()
    return [{**row, "said": [each for each in said if each["post_id"] == row["post_id"]]} for row in found]


def forget(conn: Connection, post_ids: list[str]) -> None:
    """Drop disputes about posts whose words are gone: nobody can decide them any more."""
    conn.execute("DELETE FROM conflicts WHERE post_id = ANY(%s)", (post_ids,))


def compared(conn: Connection) -> list[tuple[str, str, str]]:
    """Return post, person and label of the newest posts that several people have answered, for `agreement`."""
    return conn.execute(_COMPARED, (MOST_COMPARED,)).fetchall()


def trail(conn: Connection, *, name: str | None = None, before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Return everything that people said, in whatever way, newest first; nothing in it is ever changed."""
    values = {"before": _END if before is None else before, "name": name, "limit": limit}
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_TRAIL, values).fetchall()
