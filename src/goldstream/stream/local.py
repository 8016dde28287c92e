"""The local engine: reads the log, scores every post with the champion, and stores what comes of it, exactly once.

One batch is one transaction: results and the reader's new position together (docs/explanation/exactly-once.md). While a
batch is written, the next one is read and scored on the other core.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, Protocol

import pyarrow as pa

from goldstream import settings
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


class Written(NamedTuple):
    """What a run of the loop wrote."""

    posts: int = 0  #: positions passed
    candidates: int = 0  #: posts at or above the keep floor
    deletions: int = 0


class _Waiting(Protocol):
    def wait(self, timeout_s: float) -> None: ...


def classify(
    log: Log, champion: Scorer, store: Store, stream: settings.Stream, project: settings.Project, *,
    stop: threading.Event, until_end: bool, say: Say,
) -> Written:  # fmt: skip
    """Classify what stands on the log, one columnar batch at a time, each exactly once.

    Goes on until `stop` is set, or (`until_end`) until the log's end as it is then. Raises `Superseded` when another
    worker takes the reader over: this one has then written nothing that the other one writes.
    """
    lasting = Lasting(store, stream.reader, stop, say)
    total = Written()
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="score") as ahead:
            for partition in log.extents():
                reader = _Reader(log, champion, stream, project, partition, lasting, stop)
                total = reader.run(ahead, until_end, total, say)
    except Stopped:
        pass
    finally:
        lasting.close()
    return total


class _Reader:
    """One partition in the hands of this worker."""

    def __init__(
        self, log: Log, champion: Scorer, stream: settings.Stream, project: settings.Project, partition: int,
        lasting: Lasting, stop: threading.Event,
    ) -> None:  # fmt: skip
        self._log, self._champion, self._stream, self._project = log, champion, stream, project
        self._partition, self._lasting, self._stop = partition, lasting, stop
        self._stored = StoredPosts()

    def run(self, ahead: ThreadPoolExecutor, until_end: bool, total: Written, say: Say) -> Written:
        """Read, score and write until the end of the log or until stopped."""
        taken = self._lasting.do(lambda conn, _: take(conn, self._stream.reader, self._log.identity, self._partition))
        extent = self._lasting.do(lambda conn, _: self._log.extents()[self._partition])
        if missed := check(taken, extent.start, extent.end):
            say(f"{self._stream.reader}: {missed:,} posts had left the log before they were classified (log.retention-days)")
        self._lasting.do(lambda conn, _: self._stored.load(conn))
        coming = ahead.submit(self._next, taken.position)
        while not self._stop.is_set():
            part = self._settled(coming, ahead, taken)
            if part is None:
                if until_end and self._caught_up(taken):
                    break
                self._wait()
                coming = ahead.submit(self._next, taken.position)
                continue
            coming = ahead.submit(self._next, part.end)
            taken = self._lasting.do(partial(self._write, taken=taken, part=part))
            total = Written(
                total.posts + part.predictions.num_rows,
                total.candidates + len(part.candidates),
                total.deletions + part.gone,
            )
        return total

    def _next(self, after: int) -> Results | None:
        """Read and score one batch: None at the log's end, and while there is no champion."""
        part: Part | None = next(iter(self._log.read(self._partition, after, self._stream.batch_size)), None)
        if part is None:
            return None
        scored = score(self._champion, _column(part.posts, "text"))
        return None if scored is None else results(part, scored, self._stream, self._project, self._stored)

    def _settled(self, coming: "Future[Results | None]", ahead: ThreadPoolExecutor, taken: Taken) -> Results | None:
        """The batch that is being prepared; prepared anew when an outage interrupted that."""
        try:
            return coming.result()
        except OUTAGES:
            return self._lasting.do(lambda conn, _: self._next(taken.position))

    def _write(self, conn: Connection, attempt: int, *, taken: Taken, part: Results) -> Taken:
        if attempt and was_committed(conn, taken, part.end):
            return taken._replace(position=part.end)
        return write(conn, taken, part)

    def _caught_up(self, taken: Taken) -> bool:
        extent = self._lasting.do(lambda conn, _: self._log.extents()[self._partition])
        return extent.end <= max(taken.position, extent.start)

    def _wait(self) -> None:
        wait = getattr(self._log, "wait", None)
        if wait is None or self._champion.predict(pa.array([], pa.string())) is None:
            self._stop.wait(self._stream.poll_s)
            return
        try:
            wait(10 * self._stream.poll_s)
        except OUTAGES:
            self._stop.wait(self._stream.poll_s)


def _column(posts: pa.RecordBatch, name: str) -> pa.StringArray:
    return posts.column(posts.schema.get_field_index(name))
