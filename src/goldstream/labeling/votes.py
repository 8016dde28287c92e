"""Votes in the store: what each version of a labelling function said of each revision of a post."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import polars as pl
import psycopg

from goldstream.labeling.functions import Ballot, LabelingFunction, ballots
from goldstream.labeling.show import excerpt
from goldstream.store.copying import copy_columns

_KNOWN = {"id": pl.String, "revision": pl.Int64, "vote": pl.String}
LONGEST_SHOWN = 120  #: characters of a post on which a rule raised


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

    A vote belongs to one revision of a post: an edited post is voted on again. So is a post on which the rule raised.
    """
    known = {each.name: _known(conn, each, posts) for each in functions}
    errors, new = {}, 0
    for group in _alike(functions, known):
        fresh = known[group[0].name]["voted"].is_null()
        unseen = posts.filter(fresh)
        for function, ballot in zip(group, ballots(group, unseen) if len(unseen) else [], strict=False):
            _store(conn, function, unseen, ballot)
            known[function.name] = pl.DataFrame({"vote": known[function.name]["vote"].scatter(fresh.arg_true(), ballot.labels)})
            new += len(unseen) - ballot.errors
            if ballot.errors:
                errors[function.name] = (ballot.errors, ballot.first_errors)
                say(_complaint(function.name, ballot, unseen["text"]))
    return Voting(pl.DataFrame([known[each.name]["vote"].alias(each.name) for each in functions]), errors, new)


def _alike(functions: Sequence[LabelingFunction], known: dict[str, pl.DataFrame]) -> Iterator[list[LabelingFunction]]:
    """Groups of functions that have seen the same posts, and so can vote on the others together."""
    groups: dict[bytes, list[LabelingFunction]] = {}
    for each in functions:
        groups.setdefault(known[each.name]["voted"].is_null().to_numpy().tobytes(), []).append(each)
    yield from groups.values()


def _known(conn: psycopg.Connection[Any], function: LabelingFunction, posts: pl.DataFrame) -> pl.DataFrame:
    """Columns `vote` and `voted` (null where the function has not voted on that revision), a row per post."""
    query = "SELECT array_agg(post_id), array_agg(revision), array_agg(vote) FROM votes WHERE function = %s AND version = %s"
    with conn.cursor(binary=True) as cursor:  # three long arrays: a fifth of the time that a row for each vote takes
        ids, revisions, votes = cursor.execute(query, (function.name, function.version)).fetchone() or (None, None, None)
    voted = pl.DataFrame({"id": ids or [], "revision": revisions or [], "vote": votes or []}, schema=_KNOWN)
    voted = voted.with_columns(voted=pl.lit(True))
    return posts.select("id", "revision").join(voted, on=["id", "revision"], how="left", maintain_order="left")


def _store(conn: psycopg.Connection[Any], function: LabelingFunction, posts: pl.DataFrame, ballot: Ballot) -> None:
    rows = posts.select(
        pl.lit(function.name).alias("function"), pl.lit(function.version).alias("version"),
        pl.col("id").alias("post_id"), "revision", ballot.labels.alias("vote"),
    ).filter(~pl.int_range(pl.len()).is_in(ballot.failed))  # fmt: skip
    try:
        with conn.transaction():
            copy_columns(conn, "votes", rows)
    except psycopg.errors.UniqueViolation:  # another process has voted meanwhile
        with conn.transaction():
            conn.execute("CREATE TEMP TABLE fresh_votes (LIKE votes) ON COMMIT DROP")
            copy_columns(conn, "fresh_votes", rows)
            conn.execute("INSERT INTO votes SELECT * FROM fresh_votes ON CONFLICT DO NOTHING")


def _complaint(name: str, ballot: Ballot, texts: pl.Series) -> str:
    """What a person should know of a rule that raised or was too slow: on how many posts, the first errors, and those posts."""
    first = [
        f"  {error}\n    {excerpt(texts[row], LONGEST_SHOWN)}"
        for row, error in zip(ballot.failed, ballot.first_errors, strict=False)
    ]
    given_up = f", and was too slow: it was given up for {ballot.given_up:,} of them" if ballot.given_up else ""
    posts = f"{ballot.errors:,} post{'s' * (ballot.errors > 1)}"
    return "\n".join([f"{name} failed on {posts} and abstained there{given_up}; the first:", *first])
