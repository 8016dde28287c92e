"""Answers as files: out of the store and into it, in our own formats and those of other tools."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl
import psycopg
from psycopg.rows import class_row

from goldstream.annotation import answers
from goldstream.annotation.formats import argilla, doccano, label_studio, plain, prodigy
from goldstream.annotation.formats.base import Format, Said
from goldstream.annotation.posts import known_texts, words
from goldstream.errors import DataError
from goldstream.store.copying import copy_columns
from goldstream.tables import check_path, read_table, write_table

Connection = psycopg.Connection[Any]

#: Formats by name; `csv` and `parquet` are tables of the same records as `jsonl`.
FORMATS: dict[str, Format] = {
    each.name: each for each in (plain.FORMAT, label_studio.FORMAT, prodigy.FORMAT, doccano.FORMAT, argilla.FORMAT)
}
NAMES = ("csv", "jsonl", "parquet", "label-studio", "prodigy", "doccano", "argilla")
_TABLES = ("csv", "parquet")
TOGETHER = 5_000  #: posts whose words are fetched at once

#: What counts: the latest act of each person on each post, and the latest decision.
_COUNTS = """
    SELECT post_id AS id, label, annotator, act, note, at, seconds, strategy, chance, revision
    FROM (SELECT DISTINCT ON (post_id, CASE act WHEN 'adjudicate' THEN NULL ELSE annotator END) *
          FROM annotations ORDER BY post_id, CASE act WHEN 'adjudicate' THEN NULL ELSE annotator END, id DESC) latest
    WHERE act <> 'undo' ORDER BY post_id, id
"""
_GIVEN = """
    CREATE TEMP TABLE given (number bigint, post_id text, label text, annotator text, act text, note text, at timestamptz, seconds real,
                             strategy text, chance real, revision bigint) ON COMMIT DROP
"""
#: Of each person and post, the last in the file; and only what was not said last time.
_TAKE = """
    INSERT INTO annotations (post_id, revision, label, annotator, strategy, chance, note, at, act, seconds)
    SELECT post_id, revision, label, annotator, coalesce(strategy, 'import'), chance, note, coalesce(at, clock_timestamp()), act, seconds
    FROM (SELECT DISTINCT ON (post_id, who) * FROM (SELECT *, CASE WHEN act <> 'adjudicate' THEN annotator END AS who FROM given) all_given
          ORDER BY post_id, who, number DESC) g
    WHERE NOT EXISTS (
        SELECT FROM (SELECT a.act, a.label FROM annotations a
                     WHERE a.post_id = g.post_id
                       AND (CASE WHEN a.act <> 'adjudicate' THEN a.annotator END) IS NOT DISTINCT FROM g.who
                     ORDER BY a.id DESC LIMIT 1) last
        WHERE last.act = g.act AND last.label IS NOT DISTINCT FROM g.label)
    ORDER BY number
    RETURNING post_id
