"""Files as a source: JSONL, CSV and Parquet, plain or compressed, or standard input; a growing file can be followed.

Every line becomes a post or a reject with file and line; nothing else is lost. The cursor says how many rows of each file
are safe (and for a plain file, at which byte), so reading goes on exactly there.
"""

import gzip
import hashlib
import io
import shutil
import sys
import tempfile
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any, Literal, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from msgspec import Meta, field

from goldstream.errors import SourceError
from goldstream.mapping import Bad, Columns, Mapping
from goldstream.own_json import parse
from goldstream.records import SCHEMA_VERSION, Post, decode, empty, from_json, from_json_lines, mend, to_columns
from goldstream.settings import Section
from goldstream.sources.base import Arrival, Reject
from goldstream.sources.blocks import csv_reader, json_reader, table_block
from goldstream.sources.csv_rows import Row, csv_rows
from goldstream.sources.lines import LONGEST_LINE, Lines

BATCH = 16_384  #: rows
CUT = 64 << 10  #: bytes of a rejected line that are kept
POLL_S = 0.25
HEAD = 1024  #: bytes by which a file is recognised
BOM = b"\xef\xbb\xbf"

Format = Literal["jsonl", "csv", "parquet"]


class FilesSettings(Section, frozen=True, kw_only=True):
    """The `[[sources]]` section with `type = "files"`."""

    type: str = "files"
    name: Annotated[str, Meta(min_length=1)] = "files"
    path: str | tuple[str, ...]  #: a file, a pattern such as `posts/*.jsonl.gz`, several, or `-` for standard input
    format: Format | None = None  #: without one, the extension says
    source: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]*$")] = "files"  #: the network's name in ids
    columns: Columns | None = None  #: without them, lines are goldstream's own JSON, or have a column `text`
    gold_labels: dict[str, str] = field(
        default_factory=dict
    )  #: what the values of the gold column mean, e.g. {1 = "disaster", 0 = "other"}
    follow: bool = False  #: go on reading when the file grows


class _Progress(msgspec.Struct):
    """How far one file is."""

    rows: int = 0
    byte: int = 0
    head: str = ""  #: which file it was: a hash of its first `head_bytes`
    head_bytes: int = 0


