"""What the pages ask of the store. Each answer is plain data, fit for a template and for JSON."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from goldstream.store import Store
from goldstream.store.status import progress, status

PAGE = 50

_POST = (
    "post_id, revision, source, text, created_at, seen_at, author, lang, url, links, label, probability, version, position"
)


class Queries:
    """One connection for each thread that asks, made anew when it has broken."""

    def __init__(self, store: Store, reader: str) -> None:
        self._store, self._reader = store, reader
        self._own = threading.local()

    def newest_kept(self, limit: int = PAGE, text: str = "") -> list[dict[str, Any]]:
        """Return the kept posts that arrived last, newest first; `text` must occur in them."""
        return self._rows(
            f"SELECT {_POST} FROM kept WHERE position(lower(%s) IN lower(text)) > 0 ORDER BY kept.position DESC LIMIT %s", text, limit
        )

    def kept_after(self, position: int, limit: int = PAGE) -> list[dict[str, Any]]:
        """Return the kept posts that arrived after `position`, oldest first."""
        return self._rows(f"SELECT {_POST} FROM kept WHERE kept.position > %s ORDER BY kept.position LIMIT %s", position, limit)

    def post(self, post_id: str) -> dict[str, Any] | None:
        """Return one stored post with its predictions' history, or None."""
        found = self._rows(f"SELECT {_POST}, tags, media, reply_to, stored_at FROM candidates WHERE post_id = %s", post_id)
        return found[0] if found else None

    def links(self, limit: int = PAGE) -> list[dict[str, Any]]:
        """Return the links of kept posts, those of most authors first."""
        return self._rows("SELECT * FROM links ORDER BY authors DESC, posts DESC, last_seen_at DESC LIMIT %s", limit)

    def counters(self) -> dict[str, Any]:
        """Return the numbers in the header."""
        now = progress(self._connection(), self._reader)
        rate = self._rows(
            """SELECT coalesce(sum(posts), 0)::float / 10 AS rate FROM log_batches
               WHERE appended_at > clock_timestamp() - interval '10 seconds'"""
        )
        letters = self._rows("SELECT count(*) AS letters FROM dead_letters WHERE replayed_at IS NULL")
        return {**now._asdict(), "posts_per_second": rate[0]["rate"], "dead_letters": letters[0]["letters"]}

    def label_report(self) -> dict[str, Any] | None:
        """Return what the newest run of the label model said, or None."""
        found = self._rows("SELECT report, at FROM label_runs ORDER BY id DESC LIMIT 1")
        return {**found[0]["report"], "at": found[0]["at"]} if found else None

    def models(self) -> list[dict[str, Any]]:
        """Return every model version, newest first."""
        return self._rows("SELECT version, name, created_at, threshold, evidence FROM models ORDER BY version DESC LIMIT %s", PAGE)

    def moves(self) -> list[dict[str, Any]]:
        """Return the moves of aliases, newest first."""
        return self._rows("SELECT at, alias, before, after, who, why FROM alias_moves ORDER BY id DESC LIMIT %s", PAGE)

    def status(self) -> dict[str, Any]:
        """Return what `goldstream status` returns."""
        return status(self._connection())

    def _rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self._connection().execute(query.encode(), values)
        names: Sequence[str] = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _connection(self) -> psycopg.Connection[Any]:
        conn: psycopg.Connection[Any] | None = getattr(self._own, "conn", None)
        if conn is None or conn.closed or conn.broken:
            conn = self._own.conn = self._store.connect(name="web", statement_timeout=10_000)
        return conn


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: times as ISO 8601."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
