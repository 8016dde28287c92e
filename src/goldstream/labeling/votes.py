"""Votes in the store: what each version of a labelling function said of each revision of a post."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import polars as pl
import psycopg

from goldstream.labeling.functions import LabelingFunction
from goldstream.store.copying import copy_columns


class Voting(NamedTuple):
    """The votes on a table of posts, and what went wrong."""

    votes: pl.DataFrame  #: a column per function, a row per post: its label or null
    errors: dict[str, tuple[int, list[str]]]  #: function → how many posts it raised on, and the first errors
    new: int  #: votes that were not known before


def vote(
    conn: psycopg.Connection[Any],
    functions: Sequence[LabelingFunction],
    posts: pl.DataFrame,
    say: Callable[[str], None],
) -> Voting:
    """Let each function vote on the posts (columns of `records.POSTS`) it has not seen; store and return all votes."""
    columns, errors, new = [], {}, 0
    for function in functions:
        known = _known(conn, function)
        seen = posts.select("id", "revision").join(known, on=["id", "revision"], how="left", maintain_order="left")
        fresh = seen["voted"].is_null()
        labels = seen["vote"]
        if fresh.any():
            ballot = function.vote(posts.filter(fresh))
            labels = _filled(labels, fresh, ballot.labels)
            new += len(ballot.labels)
            _store(conn, function, posts.filter(fresh), ballot.labels)
            if ballot.errors:
                errors[function.name] = (ballot.errors, ballot.first_errors)
                say(f"{function.name} raised on {ballot.errors:,} posts and abstained there: {ballot.first_errors[0]}")
        columns.append(labels.alias(function.name))
    return Voting(pl.DataFrame(columns), errors, new)


def _known(conn: psycopg.Connection[Any], function: LabelingFunction) -> pl.DataFrame:
    rows = conn.execute(
        "SELECT post_id, revision, vote, true FROM votes WHERE function = %s AND version = %s",
        (function.name, function.version),
    ).fetchall()
    schema = {"id": pl.String, "revision": pl.Int64, "vote": pl.String, "voted": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _filled(known: pl.Series, fresh: pl.Series, labels: pl.Series) -> pl.Series:
    values = known.to_list()
    for row, label in zip(fresh.arg_true(), labels, strict=True):
        values[row] = label
    return pl.Series(known.name, values, pl.String)


def _store(conn: psycopg.Connection[Any], function: LabelingFunction, posts: pl.DataFrame, labels: pl.Series) -> None:
    rows = posts.select(
        pl.lit(function.name).alias("function"), pl.lit(function.version).alias("version"),
        pl.col("id").alias("post_id"), "revision", labels.alias("vote"),
    )  # fmt: skip
    with conn.transaction():
        conn.execute("CREATE TEMP TABLE fresh_votes (LIKE votes) ON COMMIT DROP")
        copy_columns(conn, "fresh_votes", rows)
        conn.execute("INSERT INTO votes SELECT * FROM fresh_votes ON CONFLICT DO NOTHING")