class Files:
    """Reads files in the order of their names."""

    Settings = FilesSettings
    needs_folder = True

    def __init__(self, settings: FilesSettings, folder: Path = Path()) -> None:
        self.settings = settings
        self._folder = folder
        self._mapping = Mapping(settings.columns or Columns(), source=settings.source, gold_labels=settings.gold_labels)
        self._closed = threading.Event()
        self._seen: dict[str, tuple[int, int, int]] = {}

    @property
    def name(self) -> str:
        """What this source is called in the store."""
        return self.settings.name

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        """Yield what stands after `cursor`; with `follow`, for ever. Raises `SourceError` when a file can't be read at all."""
        progress = _progress(cursor)
        yield from self._read_all(progress)
        while self.settings.follow and not self._closed.wait(POLL_S):
            yield Arrival(empty(), _cursor(progress))
            yield from self._read_all(progress)

    def close(self) -> None:
        """End `read` at its next batch; a second call does nothing."""
        self._closed.set()

    def _read_all(self, progress: dict[str, _Progress]) -> Iterator[Arrival]:
        """Read what is new in every file; a damaged one is complained of after the others have been read."""
        complaint: SourceError | None = None
        for name in self._names():
            file = name if name == "-" else str(self._folder / name)
            if file != "-" and self._seen.get(file) == (state := _state(file)):
                continue
            try:
                yield from self._read_file(_File(name, file), progress)
            except SourceError as error:
                complaint = complaint or error
            if file != "-" and not self._closed.is_set():
                self._seen[file] = state
        if complaint is not None:
            raise complaint

    def _names(self) -> list[str]:
        """What cursors and ids know the files by: paths below the project's folder, so that it can be moved."""
        patterns = [self.settings.path] if isinstance(self.settings.path, str) else list(self.settings.path)
        found: list[str] = []
        for pattern in patterns:
            if pattern == "-":
                found.append("-")
                continue
            path = Path(pattern).expanduser()
            base, relative = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (self._folder, path)
            matches = sorted(base.glob(str(relative)))
            if not matches and not (self.settings.follow and set("*?[").isdisjoint(pattern)):
                raise SourceError(f"{self._folder / path}: no such file; the source {self.name!r} names it")
            found += [
                str(match.relative_to(self._folder) if match.is_relative_to(self._folder) else match) for match in matches
            ]
        return found

    def _read_file(self, file: "_File", progress: dict[str, _Progress]) -> Iterator[Arrival]:
        at = progress.setdefault(file.name, _Progress())
        if file.name == "-" or (at.head_bytes and _head(file.path, at.head_bytes) != at.head):
            progress[file.name] = at = _Progress()  # truncated, or replaced by a new one
        try:
            for arrival in self._arrivals(file, at):
                yield arrival._replace(cursor=_cursor(progress))
                if self._closed.is_set():
                    return
        except (OSError, EOFError, zlib.error, zstandard.ZstdError, pa.ArrowException) as error:
            raise SourceError(f"{file.path}: can't be read further, after {at.rows:,} rows: {error}") from None

    def _arrivals(self, file: "_File", at: _Progress) -> Iterator[Arrival]:
        """Yield what stands after `at`, and move it on."""
        kind = self.settings.format or _format(file.name)
        if kind == "parquet":
            yield from self._parquet(file, at)
            return
        with _opened(file.path) as stream:
            lines = Lines(stream, follow=self.settings.follow, live=file.name == "-")
            yield from self._csv(file, at, stream, lines) if kind == "csv" else self._jsonl(file, at, stream, lines)

    def _jsonl(self, file: "_File", at: _Progress, stream: IO[bytes], lines: Lines) -> Iterator[Arrival]:
        if _is_plain(file.path):
            stream.seek(at.byte)
        else:
            deque(islice(lines, at.rows), 0)
        own = self._is_own_json(file)
        read = json_reader([*self._mapping.paths, ("v",)])

        def quick(block: bytes) -> pa.RecordBatch | None:
            if own:
                return _own_block(block)
            found = read(block)
            if found is None or (self.settings.columns is None and set(found[1](("v",))) != {None}):
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

    def _is_own_json(self, file: "_File") -> bool:
        """Whether a file holds goldstream's own JSON: its first line says so."""
        if self.settings.columns is not None or file.name == "-":
            return False
        with _opened(file.path) as stream:
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
            if self.settings.columns is None and row.get("v") == SCHEMA_VERSION and "id" in row and "source" in row:
                return self._own_line(line, place)
            return self._mapping.post(row, place)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            return Reject(str(error) or type(error).__name__, line[:CUT], place)

    def _csv(self, file: "_File", at: _Progress, stream: IO[bytes], lines: Lines) -> Iterator[Arrival]:
        whole = not self.settings.follow
        rows = csv_rows(lines, whole=whole)
        header = next(rows, None)
        if header is None and self.settings.follow:
            return  # not there yet
        names = [name.lstrip("\ufeff") for name in header.fields] if header is not None else []
        self._mapping.check(names, file.name)
        if at.rows == 0 and header is not None:
            file.step(at, header.length)  # the header is row 1, as in a spreadsheet
        elif _is_plain(file.path):
            stream.seek(at.byte)
            lines = Lines(stream, follow=self.settings.follow)
            rows = csv_rows(lines, whole=whole)
        else:
            deque(islice(rows, at.rows - 1), 0)
        read = csv_reader(names)

        def quick(block: bytes) -> pa.RecordBatch | None:
            found = read(block)
            return found and self._mapping.batch(*found, lambda row: f"{file.name}: row {at.rows + row + 1}")

        yield from _blocks(file, at, lines, quick, self._slow_csv(file, at, names, rows), quoted=True)

    def _slow_csv(self, file: "_File", at: _Progress, names: Sequence[str], rows: Iterator[Row]) -> Iterator[Post | Reject]:
        for row in rows:
            file.step(at, row.length)
            place, wrong = f"{file.name}: row {at.rows}", row.wrong
            if not wrong and row.fields and len(row.fields) != len(names):
                wrong = f"{len(row.fields)} fields where the header has {len(names)}"
            if wrong:
                yield Reject(wrong, (row.raw or ",".join(row.fields).encode())[:CUT], place)
            elif row.fields:
                yield self._row(dict(zip(names, row.fields, strict=True)), place)

    def _parquet(self, file: "_File", at: _Progress) -> Iterator[Arrival]:
        with _seekable(file.path) as stream, pq.ParquetFile(stream) as table:
            self._mapping.check(table.schema_arrow.names, file.name)
            start = 0
            for batch in table.iter_batches(BATCH):
                left = _microseconds(batch.slice(min(max(at.rows - start, 0), batch.num_rows)))
                start += batch.num_rows
                if left.num_rows:
                    yield from self._table(file, at, left)

    def _table(self, file: "_File", at: _Progress, batch: pa.RecordBatch) -> Iterator[Arrival]:
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

    def _rows(self, file: "_File", at: _Progress, batch: pa.RecordBatch) -> Iterator[Post | Reject]:
        for row in batch.to_pylist():
            at.rows += 1
            yield self._row(row, f"{file.name}: row {at.rows}")

    def _row(self, row: dict[str, Any], place: str) -> Post | Reject:
        try:
            return self._mapping.post(row, place)
        except Bad as error:
            return Reject(str(error), str(row).encode("utf-8", "replace")[:CUT], place)


