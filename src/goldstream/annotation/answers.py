"""What people say of posts. Answers are only ever added; the latest of each annotator counts."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]
Act = Literal["answer", "skip", "undo", "adjudicate"]

LONGEST_NOTE = 2_000

_ANSWER = """
    INSERT INTO annotations (post_id, revision, label, annotator, strategy, chance, note, act, round, seconds, shown)
    SELECT asked.post_id, %(revision)s, %(label)s, %(annotator)s, coalesce(q.strategy, %(place)s), q.chance, %(note)s, %(act)s,
           q.round, %(seconds)s, %(shown)s
    FROM (SELECT %(post_id)s::text AS post_id) asked LEFT JOIN questions q USING (post_id)
    RETURNING id
"""
_ONE_AT_A_TIME = 7_246_394  # lock, any number
_HOLD = "SELECT pg_advisory_xact_lock(%s)"
_SETTLE = """
    UPDATE questions q SET answers = found.answers, open = found.answers < %(overlap)s
    FROM (SELECT asked.post_id, count(said.label)::int AS answers
          FROM unnest(%(posts)s::text[]) asked (post_id)
          LEFT JOIN LATERAL (SELECT DISTINCT ON (a.annotator) a.label FROM annotations a
                             WHERE a.post_id = asked.post_id AND a.act <> 'adjudicate' ORDER BY a.annotator, a.id DESC) said ON true
          GROUP BY asked.post_id) found
    WHERE q.post_id = found.post_id
"""
_DISPUTE = """
    WITH disputed AS (
        SELECT l.post_id FROM latest_answers l WHERE l.post_id = ANY(%(posts)s::text[]) AND l.label IS NOT NULL
        GROUP BY l.post_id
        HAVING count(DISTINCT l.label) > 1
           AND NOT EXISTS (SELECT FROM annotations a WHERE a.post_id = l.post_id AND a.act = 'adjudicate' AND a.label IS NOT NULL)
    ), settled AS (
        DELETE FROM conflicts c WHERE c.post_id = ANY(%(posts)s::text[])
          AND NOT EXISTS (SELECT FROM disputed d WHERE d.post_id = c.post_id)
    )
    INSERT INTO conflicts (post_id) SELECT post_id FROM disputed ON CONFLICT DO NOTHING
"""
_LAST = """
    SELECT id, post_id, revision, batch FROM annotations a
    WHERE annotator = %(annotator)s AND act IN ('answer', 'skip')
      AND id = (SELECT max(b.id) FROM annotations b
                WHERE b.post_id = a.post_id AND b.annotator = %(annotator)s AND b.act <> 'adjudicate')
    ORDER BY id DESC LIMIT 1
"""
_LABEL_MANY = """
    INSERT INTO annotations (post_id, revision, label, annotator, strategy, act, batch)
    SELECT post_id, revision, %(label)s, %(annotator)s, %(strategy)s, 'answer', %(batch)s
    FROM unnest(%(posts)s::text[], %(revisions)s::bigint[]) chosen (post_id, revision)
"""
_TAKE_BACK = """
    INSERT INTO annotations (post_id, revision, annotator, strategy, act)
    SELECT a.post_id, a.revision, a.annotator, a.strategy, 'undo'
    FROM annotations a
    WHERE a.annotator = %(annotator)s AND a.batch = %(batch)s
      AND NOT EXISTS (SELECT FROM annotations b WHERE b.post_id = a.post_id AND b.annotator = a.annotator
                      AND b.act <> 'adjudicate' AND b.id > a.id)
    RETURNING post_id
