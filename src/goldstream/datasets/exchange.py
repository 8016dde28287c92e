"""Datasets as files: out of the store, and into it."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import psycopg

from goldstream import settings
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
    """Write a view to `out` and return the file and its rows.

    With `labels`, gold and soft labels (columns `gold` and `p_<label>`) come along, and the file is named `…_labelled`;
    raises `DataError` when there is neither.
    """
    check_path(out)
    posts = view(conn, section, split)
    table = posts.with_columns(pl.Series("extra", [msgspec.json.encode(value).decode() for value in posts["extra"]], pl.String))
    if labels is None:
        table = table.drop("gold")
    else:
        soft = _soft_labels(conn, section, labels)
        if not len(soft) and table["gold"].null_count() == len(table):
            raise DataError(f"{Dataset(section.prefix, section.version).view(split)} has no labels; run: goldstream label")
        table = table.join(soft, on="id", how="left", maintain_order="left")
        stem, dot, suffixes = out.name.partition(".")
        out = out if stem.endswith("_labelled") else out.with_name(f"{stem}_labelled{dot}{suffixes}")
    write_table(table, out)
    return out, len(table)


def _soft_labels(conn: psycopg.Connection[Any], section: settings.Dataset, labels: Sequence[str]) -> pl.DataFrame:
    """Columns `id` and `p_<label>` of each label."""
    rows = conn.execute(
        "SELECT post_id, probabilities FROM soft_labels WHERE prefix = %s AND dataset = %s",
        (section.prefix, section.version),
    ).fetchall()
    soft = pl.DataFrame(rows, schema={"id": pl.String, "probabilities": pl.List(pl.Float32)}, orient="row")
    each = [pl.col("probabilities").list.get(number, null_on_oob=True).alias(f"p_{name}") for number, name in enumerate(labels)]
    return soft.with_columns(each).drop("probabilities")


def import_(
    conn: psycopg.Connection[Any], section: settings.Dataset, strata: settings.Strata, file: Path, columns: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Make a raw dataset from the table in `file`; return its counts, and the gold label of each post that has one.

    `columns` says which column holds which of `FIELDS`; a field that it leaves out is the column of that name, if there
    is one. Raises `DataError` when the version exists, a column is missing, or no row has a text.
    """
    dataset = Dataset(section.prefix, section.version)
    if dataset.state(conn) is not None:
        raise DataError(f"{dataset.raw} exists; set dataset.version to another number")
    table = _fields(read_table(file), columns, file)
    rows = table.filter(pl.col("text").str.strip_chars() != "").unique("id", keep="first", maintain_order=True)
    if not len(rows):
        raise DataError(f"{file}: no row has a text")
    full = rows.drop("gold").with_columns(
        stratum(rows["text"], strata), source=pl.lit("import"), kind=pl.lit("create"), revision=pl.lit(0, pl.Int64),
        seen_at=pl.lit(now()), extra=pl.lit("{}"), lot=pl.lit(0.0), position=pl.int_range(len(rows), dtype=pl.Int64),
        links=_NONE, tags=_NONE, media=_NONE,
    )  # fmt: skip
    with conn.transaction():
        dataset.create(conn, {"file": file.name})
        copy_columns(conn, dataset.table, full)
        kept = {name: int((full["stratum"] == name).sum()) for name in STRATA}
        counts = {"collected": len(rows), "skipped": len(table) - len(rows), "seen": kept, "kept": kept}
        dataset.update(conn, counts, "collected")
    return counts, dict(rows.select("id", "gold").drop_nulls().rows())


#: What an imported table can hold: `created_at` in ISO 8601 or as times, all else as text.
FIELDS = ("id", "text", "gold", "created_at", "author", "lang", "url")
_NONE = pl.lit([], pl.List(pl.String))


def _fields(table: pl.DataFrame, columns: Mapping[str, str], file: Path) -> pl.DataFrame:
    if unknown := set(columns) - set(FIELDS):
        raise DataError(f"no field {', '.join(sorted(unknown))} in a post; there are {', '.join(FIELDS)}")
    asked = {name: columns.get(name, name) for name in FIELDS if name in columns or name in table.columns or name == "text"}
    given = {name: column(table, asked[name], file) if name in asked else pl.Series([None] * len(table)) for name in FIELDS}
    texts = given["text"].cast(pl.String).fill_null("")
    times = pl.Series("created_at", [_moment(value) for value in given["created_at"]], pl.Datetime("us", "UTC"))
    others = [given[name].cast(pl.String).alias(name) for name in FIELDS if name not in ("text", "created_at")]
    fields = pl.DataFrame([*others, texts.alias("text"), times])
    made = pl.Series([_hash(row, text) for row, text in enumerate(texts)], dtype=pl.String)
    return fields.with_columns(id="import:" + pl.coalesce(fields["id"], made))


def _moment(value: Any) -> datetime | None:
    """A time, taken as UTC where it names no zone; None for what is not one."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _hash(row: int, text: str) -> str:
    return hashlib.sha256(f"{row} {text}".encode()).hexdigest()[:24]
