"""Files as a source: JSONL, CSV and Parquet, plain or compressed, or standard input; a growing file can be followed.

Every line becomes a post or a reject with file and line; nothing else is lost. The cursor says how many rows of each file
are safe (and for a plain file, at which byte), so reading goes on exactly there.
"""

import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import pyarrow as pa
import zstandard
from msgspec import Meta, field

from goldstream.errors import SourceError
from goldstream.mapping import Columns, Mapping
from goldstream.records import empty
from goldstream.settings import Section
from goldstream.sources.base import Arrival
from goldstream.sources.formats import Format, Reading
from goldstream.sources.one_file import File, Progress

POLL_S = 0.25


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


class Files:
    """Reads files in the order of their names."""

    Settings = FilesSettings
    needs_folder = True

    def __init__(self, settings: FilesSettings, folder: Path = Path()) -> None:
        self.settings = settings
        self._folder = folder
        mapping = Mapping(settings.columns or Columns(), source=settings.source, gold_labels=settings.gold_labels)
        may_be_own = settings.columns is None
        self._reading = Reading(mapping, settings.format, may_be_own=may_be_own, follow=settings.follow)
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

    def _read_all(self, progress: dict[str, Progress]) -> Iterator[Arrival]:
        """Read what is new in every file; a damaged one is complained of after the others have been read."""
        complaint: SourceError | None = None
        for name in self._names():
            file = name if name == "-" else str(self._folder / name)
            if file != "-" and self._seen.get(file) == (state := _state(file)):
                continue
            try:
                yield from self._read_file(File(name, file), progress)
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

    def _read_file(self, file: File, progress: dict[str, Progress]) -> Iterator[Arrival]:
        at = progress.setdefault(file.name, Progress())
        if file.name == "-" or (at.head_bytes and file.head(at.head_bytes) != at.head):
            progress[file.name] = at = Progress()  # truncated, or replaced by a new one
        try:
            for arrival in self._reading.arrivals(file, at):
                yield arrival._replace(cursor=_cursor(progress))
                if self._closed.is_set():
                    return
        except (OSError, EOFError, zlib.error, zstandard.ZstdError, pa.ArrowException) as error:
            raise SourceError(f"{file.path}: can't be read further, after {at.rows:,} rows: {error}") from None


def _state(file: str) -> tuple[int, int, int]:
    """What changes when a file does."""
    status = Path(file).stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _progress(cursor: str | None) -> dict[str, Progress]:
    try:
        return msgspec.json.decode(cursor, type=dict[str, Progress]) if cursor else {}
    except msgspec.DecodeError:
        raise SourceError(f"the stored cursor {cursor!r} is not one of a files source") from None


def _cursor(progress: dict[str, Progress]) -> str:
    return msgspec.json.encode(progress).decode()