"""


def answer(
    conn: Connection, post_id: str, annotator: str, label: str | None, *, act: Act = "answer", revision: int = 0,
    note: str | None = None, seconds: float | None = None, shown: Mapping[str, Any] | None = None, place: str = "page",
    overlap: int = 1,
) -> int:  # fmt: skip
    """Add what `annotator` says of a post and return the row's id; `label` is None for a skip or to take an answer back.

    Strategy, round and chance are those of the question; `place` is the strategy where nobody asked.
    """
    values = {
        "post_id": post_id, "annotator": annotator, "label": label, "act": act, "revision": revision,
        "note": (note or "").replace("\x00", "")[:LONGEST_NOTE].strip() or None,
        "seconds": None if seconds is None else min(max(seconds, 0.0), 86_400.0),
        "shown": None if shown is None else Jsonb(dict(shown)), "place": place,
    }  # fmt: skip
    with conn.transaction():
        row = conn.execute(_ANSWER, values).fetchone()
        conn.execute("DELETE FROM loans WHERE post_id = %s AND annotator = %s", (post_id, annotator))
        settle(conn, [post_id], overlap)
    assert row is not None
    return int(row[0])


def undo(conn: Connection, annotator: str, *, overlap: int = 1) -> list[str]:
    """Take back the newest answer of `annotator` that still counts, or the whole batch it belongs to; return the posts."""
    with conn.transaction():
        row = conn.execute(_LAST, {"annotator": annotator}).fetchone()
        if row is None:
            return []
        _, post_id, revision, batch = row
        if batch is not None:
            return take_back(conn, annotator, batch, overlap=overlap)
        answer(conn, post_id, annotator, None, act="undo", revision=revision, overlap=overlap)
    return [post_id]


def label_many(
    conn: Connection, posts: Mapping[str, int], label: str, annotator: str, *, strategy: str, overlap: int = 1
) -> int:
    """Give `label` to all `posts` (id → revision) at once and return the batch's number, with which it is taken back."""
    with conn.transaction():
        row = conn.execute("SELECT nextval(pg_get_serial_sequence('annotations', 'id'))").fetchone()
        assert row is not None
        values = {"posts": list(posts), "revisions": list(posts.values()), "label": label, "batch": row[0]}
        conn.execute(_LABEL_MANY, {**values, "annotator": annotator, "strategy": strategy})
        settle(conn, list(posts), overlap)
    return int(row[0])


def take_back(conn: Connection, annotator: str, batch: int, *, overlap: int = 1) -> list[str]:
    """Take back what is left of a batch and return its posts; a later answer to one of them stays."""
    with conn.transaction():
        posts = [row[0] for row in conn.execute(_TAKE_BACK, {"annotator": annotator, "batch": batch})]
        settle(conn, posts, overlap)
    return posts


def settle(conn: Connection, posts: Sequence[str], overlap: int) -> None:
    """Count the answers to questions anew, close those that have enough, and note on which posts people disagree."""
    conn.execute(_HOLD, (_ONE_AT_A_TIME,))  # so that whoever comes second counts the first one's answer too
    conn.execute(_SETTLE, {"posts": list(posts), "overlap": overlap})
    conn.execute(_DISPUTE, {"posts": list(posts)})


def add(conn: Connection, labels: Mapping[str, str], annotator: str, strategy: str = "import", *, overlap: int = 1) -> int:
    """Add an answer for each post id in `labels` that `annotator` has not answered in the same way; return how many."""
    import polars as pl

    from goldstream.store.copying import copy_columns

    answers = pl.DataFrame({"post_id": list(labels), "label": list(labels.values())}, schema_overrides={"label": pl.String})
    with conn.transaction():
        conn.execute("CREATE TEMP TABLE answers (post_id text, label text) ON COMMIT DROP")
        copy_columns(conn, "answers", answers)
        added = conn.execute(
            """INSERT INTO annotations (post_id, revision, label, annotator, strategy)
               SELECT a.post_id, 0, a.label, %(annotator)s, %(strategy)s FROM answers a
               WHERE a.label IS DISTINCT FROM (
                   SELECT b.label FROM annotations b
                   WHERE b.post_id = a.post_id AND b.annotator = %(annotator)s AND b.act <> 'adjudicate'
                   ORDER BY b.id DESC LIMIT 1)""",
            {"annotator": annotator, "strategy": strategy},
        ).rowcount
        settle(conn, list(labels), overlap)
    return added


def add_known(conn: Connection, raw_table: str) -> int:
    """Turn the truth that came with the test and dev posts of a dataset (`extra.gold`) into answers; return how many.

    Posts of the training splits keep theirs unread.
    """
    query = sql.SQL("SELECT id, extra->>'gold' FROM {} WHERE split IN ('test', 'dev') AND extra->>'gold' IS NOT NULL")
    known = dict(conn.execute(query.format(sql.Identifier(raw_table))).fetchall())
    return add(conn, known, "import") if known else 0
