"""Kept posts as the pages show them: newest first, by pages of a fixed size, never counted."""

from typing import Any, NamedTuple

from goldstream.web.counters import Costly, Refresher
from goldstream.web.database import Connection, rows

PAGE = 40
LONGEST_TEXT = 1_000  #: letters on a list; a post's own page shows all
LONGEST_FILTER = 200
SEARCHED = 20_000  #: how many of the newest kept posts a text filter looks through

_COLUMNS = f"""
    post_id AS id, source, left(text, {LONGEST_TEXT}) AS text, length(text) > {LONGEST_TEXT} AS cut, created_at,
    seen_at, author, lang, url, links, tags[1:20] AS tags, label, probability, version, position
"""
_MATCHES = """
    (%(text)s = '' OR strpos(lower(concat_ws(' ', text, author, source, label, lang, array_to_string(links, ' '))), lower(%(text)s)) > 0)
    AND (%(label)s = '' OR label = %(label)s) AND (%(lang)s = '' OR lang = %(lang)s) AND (%(source)s = '' OR source = %(source)s)
    AND probability >= %(least)s
"""
_OLDER = f"""
    SELECT {_COLUMNS}
    FROM (SELECT * FROM kept WHERE position < %(before)s ORDER BY position DESC LIMIT %(searched)s) newest
    WHERE {_MATCHES}
    ORDER BY position DESC LIMIT %(limit)s
"""
_NEWER = f"""
    SELECT {_COLUMNS} FROM kept WHERE position > %(after)s AND {_MATCHES}
    ORDER BY position DESC LIMIT %(limit)s
"""
_CHOICES = """
    SELECT array_agg(DISTINCT lang ORDER BY lang) FILTER (WHERE lang <> '') AS lang, array_agg(DISTINCT source ORDER BY source) AS source
    FROM (SELECT lang, source FROM candidates ORDER BY position DESC LIMIT 5000) newest
"""
_BEHIND = f"""
    SELECT {_COLUMNS} FROM kept WHERE post_id IN (SELECT post_id FROM candidate_links WHERE url = %(url)s)
    ORDER BY position DESC LIMIT %(limit)s
"""
_STILL = "SELECT post_id FROM kept WHERE post_id = ANY(%s)"
_END = 2**63 - 1


class Filter(NamedTuple):
    """Which kept posts are wanted; what is empty asks for nothing."""

    text: str = ""  #: stands in the text, author, source, label, language or a link, in any case
    label: str = ""
    lang: str = ""
    source: str = ""
    least: float = 0.0  #: probability

    def __bool__(self) -> bool:
        """Return whether anything is asked for."""
        return any(self)


EVERYTHING = Filter()


def older(conn: Connection, before: int | None = None, wanted: Filter = EVERYTHING, limit: int = PAGE) -> list[dict[str, Any]]:
    """Return the newest kept posts before a position that are wanted, newest first."""
    values = {"before": _END if before is None else before, "limit": limit, "searched": SEARCHED if wanted else limit}
    return rows(conn, _OLDER, {**values, **wanted._asdict()})


def newer(conn: Connection, after: int, wanted: Filter = EVERYTHING, limit: int = PAGE) -> list[dict[str, Any]]:
    """Return the newest kept posts after a position, newest first; when there are `limit`, some may be missing."""
    return rows(conn, _NEWER, {"after": after, "limit": limit, **wanted._asdict()})


class Choices:
    """The languages and sources that the newest posts have, for the filters."""

    def __init__(self, refresher: Refresher) -> None:
        self._found = Costly(lambda conn: rows(conn, _CHOICES)[0], refresher)

    def get(self, conn: Connection) -> dict[str, list[str]]:
        """Return `lang` and `source`: a sorted list each."""
        return {name: values or [] for name, values in self._found.get(conn).items()}


def behind(conn: Connection, url: str, limit: int = 100) -> list[dict[str, Any]]:
    """Return the newest kept posts that carry the link `url`."""
    return rows(conn, _BEHIND, {"url": url, "limit": limit})


def still_kept(conn: Connection, ids: list[str]) -> set[str]:
    """Return those of `ids` that are kept at this moment: neither deleted nor edited into something else."""
    return {row["post_id"] for row in rows(conn, _STILL, (ids,))}
