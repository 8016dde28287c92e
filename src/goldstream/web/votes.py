"""The labelling functions of the newest run as they stand now: votes in the store against what people have said since."""

from typing import TYPE_CHECKING, Any, Literal, get_args

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from goldstream.errors import DataError
from goldstream.names import raw_table

if TYPE_CHECKING:
    import polars as pl

Connection = psycopg.Connection[Any]
Kind = Literal["votes", "overlaps", "conflicts", "correct", "incorrect"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_RUN = """
    SELECT r.prefix, r.dataset, r.at, r.label_model, r.functions FROM label_runs r
    JOIN datasets d ON d.prefix = r.prefix AND d.version = r.dataset ORDER BY r.id DESC LIMIT 1
"""
_FUNCTIONS = "functions AS (SELECT key AS function, value AS version FROM jsonb_each_text(%(functions)s))"
#: Only votes on what is in the dataset, in the revision that is there.
_TABLE = """
    WITH {functions}, posts AS (SELECT id, revision FROM {raw} WHERE split IS NOT NULL AND kind <> 'delete'), voted AS (
        SELECT v.post_id, v.function, v.vote FROM votes v JOIN functions USING (function, version)
        JOIN posts ON posts.id = v.post_id AND posts.revision = v.revision WHERE v.vote IS NOT NULL
    ), each AS (SELECT post_id, count(*) AS votes, min(vote) <> max(vote) AS apart FROM voted GROUP BY post_id)
    SELECT f.function, f.version, coalesce(array_agg(DISTINCT v.vote) FILTER (WHERE v.vote IS NOT NULL), '{{}}') AS polarity,
           count(v.vote) AS votes, count(*) FILTER (WHERE each.votes > 1) AS overlaps, count(*) FILTER (WHERE each.apart) AS conflicts,
           count(*) FILTER (WHERE g.label = v.vote) AS correct, count(*) FILTER (WHERE g.label <> v.vote) AS incorrect,
           (SELECT count(*) FROM posts) AS posts
    FROM functions f LEFT JOIN voted v USING (function) LEFT JOIN each USING (post_id) LEFT JOIN gold g USING (post_id)
    GROUP BY f.function, f.version ORDER BY f.function
"""
_OTHER = """
    FROM votes o JOIN functions f ON f.function = o.function AND f.version = o.version
    WHERE o.post_id = v.post_id AND o.revision = v.revision AND o.function <> v.function AND o.vote IS NOT NULL
"""
_WHICH: dict[Kind, str] = {
    "votes": "true",
    "overlaps": f"EXISTS (SELECT {_OTHER})",
    "conflicts": f"EXISTS (SELECT {_OTHER} AND o.vote <> v.vote)",
    "correct": "EXISTS (SELECT FROM gold g WHERE g.post_id = v.post_id AND g.label = v.vote)",
    "incorrect": "EXISTS (SELECT FROM gold g WHERE g.post_id = v.post_id AND g.label <> v.vote)",
}
_POSTS = """
    WITH {functions}
    SELECT v.post_id AS id, v.vote, r.text, r.author, r.source, r.lang, r.links, r.split,
           (SELECT label FROM gold g WHERE g.post_id = v.post_id) AS gold,
           (SELECT jsonb_object_agg(o.function, o.vote) {other}) AS others
    FROM votes v JOIN {raw} r ON r.id = v.post_id AND r.revision = v.revision
    WHERE v.function = %(function)s AND v.version = %(version)s AND v.vote IS NOT NULL AND v.post_id > %(after)s
      AND r.split IS NOT NULL AND r.kind <> 'delete' AND {which}
    ORDER BY v.post_id LIMIT %(limit)s
"""
_VOTES = """
    WITH {functions}
    SELECT v.post_id, v.vote FROM votes v JOIN functions USING (function, version)
    WHERE v.post_id = ANY(%(posts)s) AND v.vote IS NOT NULL
"""
_EACH = """
    WITH {functions}
    SELECT v.function, v.post_id, v.vote FROM votes v JOIN functions USING (function, version)
    WHERE v.post_id = ANY(%(posts)s) AND v.vote IS NOT NULL ORDER BY v.revision
"""


def newest(conn: Connection) -> dict[str, Any] | None:
    """Return the newest run of the label model on a dataset that is still there; None before the first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_RUN).fetchone()


def table(conn: Connection, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each function: `posts`, and how many of them are `KINDS` to it. Reads every vote of the run."""
    query = sql.SQL(_TABLE).format(functions=sql.SQL(_FUNCTIONS), raw=_raw(run))
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, {"functions": Jsonb(run["functions"])}).fetchall()


def posts(
    conn: Connection, run: dict[str, Any], function: str, kind: Kind, *, after: str = "", limit: int
) -> list[dict[str, Any]]:
    """Return posts behind a number of the table, by id, after the one named; raises `DataError` for an unknown function."""
    if function not in run["functions"]:
        raise DataError(f"no labelling function {function!r} in the newest run")
    query = sql.SQL(_POSTS).format(
        functions=sql.SQL(_FUNCTIONS), raw=_raw(run), other=sql.SQL(_OTHER), which=sql.SQL(_WHICH[kind])
    )
    values = {"functions": Jsonb(run["functions"]), "function": function, "after": after, "limit": limit}
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, {**values, "version": run["functions"][function]}).fetchall()


def votes_on(conn: Connection, run: dict[str, Any], post_ids: list[str]) -> dict[str, set[str]]:
    """Return for which labels the run's functions vote on each of some posts."""
    query = sql.SQL(_VOTES).format(functions=sql.SQL(_FUNCTIONS))
    found: dict[str, set[str]] = {}
    for post_id, vote in conn.execute(query, {"functions": Jsonb(run["functions"]), "posts": post_ids}):
        found.setdefault(post_id, set()).add(vote)
    return found


def table_of(conn: Connection, run: dict[str, Any], post_ids: list[str]) -> "pl.DataFrame":
    """Return what each of the run's functions votes on each of some posts: a column for each, a row per post, null for none."""
    import polars as pl

    query = sql.SQL(_EACH).format(functions=sql.SQL(_FUNCTIONS))
    found = conn.execute(query, {"functions": Jsonb(run["functions"]), "posts": post_ids}).fetchall()
    known = {(function, post_id): vote for function, post_id, vote in found}
    columns = {name: [known.get((name, post)) for post in post_ids] for name in run["functions"]}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _raw(run: dict[str, Any]) -> sql.Identifier:
    return sql.Identifier(raw_table(run["prefix"], run["dataset"]))
