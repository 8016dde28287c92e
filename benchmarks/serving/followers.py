"""Whoever follows the champion, as swaps.py asks them; and whether the history explains what the stream's loop wrote."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import cycle, groupby
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from ours import texts

from goldstream.records import Post, to_columns
from goldstream.registry.base import Registry
from goldstream.run.project import Project
from goldstream.store import Store

BATCH, PAUSE_S = 10, 0.02  #: posts that come in, and how often


class Follower(Protocol):
    """A process that follows the champion."""

    pid: int

    def ask(self) -> int:
        """Return the version that it answers or writes with now."""
        ...


class Server:
    """One `goldstream serve`."""

    def __init__(self, url: str, name: str, pid: int) -> None:
        self._client, self._name, self.pid = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30), name, pid
        self.asked = self.failed = 0
        self._said: dict[int, float] = {}

    def __str__(self) -> str:
        return self._name

    def ask(self) -> int:
        try:
            self._client.request("POST", "/predict", b'{"text": "a model"}', {"content-type": "application/json"})
            answer = json.loads(self._client.getresponse().read())
            version, probability = int(answer["version"]), float(answer["probability"])
        except (OSError, http.client.HTTPException, KeyError, ValueError):
            self.failed += 1
            self._client.close()
            return 0
        self.asked += 1
        if self._said.setdefault(version, probability) != probability:  # an answer with another version's name on it
            self.failed += 1
        return version


class Seen(NamedTuple):
    """How far the stream was at a moment."""

    at: datetime  #: by the database's clock
    position: int
    version: int


class Stream:
    """The loop of `goldstream classify --follow`, by what it has written."""

    def __init__(self, store: Store, pid: int) -> None:
        self._conn, self.pid = store.connect(name="benchmark"), pid
        self.seen: list[Seen] = []

    def __str__(self) -> str:
        return "stream"

    def ask(self) -> int:
        query = "SELECT clock_timestamp(), position, version FROM candidates ORDER BY position DESC LIMIT 1"
        if (row := self._conn.execute(query).fetchone()) is None:
            return 0
        self.seen.append(Seen(*row))
        return self.seen[-1].version

    def close(self) -> None:
        self._conn.close()


class Moves:
    """The moves of the champion, from version to version in a circle, and how soon each was followed."""

    def __init__(self, versions: int) -> None:
        self._versions = cycle([*range(2, versions + 1), 1])
        self.champion = 1
        self.delays: list[dict[Follower, float]] = []
        self.by_stream: list[float] = []  # also of the moves before the clock was started

    def next(self, registry: Registry) -> None:
        self.champion = next(self._versions)
        self.delays.append({})
        registry.move("champion", self.champion, who="benchmark", why="swap")

    def followed(self, follower: Follower, after_s: float) -> None:
        self.delays[-1][follower] = after_s
        if isinstance(follower, Stream):
            self.by_stream.append(after_s)


@contextmanager
def posting(config: Path, project: Project) -> Iterator[Stream]:
    """Posts come in at an even pace, and `goldstream classify --follow` reads them; at the end it has read all."""
    command = [sys.executable, "-m", "goldstream", "classify", "--follow", "-c", str(config)]
    said = None if "BENCHMARK_VERBOSE" in os.environ else subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=said, stderr=said)
    stop = threading.Event()
    writer = threading.Thread(target=_append, args=(project, stop))
    writer.start()
    try:
        _wait_for(project, "SELECT position > 0 FROM positions WHERE reader = 'classify'")
        with closing(Stream(project.store, process.pid)) as stream:
            yield stream
        stop.set()
        writer.join()
        _wait_for(project, "SELECT next_position = (SELECT position FROM positions WHERE reader = 'classify') FROM logs")
    finally:
        stop.set()
        process.terminate()
        process.wait(30)


def _append(project: Project, stop: threading.Event) -> None:
    words = cycle(texts())
    with closing(project.log()) as log:
        number = 0
        while not stop.wait(PAUSE_S):
            posts = [Post(id=f"b:{number + each}", source="b", text=next(words), revision=1) for each in range(BATCH)]
            log.append(to_columns(posts), "b", None)
            number += BATCH


def _wait_for(project: Project, query: str) -> None:
    with project.store.connect(name="benchmark") as conn:
        for _ in range(1_200):
            if (row := conn.execute(query.encode()).fetchone()) is not None and row[0]:
                return
            time.sleep(0.05)
    raise RuntimeError("the stream is not read")


def stored(store: Store) -> int:
    """How many answers stand in the prediction store, once no more are on their way there."""
    count = -1
    with store.connect(name="benchmark", statement_timeout=0) as conn:
        while count != (now := conn.execute("SELECT count(*) FROM served_predictions").fetchone()[0]):  # type: ignore[index]
            count = now
            time.sleep(1.5)
    return int(count)


def explain(store: Store, stream: Stream, moves: Moves) -> dict[str, Any]:
    """Return how many posts were lost or written twice, and how many rows the history of the champion does not explain.

    A row is explained when the stream wrote with its version at some moment between the time at which the post came in and
    that at which its row was seen: from the move to that version on, until the next move was seen to be followed. And
    versions must come in the order of the moves.
    """
    with store.connect(name="benchmark", statement_timeout=0) as conn:
        rows = conn.execute("SELECT position, version FROM predictions ORDER BY position").fetchall()
        batches = conn.execute(
            "SELECT first_position, posts, extract(epoch FROM appended_at)::float FROM log_batches"
        ).fetchall()
        history = conn.execute("SELECT extract(epoch FROM at)::float, after FROM alias_moves ORDER BY id").fetchall()
    came = {position: at for first, posts, at in batches for position in range(first, first + posts)}
    positions, versions = np.array(rows, np.int64).T
    seen_at, seen = np.array([each.at.timestamp() for each in stream.seen]), np.array([each.position for each in stream.seen])
    until = np.append(seen_at, np.inf)[np.searchsorted(np.maximum.accumulate(seen), positions)]
    since = np.array([came[position] for position in positions.tolist()])
    moved, named = np.array([at for at, _ in history]), [after for _, after in history]
    first = np.searchsorted(moved[1:] + np.array(moves.by_stream), since)
    last = np.searchsorted(moved, until, "right")
    unexplained = sum(version not in named[low:high] for version, low, high in zip(versions.tolist(), first, last, strict=True))
    in_turn = iter(named)
    out_of_turn = sum(version not in in_turn for version, _ in groupby(versions.tolist()))
    return {
        "posts": len(came),
        "lost": len(came.keys() - set(positions.tolist())),
        "doubled": len(positions) - len(set(positions.tolist())),
        "unexplained": unexplained,
        "out_of_turn": out_of_turn,
        "champions_possible_for_a_row": float(np.mean(last - first)),
    }
