"""How far a project is, in a few cheap queries: nothing here scans what grows with the stream."""

from typing import Any, NamedTuple

import psycopg

from goldstream.store import refusals
from goldstream.store.positions import READ_ELSEWHERE, lag


class Progress(NamedTuple):
    """What a person wants to see move."""

    step: str  #: what the loop is busy with
    posts: int  #: on the log, ever
    collected: int  #: rows of the newest dataset
    classified: int  #: positions that the reader has passed
    kept: int
    links: int
    champion: int | None


_PROGRESS = f"""
    SELECT greatest((SELECT sum(next_position) FROM logs), {READ_ELSEWHERE}, 0)::bigint,
           coalesce((SELECT (counts->>'collected')::bigint FROM datasets ORDER BY created_at DESC LIMIT 1), 0),
           coalesce((SELECT sum(position) FROM positions WHERE reader = %(reader)s), 0)::bigint,
           (SELECT count(*) FROM kept), (SELECT count(*) FROM links),
           (SELECT after FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1),
           (SELECT state FROM datasets ORDER BY created_at DESC LIMIT 1),
           EXISTS (SELECT FROM label_runs)
"""


def progress(conn: psycopg.Connection[Any], reader: str) -> Progress:
    """Return how far the project is; `reader` is the one that classifies."""
    row = conn.execute(_PROGRESS, {"reader": reader}).fetchone()
    assert row is not None
    posts, collected, classified, kept, links, champion, state, labelled = row
    return Progress(_step(champion, state, labelled), posts, collected, classified, kept, links, champion)


def _step(champion: int | None, state: str | None, labelled: bool) -> str:
    if champion is not None:
        return "classifying"
    if labelled:
        return "training"
    return {
        None: "waiting for posts",
        "collecting": "collecting",
        "collected": "removing duplicates and splitting",
    }.get(state, "labelling")


def status(conn: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return the state of everything: log, readers with their lag, datasets, champion, kept posts, dead letters."""
    return {
        "log": _rows(conn, "SELECT log, start_position, next_position, last_batch_at FROM logs ORDER BY log"),
        "readers": [reading._asdict() for reading in lag(conn)],
        "sources": _rows(conn, "SELECT source, cursor, updated_at FROM cursors ORDER BY source"),
        "datasets": _rows(conn, "SELECT prefix, version, state, counts FROM datasets ORDER BY prefix, version"),
        "champion": _value(conn, "SELECT after FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1"),
        "refused": [refusal._asdict() for refusal in refusals.since_the_last_move(conn)],
        "models": _value(conn, "SELECT count(*) FROM models"),
        "kept": _value(conn, "SELECT count(*) FROM kept"),
        "links": _value(conn, "SELECT count(*) FROM links"),
        "dead_letters": {
            f"{stage}: {reason}": count
            for stage, reason, count in conn.execute(
                "SELECT stage, left(reason, 80), count(*) FROM dead_letters WHERE replayed_at IS NULL GROUP BY 1, 2"
            )
        },
        "bytes": _value(conn, "SELECT pg_database_size(current_database())"),
    }


def _rows(conn: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    cursor = conn.execute(query.encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _value(conn: psycopg.Connection[Any], query: str) -> Any:
    row = conn.execute(query.encode()).fetchone()
    return row[0] if row else None
