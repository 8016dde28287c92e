"""The local engine: reads the log, scores every post with the champion, and stores what comes of it, exactly once."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import pyarrow as pa

from goldstream import settings
from goldstream.log.base import Log, Part
from goldstream.store import Store
from goldstream.store.positions import Taken
from goldstream.stream.champion import Scorer
from goldstream.stream.results import Results, results
from goldstream.stream.scoring import score
from goldstream.stream.stored import StoredPosts
from goldstream.stream.worker import follow
from goldstream.stream.writing import write

Say = Callable[[str], None]


class Written(NamedTuple):
    """What a run of the loop wrote."""

    posts: int = 0  #: positions passed
    candidates: int = 0  #: posts at or above the keep floor
    deletions: int = 0


def classify(
    log: Log, champion: Scorer, store: Store, stream: settings.Stream, project: settings.Project, *,
    stop: threading.Event, until_end: bool, say: Say,
) -> Written:  # fmt: skip
    """Classify what stands on the log, one columnar batch at a time, each exactly once; `worker.follow` says until when."""
    work = _Classifying(champion, stream, project)
    follow(log, work, store, stream, stream.reader, stop=stop, until_end=until_end, say=say)
    return work.written


class _Classifying:
    """Implements `worker.Work` with the champion."""

    def __init__(self, champion: Scorer, stream: settings.Stream, project: settings.Project) -> None:
        self._champion, self._stream, self._project = champion, stream, project
        self._stored = StoredPosts()
        self.written = Written()

    @property
    def ready(self) -> bool:
        return self._champion.predict(pa.array([], pa.string())) is not None

    def begin(self, conn: psycopg.Connection[Any]) -> None:
        self._stored.load(conn)

    def prepare(self, part: Part) -> Results | None:
        scored = score(self._champion, part.posts["text"])
        return None if scored is None else results(part, scored, self._stream, self._project, self._stored)

    def write(self, conn: psycopg.Connection[Any], taken: Taken, batch: Results) -> Taken:
        return write(conn, taken, batch)

    def count(self, batch: Results) -> None:
        done = self.written
        self.written = Written(
            done.posts + batch.predictions.num_rows, done.candidates + len(batch.candidates), done.deletions + batch.gone
        )
