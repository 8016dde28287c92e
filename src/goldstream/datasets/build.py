"""From a collected dataset to its splits: duplicates out, cut, frozen."""

import hashlib
from collections.abc import Callable
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from goldstream import settings
from goldstream.datasets.collect import weigh
from goldstream.datasets.deduplicate import representatives
from goldstream.datasets.split import Cut, cut
from goldstream.datasets.tables import Dataset
from goldstream.errors import DataError
from goldstream.store.copying import copy_columns


def build(conn: psycopg.Connection[Any], section: settings.Dataset, say: Callable[[str], None]) -> dict[str, Any]:
    """Freeze the dataset that `section` names and return its counts.

    A dataset that is still collecting stops doing so. Raises `DataError` when it does not exist or is frozen already.
    """
    dataset = Dataset(section.prefix, section.version)
    counts = dataset.counts(conn)
    if dataset.state(conn) == "split":
        raise DataError(f"{dataset.raw} is frozen; set dataset.version to {section.version + 1} to begin another one")
    posts = dataset.posts(conn, "kind <> 'delete'").sort("position", "id")
    say(f"{len(posts):,} posts collected; looking for duplicates …")
    first = representatives(posts["text"], section.near_duplicate_similarity)
    named = posts.with_columns(posts["id"].gather(first).alias("representative"))
    distinct = named.filter(pl.col("representative") == pl.col("id"))
    parts = cut(distinct, section.sizes, section.seed)
    new = {
        **counts, "collected": len(posts), "duplicates": len(posts) - len(distinct), "splits": parts.sizes,
        "straddling": parts.straddling, "spare_gold": parts.spare_gold,
    }  # fmt: skip
    _write(conn, dataset, named, parts, new)
    for name, asked in (("test", section.sizes.test), ("dev", section.sizes.dev)):
        if parts.sizes[name] < asked:
            say(f"{name} has {parts.sizes[name]:,} posts, not {asked:,}: there are only {len(distinct):,} distinct posts")
    say(f"{new['duplicates']:,} duplicates; " + ", ".join(f"{size:,} {name}" for name, size in parts.sizes.items()))
    return new


def sha256(splits: pl.DataFrame) -> str:
    """Return the hash of a cut (columns id and split) over the ids of each split. Deleted posts keep theirs, so it stays true."""
    digest = hashlib.sha256()
    for split, post_id in splits.select("split", "id").sort("split", "id").iter_rows():
        digest.update(f"{split}\t{post_id}\n".encode())
    return digest.hexdigest()


def _write(conn: psycopg.Connection[Any], dataset: Dataset, named: pl.DataFrame, parts: Cut, counts: dict[str, Any]) -> None:
    placed = named.select("id", "representative").join(parts.splits, on="id", how="left")
    with conn.transaction():
        conn.execute("CREATE TEMP TABLE placed (id text, representative text, split text) ON COMMIT DROP")
        copy_columns(conn, "placed", placed)
        conn.execute(
            sql.SQL(
                "UPDATE {} r SET representative = p.representative, split = p.split FROM placed p WHERE p.id = r.id"
            ).format(dataset.table)
        )
        if "kept" in counts:
            weigh(conn, dataset, counts)
        dataset.update(conn, counts, "split", sha256(parts.splits))
