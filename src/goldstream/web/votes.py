"""The labelling functions of the newest run as they stand now: votes in the store against what people have said since."""

import bisect
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

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
#: Every vote on what is in the dataset, in the revision that is there, with what it is beside the others and beside gold.
_MARK = """
    CREATE TEMP TABLE marked ON COMMIT DROP AS
    WITH {functions}, voted AS MATERIALIZED (
        SELECT v.post_id, v.function, v.vote FROM votes v JOIN functions USING (function, version)
        JOIN {raw} r ON r.id = v.post_id AND r.revision = v.revision AND r.split IS NOT NULL AND r.kind <> 'delete'
        WHERE v.vote IS NOT NULL
    ), each AS (SELECT post_id, count(*) AS votes, min(vote) <> max(vote) AS apart FROM voted GROUP BY post_id)
    SELECT v.post_id, v.function, v.vote, each.votes > 1 AS overlaps, each.apart AS conflicts,
           g.label = v.vote AS correct, g.label <> v.vote AS incorrect
    FROM voted v JOIN each USING (post_id) LEFT JOIN gold g USING (post_id)
"""
_TABLE = """
    WITH {functions}
    SELECT f.function, f.version, coalesce(array_agg(DISTINCT m.vote) FILTER (WHERE m.vote IS NOT NULL), '{{}}') AS polarity,
           count(m.vote) AS votes, count(*) FILTER (WHERE m.overlaps) AS overlaps,
           count(*) FILTER (WHERE m.conflicts) AS conflicts, count(*) FILTER (WHERE m.correct) AS correct,
           count(*) FILTER (WHERE m.incorrect) AS incorrect,
           (SELECT count(*) FROM {raw} WHERE split IS NOT NULL AND kind <> 'delete') AS posts
    FROM functions f LEFT JOIN marked m USING (function) GROUP BY f.function, f.version ORDER BY f.function
"""
_BEHIND = """
    SELECT function, kind, array_agg(post_id ORDER BY place) AS ids
    FROM (SELECT m.function, mark.kind, m.post_id,
                 row_number() OVER (PARTITION BY m.function, mark.kind ORDER BY m.post_id COLLATE "C") AS place
          FROM marked m
          CROSS JOIN LATERAL (VALUES ('overlaps', m.overlaps), ('conflicts', m.conflicts), ('correct', m.correct),
                                     ('incorrect', m.incorrect)) AS mark (kind, holds)
          JOIN unnest(%(of)s::text[], %(kinds)s::text[]) AS asked (function, kind) USING (function, kind)
          WHERE mark.holds) behind
    WHERE place <= %(most)s GROUP BY function, kind
"""
_OTHER = """
    FROM votes o JOIN functions f ON f.function = o.function AND f.version = o.version
    WHERE o.post_id = v.post_id AND o.revision = v.revision AND o.function <> v.function AND o.vote IS NOT NULL
"""
_WHICH: dict[Kind, str] = {
    "votes": "true",
    "overlaps": f"EXISTS (SELECT {_OTHER})",
    "conflicts": f"EXISTS (SELECT {_OTHER} AND o.vote <> v.vote)",
    # a scalar, so that gold is looked up post by post: a join would work out all of it
    "correct": "(SELECT g.label FROM gold g WHERE g.post_id = v.post_id) = v.vote",
    "incorrect": "(SELECT g.label FROM gold g WHERE g.post_id = v.post_id) <> v.vote",
}
FEW = 2_000  #: posts behind a number that are remembered with it; further on, each page is walked to
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
_VOTED_ON = """
    SELECT post_id FROM votes WHERE function = %(function)s AND version = %(version)s AND vote IS NOT NULL
    ORDER BY post_id LIMIT %(limit)s
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


class Behind(NamedTuple):
    """The posts behind a number that are remembered with it."""

    ids: list[str]  #: the first, in order
    all: bool  #: whether there are no others


class Table(NamedTuple):
    """The numbers of each function, and the posts behind them."""

    rows: list[dict[str, Any]]  #: for each function, `posts` and how many of them are `KINDS` to it
    behind: dict[tuple[str, str], Behind]  #: by function and kind


def table(conn: Connection, run: dict[str, Any]) -> Table:
    """Return the table of a run's functions. Reads every vote of the run."""
    parts = {"functions": sql.SQL(_FUNCTIONS), "raw": _raw(run)}
    values: dict[str, Any] = {"functions": Jsonb(run["functions"])}
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        # a table that was never analysed looks empty to the planner, and a join of loops over it would never end
        cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'")
        cursor.execute(sql.SQL(_MARK).format(**parts), values)
        rows = cursor.execute(sql.SQL(_TABLE).format(**parts), values).fetchall()
        # posts that a function votes on stand in its index, and very common ones are met soon on the way through it
        asked = [(row["function"], kind) for row in rows for kind in KINDS[1:] if kind != "overlaps" or row[kind] <= FEW]
        values |= {"of": [function for function, _ in asked], "kinds": [kind for _, kind in asked], "most": FEW}
        found = cursor.execute(_BEHIND, values).fetchall()
    ids = {(row["function"], row["kind"]): row["ids"] for row in found}
    counted = {(row["function"], kind): row[kind] for row in rows for kind in KINDS}
    return Table(rows, {each: Behind(ids.get(each, []), counted[each] <= FEW) for each in asked})


def posts(
    conn: Connection, run: dict[str, Any], function: str, kind: Kind, *, after: str = "", limit: int, behind: Behind | None = None,
) -> tuple[list[dict[str, Any]], str | None]:  # fmt: skip
    """Return posts behind a number of the table, by id, and after which of them there are more.

    `behind` is what the table remembers of them. Raises `DataError` for an unknown function.
    """
    if function not in run["functions"]:
        raise DataError(f"no labelling function {function!r} in the newest run")
    ids = None if behind is None else behind.ids[bisect.bisect_right(behind.ids, after) :][:limit]
    if behind is not None and not behind.all and len(ids or ()) < limit:
        ids = None
    which = _WHICH[kind] if ids is None else "v.post_id = ANY(%(ids)s)"
    query = sql.SQL(_POSTS).format(functions=sql.SQL(_FUNCTIONS), raw=_raw(run), other=sql.SQL(_OTHER), which=sql.SQL(which))
    values = {
        "functions": Jsonb(run["functions"]), "function": function, "version": run["functions"][function], "limit": limit,
        "after": after if ids is None else "", "ids": ids,
    }  # fmt: skip
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, values).fetchall()
    looked_at = [post["id"] for post in found] if ids is None else ids
    return found, looked_at[-1] if len(looked_at) == limit else None


def voted_on(conn: Connection, run: dict[str, Any], function: str, limit: int) -> list[str]:
    """Return ids of posts on which a function votes; raises `DataError` for an unknown one."""
    if function not in run["functions"]:
        raise DataError(f"no labelling function {function!r} in the newest run")
    found = conn.execute(_VOTED_ON, {"function": function, "version": run["functions"][function], "limit": limit})
    return [row[0] for row in found]


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
