"""Deletions: what a network takes back, we forget, in every table that holds its words.

A small tombstone stays, so that a deletion that overtakes its post still wins: every merge skips what it covers.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from goldstream.names import raw_table

Connection = psycopg.Connection[Any]

Delete = tuple[str, int]  #: post id and revision: all revisions up to this one are gone
Forget = tuple[str, str, int]  #: source, author and revision: all their posts up to this one are gone

_TOMBSTONES = """
    INSERT INTO tombstones AS t (post_id, revision)
    SELECT post_id, max(revision) FROM unnest(%s::text[], %s::bigint[]) gone (post_id, revision) GROUP BY post_id ORDER BY post_id
    ON CONFLICT (post_id) DO UPDATE SET revision = greatest(t.revision, excluded.revision)
"""
_AUTHORS = """
    INSERT INTO forgotten_authors AS f (source, author, revision)
    SELECT source, author, max(revision) FROM unnest(%s::text[], %s::text[], %s::bigint[]) gone (source, author, revision)
    GROUP BY source, author ORDER BY source, author
    ON CONFLICT (source, author) DO UPDATE SET revision = greatest(f.revision, excluded.revision)
"""
_DELETED_CANDIDATES = """
    DELETE FROM candidates c USING unnest(%s::text[], %s::bigint[]) gone (post_id, revision)
    WHERE c.post_id = gone.post_id AND c.revision <= gone.revision
"""
_FORGOTTEN_CANDIDATES = """
    DELETE FROM candidates c USING unnest(%s::text[], %s::text[], %s::bigint[]) gone (source, author, revision)
    WHERE c.source = gone.source AND c.author = gone.author AND c.revision <= gone.revision
"""
#: A row of a frozen split keeps its id, its place and its label; everything that the author wrote goes.
_BLANK = """
    UPDATE {table} r SET kind = 'delete', text = '', author = NULL, url = NULL, links = '{{}}', tags = '{{}}', media = '{{}}',
        reply_to = NULL, repost_of = NULL, cid = NULL, extra = '{{}}', created_at = NULL, lang = NULL
    FROM unnest(%s::text[], %s::bigint[]) gone (post_id, revision)
    WHERE r.id = gone.post_id AND r.revision <= gone.revision AND r.split IS NOT NULL AND r.kind <> 'delete'
    RETURNING r.id
"""
_REMOVE = """
    DELETE FROM {table} r USING unnest(%s::text[], %s::bigint[]) gone (post_id, revision)
    WHERE r.id = gone.post_id AND r.revision <= gone.revision AND r.split IS NULL
    RETURNING r.id
"""
_BY_AUTHOR = """
    SELECT r.id, gone.revision FROM {table} r, unnest(%s::text[], %s::text[], %s::bigint[]) gone (source, author, revision)
    WHERE r.source = gone.source AND r.author = gone.author AND r.revision <= gone.revision
"""
#: What was said of the words that are gone. A gold label stays: it is ours, and holds none of them.
_SAID = (
    "DELETE FROM votes WHERE post_id = ANY(%s)",
    "DELETE FROM soft_labels WHERE post_id = ANY(%s)",
)
_NOTES = "UPDATE annotations SET note = NULL WHERE post_id = ANY(%s) AND note IS NOT NULL"
_LETTERS = "DELETE FROM dead_letters WHERE post_id = ANY(%s)"
_AUTHORS_LETTERS = """
    DELETE FROM dead_letters WHERE (source, author) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""


def apply(conn: Connection, deletes: Sequence[Delete], forgets: Sequence[Forget]) -> None:
    """Apply deletions of posts and of authors to every table, in the caller's transaction. Twice changes nothing more."""
    if deletes:
        ids, revisions = _columns(deletes, 2)
        conn.execute(_TOMBSTONES, (ids, revisions))
        conn.execute(_DELETED_CANDIDATES, (ids, revisions))
        conn.execute(_LETTERS, (ids,))
    if forgets:
        sources, authors, until = _columns(forgets, 3)
        conn.execute(_AUTHORS, (sources, authors, until))
        conn.execute(_FORGOTTEN_CANDIDATES, (sources, authors, until))
        conn.execute(_AUTHORS_LETTERS, (sources, authors))
    if deletes or forgets:
        _forget_collected(conn, deletes, forgets)


def _forget_collected(conn: Connection, deletes: Sequence[Delete], forgets: Sequence[Forget]) -> None:
    """Forget what datasets hold, and what labelling functions and people have noted about it."""
    noted = [post_id for post_id, _ in deletes]
    collected: list[str] = []
    for prefix, version in conn.execute("SELECT prefix, version FROM datasets ORDER BY prefix, version").fetchall():
        table = sql.Identifier(raw_table(prefix, version))
        theirs = conn.execute(sql.SQL(_BY_AUTHOR).format(table=table), _columns(forgets, 3)).fetchall() if forgets else []
        gone = _columns([*deletes, *theirs], 2)
        for query in (_BLANK, _REMOVE):
            collected += [row[0] for row in conn.execute(sql.SQL(query).format(table=table), gone)]
    if collected:  # votes have no index by post: look through them only when there is something to find
        for statement in _SAID:
            conn.execute(statement, (collected,))
    conn.execute(_NOTES, ([*noted, *collected],))


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]