class _File(NamedTuple):
    """A file, or standard input."""

    name: str  #: what it is known by; `-` for standard input
    path: str

    def step(self, at: _Progress, length: int, rows: int = 1) -> None:
        """Move on by `rows` of `length` bytes together, and remember how the file begins."""
        at.rows, at.byte = at.rows + rows, at.byte + length
        if at.head_bytes < HEAD and _is_plain(self.path):
            at.head_bytes = min(at.byte, HEAD)
            at.head = _head(self.path, at.head_bytes)


def _blocks(
    file: _File,
    at: _Progress,
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


def _is_plain(file: str) -> bool:
    return file != "-" and not file.endswith((".gz", ".zst"))


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


def _opened(file: str) -> IO[bytes]:
    if file == "-":
        return sys.stdin.buffer
    if file.endswith(".gz"):
        return gzip.open(file, "rb")  # type: ignore[return-value]
    if file.endswith(".zst"):
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(Path(file).open("rb"), read_across_frames=True))
    return Path(file).open("rb")


def _microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows with times as Python can hold them: no finer than microseconds."""
    coarser = {pa.time64("ns"): pa.time64("us"), pa.duration("ns"): pa.duration("us")}
    for index, column in enumerate(batch.schema):
        finer = pa.types.is_timestamp(column.type) and column.type.unit == "ns"
        kind = pa.timestamp("us", column.type.tz) if finer else coarser.get(column.type)
        if kind is not None:
            batch = batch.set_column(index, column.name, batch.column(index).cast(kind, safe=False))
    return batch


def _seekable(file: str) -> IO[bytes]:
    """The file, unpacked to a temporary one where it can't be read from any place."""
    if _is_plain(file):
        return Path(file).open("rb")
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with _opened(file) as packed:
        shutil.copyfileobj(packed, unpacked)
    return unpacked


def _head(file: str, size: int) -> str:
    with Path(file).open("rb") as stream:
        return hashlib.sha256(stream.read(size)).hexdigest()[:16]


def _state(file: str) -> tuple[int, int, int]:
    """What changes when a file does."""
    status = Path(file).stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _progress(cursor: str | None) -> dict[str, _Progress]:
    try:
        return msgspec.json.decode(cursor, type=dict[str, _Progress]) if cursor else {}
    except msgspec.DecodeError:
        raise SourceError(f"the stored cursor {cursor!r} is not one of a files source") from None


def _cursor(progress: dict[str, _Progress]) -> str:
    return msgspec.json.encode(progress).decode()
