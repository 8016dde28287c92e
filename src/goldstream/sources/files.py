"""Files as a source: JSONL, CSV and Parquet, plain or compressed, or standard input; a growing file can be followed.

Every line becomes a post or a reject with file and line; nothing else is lost. The cursor says how many rows of each file
are safe (and for a plain file, at which byte), so reading goes on exactly there.
"""

import csv
import gzip
import io
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from msgspec import Meta, field

from goldstream.errors import SourceError
from goldstream.records import SCHEMA_VERSION, Post, empty, from_json, from_json_lines, to_columns
from goldstream.settings import Section
from goldstream.sources.base import Arrival, Reject
from goldstream.sources.mapping import Bad, Columns, Mapping
from goldstream.sources.own_json import parse

BATCH = 16_384  #: rows
BLOCK = 4 << 20  #: bytes of lines that are decoded together
LONGEST_LINE = 8 << 20  #: bytes; a longer one is rejected without being held in memory
CUT = 64 << 10  #: bytes of a rejected line that are kept
POLL_S = 0.25

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


class Files:
    """Reads files in the order of their names."""

    Settings = FilesSettings
    needs_folder = True

    def __init__(self, settings: FilesSettings, folder: Path = Path()) -> None:
        self.settings = settings
        self._folder = folder
        self._mapping = Mapping(settings.columns or Columns(), source=settings.source, gold_labels=settings.gold_labels)
        self._closed = threading.Event()

    @property
    def name(self) -> str:
        """What this source is called in the store."""
        return self.settings.name

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        """Yield what stands after `cursor`; with `follow`, for ever. Raises `SourceError` when a file can't be read at all."""
        progress = _progress(cursor)
        for file in self._files():
            yield from self._read_file(file, progress)
        while self.settings.follow and not self._closed.wait(POLL_S):
            yield Arrival(empty(), _cursor(progress))
            for file in self._files():
                yield from self._read_file(file, progress)

    def close(self) -> None:
        """End `read` at its next batch; a second call does nothing."""
        self._closed.set()

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
        if file != "-" and self.settings.follow and Path(file).exists() and Path(file).stat().st_size < at.byte:
            progress[file] = at = _Progress()  # truncated, or replaced by a new one
        posts: list[Post] = []
        rejects: list[Reject] = []
        try:
            if self._is_own_json(file):
                yield from self._own_json(file, at, progress)
                return
            for entry in self._entries(file, at):
                (posts if isinstance(entry, Post) else rejects).append(entry)  # type: ignore[arg-type]
                if len(posts) + len(rejects) >= BATCH:
                    yield Arrival(to_columns(posts), _cursor(progress), tuple(rejects))
                    posts, rejects = [], []
                    if self._closed.is_set():
                        return
        except (OSError, EOFError, zstandard.ZstdError, pa.ArrowException) as error:
            raise SourceError(f"{file}: can't be read further, after {at.rows:,} rows: {error}") from None
        if posts or rejects:
            yield Arrival(to_columns(posts), _cursor(progress), tuple(rejects))

    def _entries(self, file: str, at: _Progress) -> Iterator[Post | Reject]:
        kind = self.settings.format or _format(file)
        if kind == "parquet":
            return self._parquet(file, at)
        return self._csv(file, at) if kind == "csv" else self._jsonl(file, at)

    def _jsonl(self, file: str, at: _Progress) -> Iterator[Post | Reject]:
        plain = _is_plain(file)
        with _opened(file) as stream:
            skip = 0 if plain else at.rows
            if plain:
                stream.seek(at.byte)
            while line := stream.readline(LONGEST_LINE):
                if self.settings.follow and not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                    return  # not whole yet
                length = len(line)
                while len(line) >= LONGEST_LINE and not line.endswith(b"\n") and (more := stream.readline(LONGEST_LINE)):
                    length += len(more)
                    if more.endswith(b"\n"):
                        break
                if skip:
                    skip -= 1
                    continue
                at.rows, at.byte = at.rows + 1, at.byte + length
                if length > len(line):
                    yield Reject(f"a line of {length:,} bytes", line[:CUT], f"{file}:{at.rows}")
                elif stripped := line.strip():
                    yield self._line(stripped, f"{file}:{at.rows}")

    def _is_own_json(self, file: str) -> bool:
        """Whether a file holds goldstream's own JSON: its first line says so."""
        if self.settings.columns is not None or file == "-" or (self.settings.format or _format(file)) != "jsonl":
            return False
        with _opened(file) as stream:
            first = stream.readline(LONGEST_LINE)
        return any(first.rstrip().endswith(b'"v":%d}' % version) for version in range(1, SCHEMA_VERSION + 1))

    def _own_json(self, file: str, at: _Progress, progress: dict[str, _Progress]) -> Iterator[Arrival]:
        """Decode many lines at once; only a block with a bad line in it is looked at line by line."""
        with _opened(file) as stream:
            if _is_plain(file):
                stream.seek(at.byte)
            else:
                for _ in range(at.rows):
                    stream.readline()
            while not self._closed.is_set() and (lines := stream.readlines(BLOCK)):
                if self.settings.follow and not lines[-1].endswith(b"\n"):
                    lines.pop()  # not whole yet
                if not lines:
                    return
                block = b"".join(lines)
                start = at.rows
                at.rows, at.byte = at.rows + len(lines), at.byte + len(block)
                if (columns := parse(block, len(lines))) is not None:
                    yield Arrival(columns, _cursor(progress))
                    continue
                try:
                    posts, rejects = from_json_lines(block), []
                except (ValueError, RecursionError):
                    entries = [
                        self._own_line(line, f"{file}:{start + number}") for number, line in enumerate(lines, 1) if line.strip()
                    ]
                    posts = [entry for entry in entries if isinstance(entry, Post)]
                    rejects = [entry for entry in entries if isinstance(entry, Reject)]
                yield Arrival(to_columns(posts), _cursor(progress), tuple(rejects))

    def _own_line(self, line: bytes, place: str) -> Post | Reject:
        try:
            return from_json(line)
        except (ValueError, RecursionError) as error:
            return Reject(str(error), line[:CUT], place)

    def _line(self, line: bytes, place: str) -> Post | Reject:
        try:
            row = msgspec.json.decode(line)
            if not isinstance(row, dict):
                raise Bad(f"not an object but {type(row).__name__}")
            return self._mapping.post(row, place)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            return Reject(str(error) or type(error).__name__, line[:CUT], place)

    def _csv(self, file: str, at: _Progress) -> Iterator[Post | Reject]:
        csv.field_size_limit(LONGEST_LINE)
        with _opened(file) as stream:
            rows = csv.reader(_valid_lines(stream))
            names = [name.lstrip("\ufeff") for name in next(rows, [])]
            self._mapping.check(names, file)
            number = 0
            while True:
                try:
                    row = next(rows)
                except StopIteration:
                    return
                except csv.Error as error:
                    row, wrong = [], str(error)
                else:
                    wrong = "" if len(row) == len(names) else f"{len(row)} fields where the header has {len(names)}"
                number += 1
                if number <= at.rows:
                    continue
                at.rows = number
                place = f"{file}: row {number}"
                if wrong and row != []:
                    yield Reject(wrong, ",".join(row).encode("utf-8", "replace")[:CUT], place)
                elif wrong:
                    if wrong.startswith("0 fields"):
                        continue  # an empty line
                    yield Reject(wrong, b"", place)
                else:
                    yield self._row(dict(zip(names, row, strict=True)), place)

    def _parquet(self, file: str, at: _Progress) -> Iterator[Post | Reject]:
        with pq.ParquetFile(file) as table:
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


def _valid_lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines as text for the CSV reader; what is not UTF-8 becomes U+FFFD, and NUL too."""
    for line in stream:
        yield line.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _progress(cursor: str | None) -> dict[str, _Progress]:
    try:
        return msgspec.json.decode(cursor, type=dict[str, _Progress]) if cursor else {}
    except msgspec.DecodeError:
        raise SourceError(f"the stored cursor {cursor!r} is not one of a files source") from None


def _cursor(progress: dict[str, _Progress]) -> str:
    return msgspec.json.encode(progress).decode()
