"""Tables as strangers write them."""

from pathlib import Path

import pytest

from goldstream.errors import DataError
from goldstream.tables import read_table

ROWS = [("it rains", "a"), ("sun", "b")]
CSV = "text,label\nit rains,a\nsun,b\n"
JSONL = '{"text": "it rains", "label": "a"}\n{"text": "sun", "label": "b"}\n'


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("name", "content"), [("posts.csv", CSV), ("posts.jsonl", JSONL)])
def test_line_ends_and_byte_order_marks_change_nothing(
    tmp_path: Path, name: str, content: str, encoding: str, ends: str
) -> None:
    (tmp_path / name).write_bytes(content.replace("\n", ends).encode(encoding))
    assert read_table(tmp_path / name).rows() == ROWS


def test_a_field_may_hold_millions_of_characters_lines_and_quotes(tmp_path: Path) -> None:
    long = 'He said "rain",\n' * 200_000
    (tmp_path / "posts.csv").write_text(CSV + '"' + long.replace('"', '""') + '",a\n')
    assert read_table(tmp_path / "posts.csv").rows() == [*ROWS, (long, "a")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("posts.csv", CSV + "one,two,three\n"),
        ("posts.csv", CSV + '"never closed,a\n' + CSV),
        ("posts.csv.gz", CSV),
        ("posts.jsonl", "[" + JSONL),
        ("posts.jsonl", '{"text":\n'),
        ("posts.jsonl", '[{"text": "it rains"}]'),
        ("posts.parquet", CSV),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=f"{name}: can't be read as"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("name", ["posts.csv", "posts.jsonl", "posts.parquet", "posts.csv.zst"])
def test_rubbish_is_an_error_and_no_crash(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes((7 * n * n + n // 3) % 256 for n in range(5_000)))
    with pytest.raises(DataError, match=name):
        read_table(tmp_path / name)
