"""What a log is: posts in arrival order, kept for a while, with a position for every reader.

A position is where a reader goes on: the position of the first post it has not read. Positions grow along a partition
and may have gaps, so a reader never computes one; it is handed them.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from goldstream.store.dead_letters import Letter

UNREADABLE = "unreadable"  #: the `kind` of a row that only holds the place of something that is no post

Say = Callable[[str], None]


class Part(NamedTuple):
    """A batch of posts as it stands on the log, with where it starts and where to go on."""

    posts: pa.RecordBatch  #: schema `POSTS`, at least one row
    positions: np.ndarray  #: int64, one per row, ascending
    partition: int
    start: int  #: the position that was asked for
    end: int  #: the position to go on from
    letters: tuple[Letter, ...] = ()  #: for each row of kind `unreadable`: whoever answers for the log stores them


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

    def cursors(self) -> Mapping[str, str]:
        """Return where every source had got to."""
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

    def follow(self, reader: str, say: Say, *, share: bool) -> "Follower":
        """Return what one worker of `reader` reads of this log: all of it, or (`share`) what the workers agree on."""
        ...

    def close(self) -> None:
        """Let go of what the log holds open; a second call does nothing."""
        ...


class Follower(Protocol):
    """What one worker reads of a log, from all of its partitions in turn. Belongs to one thread at a time."""

    shares: bool  #: whether other workers of the same reader may have other partitions

    def partitions(self) -> Set[int]:
        """Return the partitions that this worker should read now. It changes as workers come and go."""
        ...

    def extents(self, partitions: Set[int]) -> Mapping[int, Extent]:
        """Return how far these partitions reach; those that can't be asked now are not among them."""
        ...

    def begin(self, starts: Mapping[int, int]) -> None:
        """Read these partitions too, from these positions on. `extents` has just been asked about them."""
        ...

    def drop(self, partitions: Set[int]) -> None:
        """Read these partitions no longer."""
        ...

    def next(self, limit: int) -> Part | None:
        """Return the next batch of any of them, each partition's in order; None when nothing is there."""
        ...

    def at_end(self) -> bool:
        """Return whether everything that stood in the partitions begun has been handed out."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Return when there may be something new, or after `timeout_s`."""
        ...

    def close(self) -> None:
        """Leave; a second call does nothing."""
        ...


class Alone:
    """The follower of a log that one worker reads: all partitions, for good."""

    shares = False

    def __init__(self, log: Log) -> None:
        self._log = log
        self._partitions: Set[int] = frozenset()
        self._after: dict[int, int] = {}

    def partitions(self) -> Set[int]:
        """Return all partitions of the log."""
        self._partitions = self._partitions or frozenset(self._log.extents())
        return self._partitions

    def extents(self, partitions: Set[int]) -> Mapping[int, Extent]:
        """Return how far these partitions reach."""
        return {number: extent for number, extent in self._log.extents().items() if number in partitions}

    def begin(self, starts: Mapping[int, int]) -> None:
        """Read these partitions too, from these positions on."""
        self._after.update(starts)

    def drop(self, partitions: Set[int]) -> None:
        """Read these partitions no longer."""
        for partition in partitions:
            self._after.pop(partition, None)

    def next(self, limit: int) -> Part | None:
        """Return the next batch; the partition that was read goes to the back of the queue."""
        for partition, after in list(self._after.items()):
            part = next(iter(self._log.read(partition, after, limit)), None)
            if part is not None:
                del self._after[partition]
                self._after[partition] = part.end
                return part
        return None

    def at_end(self) -> bool:
        """Return whether everything has been handed out."""
        extents = self._log.extents()
        return all(extents[partition].end <= max(after, extents[partition].start) for partition, after in self._after.items())

    def wait(self, timeout_s: float) -> None:
        """Wait as the log does."""
        self._log.wait(timeout_s)

    def close(self) -> None:
        """Nothing is held open."""
