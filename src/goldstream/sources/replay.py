"""Any file that the files source reads, as a stream: at the pace at which it was written, faster, or flat out."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import pyarrow as pa
from msgspec import Meta

from goldstream.records import empty
from goldstream.sources.base import Arrival
from goldstream.sources.files import Files, FilesSettings

TICK_S = 0.25


class ReplaySettings(FilesSettings, frozen=True, kw_only=True):
    """The `[[sources]]` section with `type = "replay"`: what `files` takes, and a speed."""

    type: str = "replay"
    name: str = "replay"
    speed: Annotated[float, Meta(ge=0)] = 0.0  #: 1 is the pace of `created_at`, 60 a minute in a second, 0 flat out


class Replay:
    """Plays a file; its rows should be in the order of their times, and one without a time comes at once."""

    Settings = ReplaySettings
    needs_folder = True

    def __init__(self, settings: ReplaySettings, folder: Path = Path()) -> None:
        self.settings = settings
        self._files = Files(settings, folder)
        self._closed = threading.Event()
        self._begun: tuple[float, datetime] | None = None

    @property
    def name(self) -> str:
        """What this source is called in the store."""
        return self.settings.name

    def read(self, cursor: str | None) -> Iterator[Arrival]:
        """Yield what stands after `cursor` when its time has come; empty batches in between."""
        done, safe = _parse(cursor)
        for arrival in self._files.read(safe):
            sent, done = min(done, arrival.posts.num_rows), 0
            if self.settings.speed == 0:
                yield arrival._replace(posts=arrival.posts.slice(sent))
                continue
            while not self._closed.is_set():
                due = self._due(arrival.posts, sent)
                if due == arrival.posts.num_rows:
                    break
                part = arrival.posts.slice(sent, due - sent) if due > sent else empty()
                yield Arrival(part, f"{due} {safe or ''}" if due else safe)
                sent = due
                self._closed.wait(TICK_S)
            if self._closed.is_set():
                return
            yield Arrival(arrival.posts.slice(sent), arrival.cursor, arrival.rejects)
            safe = arrival.cursor

    def close(self) -> None:
        """End `read` at its next batch; a second call does nothing."""
        self._closed.set()
        self._files.close()

    def _due(self, posts: pa.RecordBatch, sent: int) -> int:
        """How many of `posts` are due by now."""
        times = posts["created_at"].to_pylist()
        for row in range(sent, len(times)):
            moment = times[row]
            if moment is None:
                continue
            if self._begun is None:
                self._begun = (time.monotonic(), moment)
            started, first = self._begun
            if (moment - first).total_seconds() > (time.monotonic() - started) * self.settings.speed:
                return row
        return len(times)


def _parse(cursor: str | None) -> tuple[int, str | None]:
    """A cursor in the middle of a batch is `ROWS CURSOR`: that many rows after the files' own cursor."""
    if cursor is None or not cursor[:1].isdigit():
        return 0, cursor
    rows, _, safe = cursor.partition(" ")
    return int(rows), safe or None
