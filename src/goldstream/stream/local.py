"""The local engine: reads the log, scores every post with the champion, and stores what comes of it, exactly once.

One batch is one transaction: results and the reader's new position together (docs/explanation/exactly-once.md). While a
batch is written, the next one is read and scored on the other core.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import pyarrow as pa

from goldstream import settings
from goldstream.errors import Superseded
from goldstream.log.base import Log, Part
from goldstream.store import Store
from goldstream.store.positions import Taken, check, take, was_committed
from goldstream.store.reconnect import OUTAGES, Connection, Lasting, Stopped
from goldstream.stream.champion import Scorer
from goldstream.stream.results import Results, results
from goldstream.stream.scoring import score
from goldstream.stream.stored import StoredPosts
from goldstream.stream.writing import write

Say = Callable[[str], None]

LOOK_S = 1.0  #: how often an idle worker looks whether its partitions are still its own
AGAIN_S = 3.0  #: after another worker took a partition over: wait until the group has been heard before taking it back


class Written(NamedTuple):
    """What a run of the loop wrote."""

    posts: int = 0  #: positions passed
    candidates: int = 0  #: posts at or above the keep floor
    deletions: int = 0


def classify(
    log: Log, champion: Scorer, store: Store, stream: settings.Stream, project: settings.Project, *,
    stop: threading.Event, until_end: bool, say: Say,
) -> Written:  # fmt: skip
    """Classify what stands on the log, one columnar batch at a time, each exactly once.

    Goes on until `stop` is set, or (`until_end`) until the log's end as it is then. Where workers share a log they come
    and go without a word; elsewhere, `Superseded` is raised when another one takes the reader over: this one has then
    written nothing that the other one writes.
    """
    lasting = Lasting(store, stream.reader, stop, say)
    worker = _Worker(log, champion, stream, project, lasting, stop, say, share=not until_end)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="score") as ahead:
            worker.run(ahead, until_end)
    except Stopped:
        pass
    finally:
        worker.close()
        lasting.close()
    return worker.written


class _Worker:
    """One worker of the reader, with the partitions that are in its hands."""

    def __init__(
        self, log: Log, champion: Scorer, stream: settings.Stream, project: settings.Project, lasting: Lasting,
        stop: threading.Event, say: Say, *, share: bool,
    ) -> None:  # fmt: skip
        self._log, self._champion, self._stream, self._project = log, champion, stream, project
        self._lasting, self._stop, self._say = lasting, stop, say
        self._follower = log.follow(stream.reader, say, share=share)
        self._taken: dict[int, Taken] = {}
        self._not_before: dict[int, float] = {}
        self._looked = 0.0
        self._part: Part | None = None  # read, and not scored yet
        self._stored = StoredPosts()
        self.written = Written()

    def run(self, ahead: ThreadPoolExecutor, until_end: bool) -> None:
        """Read, score and write until the end of the log or until stopped."""
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
            taken[partition] = take(conn, self._stream.reader, self._log.identity, partition)
            if missed := check(taken[partition], extent.start, extent.end):
                self._say(
                    f"{self._stream.reader}: {missed:,} posts had left the log before they were classified (log.retention-days)"
                )
        self._stored.load(conn)
        self._follower.begin({partition: each.position for partition, each in taken.items()})
        self._taken.update(taken)

    def _next(self) -> Results | None:
        """Read and score one batch: None at the log's end, and while there is no champion."""
        part = self._part = self._part or self._follower.next(self._stream.batch_size)
        if part is None:
            return None
        scored = score(self._champion, part.posts.column(part.posts.schema.get_field_index("text")))
        if scored is None:
            return None
        done = results(part, scored, self._stream, self._project, self._stored)
        self._part = None
        return done

    def _settled(self, coming: "Future[Results | None]") -> Results | None:
        """The batch that is being prepared; prepared anew when an outage interrupted that."""
        try:
            return coming.result()
        except OUTAGES:
            return self._lasting.do(lambda conn, _: self._next())

    def _is_ours(self, batch: Results) -> bool:
        """Whether the batch goes on where its partition stands, and the partition is still in our hands."""
        taken = self._taken.get(batch.partition)
        return taken is not None and taken.position == batch.start

    def _store(self, batch: Results) -> None:
        taken = self._taken[batch.partition]
        try:
            self._taken[batch.partition] = self._lasting.do(partial(self._write, taken=taken, batch=batch))
        except Superseded as error:
            self._lose(batch.partition, error)
            return
        done = self.written
        self.written = Written(
            done.posts + batch.predictions.num_rows, done.candidates + len(batch.candidates), done.deletions + batch.gone
        )

    def _lose(self, partition: int, error: Superseded) -> None:
        """Let go of a partition that another worker has taken over, or that was rewound."""
        if not self._follower.shares:
            raise error
        self._not_before[partition] = time.monotonic() + AGAIN_S

    def _write(self, conn: Connection, attempt: int, *, taken: Taken, batch: Results) -> Taken:
        if attempt and was_committed(conn, taken, batch.end):
            return taken._replace(position=batch.end)
        return write(conn, taken, batch)

    def _wait(self) -> None:
        """Nothing has come. A reader that was rewound must hear of it now: no commit will tell."""
        if time.monotonic() - self._looked > LOOK_S:
            self._looked = time.monotonic()
            for taken in list(self._taken.values()):
                try:
                    self._lasting.do(lambda conn, _, held=taken: was_committed(conn, held, held.position))  # type: ignore[misc]
                except Superseded as error:
                    self._lose(taken.partition, error)
        if self._champion.predict(pa.array([], pa.string())) is None:
            self._stop.wait(self._stream.poll_s)
            return
        try:
            self._follower.wait(10 * self._stream.poll_s)
        except OUTAGES:
            self._stop.wait(self._stream.poll_s)
