"""Blocks of somebody's lines as columns of values, for a mapping; None for a block that must be read line by line."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa

from goldstream.mapping import Column, at
from goldstream.sources.csv_rows import csv_block

Block = tuple[int, Column]  #: how many rows, and the values at a path


def json_reader(paths: Sequence[tuple[str, ...]]) -> Callable[[bytes], Block | None]:
    """Return what reads blocks of JSON objects, one on a line, of which nothing but `paths` is decoded.

    >>> count, column = json_reader([("text",), ("user", "name")])(b'{"text":"a","user":{"name":"n"}}\\n{"text":"b"}\\n')
    >>> count, column(("text",)), column(("user", "name"))
    (2, ['a', 'b'], ['n', None])
    """
    names = sorted({name for path in paths for name in (_first(path), ".".join(path))})
    places = {name: f"c{number}" for number, name in enumerate(names)}
    row = msgspec.defstruct(
        "Row",
        [(place, Any, msgspec.UNSET) for place in places.values()],
        rename={place: name for name, place in places.items()},
    )
    decoder = msgspec.json.Decoder(row)

    def read(block: bytes) -> Block | None:
        try:
            rows = decoder.decode_lines(block)
        except (ValueError, RecursionError):
            return None
        if len(rows) != block.count(b"\n") + (not block.endswith(b"\n")):
            return None  # there are empty lines

        def column(path: tuple[str, ...]) -> list[Any]:
            whole = list(map(attrgetter(places[".".join(path)]), rows))
            if _first(path) == ".".join(path):
                return [None if value is msgspec.UNSET else value for value in whole]
            first = map(attrgetter(places[_first(path)]), rows)
            return [
                value if value is not msgspec.UNSET else at({_first(path): other}, path)
                for value, other in zip(whole, first, strict=True)
            ]

        return len(rows), column

    return read


def csv_reader(names: Sequence[str]) -> Callable[[bytes], Block | None]:
    """Return what reads blocks of CSV without a header; `names` are the columns.

    >>> count, column = csv_reader(["text", "n"])(b'a,1\\n"b,c",2\\n')
    >>> count, column(("text",))
    (2, ('a', 'b,c'))
    """

    def read(block: bytes) -> Block | None:
        rows = csv_block(block)
        if rows is None or set(map(len, rows)) != {len(names)}:
            return None
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        return len(rows), lambda path: columns.get(".".join(path)) or [None] * len(rows)

    return read


def table_block(batch: pa.RecordBatch) -> Block | None:
    """Return the rows of a Parquet file's batch.

    >>> count, column = table_block(pa.RecordBatch.from_pylist([{"user": {"name": "n"}}]))
    >>> count, column(("user", "name")), column(("text",))
    (1, ['n'], [None])
    """

    def column(path: tuple[str, ...]) -> list[Any]:
        if (name := ".".join(path)) in batch.schema.names:
            return batch.column(name).to_pylist()
        if _first(path) not in batch.schema.names:
            return [None] * batch.num_rows
        return [at({_first(path): value}, path) for value in batch.column(_first(path)).to_pylist()]

    return batch.num_rows, column


def _first(path: tuple[str, ...]) -> str:
    return path[0].removesuffix("[]")
