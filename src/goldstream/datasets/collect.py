"""Copies the log into a raw dataset until each stratum's quota is full, and then keeps edits and deletions up to date.

A stratum that overflows its quota is thinned by lot: every post has a number drawn from its id, and those with the
lowest stay. So what stays is a fair sample of the whole time of collecting, the same in every run, and each row's
weight says how many posts of the stream it stands for.
"""

import hashlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from goldstream import settings
from goldstream.datasets.strata import quotas, stratum
from goldstream.datasets.tables import POST_COLUMNS, Dataset
from goldstream.log.base import Extent, Log, Part
from goldstream.store import Store, deletions
from goldstream.store.copying import copy_columns
from goldstream.store.positions import Taken, advance, check, take
from goldstream.store.reconnect import Lasting, Stopped

BATCH = 16_384

_MERGE = """
    INSERT INTO {table} ({columns}, stratum, lot, position)
    SELECT {columns}, stratum, lot, position FROM arrivals a
    WHERE NOT EXISTS (SELECT FROM tombstones t WHERE t.post_id = a.id AND t.revision >= a.revision)
      AND NOT EXISTS (SELECT FROM forgotten_authors f
                      WHERE f.source = a.source AND f.author = a.author AND f.revision >= a.revision)
    ON CONFLICT (id) DO UPDATE SET {changes}
    WHERE excluded.revision > {table}.revision AND {table}.kind <> 'delete'
"""
_ARRIVALS = """
    CREATE TEMP TABLE arrivals (
        id text, source text, kind text, revision bigint, text text, created_at timestamptz, seen_at timestamptz,
        author text, lang text, url text, links text[], tags text[], media text[], reply_to text, repost_of text,
        cid text, extra jsonb, stratum text, lot double precision, position bigint
    ) ON COMMIT DROP
"""
_THIN = """
    DELETE FROM {table} WHERE stratum = %s AND lot >= (
        SELECT lot FROM {table} WHERE stratum = %s ORDER BY lot OFFSET %s LIMIT 1)
"""


def collect(
    log: Log, store: Store, section: settings.Dataset, strata: settings.Strata, *,
    stop: threading.Event, say: Callable[[str], None], on_end: Callable[[bool], bool], poll_s: float = 0.2,
) -> None:  # fmt: skip
    """Collect until `stop`. At the log's end, `on_end(full)` decides whether to go on (True) or to return.

    Each batch's rows and the position are one transaction. Raises `Superseded` when another worker takes over.
    """
    collector = _Collector(log, section, strata, stop, say)
    lasting = Lasting(store, "collect", stop, say)
    try:
        while not stop.is_set():
            full = lasting.do(collector.catch_up)
            if not on_end(full):
                return
            stop.wait(poll_s)
    except Stopped:
        pass
    finally:
        lasting.close()


class _Collector:
    """The reader of the log that fills one dataset."""

    def __init__(
        self, log: Log, section: settings.Dataset, strata: settings.Strata, stop: threading.Event, say: Callable[[str], None]
    ) -> None:
        self._log, self._section, self._strata, self._stop, self._say = log, section, strata, stop, say
        self._dataset = Dataset(section.prefix, section.version)
        self._taken: dict[int, Taken] = {}

    def catch_up(self, conn: psycopg.Connection[Any], attempt: int) -> bool:
        """Read to the log's end; return whether the dataset is full."""
        if attempt:
            self._taken.clear()  # the last commit may have happened: taking over anew reads how far it got
        for partition, extent in self._log.extents().items():
            taken = self._taken.get(partition) or self._take(conn, partition, extent)
            for part in self._log.read(partition, taken.position, BATCH):
                rest: Part | None = part
                while rest is not None:
                    piece, rest = self._cut(conn, rest)
                    taken = self._taken[partition] = self._add(conn, piece, taken)
                if self._stop.is_set():
                    break
        return self._dataset.state(conn) != "collecting"

    def _take(self, conn: psycopg.Connection[Any], partition: int, extent: Extent) -> Taken:
        self._dataset.create(conn, _made_from(self._section, self._strata))
        taken = self._taken[partition] = take(conn, self._dataset.reader, self._log.identity, partition)
        if missed := check(taken, extent.start, extent.end):
            self._say(f"collect: {missed:,} posts had left the log before they were read (log.retention-days)")
        return taken

    def _cut(self, conn: psycopg.Connection[Any], part: Part) -> tuple[Part, Part | None]:
        """Cut `part` after the post that may fill the last quota, so that the way the log is read changes nothing."""
        if self._dataset.state(conn) != "collecting":
            return part, None
        counts = self._dataset.counts(conn)
        arrivals = _arrivals(_posts(part), self._strata, counts.get("highest_lot", {}), collecting=True)
        wanted = arrivals.filter("wanted").sort("position")
        last = -1
        for name in _asked_for(self._strata):
            missing = quotas(self._section.quotas)[name] - counts.get("kept", {}).get(name, 0)
            new = wanted.filter(stratum=name)["position"]
            if missing > len(new):
                return part, None
            last = max(last, new[missing - 1] if missing > 0 else -1)
        rows = int(np.searchsorted(part.positions, last, side="right"))
        if not 0 < rows < len(part.positions):
            return part, None
        end = int(part.positions[rows])
        first = part._replace(posts=part.posts[:rows], positions=part.positions[:rows], end=end)
        return first, part._replace(posts=part.posts[rows:], positions=part.positions[rows:], start=end)

    def _add(self, conn: psycopg.Connection[Any], part: Part, taken: Taken) -> Taken:
        """Write one part's rows and the new position in one transaction."""
        posts = _posts(part)
        gone = posts.filter(pl.col("kind").is_in(["delete", "forget"]))
        with conn.transaction():
            collecting = self._dataset.state(conn) == "collecting"
            counts = self._dataset.counts(conn)
            arrivals = _arrivals(posts, self._strata, counts.get("highest_lot", {}), collecting)
            coming = _stage(conn, self._dataset, arrivals)
            taken = advance(conn, taken, part.end)
            if coming:
                _merge(conn, self._dataset)
            if len(gone):
                deletions.apply(
                    conn,
                    gone.filter(kind="delete").select("id", "revision").rows(),
                    gone.filter(kind="forget").drop_nulls("author").select("source", "author", "revision").rows(),
                )
            if collecting:
                created = arrivals.join(posts.filter(kind="create"), on="id", how="semi")
                _count(conn, self._dataset, self._section, self._strata, counts, dict(created["stratum"].value_counts().rows()))
        return taken


