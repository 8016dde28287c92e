"""The questions: who is asked what next.

They stand in random order. The next question is found by walking an index of open questions from where the person has got
to, so it costs the same however many wait.
"""

from typing import Any

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]

LOAN_S = 900  #: how long a question is kept for the person who has it on the screen
FEW = 50  #: when fewer questions are left for a person, more are drawn
_ONE_AT_A_TIME = 7_246_392  # lock, any number
_ASK = "SELECT pg_advisory_xact_lock(%s)"

_NEXT = """
    SELECT q.post_id, q.place, q.round, q.strategy, q.chance, q.probability, q.version, q.soft_label
    FROM questions q
    WHERE q.open AND q.place > %(after)s AND q.place <= %(until)s AND q.post_id <> ALL(%(have)s)
      AND coalesce((SELECT a.act FROM annotations a WHERE a.post_id = q.post_id AND a.annotator = %(me)s
                    AND a.act <> 'adjudicate' ORDER BY a.id DESC LIMIT 1), 'undo') = 'undo'
      AND q.answers + (SELECT count(*) FROM loans l WHERE l.post_id = q.post_id AND l.annotator <> %(me)s
                       AND l.until > clock_timestamp()) < %(overlap)s
    ORDER BY q.place LIMIT %(limit)s
"""
_MINE = """
    SELECT q.post_id, q.place, q.round, q.strategy, q.chance, q.probability, q.version, q.soft_label
    FROM loans l JOIN questions q USING (post_id)
    WHERE l.annotator = %(me)s AND l.until > clock_timestamp() AND q.open AND q.post_id <> ALL(%(have)s)
    ORDER BY q.place LIMIT %(limit)s
"""
_LEND = """
    INSERT INTO loans (post_id, annotator, until)
    SELECT post_id, %s, clock_timestamp() + make_interval(secs => %s) FROM unnest(%s::text[]) asked (post_id)
    ON CONFLICT (post_id, annotator) DO UPDATE SET until = excluded.until
"""
_JOIN = """
    INSERT INTO annotators (name) VALUES (%(me)s) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING place
"""
_END = float("inf")


def next_for(conn: Connection, me: str, *, overlap: int, limit: int, have: list[str] | None = None) -> list[dict[str, Any]]:
    """Return the next questions for the person `me`, at most `limit`, and lend them; none that is in `have`.

    Those lent before and not yet answered come first. A post that `me` has answered or skipped never comes again.
    """
    values: dict[str, Any] = {"me": me, "overlap": overlap, "have": list(have or []), "limit": limit}
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_ASK, (_ONE_AT_A_TIME,))
        found: list[dict[str, Any]] = cursor.execute(_MINE, values).fetchall()
        place = cursor.execute(_JOIN, values).fetchone()["place"]  # type: ignore[index]
        for after, until in ((place, _END), (0.0, place)):  # to the end, and once from the start: somebody may have left some
            if len(found) < limit:
                known = [*values["have"], *(question["post_id"] for question in found)]
                walk = {**values, "have": known, "after": after, "until": until, "limit": limit - len(found)}
                found += cursor.execute(_NEXT, walk).fetchall()
        if found:
            cursor.execute(_LEND, (me, LOAN_S, [question["post_id"] for question in found]))
            furthest = max(question["place"] for question in found)
            cursor.execute("UPDATE annotators SET place = greatest(place, %s) WHERE name = %s", (furthest, me))
    return found


def of(conn: Connection, post_ids: list[str]) -> list[dict[str, Any]]:
    """Return the questions about these posts, as `next_for` does; a post that nobody asks about is left out."""
    query = """SELECT post_id, place, round, strategy, chance, probability, version, soft_label FROM questions
               WHERE post_id = ANY(%s) ORDER BY place"""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, (post_ids,)).fetchall()


def left_for(conn: Connection, me: str) -> int:
    """Return how many open questions `me` has not come to, counted up to `FEW`."""
    query = """SELECT count(*) FROM (SELECT FROM questions WHERE open
                   AND place > coalesce((SELECT place FROM annotators WHERE name = %s), 0) LIMIT %s) ahead"""
    row = conn.execute(query, (me, FEW)).fetchone()
    return int(row[0]) if row else 0


def close_gone(conn: Connection, post_ids: list[str]) -> None:
    """Close questions about posts whose words are gone."""
    conn.execute("UPDATE questions SET open = false WHERE post_id = ANY(%s)", (post_ids,))
