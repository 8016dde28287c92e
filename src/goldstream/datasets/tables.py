"""The tables of a dataset: one with every collected post, and a view of it for each use.

A deletion or an edit changes one row, and every view shows it.
"""

from typing import Any

import polars as pl
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from goldstream.errors import DataError, SettingsError
from goldstream.names import raw_table

LONGEST_NAME = 63  #: PostgreSQL cuts longer ones off in silence

SPLITS = ("test", "dev", "snorkel_train", "train")

_RAW = """
    CREATE TABLE {table} (
        id text PRIMARY KEY, source text NOT NULL, kind text NOT NULL, revision bigint NOT NULL, text text NOT NULL,
        created_at timestamptz, seen_at timestamptz, author text, lang text, url text, links text[] NOT NULL,
        tags text[] NOT NULL, media text[] NOT NULL, reply_to text, repost_of text, cid text, extra jsonb NOT NULL,
        stratum text NOT NULL,
        lot double precision NOT NULL,  -- the post's number in the draw, from its id
        weight real NOT NULL DEFAULT 1, -- how many posts of the stream it stands for
        position bigint NOT NULL,
        representative text,            -- id of the post that it repeats; null until duplicates are removed
        split text
    )
"""
_WORDS = "CREATE INDEX IF NOT EXISTS {name} ON {table} USING gin (to_tsvector('simple', left(text, 20000)))"
#: The columns of a raw table that hold a post, in order.
POST_COLUMNS = [
    "id",
    "source",
    "kind",
    "revision",
    "text",
    "created_at",
    "seen_at",
    "author",
    "lang",
    "url",
    "links",
    "tags",
    "media",
    "reply_to",
    "repost_of",
    "cid",
    "extra",
]


