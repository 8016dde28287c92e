"""A shadow on the stream: another version reads the log beside the champion, and what it says is stored apart.

It is a reader of its own, exactly once as the others, and touches nothing that the champion's reader writes. When its
trial is over it ends at its next batch, which is not written.
"""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from goldstream import settings
from goldstream.errors import GoldstreamError, Superseded
from goldstream.log.base import Log, Part
from goldstream.store import Store, trials
from goldstream.store.copying import copy_columns
from goldstream.store.positions import Taken, advance
from goldstream.store.trials import Trial
from goldstream.stream.champion import Scored, Scorer
from goldstream.stream.scoring import score
from goldstream.stream.worker import follow

Say = Callable[[str], None]
Connection = psycopg.Connection[Any]


class Shadowed(NamedTuple):
    """A batch that the shadow has scored."""

    partition: int
    start: int
    end: int
    rows: pa.RecordBatch  #: columns of the table `shadow_predictions`, a row per position


class _Over(GoldstreamError):
    """The trial is over."""


def shadow(
    log: Log, model: Scorer, store: Store, stream: settings.Stream, project: settings.Project, trial: Trial, *,
    stop: threading.Event, until_end: bool, say: Say,
) -> int:  # fmt: skip
    """Score what stands on the log with the version that `trial` is about; return how many positions were passed.

    `worker.follow` says until when; the end of the trial ends it too.
    """
    work = _Shadowing(model, trial, project.keep)
    try:
        follow(log, work, store, stream, trial.reader, stop=stop, until_end=until_end, say=say)
    except (_Over, Superseded):
        if _is_on(store, trial):
            raise
        say(f"version {trial.version} is no shadow any more")
    return work.passed


def _is_on(store: Store, trial: Trial) -> bool:
    with store.connect(name="trials") as conn:
        return trials.newest(conn) == trial


class _Shadowing:
    """Implements `worker.Work` with the version that is tried."""

    ready = True

    def __init__(self, model: Scorer, trial: Trial, keep: str) -> None:
        self._model, self._trial, self._keep = model, trial, keep
        self.passed = 0

    def begin(self, conn: Connection) -> None:
        pass

    def prepare(self, part: Part) -> Shadowed | None:
        scored = score(self._model, part.posts["text"])
        return None if scored is None else Shadowed(part.partition, part.start, part.end, self._rows(part, scored))

    def write(self, conn: Connection, taken: Taken, batch: Shadowed) -> Taken:
        with conn.transaction():
            copy_columns(conn, "shadow_predictions", batch.rows)
            if (newest := trials.newest(conn)) is None or newest.id != self._trial.id:
                raise _Over
            return advance(conn, taken, batch.end)

    def count(self, batch: Shadowed) -> None:
        self.passed += batch.rows.num_rows

    def _rows(self, part: Part, scored: Scored) -> pa.RecordBatch:
        live = pc.is_in(part.posts["kind"], pa.array(["create", "update"])).to_numpy(zero_copy_only=False).copy()
        live[list(scored.refused)] = False
        count, nothing = part.posts.num_rows, ~live
        kept = scored.scores[:, scored.labels.index(self._keep)]
        labels = pa.array(scored.labels).take(pa.array(scored.scores.argmax(axis=1), mask=nothing))
        return pa.RecordBatch.from_pydict({
            "trial": pa.array(np.full(count, self._trial.id, np.int64)),
            "partition": pa.array(np.full(count, part.partition, np.int32)),
            "position": pa.array(part.positions, pa.int64()),
            "label": labels,
            "probability": pa.array(kept, pa.float32(), mask=nothing),
            "version": pa.array(np.full(count, scored.version, np.int32), mask=nothing),
        })  # fmt: skip
