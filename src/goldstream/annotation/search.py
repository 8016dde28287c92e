"""Posts by their words, for labelling many at once: those of the newest dataset, and the newest candidates."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from goldstream.names import raw_table

Connection = psycopg.Connection[Any]

NEWEST = 2_000  #: candidates that are looked through; datasets have an index
LONGEST_QUERY = 500

_DATASET = "SELECT prefix, version FROM datasets WHERE state = 'split' ORDER BY created_at DESC LIMIT 1"
_WORDS = "to_tsvector('simple', left(p.text, 20000)) @@ websearch_to_tsquery('simple', %(query)s)"
#: What a person has not answered: nothing was said, or it was taken back.
_OPEN = """
    (%(me)s::text IS NULL OR coalesce((SELECT a.act FROM annotations a WHERE a.post_id = p.id AND a.annotator = %(me)s
                                       AND a.act <> 'adjudicate' ORDER BY a.id DESC LIMIT 1), 'undo') = 'undo')
"""
_COLLECTED = (
    f"SELECT p.id FROM {{raw}} p WHERE p.split IS NOT NULL AND p.kind <> 'delete' AND {_WORDS} AND {_OPEN} LIMIT %(limit)s"
)
_CANDIDATES = f"""
    SELECT p.id FROM (SELECT post_id AS id, text FROM candidates ORDER BY position DESC LIMIT {NEWEST}) p
    WHERE {_WORDS} AND {_OPEN} LIMIT %(limit)s
"""
_LEFT = f"SELECT p.id FROM unnest(%(posts)s::text[]) WITH ORDINALITY p (id, number) WHERE {_OPEN} ORDER BY p.number"


def by_words(conn: Connection, query: str, *, unanswered_by: str | None, limit: int) -> list[str]:
    """Return ids of posts that hold the words of `query`: phrases in quotes, `or`, `-` for without.

    With `unanswered_by`, only those that this person has not answered.
    """
    values = {"query": query, "me": unanswered_by, "limit": limit}
    found: dict[str, None] = {}
    newest = conn.execute(_DATASET).fetchone()
    parts: list[sql.SQL | sql.Composed] = [sql.SQL(_CANDIDATES)]
    if newest is not None:
        parts.insert(0, sql.SQL(_COLLECTED).format(raw=sql.Identifier(raw_table(*newest))))
    for part in parts:
        if len(found) < limit:
            found |= dict.fromkeys(row[0] for row in conn.execute(part, values).fetchall())
    return list(found)[:limit]


def unanswered(conn: Connection, post_ids: Sequence[str], me: str | None) -> list[str]:
    """Return those of the posts that `me` has not answered, in their order."""
    return [row[0] for row in conn.execute(_LEFT.encode(), {"posts": list(post_ids), "me": me}).fetchall()]