class Dataset:
    """One dataset in the store, by prefix and version; raises `SettingsError` when they make no table's name."""

    def __init__(self, prefix: str, version: int) -> None:
        self.prefix, self.version = prefix, version
        self.raw = raw_table(prefix, version)
        if len(longest := self.view("deduplicated_raw_tweet")) > LONGEST_NAME:
            raise SettingsError(f"dataset prefix {prefix!r} is too long: {longest} has more than {LONGEST_NAME} characters")

    @property
    def table(self) -> sql.Identifier:
        """The raw table, quoted."""
        return sql.Identifier(self.raw)

    def view(self, name: str) -> str:
        """Return the name of a view: `deduplicated_raw_tweet` or one of `SPLITS`."""
        return f"{self.prefix}{name}_dataset_{self.version}"

    def state(self, conn: psycopg.Connection[Any]) -> str | None:
        """Return `collecting`, `collected` or `split`; None when there is no such dataset."""
        row = conn.execute("SELECT state FROM datasets WHERE prefix = %s AND version = %s", self._key).fetchone()
        return row[0] if row else None

    def counts(self, conn: psycopg.Connection[Any]) -> dict[str, Any]:
        """Return what is known of its size; raises `DataError` when there is no such dataset."""
        row = conn.execute("SELECT counts FROM datasets WHERE prefix = %s AND version = %s", self._key).fetchone()
        if row is None:
            raise DataError(f"there is no dataset {self.raw}; `goldstream dataset list` shows all")
        return dict(row[0])

    def create(self, conn: psycopg.Connection[Any], made_from: dict[str, Any]) -> None:
        """Make its tables unless they are there, in one transaction."""
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (self.raw,))
            if self.state(conn) is not None:
                return
            conn.execute(sql.SQL(_RAW).format(table=self.table))
            conn.execute(sql.SQL("CREATE INDEX ON {} (source, author)").format(self.table))
            conn.execute(sql.SQL("CREATE INDEX ON {} (stratum, lot)").format(self.table))
            self._make_view(conn, "deduplicated_raw_tweet", sql.SQL("representative = id AND kind <> 'delete'"))
            for split in SPLITS:
                self._make_view(conn, split, sql.SQL("split = {}").format(split))
            conn.execute("INSERT INTO datasets (prefix, version, settings) VALUES (%s, %s, %s)", (*self._key, Jsonb(made_from)))

    def update(self, conn: psycopg.Connection[Any], counts: dict[str, Any], state: str, sha256: str | None = None) -> None:
        """Store new counts (added to those known) and the state."""
        conn.execute(
            """UPDATE datasets SET counts = counts || %s, state = %s, sha256 = coalesce(%s, sha256),
                   split_at = CASE WHEN %s = 'split' THEN coalesce(split_at, clock_timestamp()) END
               WHERE prefix = %s AND version = %s""",
            (Jsonb(counts), state, sha256, state, *self._key),
        )
        if state == "split":  # from now on it is looked through, and hardly changes
            conn.execute(sql.SQL(_WORDS).format(name=sql.Identifier(f"{self.raw}_words"), table=self.table))

    def drop(self, conn: psycopg.Connection[Any]) -> None:
        """Drop its tables, its labels and its reader's position; raises `DataError` when there is no such dataset."""
        self.counts(conn)
        with conn.transaction():
            conn.execute(sql.SQL("DROP TABLE {} CASCADE").format(self.table))
            for table, column in (("datasets", "version"), ("soft_labels", "dataset"), ("label_runs", "dataset")):
                query = sql.SQL("DELETE FROM {} WHERE prefix = %s AND {} = %s")
                conn.execute(query.format(sql.Identifier(table), sql.Identifier(column)), self._key)
            conn.execute("DELETE FROM positions WHERE reader = %s", (self.reader,))

    @property
    def reader(self) -> str:
        """The name under which it reads the log."""
        return f"collect-{self.raw}"

    def posts(self, conn: psycopg.Connection[Any], where: str = "representative = id AND kind <> 'delete'") -> pl.DataFrame:
        """Return posts with gold label (null where there is none), weight, position and split, in order of id."""
        columns = sql.SQL(", ").join(sql.Identifier("p", name) for name in POST_COLUMNS)
        query = sql.SQL(
            """SELECT {}, p.weight, p.position, p.stratum, p.split, g.label AS gold
               FROM {} p LEFT JOIN gold g ON g.post_id = p.id WHERE {} ORDER BY p.id"""
        ).format(columns, self.table, sql.SQL(where))
        cursor = conn.execute(query)
        names = [column.name for column in cursor.description or ()]
        return pl.DataFrame(cursor.fetchall(), schema=dict.fromkeys(names) | _TYPES, orient="row")

    def _make_view(self, conn: psycopg.Connection[Any], name: str, where: sql.Composable) -> None:
        query = sql.SQL("CREATE VIEW {} AS SELECT * FROM {} WHERE {}")
        conn.execute(query.format(sql.Identifier(self.view(name)), self.table, where))

    @property
    def _key(self) -> tuple[str, int]:
        return self.prefix, self.version


_TIME = pl.Datetime("us", "UTC")
_TYPES: dict[str, Any] = {
    "id": pl.String, "source": pl.String, "kind": pl.String, "revision": pl.Int64, "text": pl.String, "created_at": _TIME,
    "seen_at": _TIME, "author": pl.String, "lang": pl.String, "url": pl.String, "links": pl.List(pl.String),
    "tags": pl.List(pl.String), "media": pl.List(pl.String), "reply_to": pl.String, "repost_of": pl.String,
    "cid": pl.String, "extra": pl.Object, "weight": pl.Float32, "position": pl.Int64, "stratum": pl.String,
    "split": pl.String, "gold": pl.String,
}  # fmt: skip


def existing(conn: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Return every dataset with its state, counts and hash, oldest first."""
    cursor = conn.execute("SELECT prefix, version, state, created_at, counts, sha256 FROM datasets ORDER BY created_at")
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]