def _posts(part: Part) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(part.posts)).with_columns(pl.Series("position", part.positions))


def _asked_for(strata: settings.Strata) -> list[str]:
    """The strata whose quotas must be full: those that have words, and the rest."""
    return [name for name, words in (("topic", strata.topic), ("false_friends", strata.false_friends)) if words] + ["rest"]


def _made_from(section: settings.Dataset, strata: settings.Strata) -> dict[str, Any]:
    words = {"topic": list(strata.topic), "false_friends": list(strata.false_friends)}
    return {"quotas": quotas(section.quotas), "strata": words}


def _arrivals(posts: pl.DataFrame, strata: settings.Strata, highest: dict[str, float], collecting: bool) -> pl.DataFrame:
    """The newest revision of each post with text of its own, its stratum, its lot, and whether the draw wants it."""
    own = posts.filter(
        pl.col("kind").is_in(["create", "update"]) & pl.col("repost_of").is_null() & (pl.col("text").str.strip_chars() != "")
    )
    newest = own.sort("revision", "position").unique("id", keep="last", maintain_order=True)
    lots = pl.Series("lot", [_lot(post_id) for post_id in newest["id"]], pl.Float64)
    sorted_in = newest.with_columns(stratum(newest["text"], strata), lots)
    limit = pl.col("stratum").replace_strict(highest, default=1.0, return_dtype=pl.Float64)
    return sorted_in.with_columns((pl.lit(collecting) & (pl.col("lot") <= limit)).alias("wanted"))


def _lot(post_id: str) -> float:
    return int.from_bytes(hashlib.blake2b(post_id.encode(), digest_size=7).digest()) / (1 << 56)


def _stage(conn: psycopg.Connection[Any], dataset: Dataset, arrivals: pl.DataFrame) -> int:
    """Send what the draw wants and what is there already, and may be an edit; return how many. Most arrivals are neither."""
    others = arrivals.filter(~pl.col("wanted"))["id"].to_list()
    query = sql.SQL("SELECT id FROM {} WHERE id = ANY(%s)").format(dataset.table)
    known = [row[0] for row in conn.execute(query, (others,))] if others else []
    coming = arrivals.filter(pl.col("wanted") | pl.col("id").is_in(known)).drop("wanted")
    if len(coming):
        conn.execute(_ARRIVALS)
        copy_columns(conn, "arrivals", coming)
    return len(coming)


def _merge(conn: psycopg.Connection[Any], dataset: Dataset) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, POST_COLUMNS))
    changes = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in POST_COLUMNS if name not in ("id", "kind")
    )
    conn.execute(sql.SQL(_MERGE).format(table=dataset.table, columns=columns, changes=changes))


def _count(
    conn: psycopg.Connection[Any], dataset: Dataset, section: settings.Dataset, strata: settings.Strata,
    counts: dict[str, Any], arrived: dict[str, int],
) -> None:  # fmt: skip
    """Thin what overflows, and note how far each stratum is."""
    quota = quotas(section.quotas)
    seen = {name: counts.get("seen", {}).get(name, 0) + arrived.get(name, 0) for name in quota}
    highest = dict(counts.get("highest_lot", {}))
    kept: dict[str, int] = {}
    for name, most in quota.items():
        conn.execute(sql.SQL(_THIN).format(table=dataset.table), (name, name, most))
        query = sql.SQL("SELECT count(*), max(lot) FROM {} WHERE stratum = %s").format(dataset.table)
        row = conn.execute(query, (name,)).fetchone()
        assert row is not None
        kept[name] = row[0]
        if row[0] >= most:
            highest[name] = -1.0 if row[1] is None else row[1]
    full = all(kept[name] >= quota[name] for name in _asked_for(strata))
    new = {"collected": sum(kept.values()), "seen": seen, "kept": kept, "highest_lot": highest}
    dataset.update(conn, new, "collected" if full else "collecting")
    if full:
        weigh(conn, dataset, new)


def weigh(conn: psycopg.Connection[Any], dataset: Dataset, counts: dict[str, Any]) -> None:
    """Give each row its weight: posts seen in its stratum for each one that was kept."""
    for name, kept in counts["kept"].items():
        query = sql.SQL("UPDATE {} SET weight = %s WHERE stratum = %s").format(dataset.table)
        conn.execute(query, (max(1.0, counts["seen"].get(name, 0) / max(kept, 1)), name))
