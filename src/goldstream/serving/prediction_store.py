"""Keeps what was answered, behind the answer: rows wait in memory and are copied to PostgreSQL a few times a second.

Nothing is lost on a clean end, and nothing waits for a database that is away: rows then pile up to `serving.queue-mb`, the
oldest go first, and what went is counted and said. A database that is merely slow slows requests down instead.
"""

import asyncio
import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import psycopg
import pyarrow as pa

from goldstream import settings
from goldstream.errors import StoreError
from goldstream.serving.asking import asked
from goldstream.serving.ids import SIZE
from goldstream.serving.judged import Judged
from goldstream.store import Store, feedback
from goldstream.store.copying import copy_columns
from goldstream.store.reconnect import OUTAGES
from goldstream.stream.champion import Fixed

FLUSH_S = 0.25
LONGEST_WAIT_S = 5.0
STUCK_S = 5.0  #: a database that takes longer for one write counts as away
MOST_ROWS = 50_000  #: in one COPY
ROW_BYTES = 400  #: what a row takes in memory beside its text, about

#: What is tried again. A row that is there already is one whose commit came through after we had looked for it.
AGAIN: tuple[type[Exception], ...] = (*OUTAGES, psycopg.errors.UniqueViolation)

Say = Callable[[str], None]
Connection = psycopg.Connection[Any]


class Answered(NamedTuple):
    """The answers to one request."""

    at_us: int  #: microseconds since 1970
    ids: bytearray  #: 16 bytes each
    texts: list[str]
    judged: Judged
    user_label: str | None = None  #: what the person who asks says it is


