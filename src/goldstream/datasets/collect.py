"""Copies the log into a raw dataset until each stratum's quota is full, and then keeps edits and deletions up to date.

A stratum that overflows its quota is thinned by lot: every post has a number drawn from its id, and those with the
lowest stay. So what stays is a fair sample of the whole time of collecting, the same in every run, and each row's
weight says how many posts of the stream it stands for.
"""

import hashlib
import threading
from collections.abc import Callable
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from goldstream import settings
from goldstream.datasets.strata import quotas, stratum
from goldstream.datasets.tables import POST_COLUMNS, Dataset
from goldstream.log.base import Log, Part
from goldstream.store import Store, deletions
from goldstream.store.copying import copy_columns
from goldstream.store.positions import Taken, advance, check, take
from goldstream.store.reconnect import Lasting, Stopped

BATCH = 16_384

_MERGE = """
    INSERT INTO {table} ({columns}, stratum, lot, position)
    SELECT {columns}, stratum, lot, position FROM arrivals a
    WHERE (a.wanted OR EXISTS (SELECT FROM {table} r WHERE r.id = a.id))
      AND NOT EXISTS (SELECT FROM tombstones t WHERE t.post_id = a.id AND t.revision >= a.revision)
      AND NOT EXISTS (SELECT FROM forgotten_authors f
                      WHERE f.source = a.source AND f.author = a.author AND f.revision >= a.revision)
    ON CONFLICT (id) DO UPDATE SET {changes}
    WHERE excluded.revision > {table}.revision AND {table}.kind <> 'delete'
"""
_THIN = """
    DELETE FROM {table} WHERE stratum = %s AND lot > (
        SELECT lot FROM {table} WHERE stratum = %s ORDER BY lot OFFSET %s LIMIT 1)
"""


def collect(
    log: Log, store: Store, section: settings.Dataset, strata: settings.Strata, *,
    stop: threading.Event, say: Callable[[str], None], on_end: Callable[[bool], bool], poll_s: float = 0.2,
) -> None:  # fmt: skip
    """Collect until `stop`. At the log's end, `on_end(full)` decides whether to go on (True) or to return."""
    dataset = Dataset(section.prefix, section.version)
    lasting = Lasting(store, "collect", stop, say)
    try:
        while not stop.is_set():
            full = lasting.do(lambda conn, _: _catch_up(conn, log, dataset, section, strata, stop))
            if not on_end(full):
                return
            stop.wait(poll_s)
    except Stopped:
        pass
    finally:
        lasting.close()


def _catch_up(
    conn: psycopg.Connection[Any], log: Log, dataset: Dataset, section: settings.Dataset, strata: settings.Strata,
    stop: threading.Event,
) -> bool:  # fmt: skip
    """Read to the log's end; return whether the dataset is full."""
    dataset.create(conn, {"quotas": quotas(section.quotas), "strata": {"topic": list(strata.topic)}})
    for partition, extent in log.extents().items():
        taken = take(conn, dataset.reader, log.identity, partition)
        check(taken, extent.start, extent.end)
        for part in log.read(partition, taken.position, BATCH):
            taken = _add(conn, dataset, part, taken, section, strata)
            if stop.is_set():
                break
    return dataset.state(conn) != "collecting"


def _add(
    conn: psycopg.Connection[Any], dataset: Dataset, part: Part, taken: Taken, section: settings.Dataset,
    strata: settings.Strata,
) -> Taken:  # fmt: skip
    """Write one part's rows and the new position in one transaction."""
    posts = pl.DataFrame(pl.from_arrow(part.posts)).with_columns(pl.Series("position", part.positions))
    collecting = dataset.state(conn) == "collecting"
    counts = dataset.counts(conn)
    arrivals = _arrivals(posts, strata, counts.get("highest_lot", {}), collecting)
    with conn.transaction():
        _stage(conn, arrivals)
        taken = advance(conn, taken, part.end)
        if len(arrivals):
            _merge(conn, dataset)
        gone = posts.filter(pl.col("kind").is_in(["delete", "forget"]))
        if len(gone):
            deletions.apply(
                conn,
                gone.filter(kind="delete").select("id", "revision").rows(),
                gone.filter(kind="forget").drop_nulls("author").select("source", "author", "revision").rows(),
            )
        if collecting:
            seen = {row[0]: row[1] for row in arrivals.filter(kind="create").group_by("stratum").len().iter_rows()}
            _count(conn, dataset, section, strata, counts, seen)
    return taken


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


def _stage(conn: psycopg.Connection[Any], arrivals: pl.DataFrame) -> None:
    conn.execute(
        """CREATE TEMP TABLE arrivals (
               id text, source text, kind text, revision bigint, text text, created_at timestamptz, seen_at timestamptz,
               author text, lang text, url text, links text[], tags text[], media text[], reply_to text, repost_of text,
               cid text, extra jsonb, stratum text, lot double precision, wanted boolean, position bigint
           ) ON COMMIT DROP"""
    )
    copy_columns(conn, "arrivals", arrivals)


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
        conn.execute(sql.SQL(_THIN).format(table=dataset.table), (name, name, max(most - 1, 0)))
        query = sql.SQL("SELECT count(*), max(lot) FROM {} WHERE stratum = %s").format(dataset.table)
        row = conn.execute(query, (name,)).fetchone()
        assert row is not None
        kept[name] = row[0]
        if row[0] >= most:
            highest[name] = row[1] if most and row[1] is not None else -1.0
    asked_for = {"topic": bool(strata.topic), "false_friends": bool(strata.false_friends), "rest": True}
    full = all(kept[name] >= most for name, most in quota.items() if asked_for[name])
    new = {"collected": sum(kept.values()), "seen": seen, "kept": kept, "highest_lot": highest}
    dataset.update(conn, new, "collected" if full else "collecting")
    if full:
        weigh(conn, dataset, new)


def weigh(conn: psycopg.Connection[Any], dataset: Dataset, counts: dict[str, Any]) -> None:
    """Give each row its weight: posts seen in its stratum for each one that was kept."""
    for name, kept in counts["kept"].items():
        query = sql.SQL("UPDATE {} SET weight = %s WHERE stratum = %s").format(dataset.table)
        conn.execute(query, (max(1.0, counts["seen"].get(name, 0) / max(kept, 1)), name))
