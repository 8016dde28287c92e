"""COPY of columns into PostgreSQL, in its binary form: no quoting, no casts, no Python object for a value.

Measured on batches of 65,536 posts on one core: building the binary form takes a tenth of what writing and quoting CSV
takes, and the server reads it faster, since numbers and times arrive as they are stored.
"""

from typing import Any

import numpy as np
import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from goldstream.errors import DataError
from goldstream.records import clean
from goldstream.store.copy_kernels import write_bytes, write_counts, write_fixed, write_lists

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_SINCE_2000_US = 946_684_800_000_000

_TEXT, _JSON, _JSONB, _VARCHAR, _BYTEA, _UUID = 25, 114, 3802, 1043, 17, 2950
_TIMES = {1184, 1114}  # timestamptz, timestamp
_FIXED: dict[int, Any] = {16: np.dtype("u1"), 21: np.dtype(">i2"), 23: np.dtype(">i4"), 20: np.dtype(">i8"),
          700: np.dtype(">f4"), 701: np.dtype(">f8")}  # fmt: skip
_ELEMENTS = {1009: _TEXT, 1021: 700, 1022: 701, 1007: 23, 1016: 20, 1000: 16}  # type of array → of its elements


def copy_columns(conn: psycopg.Connection[Any], table: str | sql.Composable, data: pl.DataFrame | pa.RecordBatch) -> int:
    """Copy `data` into the columns of `table` that bear its names and return the number of rows.

    Works in whatever transaction `conn` is in. Strings go to text, json and jsonb columns, lists to arrays; null stays
    null and `''` stays `''`; NUL, which PostgreSQL can't hold, becomes U+FFFD. Raises `DataError` for a column that the
    table has not, or whose type it can't take.
    """
    batch = _batch(data)
    if batch.num_rows == 0:
        return 0
    name = sql.Identifier(table) if isinstance(table, str) else table
    columns = sql.SQL(", ").join(map(sql.Identifier, batch.schema.names))
    try:
        described = conn.execute(sql.SQL("SELECT {} FROM {} LIMIT 0").format(columns, name)).description
    except psycopg.errors.UndefinedColumn as error:
        raise DataError(f"can't copy: {error.diag.message_primary}") from None
    payload = encode(batch, [column.type_code for column in described or ()])
    with conn.cursor() as cursor:
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(name, columns)) as copy:
            copy.write(payload)
    return int(batch.num_rows)


def encode(batch: pa.RecordBatch, types: list[int]) -> bytes:
    """Return `batch` in the form of `COPY … (FORMAT binary)`, for columns of these PostgreSQL types (their oids)."""
    fields = [_field(array, oid, name) for array, oid, name in zip(batch.columns, types, batch.schema.names, strict=True)]
    sizes = np.full(batch.num_rows, 2, np.int64)
    for field in fields:
        sizes += field.sizes
    at = np.cumsum(sizes) - sizes
    out = np.empty(int(sizes.sum()), np.uint8)
    write_counts(out, at, len(fields))
    for field in fields:
        field.write(out, at)
    return b"".join((_SIGNATURE, out.data, _TRAILER))


def _batch(data: pl.DataFrame | pa.RecordBatch) -> pa.RecordBatch:
    if isinstance(data, pa.RecordBatch):
        return data
    table = data.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


class _Fixed:
    """A column of values that all have one width."""

    def __init__(self, values: np.ndarray, valid: np.ndarray) -> None:
        self._width = values.dtype.itemsize
        self._bytes = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), self._width)
        self._valid = valid
        self.sizes = np.where(valid, 4 + self._width, 4)

    def write(self, out: np.ndarray, at: np.ndarray) -> None:
        write_fixed(out, at, self._bytes, self._valid)


class _Bytes:
    """A column of strings or bytes, each with `mark` in front of it when that is not negative."""

    def __init__(self, offsets: np.ndarray, data: np.ndarray, valid: np.ndarray, mark: int = -1) -> None:
        self._offsets, self._data, self._valid, self._mark = offsets, data, valid, mark
        self.sizes = np.where(valid, 4 + np.diff(offsets).astype(np.int64) + (mark >= 0), 4)

    def write(self, out: np.ndarray, at: np.ndarray) -> None:
        write_bytes(out, at, self._offsets, self._data, self._valid, self._mark)


