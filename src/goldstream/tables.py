"""Tables in files, by extension: Parquet, CSV and JSONL, plain or compressed (`.gz`, `.zst`).

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     file = Path(folder) / "posts.jsonl.gz"
...     write_table(pl.DataFrame({"text": ["héllo"], "label": [1]}), file)
...     read_table(file).rows()
[('héllo', 1)]
"""

import codecs
import gzip
import io
from pathlib import Path

import polars as pl
import pyarrow as pa
import zstandard

from goldstream.errors import DataError

_FORMATS = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_KNOWN = ".parquet, .csv or .jsonl (.csv and .jsonl also with .gz or .zst)"


def read_table(path: Path) -> pl.DataFrame:
    """Return the table in the file at `path`; raises `DataError` that says what is wrong with it.

    Columns of a CSV or JSONL get their types from all of its rows, so that a late word in a column of numbers is seen.
    """
    kind, compression = _kind(path)
    try:
        if kind == "parquet":
            return pl.read_parquet(path, glob=False, hive_partitioning=False)
        data = _utf8(_decompress(path.read_bytes(), compression))
        if kind == "csv":
            return pl.read_csv(io.BytesIO(data), infer_schema_length=None, encoding="utf8-lossy")
        return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except pl.exceptions.NoDataError:
        raise DataError(f"{path}: the file is empty") from None
    except (pl.exceptions.PolarsError, OSError, EOFError, UnicodeError, zstandard.ZstdError, pa.ArrowException) as error:
        raise DataError(f"{path}: can't be read as {kind}: {_first_line(error)}") from None


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write `table` to `path` in the format of its extension, whole or not at all; raises `DataError`.

    CSV can't hold lists and structs; they are written as JSON.
    """
    kind, compression = _kind(path)
    part = path.with_name(f".{path.name}.part")
    try:
        if kind == "parquet":
            table.write_parquet(part)
        else:
            text = _flat(table).write_csv() if kind == "csv" else table.write_ndjson()
            part.write_bytes(_compress(text.encode(), compression))
        part.replace(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        part.unlink(missing_ok=True)
        raise DataError(f"{path}: can't be written as {kind}: {_first_line(error)}") from None


def check_path(path: Path) -> None:
    """Raise `DataError` unless a table can have this name; for refusing before the work is done."""
    _kind(path)


def column(table: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """Return the column `name`; raises `DataError` with the columns that are there; `path` names the table."""
    if name not in table.columns:
        raise DataError(f"{path}: no column {name!r}; there are: {', '.join(table.columns)}")
    return table[name]


def _kind(path: Path) -> tuple[str, str | None]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    kind = _FORMATS.get(suffixes[-1]) if suffixes else None
    if kind is None or (kind == "parquet" and compression):
        raise DataError(f"{path}: its extension names no table format; use {_KNOWN}")
    return kind, compression


def _decompress(data: bytes, compression: str | None) -> bytes:
    if compression == "gzip":
        return gzip.decompress(data)
    if compression == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return reader.read()
    return data


def _utf8(data: bytes) -> bytes:
    """The same text as UTF-8 without a mark before it; what Windows calls Unicode is UTF-16, and begins with one."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _compress(data: bytes, compression: str | None) -> bytes:
    if compression == "gzip":
        return gzip.compress(data, mtime=0)  # no time inside, so that equal tables give equal files
    if compression == "zstd":
        return zstandard.ZstdCompressor().compress(data)
    return data


def _flat(table: pl.DataFrame) -> pl.DataFrame:
    """`table` with nested columns as JSON text."""
    nested = [name for name, dtype in table.schema.items() if dtype.is_nested()]
    columns = [
        pl.Series(name, [None if value is None else _json(value) for value in table[name].to_list()], dtype=pl.String)
        for name in nested
    ]
    return table.with_columns(columns)


def _json(value: object) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
