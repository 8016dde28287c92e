"""Blocks of goldstream's own JSON straight into columns, by Arrow's parser, when there is nothing odd about them.

Anything that this path can't promise to read exactly as `records.from_json` does (a field `extra`, an invalid byte, a
wrong type, another schema version) makes it return None, and the careful path reads the block instead.
"""

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from goldstream.records import EARLIEST_US, LATEST_US, POSTS, SCHEMA_VERSION

_TIMES = ("created_at", "seen_at")
_FIELDS = pa.schema(
    [pa.field(field.name, pa.string() if field.name in _TIMES else field.type) for field in POSTS if field.name != "extra"]
    + [pa.field("v", pa.int64())]
)
_DEFAULTS = {"kind": "create", "revision": 0, "text": ""}
_KINDS = pa.array(["create", "update", "delete", "forget"])
_PARSE = pj.ParseOptions(explicit_schema=_FIELDS, unexpected_field_behavior="error")


def parse(block: bytes, lines: int) -> pa.RecordBatch | None:
    """Return the posts in `block`, which has `lines` lines, or None when it takes the careful path."""
    if b"\\u" in block or b'"extra"' in block or b"\x00" in block:
        return None
    try:
        read = pj.read_json(io.BytesIO(block), pj.ReadOptions(block_size=len(block) + 1), _PARSE)
        if read.num_rows != lines:
            return None
        columns = {name: read.column(name).combine_chunks() for name in _FIELDS.names}
        wrong = columns["id"].null_count or columns["source"].null_count or not _all(pc.equal(columns["v"], SCHEMA_VERSION))
        arrays = [_column(field, columns, lines) for field in POSTS]
        batch = pa.RecordBatch.from_arrays(arrays, schema=POSTS)
        batch.validate(full=True)
    except (pa.ArrowException, ValueError):
        return None
    return None if wrong or not _all(pc.is_in(batch["kind"], _KINDS)) else batch


def _all(mask: pa.Array) -> bool:
    return bool(pc.all(mask, skip_nulls=False).as_py())


def _column(field: pa.Field, columns: dict[str, pa.Array], lines: int) -> pa.Array:
    if field.name == "extra":
        return pa.array(["{}"]).take(pa.array([0] * lines, pa.int32()))
    column = columns[field.name]
    if field.name in _TIMES:
        return _readable(column.cast(field.type))
    if column.null_count and field.name in _DEFAULTS:
        return pc.fill_null(column, pa.scalar(_DEFAULTS[field.name], field.type))
    if pa.types.is_list(field.type):
        return _without_null_lists(column, lines)
    return column


def _readable(times: pa.Array) -> pa.Array:
    """The same times; raises `ValueError` when one is in no year from 1 to 9999."""
    ends = pc.min_max(times.cast(pa.int64())).as_py()
    if ends["min"] is not None and (ends["min"] < EARLIEST_US or ends["max"] > LATEST_US):
        raise ValueError("a time outside of years 1 to 9999")
    return times


def _without_null_lists(column: pa.ListArray, lines: int) -> pa.ListArray:
    """The same lists with `[]` for null, and nothing null inside; raises `ValueError` for the latter."""
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    values = column.flatten()
    if values.null_count:
        raise ValueError("a null in a list")
    offsets = pc.cumulative_sum(lengths)
    return pa.ListArray.from_arrays(pa.concat_arrays([pa.array([0], pa.int32()), offsets.cast(pa.int32())]), values)