class _List:
    """A column of arrays with one dimension: a header, then the elements as fields of their own."""

    def __init__(self, array: pa.ListArray, oid: int, name: str) -> None:
        offsets = _offsets(array)
        elements: Any = _field(array.values.slice(offsets[0], offsets[-1] - offsets[0]), _ELEMENTS[oid], name)
        self._header = np.array([1, array.values.null_count > 0, _ELEMENTS[oid], 0, 1], ">i4").view(np.uint8)
        self._starts = np.append(0, np.cumsum(elements.sizes))[offsets - offsets[0]]
        self._counts = np.diff(offsets).astype(np.int64)
        self._valid = _valid(array)
        self._data = np.empty(int(elements.sizes.sum()), np.uint8)
        elements.write(self._data, np.cumsum(elements.sizes) - elements.sizes)
        filled = np.where(self._counts > 0, 24 + np.diff(self._starts), 16)
        self.sizes = np.where(self._valid, filled, 4)

    def write(self, out: np.ndarray, at: np.ndarray) -> None:
        write_lists(out, at, self._starts, self._counts, self._data, self._valid, self._header)


def _field(array: pa.Array, oid: int, name: str) -> "_Fixed | _Bytes | _List":
    try:
        if isinstance(array, pa.DictionaryArray):
            array = array.dictionary_decode()
        if oid in _ELEMENTS:
            return _List(_as_list(array), oid, name)
        if oid in _TIMES:
            times = array.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
            return _Fixed((_numbers(times) - _SINCE_2000_US).astype(">i8"), _valid(array))
        if oid in _FIXED:
            return _Fixed(_numbers(array).astype(_FIXED[oid]), _valid(array))
        if oid in (_TEXT, _VARCHAR, _JSON, _JSONB):
            texts = _without_nul(array.cast(pa.string()))
            return _Bytes(_offsets(texts), _data(texts), _valid(texts), 1 if oid == _JSONB else -1)
        if oid == _UUID:
            fixed = array.cast(pa.binary(16))
            return _Fixed(np.frombuffer(fixed.buffers()[1], "V16", len(fixed), 16 * fixed.offset), _valid(fixed))
        if oid == _BYTEA:
            raw = array.cast(pa.binary())
            return _Bytes(_offsets(raw), _data(raw), _valid(raw))
    except pa.ArrowException as error:
        raise DataError(f"can't copy column {name!r}: {error}") from None
    raise DataError(f"can't copy column {name!r}: no binary form for PostgreSQL type {oid}")


def _as_list(array: pa.Array) -> pa.ListArray:
    return array if pa.types.is_list(array.type) else array.cast(pa.list_(array.type.value_type))


def _numbers(array: pa.Array) -> np.ndarray:
    if pa.types.is_null(array.type):
        return np.zeros(len(array), np.int64)
    filled = array if array.null_count == 0 else pc.fill_null(array, pa.scalar(0, pa.int8()).cast(array.type))
    return filled.to_numpy(zero_copy_only=False)


def _valid(array: pa.Array) -> np.ndarray:
    if array.null_count == 0:
        return np.ones(len(array), np.bool_)
    return array.is_valid().to_numpy(zero_copy_only=False)


def _offsets(array: pa.Array) -> np.ndarray:
    if len(array) == 0:
        return np.zeros(1, np.int32)
    return np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)


def _data(array: pa.Array) -> np.ndarray:
    data = array.buffers()[2]
    return np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)


def _without_nul(texts: pa.StringArray) -> pa.StringArray:
    offsets = _offsets(texts)
    if not (_data(texts)[offsets[0] : offsets[-1]] == 0).any():
        return texts
    return pa.array([None if text is None else clean(text) for text in texts.to_pylist()], pa.string())
