"""What a batch of the log comes to, and how it is written: predictions, candidates, links, deletions, position."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from goldstream import settings
from goldstream.clock import now
from goldstream.links import domain, extract
from goldstream.log.base import Part
from goldstream.records import PREDICTIONS
from goldstream.store import deletions
from goldstream.store.copying import copy_columns
from goldstream.store.positions import Taken, advance
from goldstream.stream.champion import Scored

Connection = psycopg.Connection[Any]


class Results(NamedTuple):
    """One batch, classified and not yet written."""

    end: int  #: the position to go on from
    predictions: pa.RecordBatch  #: schema `PREDICTIONS`, a row per position
    candidates: pl.DataFrame  #: the columns of the table `candidates`
    links: pl.DataFrame  #: the columns of the table `candidate_links`
    outdated: list[deletions.Delete]  #: posts that were edited until they no longer count: their older revisions go
    deletes: list[deletions.Delete]
    forgets: list[deletions.Forget]

    @property
    def gone(self) -> int:
        """How many deletions came, of posts and of authors."""
        return len(self.deletes) + len(self.forgets)


def results(part: Part, scored: Scored, stream: settings.Stream, project: settings.Project) -> Results:
    """Return what `part` comes to under the scores of one model version."""
    posts = part.posts
    probabilities = scored.scores[:, scored.labels.index(project.keep)]
    live = pc.is_in(posts["kind"], pa.array(["create", "update"]))
    alive = live.to_numpy(zero_copy_only=False)
    candidates = _candidates(part, scored, probabilities, alive, stream)
    outdated: list[deletions.Delete] = []
    deletes: list[deletions.Delete] = []
    forgets: list[deletions.Forget] = []
    if not pc.all(pc.equal(posts["kind"], "create")).as_py():
        outdated, deletes, forgets = _taken_back(posts, candidates["post_id"])
    return Results(
        part.end,
        _predictions(part, scored, probabilities, live, stream.reader),
        candidates,
        _links(candidates),
        outdated,
        deletes,
        forgets,
    )


def write(conn: Connection, taken: Taken, batch: Results) -> Taken:
    """Write `batch` and move the reader to its end, in one transaction; return where the reader now is.

    Raises `Superseded`, with nothing written, when the reader belongs to another worker.
    """
    days = _days(batch.predictions)
    for day in days:
        _make_partition(conn, day)
    with conn.transaction():
        _stage(conn, batch)
        taken = advance(conn, taken, batch.end)
        for day, rows in days.items():
            copy_columns(conn, _partition(day), rows)
        if len(batch.candidates):
            conn.execute(_MERGE_CANDIDATES)
            conn.execute(_MERGE_LINKS)
        deletions.apply(conn, batch.deletes + batch.outdated, batch.forgets)
    return taken


def _predictions(part: Part, scored: Scored, probabilities: np.ndarray, live: pa.BooleanArray, reader: str) -> pa.RecordBatch:
    posts, rows = part.posts, part.posts.num_rows
    labels = pa.DictionaryArray.from_arrays(pa.array(scored.scores.argmax(axis=1).astype(np.int32)), pa.array(scored.labels))
    columns = {
        "reader": _same(reader, rows),
        "partition": pa.array(np.full(rows, part.partition, np.int32)),
        "position": pa.array(part.positions, pa.int64()),
        "post_id": posts["id"], "source": posts["source"], "author": posts["author"], "kind": posts["kind"],
        "revision": posts["revision"], "seen_at": _seen(posts),
        "label": _where(live, labels.dictionary_decode()),
        "probability": _where(live, pa.array(probabilities, pa.float32())),
        "version": _where(live, pa.array(np.full(rows, scored.version, np.int32))),
    }  # fmt: skip
    return pa.RecordBatch.from_arrays([columns[name] for name in PREDICTIONS.names], schema=PREDICTIONS)


def _same(value: str, rows: int) -> pa.StringArray:
    return pa.array([value]).take(pa.array(np.zeros(rows, np.int32)))


def _where(live: pa.BooleanArray, values: pa.Array) -> pa.Array:
    return pc.if_else(live, values, pa.scalar(None, values.type))


def _seen(posts: pa.RecordBatch) -> pa.Array:
    """When we saw each post; a log that others fill may not say, and then it is now."""
    seen = posts["seen_at"]
    return seen if seen.null_count == 0 else pc.fill_null(seen, pa.scalar(now(), seen.type))


def _candidates(
    part: Part, scored: Scored, probabilities: np.ndarray, alive: np.ndarray, stream: settings.Stream
) -> pl.DataFrame:
    """The newest revision of each post that could be kept, with its canonical links."""
    floor = min(stream.keep_floor, scored.threshold)
    rows = np.flatnonzero(alive & (probabilities >= floor))
    chosen = part.posts.take(pa.array(rows))
    labels = np.array(scored.labels)[scored.scores[rows].argmax(axis=1)]
    found = pl.DataFrame(pl.from_arrow(chosen)).with_columns(
        extract(chosen).alias("links"),
        pl.Series("seen_at", _seen(chosen)),
        pl.Series("label", labels.tolist(), pl.String),
        pl.Series("probability", probabilities[rows], pl.Float32),
        pl.lit(scored.version, pl.Int32).alias("version"),
        pl.Series("position", part.positions[rows], pl.Int64),
    )
    if stream.require_link:
        found = found.filter(pl.col("links").list.len() > 0)
    newest = found.sort("revision", "position").unique("id", keep="last", maintain_order=True)
    return newest.drop("kind").rename({"id": "post_id"})


def _links(candidates: pl.DataFrame) -> pl.DataFrame:
    exploded = (
        candidates.select("post_id", "author", "seen_at", url="links").filter(pl.col("url").list.len() > 0).explode("url")
    )
    domains = pl.Series("domain", [domain(url) for url in exploded["url"]], pl.String)
    return exploded.with_columns(domains)


def _taken_back(
    posts: pa.RecordBatch, kept: pl.Series
) -> tuple[list[deletions.Delete], list[deletions.Delete], list[deletions.Forget]]:
    """Edits that no longer count, deletions of posts, deletions of authors."""
    frame = pl.DataFrame(pl.from_arrow(posts.select(["id", "source", "kind", "revision", "author"])))
    edits = frame.filter((pl.col("kind") == "update") & ~pl.col("id").is_in(kept.implode()))
    outdated = edits.select("id", pl.col("revision") - 1).rows()
    deletes = frame.filter(kind="delete").select("id", "revision").rows()
    forgets = frame.filter(kind="forget").drop_nulls("author").select("source", "author", "revision").rows()
    return outdated, deletes, forgets


# Writing ---------------------------------------------------------------------------------------------------------

_COLUMNS = (
    "post_id, revision, source, text, created_at, seen_at, author, lang, url, links, tags, media, reply_to, repost_of, cid, "
    "extra, label, probability, version, position"
)
_STAGES = """
    CREATE TEMP TABLE IF NOT EXISTS new_candidates (LIKE candidates INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS new_links (LIKE candidate_links) ON COMMIT DELETE ROWS;
"""
_MERGE_CANDIDATES = f"""
    INSERT INTO candidates ({_COLUMNS})
    SELECT {_COLUMNS} FROM new_candidates n
    WHERE NOT EXISTS (SELECT FROM tombstones t WHERE t.post_id = n.post_id AND t.revision >= n.revision)
      AND NOT EXISTS (SELECT FROM forgotten_authors f
                      WHERE f.source = n.source AND f.author = n.author AND f.revision >= n.revision)
    ON CONFLICT (post_id) DO UPDATE SET ({_COLUMNS}) = ROW (excluded.post_id,
        {", ".join("excluded." + name.strip() for name in _COLUMNS.split(",")[1:])})
    WHERE (excluded.revision, excluded.version) > (candidates.revision, candidates.version)
"""
_MERGE_LINKS = """
    WITH written AS (
        SELECT n.post_id FROM new_candidates n JOIN candidates c
            ON c.post_id = n.post_id AND c.revision = n.revision AND c.position = n.position
    ), old AS (
        DELETE FROM candidate_links l USING written w, candidates c
        WHERE l.post_id = w.post_id AND c.post_id = w.post_id AND l.url <> ALL (c.links)
    )
    INSERT INTO candidate_links (post_id, url, domain, author, seen_at)
    SELECT n.post_id, n.url, n.domain, n.author, n.seen_at FROM new_links n JOIN written w USING (post_id)
    ON CONFLICT (post_id, url) DO UPDATE SET author = excluded.author, seen_at = excluded.seen_at
"""


def _stage(conn: Connection, batch: Results) -> None:
    if len(batch.candidates):
        conn.execute(_STAGES)
        copy_columns(conn, "new_candidates", batch.candidates)
        copy_columns(conn, "new_links", batch.links)


def _days(predictions: pa.RecordBatch) -> dict[date, pa.RecordBatch]:
    """The predictions by the day on which their post was seen; nearly always one day."""
    seen = predictions["seen_at"]
    least, most = (value.as_py().date() for value in pc.min_max(seen).values())
    if least == most:
        return {least: predictions}
    days = pc.floor_temporal(seen, unit="day")
    return {day.as_py().date(): predictions.filter(pc.equal(days, day)) for day in pc.unique(days)}


def _partition(day: date) -> str:
    return f"predictions_{day:%Y%m%d}"


def _make_partition(conn: Connection, day: date) -> None:
    """Make the table that holds one day's predictions, unless it is there."""
    name = _partition(day)
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
    if row and row[0]:
        return
    start = datetime.combine(day, time(), UTC)
    query = sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF predictions FOR VALUES FROM ({}) TO ({})")
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('predictions', 2))")
        conn.execute(
            query.format(
                sql.Identifier(name),
                sql.Literal(start.isoformat()),
                sql.Literal((start + timedelta(days=1)).isoformat()),
            )
        )