"""


class Taken(NamedTuple):
    """What an import came to."""

    records: int
    added: int
    known: int  #: said in the same way before
    without_post: int  #: of posts that are not here


def export(conn: Connection, out: Path, kind: str, labels: Sequence[str]) -> int:
    """Write every answer that counts to `out` and return how many; posts whose words are gone are left out.

    Raises `DataError` for an unknown format.
    """
    _check(kind)
    with conn.cursor(row_factory=class_row(Said)) as cursor:
        said = _with_words(conn, cursor.execute(_COUNTS).fetchall())
    if kind in _TABLES:
        check_path(out)
        write_table(pl.DataFrame([msgspec.structs.asdict(each) for each in said], schema=_SCHEMA), out)
        return len(said)
    form = FORMATS[kind]
    encoder = msgspec.json.Encoder()
    records = (encoder.encode(record) for record in form.write(said, labels))
    with out.open("wb") as file:
        if form.lines:
            file.writelines(record + b"\n" for record in records)
        else:
            file.write(b"[" + b",\n".join(records) + b"]\n")
    return len(said)


def import_(
    conn: Connection, file: Path, kind: str, labels: Sequence[str], *, annotator: str = "import", overlap: int = 1
) -> Taken:
    """Add the answers in `file`; `annotator` is who said what names nobody. The same file again adds nothing.

    A post is found by its id, or by its very text. Raises `DataError` for what can't be read, or a label that is unknown.
    """
    _check(kind)
    said = [each for record in _records(file, kind) for each in FORMATS.get(kind, plain.FORMAT).read(record, labels)]
    if strange := {each.label for each in said if each.label is not None} - set(labels):
        raise DataError(
            f"{file}: no label {', '.join(sorted(map(str, strange))[:5])} in this project; there are {', '.join(labels)}"
        )
    if strange := {each.act for each in said} - {"answer", "skip", "adjudicate"}:
        raise DataError(f"{file}: no act {', '.join(sorted(strange)[:5])}; there are answer, skip and adjudicate")
    posts = _found(conn, said)
    rows = [(number, posts[_key(each)], each) for number, each in enumerate(said) if _key(each) in posts]
    added = _take(conn, [(number, post, each) for number, post, each in rows], annotator, overlap)
    return Taken(len(said), added, len(rows) - added, len(said) - len(rows))


def _take(conn: Connection, rows: Sequence[tuple[int, str, Said]], annotator: str, overlap: int) -> int:
    given = pl.DataFrame(
        [
            (
                number, post, said.label, said.annotator or annotator, said.act, said.note, said.at, said.seconds, said.strategy,
                said.chance, said.revision,
            )
            for number, post, said in rows
        ],
        schema={"number": pl.Int64, "post_id": pl.String, **{name: _SCHEMA[name] for name in _CARRIED}}, orient="row",
    )  # fmt: skip
    with conn.transaction():
        conn.execute(_GIVEN)
        copy_columns(conn, "given", given)
        added = [row[0] for row in conn.execute(_TAKE).fetchall()]
        answers.settle(conn, sorted(set(added)), overlap)
    return len(added)


def _with_words(conn: Connection, said: list[Said]) -> list[Said]:
    kept = []
    for start in range(0, len(said), TOGETHER):
        part = said[start : start + TOGETHER]
        posts = words(conn, sorted({each.id for each in part if each.id is not None}))
        for each in part:
            if each.id in posts:
                each.text = posts[each.id]["text"]
                kept.append(each)
    return kept


def _found(conn: Connection, said: Iterable[Said]) -> dict[tuple[str | None, str], str]:
    """Which post each answer is about, by id and text as they were given."""
    ids = sorted({each.id for each in said if each.id is not None})
    known = {post for start in range(0, len(ids), TOGETHER) for post in words(conn, ids[start : start + TOGETHER])}
    texts = known_texts(conn, sorted({each.text for each in said if each.id not in known and each.text}))
    found = {}
    for each in said:
        post = each.id if each.id in known else texts.get(each.text)
        if post is not None:
            found[_key(each)] = post
    return found


def _key(said: Said) -> tuple[str | None, str]:
    return said.id, said.text


def _records(file: Path, kind: str) -> Iterator[dict[str, Any]]:
    if kind in _TABLES:
        yield from read_table(file).iter_rows(named=True)
        return
    try:
        data = file.read_bytes()
        found = (
            [msgspec.json.decode(line) for line in data.splitlines() if line.strip()]
            if FORMATS[kind].lines
            else msgspec.json.decode(data)
        )
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{file}: can't be read as {kind}: {error}") from None
    for number, record in enumerate(found if isinstance(found, list) else [found]):
        if not isinstance(record, dict):
            raise DataError(f"{file}: record {number + 1} is no object")
        yield record


def _check(kind: str) -> None:
    if kind not in NAMES:
        raise DataError(f"no format {kind!r}; there are {', '.join(NAMES)}")


_CARRIED = ("label", "annotator", "act", "note", "at", "seconds", "strategy", "chance", "revision")
_SCHEMA: dict[str, Any] = {
    "id": pl.String, "text": pl.String, "label": pl.String, "annotator": pl.String, "act": pl.String, "note": pl.String,
    "at": pl.Datetime("us", "UTC"), "seconds": pl.Float32, "strategy": pl.String, "chance": pl.Float32, "revision": pl.Int64,
}  # fmt: skip
