"""A log in memory: for tests, for notebooks, and as the shortest example of what a log is."""

import threading
from collections.abc import Iterator, Mapping
from typing import Self
from uuid import uuid4

import numpy as np
import pyarrow as pa

from goldstream import settings
from goldstream.errors import PositionError
from goldstream.log.base import Alone, Extent, Part, Say


class MemoryLog:
    """Posts in arrival order, gone with the process."""

    def __init__(self) -> None:
        self.identity = str(uuid4())
        self._batches: list[tuple[int, pa.RecordBatch]] = []
        self._extent = Extent(0, 0)
        self._cursors: dict[str, str] = {}
        self._changed = threading.Condition()

    @classmethod
    def open(cls, store: object, section: settings.Settings) -> Self:
        """Return a new log: nothing is configured."""
        return cls()

    def append(self, posts: pa.RecordBatch, source: str, cursor: str | None) -> None:
        """Add `posts` and remember the source's `cursor`."""
        with self._changed:
            if posts.num_rows:
                self._batches.append((self._extent.end, posts))
                self._extent = self._extent._replace(end=self._extent.end + posts.num_rows)
            if cursor is not None:
                self._cursors[source] = cursor
            self._changed.notify_all()

    def cursor(self, source: str) -> str | None:
        """Return where `source` had got to with its last append."""
        return self._cursors.get(source)

    def cursors(self) -> Mapping[str, str]:
        """Return where every source had got to."""
        return dict(self._cursors)

    def read(self, partition: int, after: int, limit: int) -> Iterator[Part]:
        """Yield what stands at `after` and later; raises `PositionError` when `after` lies past the end."""
        with self._changed:
            batches, end = list(self._batches), self._extent.end
        if after > end:
            raise PositionError(f"position {after} lies past the end of the log, {end}")
        for first, batch in batches:
            skip = max(0, after - first)
            for offset in range(skip, batch.num_rows, limit):
                posts = batch.slice(offset, limit)
                positions = np.arange(first + offset, first + offset + posts.num_rows)
                yield Part(posts, positions, partition, after, int(positions[-1]) + 1)
                after = int(positions[-1]) + 1

    def trim(self, before: int) -> int:
        """Drop the batches that end at or before position `before` and return how many posts that were."""
        with self._changed:
            gone = sum(batch.num_rows for first, batch in self._batches if first + batch.num_rows <= before)
            self._batches = [item for item in self._batches if item[0] + item[1].num_rows > before]
            self._extent = self._extent._replace(start=self._batches[0][0] if self._batches else self._extent.end)
        return gone

    def extents(self) -> Mapping[int, Extent]:
        """Return how far the one partition reaches."""
        return {0: self._extent}

    def wait(self, timeout_s: float) -> None:
        """Return at the next append, or after `timeout_s`."""
        with self._changed:
            self._changed.wait(timeout_s)

    def follow(self, reader: str, say: Say, *, share: bool) -> Alone:
        """Return a follower of all of it: the log has one partition, which one worker reads."""
        return Alone(self)

    def close(self) -> None:
        """Nothing is held open."""
