"""What people say of posts. Answers are only ever added; the latest of each annotator counts."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from goldstream.store.copying import copy_columns


def add(conn: psycopg.Connection[Any], labels: Mapping[str, str], annotator: str, strategy: str = "import") -> int:
    """Add an answer for each post id in `labels` that `annotator` has not answered in the same way; return how many."""
    answers = pl.DataFrame({"post_id": list(labels), "label": list(labels.values())}, schema_overrides={"label": pl.String})
    with conn.transaction():
        conn.execute("CREATE TEMP TABLE answers (post_id text, label text) ON COMMIT DROP")
        copy_columns(conn, "answers", answers)
        return conn.execute(
            """INSERT INTO annotations (post_id, revision, label, annotator, strategy)
               SELECT a.post_id, 0, a.label, %(annotator)s, %(strategy)s FROM answers a
               WHERE a.label IS DISTINCT FROM (
                   SELECT b.label FROM annotations b WHERE b.post_id = a.post_id AND b.annotator = %(annotator)s
                   ORDER BY b.id DESC LIMIT 1)""",
            {"annotator": annotator, "strategy": strategy},
        ).rowcount


def add_known(conn: psycopg.Connection[Any], raw_table: str) -> int:
    """Turn the truth that came with the test and dev posts of a dataset (`extra.gold`) into answers; return how many.

    Posts of the training splits keep theirs unread.
    """
    query = sql.SQL("SELECT id, extra->>'gold' FROM {} WHERE split IN ('test', 'dev') AND extra->>'gold' IS NOT NULL")
    known = dict(conn.execute(query.format(sql.Identifier(raw_table))).fetchall())
    return add(conn, known, "import") if known else 0
