"""What a log is: posts in arrival order, kept for a while, with a position for every reader.

A position is where a reader goes on: the position of the first post it has not read. Positions grow along a partition
and may have gaps, so a reader never computes one; it is handed them.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa


class Part(NamedTuple):
    """A batch of posts as it stands on the log, with where it starts and where to go on."""

    posts: pa.RecordBatch  #: schema `POSTS`, at least one row
    positions: np.ndarray  #: int64, one per row, ascending
    partition: int
    start: int  #: the position that was asked for
    end: int  #: the position to go on from


class Extent(NamedTuple):
    """How far a partition reaches: `start` is its oldest position, `end` the next one to be given out."""

    start: int
    end: int


class Log(Protocol):
    """Posts in arrival order. Several writers and readers may use one log at once."""

    @property
    def identity(self) -> str:
        """What makes this log this one: positions of another log mean nothing here."""
        ...

    def append(self, posts: pa.RecordBatch, source: str, cursor: str | None) -> None:
        """Add `posts`; when it returns, they and the source's `cursor` are durable, both or neither.

        `posts` may be empty; a `cursor` of None leaves the source's cursor as it was.
        """
        ...

    def cursor(self, source: str) -> str | None:
        """Return where `source` had got to with its last append."""
        ...

    def read(self, partition: int, after: int, limit: int) -> Iterator[Part]:
        """Yield what stands at `after` and later, at most `limit` posts a part, until the end as it is now.

        Raises `PositionError` when `after` lies past the end. What retention has removed is stepped over: the first
        part then starts at `after` and its positions show the gap.
        """
        ...

    def extents(self) -> Mapping[int, Extent]:
        """Return how far each partition reaches."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Return when something may have been appended since this thread's last `read` or `wait`, or after `timeout_s`."""
        ...

    def close(self) -> None:
        """Let go of what the log holds open; a second call does nothing."""
        ...
