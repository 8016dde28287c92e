"""Datasets as files: out of the store, and into it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from goldstream import settings
from goldstream.annotation import answers
from goldstream.clock import now
from goldstream.datasets.strata import STRATA, stratum
from goldstream.datasets.tables import SPLITS, Dataset
from goldstream.errors import DataError
from goldstream.store.copying import copy_columns
from goldstream.tables import check_path, column, read_table, write_table


def view(conn: psycopg.Connection[Any], section: settings.Dataset, split: str) -> pl.DataFrame:
    """Return the posts of one view with their gold labels; raises `DataError` for a view that does not exist."""
    dataset = Dataset(section.prefix, section.version)
    dataset.counts(conn)
    where = {"raw_tweet": "kind <> 'delete'", "deduplicated_raw_tweet": "representative = id AND kind <> 'delete'"}
    where |= {name: f"split = '{name}' AND kind <> 'delete'" for name in SPLITS}
    if split not in where:
        raise DataError(f"no view named {split!r}; there are {', '.join(where)}")
    return dataset.posts(conn, where[split])


def export(
    conn: psycopg.Connection[Any], section: settings.Dataset, split: str, out: Path, *, labels: Sequence[str] | None
) -> tuple[Path, int]:
    """Write a view to `out`, with soft labels when `labels` are given; return the file (named `…_labelled` then) and its rows."""
    check_path(out)
    posts = view(conn, section, split)
    table = posts.with_columns(pl.Series("extra", [_json(value) for value in posts["extra"]], pl.String))
    if labels is not None:
        rows = conn.execute(
            "SELECT post_id, probabilities FROM soft_labels WHERE prefix = %s AND dataset = %s",
            (section.prefix, section.version),
        ).fetchall()
        soft = pl.DataFrame(rows, schema={"id": pl.String, "probabilities": pl.List(pl.Float32)}, orient="row")
        each = [pl.col("probabilities").list.get(number).alias(f"p_{name}") for number, name in enumerate(labels)]
        table = table.join(soft.with_columns(each).drop("probabilities"), on="id", how="left", maintain_order="left")
        stem, dot, suffixes = out.name.partition(".")
        out = out if stem.endswith("_labelled") else out.with_name(f"{stem}_labelled{dot}{suffixes}")
    write_table(table, out)
    return out, len(table)


def import_(
    conn: psycopg.Connection[Any],
    section: settings.Dataset,
    strata: settings.Strata,
    file: Path,
    *,
    text: str,
    gold: str | None,
) -> dict[str, Any]:
    """Make a raw dataset from the table in `file` and return its counts; raises `DataError` when the version exists."""
    dataset = Dataset(section.prefix, section.version)
    if dataset.state(conn) is not None:
        raise DataError(f"{dataset.raw} exists; set dataset.version to another number")
    table = read_table(file)
    texts = column(table, text, file).cast(pl.String).fill_null("")
    ids = pl.Series("id", [_id(table, row, value) for row, value in enumerate(texts)], pl.String)
    rows = (
        pl.DataFrame({"id": ids, "text": texts, "stratum": stratum(texts, strata)})
        .filter(pl.col("text") != "")
        .unique("id", keep="first", maintain_order=True)
    )
    listed = {name: pl.lit([], pl.List(pl.String)) for name in ("links", "tags", "media")}
    full = rows.with_columns(
        source=pl.lit("import"), kind=pl.lit("create"), revision=pl.lit(0, pl.Int64), seen_at=pl.lit(now()), extra=pl.lit("{}"),
        lot=pl.lit(0.0), position=pl.int_range(len(rows), dtype=pl.Int64), **listed,
    )  # fmt: skip
    with conn.transaction():
        dataset.create(conn, {"file": file.name})
        copy_columns(conn, dataset.table, full)
        if gold is not None:
            named = (
                pl.DataFrame({"id": ids, "label": column(table, gold, file).cast(pl.String)})
                .drop_nulls()
                .unique("id", keep="first")
            )
            answers.add(conn, dict(named.rows()), "import")
        kept = {name: int((rows["stratum"] == name).sum()) for name in STRATA}
        counts = {"collected": len(rows), "seen": kept, "kept": kept}
        dataset.update(conn, counts, "collected")
    return counts


def _id(table: pl.DataFrame, row: int, text: str) -> str:
    if "id" in table.columns:
        return f"import:{table['id'][row]}"
    return f"import:{hashlib.sha256(f'{row} {text}'.encode()).hexdigest()[:24]}"


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()
