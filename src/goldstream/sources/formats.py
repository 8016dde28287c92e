"""The rows of one file as posts: JSONL, CSV and Parquet, a block at once where that can be, and else row by row.

Every row becomes a post or a reject that names its place.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from goldstream.errors import SourceError
from goldstream.mapping import Bad, Mapping
from goldstream.own_json import parse
from goldstream.records import SCHEMA_VERSION, Post, decode, from_json, from_json_lines, mend, to_columns
from goldstream.sources.base import Arrival, Reject
from goldstream.sources.blocks import csv_reader, json_reader, table_block
from goldstream.sources.csv_rows import Row, csv_rows
from goldstream.sources.lines import LONGEST_LINE, Lines
from goldstream.sources.one_file import File, Progress

BATCH = 16_384  #: rows
CUT = 64 << 10  #: bytes of a rejected line that are kept
BOM = b"\xef\xbb\xbf"

Format = Literal["jsonl", "csv", "parquet"]


class Reading:
    """Reads files by one mapping; `may_be_own` says that goldstream's own JSON is known by itself."""

    def __init__(self, mapping: Mapping, format: Format | None, *, may_be_own: bool, follow: bool) -> None:
        self._mapping, self._format, self._may_be_own, self._follow = mapping, format, may_be_own, follow

    def arrivals(self, file: File, at: Progress) -> Iterator[Arrival]:
        """Yield what stands after `at`, and move it on."""
        kind = self._format or _format(file.name)
        if kind == "parquet":
            yield from self._parquet(file, at)
            return
        with file.open() as stream:
            lines = Lines(stream, follow=self._follow, live=file.name == "-")
            yield from self._csv(file, at, stream, lines) if kind == "csv" else self._jsonl(file, at, stream, lines)

    def _jsonl(self, file: File, at: Progress, stream: IO[bytes], lines: Lines) -> Iterator[Arrival]:
        if file.is_plain:
            stream.seek(at.byte)
        else:
            deque(islice(lines, at.rows), 0)
        own = self._is_own_json(file)
        read = json_reader([*self._mapping.paths, ("v",)])

        def quick(block: bytes) -> pa.RecordBatch | None:
            if own:
                return _own_block(block)
            found = read(block)
            if found is None or (self._may_be_own and set(found[1](("v",))) != {None}):
                return None  # some of it may be goldstream's own
            return self._mapping.batch(*found, lambda row: f"{file.name}:{at.rows + row + 1}")

        def slow() -> Iterator[Post | Reject]:
            for line, length in lines:
                file.step(at, length)
                place = f"{file.name}:{at.rows}"
                if length > len(line):
                    yield Reject(f"a line of {length:,} bytes", line[:CUT], place)
                elif stripped := line.removeprefix(BOM).strip():
                    yield self._own_line(stripped, place) if own else self._line(stripped, place)

        yield from _blocks(file, at, lines, quick, slow())

    def _is_own_json(self, file: File) -> bool:
        """Whether a file holds goldstream's own JSON: its first line says so."""
        if not self._may_be_own or file.name == "-":
            return False
        with file.open() as stream:
            first = stream.readline(LONGEST_LINE)
        return any(first.rstrip().endswith(b'"v":%d}' % version) for version in range(1, SCHEMA_VERSION + 1))

    def _own_line(self, line: bytes, place: str) -> Post | Reject:
        try:
            return from_json(mend(line))
        except (ValueError, RecursionError) as error:
            return Reject(str(error), line[:CUT], place)

    def _line(self, line: bytes, place: str) -> Post | Reject:
        try:
            row = decode(line)
            if not isinstance(row, dict):
                raise Bad(f"not an object but {type(row).__name__}")
            if self._may_be_own and row.get("v") == SCHEMA_VERSION and "id" in row and "source" in row:
                return self._own_line(line, place)
            return self._mapping.post(row, place)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            return Reject(str(error) or type(error).__name__, line[:CUT], place)

    def _csv(self, file: File, at: Progress, stream: IO[bytes], lines: Lines) -> Iterator[Arrival]:
        whole = not self._follow
        rows = csv_rows(lines, whole=whole)
        header = next(rows, None)
        if header is None and self._follow:
            return  # not there yet
        names = [name.lstrip("\ufeff") for name in header.fields] if header is not None else []
        self._mapping.check(names, file.name)
        if at.rows == 0 and header is not None:
            file.step(at, header.length)  # the header is row 1, as in a spreadsheet
        elif file.is_plain:
            stream.seek(at.byte)
            lines = Lines(stream, follow=self._follow)
            rows = csv_rows(lines, whole=whole)
        else:
            deque(islice(rows, at.rows - 1), 0)
        read = csv_reader(names)

        def quick(block: bytes) -> pa.RecordBatch | None:
            found = read(block)
            return found and self._mapping.batch(*found, lambda row: f"{file.name}: row {at.rows + row + 1}")

        yield from _blocks(file, at, lines, quick, self._slow_csv(file, at, names, rows), quoted=True)

    def _slow_csv(self, file: File, at: Progress, names: Sequence[str], rows: Iterator[Row]) -> Iterator[Post | Reject]:
        for row in rows:
            file.step(at, row.length)
            place, wrong = f"{file.name}: row {at.rows}", row.wrong
            if not wrong and row.fields and len(row.fields) != len(names):
                wrong = f"{len(row.fields)} fields where the header has {len(names)}"
            if wrong:
                yield Reject(wrong, (row.raw or ",".join(row.fields).encode())[:CUT], place)
            elif row.fields:
                yield self._row(dict(zip(names, row.fields, strict=True)), place)

    def _parquet(self, file: File, at: Progress) -> Iterator[Arrival]:
        with file.open_anywhere() as stream, pq.ParquetFile(stream) as table:
            self._mapping.check(table.schema_arrow.names, file.name)
            start = 0
            for batch in table.iter_batches(BATCH):
                left = _microseconds(batch.slice(min(max(at.rows - start, 0), batch.num_rows)))
                start += batch.num_rows
                if left.num_rows:
                    yield from self._table(file, at, left)

    def _table(self, file: File, at: Progress, batch: pa.RecordBatch) -> Iterator[Arrival]:
        """Read the rows after `at`: all at once, or one by one when one of them is bad."""
        try:
            found = table_block(batch)
            posts = found and self._mapping.batch(*found, lambda row: f"{file.name}: row {at.rows + row + 1}")
        except (Bad, ValueError, OverflowError):
            posts = None
        if posts is not None:
            at.rows += batch.num_rows
            yield Arrival(posts, None)
            return
        yield from _batched(self._rows(file, at, batch), lambda: False)

    def _rows(self, file: File, at: Progress, batch: pa.RecordBatch) -> Iterator[Post | Reject]:
        for row in batch.to_pylist():
            at.rows += 1
            yield self._row(row, f"{file.name}: row {at.rows}")

    def _row(self, row: dict[str, Any], place: str) -> Post | Reject:
        try:
            return self._mapping.post(row, place)
        except Bad as error:
            return Reject(str(error), str(row).encode("utf-8", "replace")[:CUT], place)


