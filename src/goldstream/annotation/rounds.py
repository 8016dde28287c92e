"""Rounds: which posts people are asked about.

A round draws posts from the pool: every post of the newest dataset and every candidate, whoever repeats another left
out. They are asked in random order.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from goldstream import plugins, settings
from goldstream.annotation.sampling import draw
from goldstream.annotation.strategies import Pool
from goldstream.names import raw_table

Connection = psycopg.Connection[Any]

MOST_IN_POOL = 200_000  #: posts that a round looks at; of a larger pool, a random part this large
_ONE_AT_A_TIME = 7_246_393  # lock, any number

#: Every post whose words are here, with what the champion and the rules said; never one that was drawn or answered.
_POOL = """
    WITH functions AS (
        SELECT key AS function, value AS version
        FROM jsonb_each_text((SELECT functions FROM label_runs ORDER BY id DESC LIMIT 1))
    ), posts AS ({posts}), free AS (
        SELECT DISTINCT ON (post_id) * FROM posts
        WHERE ((hashtextextended(post_id, %(seed)s) & 4294967295) < %(part)s * 4294967296.0)
          AND NOT EXISTS (SELECT FROM questions q WHERE q.post_id = posts.post_id)
          AND NOT EXISTS (SELECT FROM annotations a WHERE a.post_id = posts.post_id)
        ORDER BY post_id, probability DESC NULLS LAST
    ), voted AS (
        SELECT post_id, count(vote) AS votes, count(DISTINCT vote) AS sides
        FROM votes JOIN functions USING (function, version) JOIN (SELECT post_id FROM free) f USING (post_id)
        GROUP BY post_id
    )
    SELECT free.post_id, free.probability, free.version, free.weight, free.soft_label, coalesce(voted.votes, 0) AS votes,
           coalesce(voted.sides, 0) AS sides
    FROM free LEFT JOIN voted USING (post_id)
    ORDER BY free.post_id
"""
_CANDIDATES = """
    SELECT post_id, probability, version, 1::real AS weight, NULL::real AS soft_label FROM candidates
"""
_COLLECTED = """
    SELECT r.id AS post_id, coalesce(c.probability, p.probability) AS probability, coalesce(c.version, p.version) AS version,
           r.weight, CASE WHEN s.covered THEN s.probabilities[%(keep)s] END AS soft_label
    FROM {raw} r
    LEFT JOIN candidates c ON c.post_id = r.id
    LEFT JOIN predictions p ON p.position = r.position AND p.post_id = r.id AND p.reader = %(reader)s
    LEFT JOIN soft_labels s ON s.prefix = %(prefix)s AND s.dataset = %(dataset)s AND s.post_id = r.id
    WHERE r.kind <> 'delete' AND (r.representative IS NULL OR r.representative = r.id)
"""
_STORE = """
    INSERT INTO questions (post_id, place, round, strategy, chance, weight, probability, version, soft_label)
    SELECT post_id, place, %(round)s, strategy, chance, weight, probability, version, soft_label
    FROM unnest(%(post_id)s::text[], %(place)s::float8[], %(strategy)s::text[], %(chance)s::real[], %(weight)s::real[],
                %(probability)s::real[], %(version)s::int[], %(soft_label)s::real[])
         drawn (post_id, place, strategy, chance, weight, probability, version, soft_label)
"""


class Drawn(NamedTuple):
    """What a round came to."""

    pool: int
    drawn: int


def draw_round(conn: Connection, section: settings.Annotation, *, keep: int, reader: str, seed: int | None = None) -> Drawn:
    """Draw a round of questions from the pool and store it; `keep` is the number of the label that is kept.

    Whoever comes while another draws waits, and draws nothing when there are enough by then.
    """
    chosen = secrets.randbits(32) if seed is None else seed
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_ONE_AT_A_TIME,))
        wanted = f"SELECT count(*) FROM (SELECT FROM questions WHERE open AND answers = 0 LIMIT {section.round}) waiting"
        row = conn.execute(wanted.encode()).fetchone()
        if row and row[0] >= section.round:
            return Drawn(0, 0)
        columns, part = _pool(conn, keep, reader, chosen)
        posts = len(columns["post_id"])
        if not posts:
            return Drawn(0, 0)
        pool = Pool(columns["probability"], columns["soft_label"], columns["votes"], columns["sides"])
        wishes = {name: np.asarray(_strategy(name)(pool), float) for name, share in section.mix.items() if share > 0}
        mix = {name: section.mix[name] for name in wishes}
        drawn = draw(wishes, mix, section.round, chosen)
        number = conn.execute(
            "INSERT INTO rounds (pool, drawn, mix, seed) VALUES (%s, %s, %s, %s) RETURNING round",
            (round(posts / part), len(drawn.rows), Jsonb(mix), chosen),
        ).fetchone()
        assert number is not None
        _store(conn, number[0], columns, drawn.rows, drawn.strategy, drawn.chance * part)
    return Drawn(round(posts / part), len(drawn.rows))


def _strategy(name: str) -> Callable[[Pool], np.ndarray]:
    found: Callable[[Pool], np.ndarray] = plugins.find("strategies", name)
    return found


def _pool(conn: Connection, keep: int, reader: str, seed: int) -> tuple[Mapping[str, Any], float]:
    """The pool's columns, and which part of it they are: all, or a random part of a very large one."""
    newest = conn.execute("SELECT prefix, version FROM datasets ORDER BY created_at DESC LIMIT 1").fetchone()
    posts: sql.Composable = sql.SQL(_CANDIDATES)
    tables = ["candidates"]
    if newest is not None:
        raw = raw_table(*newest)
        tables.append(raw)
        posts = sql.SQL(_COLLECTED + " UNION ALL " + _CANDIDATES).format(raw=sql.Identifier(raw))
    part = min(1.0, MOST_IN_POOL / max(1, sum(_about(conn, table) for table in tables)))
    values = {"keep": keep + 1, "reader": reader, "seed": seed, "part": part}
    values |= {"prefix": newest[0], "dataset": newest[1]} if newest else {}
    rows = conn.execute(sql.SQL(_POOL).format(posts=posts), values).fetchall()
    names = ("post_id", "probability", "version", "weight", "soft_label", "votes", "sides")
    each = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    numbers = {name: np.array(each[name], float) for name in ("probability", "soft_label", "votes", "sides")}
    return {**each, **numbers}, part


def _about(conn: Connection, table: str) -> int:
    """How many rows a table has, as the planner knows it."""
    row = conn.execute("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)", (table,)).fetchone()
    return int(row[0]) if row else 0


def _store(
    conn: Connection, number: int, columns: Mapping[str, Any], rows: np.ndarray, strategy: list[str], chance: np.ndarray
) -> None:
    def picked(name: str) -> list[Any]:
        values = [columns[name][row] for row in rows]
        return [None if value is None or value != value else value for value in values]

    values = {name: picked(name) for name in ("post_id", "weight", "probability", "version", "soft_label")}
    places = number + np.arange(1, len(rows) + 1) / (len(rows) + 1)
    conn.execute(_STORE, {**values, "place": places.tolist(), "strategy": strategy, "chance": chance.tolist(), "round": number})
