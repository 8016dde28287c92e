"""Votes in the store: what each version of a labelling function said of each revision of a post."""

import io
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import polars as pl
import psycopg

from goldstream.labeling.functions import LabelingFunction
from goldstream.store.copying import copy_columns

_KNOWN = {"post_id": pl.String, "revision": pl.Int64, "vote": pl.String}


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
    """Let each function vote on the posts (columns of `records.POSTS`) it has not seen; store and return all votes.

    A vote belongs to one revision of a post: an edited post is voted on again.
    """
    columns, errors, new = [], {}, 0
    for function in functions:
        known = _known(conn, function).rename({"post_id": "id"}).with_columns(voted=True)
        seen = posts.select("id", "revision").join(known, on=["id", "revision"], how="left", maintain_order="left")
        fresh = seen["voted"].is_null()
        labels = seen["vote"]
        if fresh.any():
            ballot = function.vote(posts.filter(fresh))
            labels = labels.scatter(fresh.arg_true(), ballot.labels)
            new += len(ballot.labels)
            _store(conn, function, posts.filter(fresh), ballot.labels)
            if ballot.errors:
                errors[function.name] = (ballot.errors, ballot.first_errors)
                say(f"{function.name} raised on {ballot.errors:,} posts and abstained there: {ballot.first_errors[0]}")
        columns.append(labels.alias(function.name))
    return Voting(pl.DataFrame(columns), errors, new)


def _known(conn: psycopg.Connection[Any], function: LabelingFunction) -> pl.DataFrame:
    query = "COPY (SELECT post_id, revision, vote FROM votes WHERE function = %s AND version = %s) TO STDOUT (FORMAT csv)"
    with conn.cursor().copy(query, (function.name, function.version)) as copy:
        data = b"".join(copy)
    if not data:
        return pl.DataFrame(schema=_KNOWN)
    return pl.read_csv(io.BytesIO(data), has_header=False, new_columns=list(_KNOWN), schema_overrides=_KNOWN)


def _store(conn: psycopg.Connection[Any], function: LabelingFunction, posts: pl.DataFrame, labels: pl.Series) -> None:
    rows = posts.select(
        pl.lit(function.name).alias("function"), pl.lit(function.version).alias("version"),
        pl.col("id").alias("post_id"), "revision", labels.alias("vote"),
    )  # fmt: skip
    with conn.transaction():
        conn.execute("CREATE TEMP TABLE fresh_votes (LIKE votes) ON COMMIT DROP")
        copy_columns(conn, "fresh_votes", rows)
        conn.execute("INSERT INTO votes SELECT * FROM fresh_votes ON CONFLICT DO NOTHING")
