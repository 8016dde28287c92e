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
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any, Literal

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
from goldstream.sources.csv_rows import csv_rows

BATCH = 16_384  #: rows
BLOCK = 4 << 20  #: bytes of lines that are decoded together
LONGEST_LINE = 8 << 20  #: bytes; a longer one is rejected without being held in memory
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
        for file in self._files():
            if file != "-" and self._seen.get(file) == (state := _state(file)):
                continue
            try:
                yield from self._read_file(file, progress)
            except SourceError as error:
                complaint = complaint or error
            if file != "-" and not self._closed.is_set():
                self._seen[file] = state
        if complaint is not None:
            raise complaint

    def _files(self) -> list[str]:
        patterns = [self.settings.path] if isinstance(self.settings.path, str) else list(self.settings.path)
        found: list[str] = []
        for pattern in patterns:
            if pattern == "-":
                found.append("-")
                continue
            path = Path(pattern).expanduser()
            base, relative = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (self._folder, path)
            matches = sorted(str(match) for match in base.glob(str(relative)))
            if not matches and not (self.settings.follow and set("*?[").isdisjoint(pattern)):
                raise SourceError(f"{self._folder / path}: no such file; the source {self.name!r} names it")
            found += matches
        return found

    def _read_file(self, file: str, progress: dict[str, _Progress]) -> Iterator[Arrival]:
        at = progress.setdefault(file, _Progress())
        if file == "-" or (at.head_bytes and _head(file, at.head_bytes) != at.head):
            progress[file] = at = _Progress()  # truncated, or replaced by a new one
        posts: list[Post] = []
        rejects: list[Reject] = []
        try:
            if self._is_own_json(file):
                for arrival in self._own_json(file, at):
                    yield arrival._replace(cursor=_cursor(progress))
                return
            for entry in self._entries(file, at):
                (posts if isinstance(entry, Post) else rejects).append(entry)  # type: ignore[arg-type]
                if len(posts) + len(rejects) >= BATCH:
                    yield Arrival(to_columns(posts), _cursor(progress), tuple(rejects))
                    posts, rejects = [], []
                    if self._closed.is_set():
                        return
        except (OSError, EOFError, zlib.error, zstandard.ZstdError, pa.ArrowException) as error:
            if posts or rejects:
                yield Arrival(to_columns(posts), _cursor(progress), tuple(rejects))
            raise SourceError(f"{file}: can't be read further, after {at.rows:,} rows: {error}") from None
        if posts or rejects:
            yield Arrival(to_columns(posts), _cursor(progress), tuple(rejects))

    def _entries(self, file: str, at: _Progress) -> Iterator[Post | Reject]:
        kind = self.settings.format or _format(file)
        if kind == "parquet":
            return self._parquet(file, at)
        return self._csv(file, at) if kind == "csv" else self._jsonl(file, at)

    def _jsonl(self, file: str, at: _Progress) -> Iterator[Post | Reject]:
        with _opened(file) as stream:
            for line, length in self._lines(stream, file, at):
                _step(at, file, length)
                if length > len(line):
                    yield Reject(f"a line of {length:,} bytes", line[:CUT], f"{file}:{at.rows}")
                elif stripped := line.removeprefix(BOM).strip():
                    yield self._line(stripped, f"{file}:{at.rows}")

    def _lines(self, stream: IO[bytes], file: str, at: _Progress) -> Iterator[tuple[bytes, int]]:
        """Yield the lines after `at` with their lengths; a line that is too long comes cut. One that still grows waits."""
        skip = 0 if _is_plain(file) else at.rows
        if _is_plain(file):
            stream.seek(at.byte)
        while line := stream.readline(LONGEST_LINE):
            length, ended = len(line), line.endswith(b"\n")
            while not ended and (more := stream.readline(LONGEST_LINE)):
                length, ended = length + len(more), more.endswith(b"\n")
            if not ended and self.settings.follow:
                return
            if skip:
                skip -= 1
            else:
                yield line, length

    def _is_own_json(self, file: str) -> bool:
        """Whether a file holds goldstream's own JSON: its first line says so."""
        if self.settings.columns is not None or file == "-" or (self.settings.format or _format(file)) != "jsonl":
            return False
        with _opened(file) as stream:
            first = stream.readline(LONGEST_LINE)
        return any(first.rstrip().endswith(b'"v":%d}' % version) for version in range(1, SCHEMA_VERSION + 1))

    def _own_json(self, file: str, at: _Progress) -> Iterator[Arrival]:
        """Decode many lines at once; only a block with a bad line in it is looked at line by line."""
        with _opened(file) as stream:
            lines: list[bytes] = []
            size = 0
            for line, length in self._lines(stream, file, at):
                if size + len(line) > BLOCK and lines:
                    yield self._own_block(lines, file, at)
                    lines, size = [], 0
                    if self._closed.is_set():
                        return
                if length > len(line):
                    if lines:
                        yield self._own_block(lines, file, at)
                        lines, size = [], 0
                    _step(at, file, length)
                    yield Arrival(empty(), None, (Reject(f"a line of {length:,} bytes", line[:CUT], f"{file}:{at.rows}"),))
                    continue
                lines.append(line)
                size += length
            if lines:
                yield self._own_block(lines, file, at)

    def _own_block(self, lines: list[bytes], file: str, at: _Progress) -> Arrival:
        block, start = b"".join(lines), at.rows
        _step(at, file, len(block), len(lines))
        if (columns := parse(block, len(lines))) is not None:
            return Arrival(columns, None)
        try:
            return Arrival(to_columns(from_json_lines(block)), None)
        except (ValueError, RecursionError):
            numbered = enumerate(lines, start + 1)
            entries = [self._own_line(line, f"{file}:{number}") for number, line in numbered if line.strip()]
        posts = [entry for entry in entries if isinstance(entry, Post)]
        return Arrival(to_columns(posts), None, tuple(entry for entry in entries if isinstance(entry, Reject)))

    def _own_line(self, line: bytes, place: str) -> Post | Reject:
        try:
            return from_json(mend(line.removeprefix(BOM)))
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

    def _csv(self, file: str, at: _Progress) -> Iterator[Post | Reject]:
        with _opened(file) as stream:
            whole = not self.settings.follow
            rows = csv_rows(self._lines(stream, file, _Progress()), whole=whole)
            header = next(rows, None)
            if header is None and self.settings.follow:
                return  # not there yet
            names = [name.lstrip("\ufeff") for name in header.fields] if header is not None else []
            self._mapping.check(names, file)
            if at.rows == 0 and header is not None:
                _step(at, file, header.length)  # the header is row 1, as in a spreadsheet
            elif _is_plain(file):
                rows = csv_rows(self._lines(stream, file, at), whole=whole)
            else:
                rows = islice(rows, at.rows - 1, None)
            for row in rows:
                _step(at, file, row.length)
                place, wrong = f"{file}: row {at.rows}", row.wrong
                if not wrong and row.fields and len(row.fields) != len(names):
                    wrong = f"{len(row.fields)} fields where the header has {len(names)}"
                if wrong:
                    yield Reject(wrong, (row.raw or ",".join(row.fields).encode())[:CUT], place)
                elif row.fields:
                    yield self._row(dict(zip(names, row.fields, strict=True)), place)

    def _parquet(self, file: str, at: _Progress) -> Iterator[Post | Reject]:
        with _seekable(file) as stream, pq.ParquetFile(stream) as table:
            self._mapping.check(table.schema_arrow.names, file)
            number = 0
            for batch in table.iter_batches(BATCH):
                if number + batch.num_rows <= at.rows:
                    number += batch.num_rows
                    continue
                for row in batch.to_pylist():
                    number += 1
                    if number > at.rows:
                        at.rows = number
                        yield self._row(row, f"{file}: row {number}")

    def _row(self, row: dict[str, Any], place: str) -> Post | Reject:
        try:
            return self._mapping.post(row, place)
        except Bad as error:
            return Reject(str(error), str(row).encode("utf-8", "replace")[:CUT], place)


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


def _seekable(file: str) -> IO[bytes]:
    """The file, unpacked to a temporary one where it can't be read from any place."""
    if _is_plain(file):
        return Path(file).open("rb")
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with _opened(file) as packed:
        shutil.copyfileobj(packed, unpacked)
    return unpacked


def _step(at: _Progress, file: str, length: int, rows: int = 1) -> None:
    """Move on by `rows` of `length` bytes together, and remember how the file begins."""
    at.rows, at.byte = at.rows + rows, at.byte + length
    if at.head_bytes < HEAD and _is_plain(file):
        at.head_bytes = min(at.byte, HEAD)
        at.head = _head(file, at.head_bytes)


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
