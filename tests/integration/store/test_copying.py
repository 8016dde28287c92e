"""COPY in binary form gives back what went in, whatever it is."""

from datetime import UTC, datetime

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goldstream.errors import DataError
from goldstream.store import Store
from goldstream.store.copying import copy_columns

TABLE = """
    CREATE TEMP TABLE t (
        a text, b bigint, c integer, d smallint, e real, f double precision, g boolean, h timestamptz, i text[],
        j jsonb, k bytea, l real[], m json
    )
"""
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
rows = st.fixed_dictionaries({
    "a": st.none() | texts,
    "b": st.none() | st.integers(-(2**63), 2**63 - 1),
    "c": st.none() | st.integers(-(2**31), 2**31 - 1),
    "d": st.none() | st.integers(-(2**15), 2**15 - 1),
    "e": st.none() | st.floats(width=32, allow_nan=False),
    "f": st.none() | st.floats(allow_nan=False),
    "g": st.none() | st.booleans(),
    "h": st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    "i": st.none() | st.lists(st.none() | texts, max_size=3),
    "j": st.none() | st.sampled_from(['{"a": [1, "é"]}', "[]", '"x"']),
    "k": st.none() | st.binary(max_size=5),
    "l": st.none() | st.lists(st.floats(width=32, allow_nan=False), max_size=3),
})  # fmt: skip
SCHEMA = pa.schema({
    "a": pa.string(), "b": pa.int64(), "c": pa.int32(), "d": pa.int16(), "e": pa.float32(), "f": pa.float64(), "g": pa.bool_(),
    "h": pa.timestamp("us", tz="UTC"), "i": pa.list_(pa.string()), "j": pa.string(), "k": pa.binary(), "l": pa.list_(pa.float32()),
})  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(rows, max_size=8), skip=st.integers(0, 3))
def test_everything_comes_back_as_it_went_in(store: Store, data: list[dict], skip: int):
    batch = pa.RecordBatch.from_pylist(data, schema=SCHEMA).slice(skip)  # a slice: offsets do not begin at nought
    with store.connect(name="test") as conn:
        conn.execute(TABLE)
        assert copy_columns(conn, "t", batch) == batch.num_rows
        found = conn.execute("SELECT a, b, c, d, e, f, g, h, i, j::text, k, l FROM t", binary=True).fetchall()
    assert found == [tuple(row[name] for name in SCHEMA.names) for row in data[skip:]]


def test_nul_becomes_the_replacement_character_in_texts_and_lists(store: Store):
    data = pl.DataFrame({"a": ["x\x00y", None, ""], "i": [["\x00"], [], None]})
    with store.connect(name="test") as conn:
        conn.execute(TABLE)
        copy_columns(conn, "t", data)
        assert conn.execute("SELECT a, i FROM t").fetchall() == [("x\ufffdy", ["\ufffd"]), (None, []), ("", None)]


def test_polars_frames_and_narrower_columns_are_widened(store: Store):
    data = pl.DataFrame(
        {
            "b": pl.Series([1, None], dtype=pl.Int8),
            "a": pl.Series(["x", "x"], dtype=pl.Categorical),
            "i": pl.Series([[], []], dtype=pl.List(pl.String)),
        }
    )
    with store.connect(name="test") as conn:
        conn.execute(TABLE)
        copy_columns(conn, "t", data)
        assert conn.execute("SELECT b, a, i FROM t").fetchall() == [(1, "x", []), (None, "x", [])]


def test_a_column_that_the_table_has_not_is_refused(store: Store):
    with store.connect(name="test") as conn, pytest.raises(DataError, match="nosuch"):
        conn.execute(TABLE)
        copy_columns(conn, "t", pl.DataFrame({"nosuch": [1]}))