class PredictionStore:
    """Write-behind for one event loop; `open` starts its thread and `close` writes what is left."""

    def __init__(self, store: Store, section: settings.Serving, say: Say) -> None:
        self.store, self._section, self._say = store, section, say
        self._queue: deque[Answered] = deque()
        self.dropped = self.written = 0  # answers
        self._bytes_in = self._bytes_out = 0
        self._most = int(section.queue_mb * 1_000_000)
        self._wake, self._closed = threading.Event(), threading.Event()
        self._away, self._give_up_at = False, 0.0
        self._dropping = False  # whether that was said
        self._unsure = False  # whether the write before this one was committed
        self._writes_since = float("inf")
        self._done = threading.Condition()
        self._added = 0  # answers that came in
        self._thread = threading.Thread(target=self._run, name="predictions", daemon=True)

    @property
    def waiting(self) -> int:
        """How many answers are not written yet."""
        return self._added - self._finished

    @property
    def _finished(self) -> int:
        return self.written + self.dropped

    @property
    def _bytes(self) -> int:
        return self._bytes_in - self._bytes_out

    def open(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def has_room(self) -> bool:
        """Whether answers can be kept at once: not while a living database can't keep up."""
        return self._bytes <= self._most or self._is_away() or self._closed.is_set()

    async def add(self, answered: Answered) -> None:
        """Keep these answers, once there is room."""
        while not self.has_room:
            await asyncio.sleep(FLUSH_S / 5)
        self.put(answered)

    def put(self, answered: Answered) -> None:
        """Keep these answers; while the database is away and there are too many, the oldest go."""
        self._queue.append(answered)
        self._bytes_in += _size(answered)
        self._added += len(answered.texts)
        while self._bytes > self._most and self._queue and self._is_away():
            self._drop(self._queue.popleft())

    async def flush(self) -> None:
        """Return when all that was added before is in the database; raises `StoreError` when that takes too long."""
        if self.waiting and not await asked(partial(self._flushed, self._added)):
            raise StoreError("the database can't take what was answered")

    def close(self) -> None:
        """Write what is left, for at most `serving.grace-s`, and end."""
        if not self._thread.is_alive():
            return
        self._give_up_at = time.monotonic() + self._section.grace_s
        self._closed.set()
        self._wake.set()
        self._thread.join(self._section.grace_s + 1)
        if self.waiting:
            self._say(f"the database was away until the end: {self.waiting:,} predictions are lost")

    def _is_away(self) -> bool:
        """Whether the database takes nothing: it says so, or says nothing any more."""
        return self._away or time.monotonic() - self._writes_since > STUCK_S

    def _flushed(self, upto: int) -> bool:
        self._wake.set()
        with self._done:
            return self._done.wait_for(lambda: self._finished >= upto, timeout=1.0 if self._is_away() else 5.0)

    def _run(self) -> None:
        conn, wait_s = None, FLUSH_S
        while not self._closed.is_set() or (self._queue and time.monotonic() < self._give_up_at):
            self._wake.wait(wait_s)
            self._wake.clear()
            try:
                conn = self._written(conn)
                wait_s = FLUSH_S
            except AGAIN as error:
                if not self._away:
                    self._say(f"answers are kept in memory, the database can't take them: {str(error).splitlines()[0]}")
                self._away, wait_s = True, min(2 * wait_s, LONGEST_WAIT_S)
        if conn is not None:
            conn.close()

    def _written(self, conn: Connection | None) -> Connection | None:
        """Write all that waits; return the connection to go on with."""
        while taken := self._take():
            self._writes_since = time.monotonic()
            try:
                conn = self.store.connect(name="serving predictions") if conn is None or conn.closed else conn
                write(conn, _not_yet_written(conn, taken) if self._unsure else taken, self._section.texts)
            except AGAIN:
                self._queue.extendleft(reversed(taken))
                self._unsure = True
                raise
            except Exception as error:  # whatever it is, the answers after these shall be kept
                self._say(f"{_count(taken):,} answers can't be stored: {type(error).__name__}: {error}")
                self._finish(taken, written=False)
            else:
                self._finish(taken, written=True)
            finally:
                self._writes_since = float("inf")
            if self._away:
                self._say("the database takes answers again")
            self._unsure = self._away = False
        return conn

    def _take(self) -> list[Answered]:
        taken: list[Answered] = []
        rows = 0
        while self._queue and rows < MOST_ROWS:
            with suppress(IndexError):  # the event loop drops the oldest when there are too many
                taken.append(self._queue.popleft())
                rows += len(taken[-1].texts)
        return taken

    def _finish(self, taken: list[Answered], *, written: bool) -> None:
        count = _count(taken)
        with self._done:
            self.written += count if written else 0
            self.dropped += 0 if written else count
            self._bytes_out += sum(map(_size, taken))
            self._done.notify_all()

    def _drop(self, answered: Answered) -> None:
        if not self._dropping:
            self._dropping = True
            self._say("answers are dropped, the oldest first: the database has been away for too long (serving.queue-mb)")
        self._finish([answered], written=False)


def _not_yet_written(conn: Connection, taken: list[Answered]) -> list[Answered]:
    """Those that no try before this one has committed after all; a request's answers come together or not at all."""
    ids = [UUID(bytes=bytes(answered.ids[:SIZE])) for answered in taken]
    there = {found for (found,) in conn.execute("SELECT id FROM served_predictions WHERE id = ANY(%s)", (ids,))}
    return [answered for answered, identifier in zip(taken, ids, strict=True) if identifier not in there]


def write(conn: Connection, taken: list[Answered], texts: str) -> None:
    """Write the answers, in one transaction."""
    if not taken:
        return
    said = [(UUID(bytes=bytes(answered.ids)), answered.user_label) for answered in taken if answered.user_label is not None]
    with conn.transaction():
        copy_columns(conn, "served_predictions", _columns(taken, texts))
        for identifier, label in said:
            feedback.add_to_prediction(conn, identifier, label)


def _columns(taken: list[Answered], texts: str) -> pa.RecordBatch:
    """The columns of `served_predictions`."""
    counts = [len(answered.texts) for answered in taken]
    ids = pa.py_buffer(b"".join(answered.ids for answered in taken))
    said = [text for answered in taken for text in answered.texts]
    by_model = [
        _by_model(model, [each.judged for each in run]) for model, run in groupby(taken, lambda each: each.judged.model)
    ]
    labels, *numbers = zip(*by_model, strict=True)
    probabilities, versions = map(np.concatenate, numbers)
    columns = {
        "id": pa.FixedSizeBinaryArray.from_buffers(pa.binary(SIZE), sum(counts), [None, ids]),
        "at": pa.array(np.repeat([answered.at_us for answered in taken], counts)).cast(pa.timestamp("us", "UTC")),
        "label": pa.concat_arrays(labels),
        "probability": pa.array(probabilities),
        "version": pa.array(versions, pa.int32()),
    }
    if texts == "keep":
        columns["text"] = pa.array(said, pa.string())
    elif texts == "hash":
        columns["text_sha256"] = pa.array([hashlib.sha256(text.encode()).digest() for text in said], pa.binary())
    return pa.RecordBatch.from_pydict(columns)


def _by_model(model: Fixed, answers: list[Judged]) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """The label, its probability and the version of each text."""
    decided = np.concatenate([judged.decided for judged in answers])
    scores = np.concatenate([judged.scores for judged in answers])
    labels = pa.array(model.model.labels).take(pa.array(decided))  # other than with objects, requests need not wait meanwhile
    return labels, scores[np.arange(len(decided)), decided], np.full(len(decided), model.version)


def _count(taken: list[Answered]) -> int:
    return sum(len(answered.texts) for answered in taken)


def _size(answered: Answered) -> int:
    return ROW_BYTES * len(answered.texts) + sum(map(len, answered.texts))
