"""Kept posts as the pages show them: newest first, by pages of a fixed size, never counted."""

from typing import Any

from goldstream.web.database import Connection, rows

PAGE = 40
LONGEST_TEXT = 1_000  #: letters on a list; a post's own page shows all
LONGEST_FILTER = 200
SEARCHED = 20_000  #: how many of the newest kept posts a text filter looks through

_COLUMNS = f"""
    post_id AS id, source, left(text, {LONGEST_TEXT}) AS text, length(text) > {LONGEST_TEXT} AS cut, created_at,
    seen_at, author, lang, url, links, tags[1:20] AS tags, label, probability, version, position
"""
_MATCHES = "strpos(lower(concat_ws(' ', text, author, source, label, lang, array_to_string(links, ' '))), lower(%(text)s)) > 0"
_OLDER = f"""
    SELECT {_COLUMNS}
    FROM (SELECT * FROM kept WHERE position < %(before)s ORDER BY position DESC LIMIT %(searched)s) newest
    WHERE %(text)s = '' OR {_MATCHES}
    ORDER BY position DESC LIMIT %(limit)s
"""
_NEWER = f"""
    SELECT {_COLUMNS} FROM kept WHERE position > %(after)s AND (%(text)s = '' OR {_MATCHES})
    ORDER BY position DESC LIMIT %(limit)s
"""
_BEHIND = f"""
    SELECT {_COLUMNS} FROM kept WHERE post_id IN (SELECT post_id FROM candidate_links WHERE url = %(url)s)
    ORDER BY position DESC LIMIT %(limit)s
"""
_STILL = "SELECT post_id FROM kept WHERE post_id = ANY(%s)"
_END = 2**63 - 1


def older(conn: Connection, before: int | None = None, text: str = "", limit: int = PAGE) -> list[dict[str, Any]]:
    """Return the newest kept posts before a position, newest first; `text` must stand in them, in any case."""
    values = {
        "before": _END if before is None else before,
        "text": text,
        "limit": limit,
        "searched": SEARCHED if text else limit,
    }
    return rows(conn, _OLDER, values)


def newer(conn: Connection, after: int, text: str = "", limit: int = PAGE) -> list[dict[str, Any]]:
    """Return the newest kept posts after a position, newest first; when there are `limit`, some may be missing."""
    return rows(conn, _NEWER, {"after": after, "text": text, "limit": limit})


def behind(conn: Connection, url: str, limit: int = 100) -> list[dict[str, Any]]:
    """Return the newest kept posts that carry the link `url`."""
    return rows(conn, _BEHIND, {"url": url, "limit": limit})


def still_kept(conn: Connection, ids: list[str]) -> set[str]:
    """Return those of `ids` that are kept at this moment: neither deleted nor edited into something else."""
    return {row["post_id"] for row in rows(conn, _STILL, (ids,))}