def _blocks(
    file: File,
    at: Progress,
    lines: Lines,
    quick: Callable[[bytes], pa.RecordBatch | None],
    slow: Iterator[Post | Reject],
    *,
    quoted: bool = False,
) -> Iterator[Arrival]:
    """Read block by block; one that `quick` can't read is read again by `slow`, which yields what stands in `lines`."""
    while (block := lines.block(quoted=quoted)) != b"":
        try:
            posts = None if block is None else quick(block)
        except (Bad, OverflowError):
            posts = None
        if posts is not None:
            assert block is not None
            file.step(at, len(block), posts.num_rows)
            yield Arrival(posts, None)
            continue
        lines.give_back(block or b"")
        end, before = at.byte + len(block or b""), at.rows
        yield from _batched(slow, lambda end=end: at.byte >= end)  # type: ignore[misc]
        if at.rows == before:
            return  # the last line is not whole yet


def _batched(entries: Iterator[Post | Reject], enough: Callable[[], bool]) -> Iterator[Arrival]:
    """Yield entries together, at most `BATCH` at once, until there are enough or no more, or reading fails."""
    posts: list[Post] = []
    rejects: list[Reject] = []
    failed: Exception | None = None
    done = False
    while not done:
        try:
            entry = next(entries, None)
        except Exception as error:
            failed, entry = error, None
        if entry is not None:
            (posts if isinstance(entry, Post) else rejects).append(entry)  # type: ignore[arg-type]
        done = entry is None or enough()
        if (posts or rejects) and (done or len(posts) + len(rejects) >= BATCH):
            yield Arrival(to_columns(posts), None, tuple(rejects))
            posts, rejects = [], []
    if failed is not None:
        raise failed


def _own_block(block: bytes) -> pa.RecordBatch | None:
    """The posts in a block of goldstream's own JSON."""
    count = block.count(b"\n") + (not block.endswith(b"\n"))
    if (columns := parse(block, count)) is not None:
        return columns
    try:
        posts = from_json_lines(block)
    except (ValueError, RecursionError):
        return None
    return to_columns(posts) if len(posts) == count else None


def _format(file: str) -> Format:
    suffixes = [suffix for suffix in Path(file).suffixes if suffix not in (".gz", ".zst")]
    known: dict[str, Format] = {
        ".jsonl": "jsonl",
        ".ndjson": "jsonl",
        ".json": "jsonl",
        ".csv": "csv",
        ".parquet": "parquet",
    }
    kind = "jsonl" if file == "-" else known.get(suffixes[-1] if suffixes else "")
    if kind is None:
        raise SourceError(f"{file}: its extension names no format; set `format` to jsonl, csv or parquet")
    return kind


def _microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows with times as Python can hold them: no finer than microseconds."""
    coarser = {pa.time64("ns"): pa.time64("us"), pa.duration("ns"): pa.duration("us")}
    for index, column in enumerate(batch.schema):
        finer = pa.types.is_timestamp(column.type) and column.type.unit == "ns"
        kind = pa.timestamp("us", column.type.tz) if finer else coarser.get(column.type)
        if kind is not None:
            batch = batch.set_column(index, column.name, batch.column(index).cast(kind, safe=False))
    return batch
