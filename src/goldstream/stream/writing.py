"""How a classified batch is written: everything and the reader's new position in one transaction.

The order inside matters. What takes long comes first and locks nothing that another worker needs: the predictions are
copied into their table, where nobody sees them, and the candidates into temporary ones. Then the position is compared
and set; then the merges, which are small; then the commit. A worker that is stopped anywhere in the middle can hold its
successor up for no longer than `idle_in_transaction_session_timeout`.
"""

from typing import Any

import polars as pl
import psycopg

from goldstream.store import dead_letters, deletions, prediction_days
from goldstream.store.copying import copy_columns
from goldstream.store.positions import Taken, advance
from goldstream.stream.results import Results

Connection = psycopg.Connection[Any]

_CONTENT = (
    "text, created_at, author, lang, url, links, tags, media, reply_to, repost_of, cid, extra, label, probability, version"
)
_COLUMNS = f"post_id, revision, source, seen_at, position, {_CONTENT}"
# One merge at a time: of two that run side by side, as of two workers, neither would see what the other one deletes.
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' merge', 5))"
_STAGES = """
    CREATE TEMP TABLE IF NOT EXISTS new_candidates (LIKE candidates INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS new_links (LIKE candidate_links, revision bigint) ON COMMIT DELETE ROWS;
"""
# Each merge looks a few rows up by key. Left alone, the planner reads all candidates instead until they are very many.
_BY_KEY = "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
# The same revision again (networks repeat themselves) brings the newest model's answer and keeps its place in the order.
_MERGE_CANDIDATES = f"""
    INSERT INTO candidates AS c ({_COLUMNS})
    SELECT {_COLUMNS} FROM new_candidates n
    WHERE NOT EXISTS (SELECT FROM tombstones t WHERE t.post_id = n.post_id AND t.revision >= n.revision)
      AND NOT EXISTS (SELECT FROM forgotten_authors f
                      WHERE f.source = n.source AND f.author = n.author AND f.revision >= n.revision)
      AND NOT EXISTS (SELECT FROM edits e WHERE e.post_id = n.post_id AND e.revision > n.revision)
    ORDER BY n.post_id
    ON CONFLICT (post_id) DO UPDATE SET ({_CONTENT}) = ROW ({", ".join(f"excluded.{name}" for name in _CONTENT.split(", "))}),
        revision = excluded.revision,
        seen_at = CASE WHEN c.revision = excluded.revision THEN c.seen_at ELSE excluded.seen_at END,
        position = CASE WHEN c.revision = excluded.revision THEN c.position ELSE excluded.position END
    WHERE c.revision <= excluded.revision
"""
# Where the stored revision is the new one, the merge has taken it; its links replace those of older revisions.
_DROP_OLD_LINKS = """
    DELETE FROM candidate_links l USING new_candidates n, candidates c
    WHERE c.post_id = n.post_id AND c.revision = n.revision AND l.post_id = n.post_id AND l.url <> ALL (n.links)
"""
_MERGE_LINKS = """
    INSERT INTO candidate_links (post_id, url, domain, author, seen_at)
    SELECT l.post_id, l.url, l.domain, l.author, l.seen_at
    FROM new_links l JOIN candidates c ON c.post_id = l.post_id AND c.revision = l.revision
    ON CONFLICT DO NOTHING
"""
_DROP_OUTDATED = """
    DELETE FROM candidates c USING unnest(%s::text[], %s::bigint[]) newer (post_id, revision)
    WHERE c.post_id = newer.post_id AND c.revision <= newer.revision
"""
_REMEMBER_EDITS = """
    INSERT INTO edits AS e (post_id, revision) SELECT * FROM unnest(%s::text[], %s::bigint[]) ORDER BY 1
    ON CONFLICT (post_id) DO UPDATE SET revision = greatest(e.revision, excluded.revision)
"""


def write(conn: Connection, taken: Taken, batch: Results) -> Taken:
    """Write `batch` and move the reader to its end, in one transaction; return where the reader now is.

    Raises `Superseded`, with nothing written, when the reader belongs to another worker.
    """
    days = prediction_days.by_day(batch.predictions)
    prediction_days.make(conn, days)
    if len(batch.candidates):
        conn.execute(_STAGES)
    with conn.transaction():
        for day, rows in days.items():
            copy_columns(conn, prediction_days.table(day), rows)
        if len(batch.candidates):
            copy_columns(conn, "new_candidates", batch.candidates)
            copy_columns(conn, "new_links", batch.links)
        conn.execute(_ALONE)
        taken = advance(conn, taken, batch.end)
        _merge(conn, batch)
    return taken


def _merge(conn: Connection, batch: Results) -> None:
    """Bring the candidates up to date; the order in which a batch's events came has no part in the outcome."""
    conn.execute(_BY_KEY)
    deletions.apply(conn, batch.deletes, batch.forgets)
    if batch.letters:
        dead_letters.add(conn, batch.letters)
    if len(batch.edited):
        conn.execute(_REMEMBER_EDITS, _arrays(batch.edited))
    if len(batch.outdated):
        conn.execute(_DROP_OUTDATED, _arrays(batch.outdated))
    if len(batch.candidates):
        conn.execute(_MERGE_CANDIDATES)
        conn.execute(_DROP_OLD_LINKS)
        conn.execute(_MERGE_LINKS)


def _arrays(frame: pl.DataFrame) -> list[list[Any]]:
    return [column.to_list() for column in frame.get_columns()]
