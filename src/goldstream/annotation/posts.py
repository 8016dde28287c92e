"""The words of posts that people are asked about, wherever they stand: among the candidates or in a dataset."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from goldstream.names import raw_table

Connection = psycopg.Connection[Any]

_COLUMNS = "revision, source, text, created_at, seen_at, author, lang, url, links, tags, media, reply_to, repost_of"
_CANDIDATES = f"SELECT post_id AS id, {_COLUMNS} FROM candidates WHERE post_id = ANY(%s)"
_COLLECTED = f"SELECT id, {_COLUMNS} FROM {{}} WHERE id = ANY(%s) AND kind <> 'delete'"
#: A hash join with what was asked for; there is no index on texts.
_BY_TEXT = """
    SELECT p.text, min(p.{id}) FROM {table} p JOIN unnest(%s::text[]) asked (text) ON asked.text = p.text WHERE {live} GROUP BY p.text
"""


def datasets(conn: Connection) -> list[str]:
    """Return the raw tables of all datasets, newest first."""
    rows = conn.execute("SELECT prefix, version FROM datasets ORDER BY created_at DESC LIMIT 20").fetchall()
    return [raw_table(prefix, version) for prefix, version in rows]


def words(conn: Connection, post_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the newest revision of each post that is here, by id; a deleted post is not."""
    found: dict[str, dict[str, Any]] = {}
    wanted = list(post_ids)
    with conn.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_CANDIDATES, (wanted,)):
            found[row["id"]] = row
        for table in datasets(conn):
            missing = [post_id for post_id in wanted if post_id not in found]
            if not missing:
                break
            for row in cursor.execute(sql.SQL(_COLLECTED).format(sql.Identifier(table)), (missing,)):
                found[row["id"]] = row
    return found


def known_texts(conn: Connection, texts: Sequence[str]) -> dict[str, str]:
    """Return the id of a post with each of these very texts, by text; of several, the first by id."""
    found: dict[str, str] = {}
    if texts:
        queries = [_BY_TEXT.format(id="post_id", table="candidates", live="true")]
        queries += [_BY_TEXT.format(id="id", table=f'"{table}"', live="kind <> 'delete'") for table in datasets(conn)]
        for query in queries:
            for text, post_id in conn.execute(query.encode(), (list(texts),)):
                found.setdefault(text, post_id)
    return found
