"""One worker of a reader: it takes partitions of the log over and does its work with them, each batch exactly once.

One batch is one transaction: results and the reader's new position together (docs/explanation/exactly-once.md). While a
batch is written, the next one is read and prepared on the other core.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Generic, Protocol, TypeVar

from goldstream import settings
from goldstream.errors import Superseded
from goldstream.log.base import Log, Part
from goldstream.store import Store
from goldstream.store.positions import Taken, check, take, was_committed
from goldstream.store.reconnect import OUTAGES, Connection, Lasting, Stopped

Say = Callable[[str], None]

LOOK_S = 1.0  #: how often an idle worker looks whether its partitions are still its own
AGAIN_S = 3.0  #: after another worker took a partition over: wait until the group has been heard before taking it back


class Batch(Protocol):
    """A part of the log with which the work is done, and not yet written."""

    @property
    def partition(self) -> int:
        """Where it stood."""
        ...

    @property
    def start(self) -> int:
        """The position that it goes on from."""
        ...

    @property
    def end(self) -> int:
        """The position to go on from."""
        ...


B = TypeVar("B", bound=Batch)


class Work(Protocol[B]):
    """What a reader does with the posts on the log."""

    @property
    def ready(self) -> bool:
        """Whether posts can be worked on now."""
        ...

    def begin(self, conn: Connection) -> None:
        """Read what must be known before the first batch; another worker may have written until now."""
        ...

    def prepare(self, part: Part) -> B | None:
        """Return what `part` comes to; None while that can't be said."""
        ...

    def write(self, conn: Connection, taken: Taken, batch: B) -> Taken:
        """Write `batch` and move the reader to its end, in one transaction; return where the reader now is."""
        ...

    def count(self, batch: B) -> None:
        """Add to what was written."""
        ...


def follow(
    log: Log, work: Work[B], store: Store, stream: settings.Stream, reader: str, *,
    stop: threading.Event, until_end: bool, say: Say,
) -> None:  # fmt: skip
    """Do `work` with what stands on the log, one columnar batch at a time, each exactly once.

    Goes on until `stop` is set, or (`until_end`) until the log's end as it is then. Where workers share a log they come
    and go without a word; elsewhere, `Superseded` is raised when another one takes the reader over: this one has then
    written nothing that the other one writes.
    """
    lasting = Lasting(store, reader, stop, say)
    worker = _Worker(log, work, stream, reader, lasting, stop, say, share=not until_end)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="score") as ahead:
            worker.run(ahead, until_end)
    except Stopped:
        pass
    finally:
        worker.close()
        lasting.close()


class _Worker(Generic[B]):
    """One worker of the reader, with the partitions that are in its hands."""

    def __init__(
        self, log: Log, work: Work[B], stream: settings.Stream, reader: str, lasting: Lasting,
        stop: threading.Event, say: Say, *, share: bool,
    ) -> None:  # fmt: skip
        self._log, self._work, self._stream, self._reader = log, work, stream, reader
        self._lasting, self._stop, self._say = lasting, stop, say
        self._follower = log.follow(reader, say, share=share)
        self._taken: dict[int, Taken] = {}
        self._not_before: dict[int, float] = {}
        self._looked = 0.0
        self._part: Part | None = None  # read, and not prepared yet

    def run(self, ahead: ThreadPoolExecutor, until_end: bool) -> None:
        """Read, prepare and write until the end of the log or until stopped."""
        self._lasting.do(self._share)
        coming = ahead.submit(self._next)
        while not self._stop.is_set():
            batch = self._settled(coming)
            if batch is None:
                if until_end and self._part is None and self._lasting.do(lambda conn, _: self._follower.at_end()):
                    return
                self._wait()
            self._lasting.do(self._share)  # nothing reads now, so that partitions may come and go
            coming = ahead.submit(self._next)
            if batch is not None and self._is_ours(batch):
                self._store(batch)

    def close(self) -> None:
        """Leave the log to others."""
        self._follower.close()

    def _share(self, conn: Connection, attempt: int) -> None:
        """Let go of partitions that are no longer ours to read, and take over those that are."""
        moment = time.monotonic()
        wanted = {each for each in self._follower.partitions() if self._not_before.get(each, moment) <= moment}
        if gone := self._taken.keys() - wanted:
            self._follower.drop(gone)
            self._taken = {partition: taken for partition, taken in self._taken.items() if partition in wanted}
            self._part = None if self._part is None or self._part.partition in gone else self._part
        if new := wanted - self._taken.keys():
            self._take_over(conn, new)

    def _take_over(self, conn: Connection, partitions: set[int]) -> None:
        taken: dict[int, Taken] = {}
        for partition, extent in self._follower.extents(partitions).items():
            taken[partition] = take(conn, self._reader, self._log.identity, partition)
            if missed := check(taken[partition], extent.start, extent.end):
                self._say(f"{self._reader}: {missed:,} posts had left the log before they were classified (log.retention-days)")
        self._work.begin(conn)
        self._follower.begin({partition: each.position for partition, each in taken.items()})
        self._taken.update(taken)

    def _next(self) -> B | None:
        """Read and prepare one batch: None at the log's end, and while the work can't be done."""
        part = self._part = self._part or self._follower.next(self._stream.batch_size)
        if part is None:
            return None
        done = self._work.prepare(part)
        self._part = None if done is not None else part
        return done

    def _settled(self, coming: "Future[B | None]") -> B | None:
        """The batch that is being prepared; prepared anew when an outage interrupted that."""
        try:
            return coming.result()
        except OUTAGES:
            return self._lasting.do(lambda conn, _: self._next())

    def _is_ours(self, batch: B) -> bool:
        """Whether the batch goes on where its partition stands, and the partition is still in our hands."""
        taken = self._taken.get(batch.partition)
        return taken is not None and taken.position == batch.start

    def _store(self, batch: B) -> None:
        taken = self._taken[batch.partition]
        try:
            self._taken[batch.partition] = self._lasting.do(partial(self._write, taken=taken, batch=batch))
        except Superseded as error:
            self._lose(batch.partition, error)
            return
        self._work.count(batch)

    def _lose(self, partition: int, error: Superseded) -> None:
        """Let go of a partition that another worker has taken over, or that was rewound."""
        if not self._follower.shares:
            raise error
        self._not_before[partition] = time.monotonic() + AGAIN_S

    def _write(self, conn: Connection, attempt: int, *, taken: Taken, batch: B) -> Taken:
        if attempt and was_committed(conn, taken, batch.end):
            return taken._replace(position=batch.end)
        return self._work.write(conn, taken, batch)

    def _wait(self) -> None:
        """Nothing has come. A reader that was rewound must hear of it now: no commit will tell."""
        if time.monotonic() - self._looked > LOOK_S:
            self._looked = time.monotonic()
            for taken in list(self._taken.values()):
                try:
                    self._lasting.do(lambda conn, _, held=taken: was_committed(conn, held, held.position))  # type: ignore[misc]
                except Superseded as error:
                    self._lose(taken.partition, error)
        if not self._work.ready:
            self._stop.wait(self._stream.poll_s)
            return
        try:
            self._follower.wait(10 * self._stream.poll_s)
        except OUTAGES:
            self._stop.wait(self._stream.poll_s)
