"""What a batch of the log comes to: predictions, candidates, links, edits and deletions, not yet written."""

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from goldstream import settings
from goldstream.clock import now
from goldstream.links import domain, extract
from goldstream.log.base import Part
from goldstream.records import PREDICTIONS, to_json, to_rows
from goldstream.store import deletions
from goldstream.store.dead_letters import Letter
from goldstream.stream.champion import Scored
from goldstream.stream.stored import StoredPosts


class Results(NamedTuple):
    """One batch, classified and not yet written."""

    partition: int
    start: int  #: the position that it goes on from
    end: int  #: the position to go on from
    predictions: pa.RecordBatch  #: schema `PREDICTIONS`, a row per position
    candidates: pl.DataFrame  #: columns of the table `candidates`; the newest revision of each post in the batch
    links: pl.DataFrame  #: columns of the table `candidate_links`, and the revision of the post
    outdated: pl.DataFrame  #: id, revision: posts whose newest revision is no candidate, though an older one may be
    edited: pl.DataFrame  #: id, revision: those of them that are edits
    deletes: list[deletions.Delete]
    forgets: list[deletions.Forget]
    letters: list[Letter]  #: posts on which the model failed, and what is no post

    @property
    def gone(self) -> int:
        """How many deletions came, of posts and of authors."""
        return len(self.deletes) + len(self.forgets)


def results(part: Part, scored: Scored, stream: settings.Stream, project: settings.Project, stored: StoredPosts) -> Results:
    """Return what `part` comes to under the scores of one model version, and mark its candidates in `stored`.

    A post without scores is no candidate, and its position's row says nothing; no older revision stays in its place.
    """
    probabilities = scored.scores[:, scored.labels.index(project.keep)]
    live = pc.is_in(part.posts["kind"], pa.array(["create", "update"]))
    newest = _newest(part, live)
    high = probabilities[newest] >= min(stream.keep_floor, scored.threshold)
    candidates = _candidates(part, scored, probabilities, newest[high])
    if stream.require_link:
        candidates = candidates.filter(pl.col("links").list.len() > 0)
    outdated, edited = _outdated(part, newest, candidates["position"], stored)
    stored.add(candidates["post_id"])
    deletes, forgets = _deletions(part.posts)
    predictions = _predictions(part, scored, probabilities, _scored_rows(live, scored), stream.reader)
    letters = [*part.letters, *_letters(part, live, scored)]
    return Results(
        part.partition, part.start, part.end, predictions, candidates, _links(candidates), outdated, edited,
        deletes, forgets, letters,
    )  # fmt: skip


def _scored_rows(live: pa.BooleanArray, scored: Scored) -> pa.BooleanArray:
    if not scored.refused:
        return live
    mask = live.to_numpy(zero_copy_only=False).copy()
    mask[list(scored.refused)] = False
    return pa.array(mask)


def _letters(part: Part, live: pa.BooleanArray, scored: Scored) -> list[Letter]:
    """A letter for each live post that the model could not score, with the post as JSON."""
    rows = [row for row in sorted(scored.refused) if live[row].as_py()]
    return [
        Letter(
            "classify", post.source, f"version {scored.version}: {scored.refused[row]}", to_json(post),
            f"partition {part.partition}, position {part.positions[row]}", post.id, post.author, post.revision,
        )
        for row, post in zip(rows, to_rows(part.posts.take(pa.array(rows, pa.int64()))), strict=True)
    ]  # fmt: skip


def _newest(part: Part, live: pa.BooleanArray) -> np.ndarray:
    """The row of the newest revision of each live post; of one revision that came twice, the later row."""
    rows = np.flatnonzero(live.to_numpy(zero_copy_only=False))
    ids = pl.Series(part.posts["id"])[rows]
    if ids.n_unique() == len(ids):
        return rows
    frame = pl.DataFrame({"id": ids, "revision": pl.Series(part.posts["revision"])[rows], "row": rows})
    return frame.sort("revision", "row").unique("id", keep="last")["row"].sort().to_numpy()


def _predictions(part: Part, scored: Scored, probabilities: np.ndarray, live: pa.BooleanArray, reader: str) -> pa.RecordBatch:
    posts, rows = part.posts, part.posts.num_rows
    numbers = pa.array(scored.scores.argmax(axis=1).astype(np.int32))
    labels = pa.DictionaryArray.from_arrays(numbers, pa.array(scored.labels)).dictionary_decode()
    columns = {
        "reader": _same(reader, rows),
        "partition": pa.array(np.full(rows, part.partition, np.int32)),
        "position": pa.array(part.positions, pa.int64()),
        "post_id": posts["id"], "source": posts["source"], "author": posts["author"], "kind": posts["kind"],
        "revision": posts["revision"], "seen_at": _seen(posts),
        "label": _where(live, labels),
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


def _candidates(part: Part, scored: Scored, probabilities: np.ndarray, rows: np.ndarray) -> pl.DataFrame:
    """The posts in `rows` as they are stored: with canonical links and what the model said."""
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
    return found.drop("kind").rename({"id": "post_id"})


def _links(candidates: pl.DataFrame) -> pl.DataFrame:
    linking = candidates.select("post_id", "revision", "author", "seen_at", url="links").filter(pl.col("url").list.len() > 0)
    exploded = linking.explode("url")
    return exploded.with_columns(pl.Series("domain", [domain(url) for url in exploded["url"]], pl.String))


def _outdated(part: Part, newest: np.ndarray, chosen: pl.Series, stored: StoredPosts) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Posts that are no candidates and may have been; and those of them that are edits."""
    rows = newest[~np.isin(part.positions[newest], chosen.to_numpy())]
    others = pl.DataFrame(pl.from_arrow(part.posts.select(["id", "revision", "kind"]).take(pa.array(rows))))
    edits = others.filter(kind="update")  # these always: another worker may have stored what they replace
    known = others.filter(pl.Series(stored.may_hold(others["id"]), dtype=pl.Boolean) | (pl.col("kind") == "update"))
    return known.select("id", "revision"), edits.select("id", "revision")


def _deletions(posts: pa.RecordBatch) -> tuple[list[deletions.Delete], list[deletions.Forget]]:
    """Deletions of posts and of authors."""
    gone = posts.select(["id", "source", "kind", "revision", "author"]).filter(
        pc.is_in(posts["kind"], pa.array(["delete", "forget"]))
    )
    frame = pl.DataFrame(pl.from_arrow(gone))
    deletes = frame.filter(kind="delete").select("id", "revision").rows()
    forgets = frame.filter(kind="forget").drop_nulls("author").select("source", "author", "revision").rows()
    return deletes, forgets
