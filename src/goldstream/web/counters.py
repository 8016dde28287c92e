"""The numbers at the top of every page. Nothing here scans what grows with the stream more often than it can afford."""

import contextlib
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from goldstream.store import Store
from goldstream.store.positions import READ_ELSEWHERE, lag
from goldstream.store.reconnect import OUTAGES
from goldstream.web.database import Connection, one, rows

FRESH_S = 0.9  #: numbers this young are given out again
RATE_OVER_S = 8.0
CHEAP_S = 0.01  #: what takes no longer is made in the request that asks for it
FIRST_S = 3.0  #: how long a request waits for what is made for the first time
OLD_S = 5.0  #: what is older than that, after the time it may be remembered, is made before it is given out
LONGEST_MS = 300_000
AFFORDABLE = 20  #: a count that took t seconds is made again after 20 × t, so it takes at most 5 % of one connection

_NUMBERS = f"""
    SELECT greatest((SELECT sum(next_position) FROM logs), {READ_ELSEWHERE}, 0)::bigint AS posts,
           (SELECT coalesce(sum(position), 0)::bigint FROM positions WHERE reader = %(reader)s) AS classified,
           (SELECT after FROM alias_moves WHERE alias = 'champion' ORDER BY id DESC LIMIT 1) AS champion,
           EXISTS (SELECT FROM models) AS trained
"""
_DATASET = "SELECT prefix, version, state, settings, counts FROM datasets ORDER BY created_at DESC LIMIT 1"
_LABELLED = "SELECT EXISTS (SELECT FROM label_runs WHERE prefix = %s AND dataset = %s)"

#: What the loop may be doing, and what to say of it.
STEPS = {
    "waiting": ("Waiting for the first posts", "The sources are starting. Nothing has come in yet."),
    "collecting": (
        "Collecting posts",
        "They are sorted into the topic, its false friends and the rest, until each has enough to learn from.",
    ),
    "splitting": ("Removing duplicates", "Enough posts are here. They are cut into test, dev and training posts."),
    "labelling": ("Labelling", "The labelling functions vote on every post; a label model weighs their votes."),
    "training": ("Training", "A classifier learns from the labels. Kept posts follow as soon as it stands."),
    "promoting": ("Waiting for the first champion", "A model is trained; `goldstream models promote` lets it decide."),
    "first": ("Reading the stream", "The first model stands. The first post that it keeps appears here."),
    "classifying": ("Classifying", "Posts that the model keeps appear on the live page as they arrive."),
}


class Refresher:
    """Makes dear values anew in a thread and on a connection of its own, while the older ones are still given out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="refresh")

    def ask(self, work: Callable[[Connection], Any], done: Callable[[], None]) -> None:
        """Do `work` soon, then call `done`; while the database is away, nothing is made."""
        with contextlib.suppress(RuntimeError):  # closed: the pages are stopping
            self._thread.submit(self._do, work, done)

    def close(self) -> None:
        """Wait for what is being made, and forget the rest."""
        self._thread.shutdown(cancel_futures=True)

    def _do(self, work: Callable[[Connection], Any], done: Callable[[], None]) -> None:
        try:
            with contextlib.suppress(*OUTAGES), self._store.connect(name="web", statement_timeout=LONGEST_MS) as conn:
                work(conn)
        except Exception:  # nobody waits for this thread: what went wrong is said here or nowhere
            traceback.print_exc()
        finally:
            done()


class Costly:
    """A value that takes a scan, remembered for as long as it was dear.

    With a `refresher`, a dear one that is not very old is given out once more while it is made anew.
    """

    def __init__(self, ask: Callable[[Connection], Any], refresher: Refresher | None = None) -> None:
        self._ask, self._refresher = ask, refresher
        self._value: Any = None
        self._made_at, self._took = float("-inf"), 0.0
        self._pending = False
        self._ready = threading.Event()

    def get(self, conn: Connection) -> Any:
        """Return the value; at least a second may lie between it and the truth, and more where it costs more."""
        age = time.monotonic() - self._made_at
        if age >= max(FRESH_S, AFFORDABLE * self._took):
            if self._refresher is not None and self._took > CHEAP_S and age < OLD_S + AFFORDABLE * self._took:
                self._make_soon(self._refresher)
            else:
                self._make(conn)
        return self._value

    def soon(self) -> Any:
        """Return the value, never made in the request that asks; None while the first takes longer than `FIRST_S`."""
        assert self._refresher is not None
        if time.monotonic() - self._made_at >= max(FRESH_S, AFFORDABLE * self._took):
            self._make_soon(self._refresher)
        if self._value is None:
            self._ready.wait(FIRST_S)
        return self._value

    def _make(self, conn: Connection) -> None:
        started = time.monotonic()
        self._value = self._ask(conn)
        self._made_at = time.monotonic()
        self._took = self._made_at - started
        self._ready.set()

    def _make_soon(self, refresher: Refresher) -> None:
        if not self._pending:
            self._pending = True
            refresher.ask(self._make, self._done)

    def _done(self) -> None:
        self._pending = False


class Counters:
    """Counts, rates and what the loop is doing; shared by all pages and streams of one process."""

    def __init__(self, reader: str, refresher: Refresher | None = None) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._made_at = 0.0
        self._counts: dict[str, Any] = {}
        self._samples: deque[tuple[float, int, int]] = deque()
        self._kept = Costly(lambda conn: one(conn, "SELECT count(*) FROM kept"), refresher)
        self._links = Costly(lambda conn: one(conn, "SELECT count(*) FROM links"), refresher)
        self._dead = Costly(lambda conn: one(conn, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL"), refresher)

    def now(self, conn: Connection) -> dict[str, Any]:
        """Return the numbers of this moment, or of the last second."""
        with self._lock:
            if time.monotonic() - self._made_at > FRESH_S:
                self._counts = self._ask(conn)
                self._made_at = time.monotonic()
            return self._counts

    def _ask(self, conn: Connection) -> dict[str, Any]:
        found = rows(conn, _NUMBERS, {"reader": self._reader})[0]
        kept = self._kept.get(conn)
        counts = {
            "posts": found["posts"], "classified": found["classified"], "kept": kept, "links": self._links.get(conn),
            "posts_per_second": self._rate(found["posts"], found["classified"]), "dead_letters": self._dead.get(conn),
            "version": found["champion"], "readers": [reading._asdict() for reading in lag(conn)],
        }  # fmt: skip
        return {**counts, "step": _step(conn, found, kept)}

    def _rate(self, posts: int, classified: int) -> float | None:
        """How many posts a second came in or were classified, whichever is more; None until it is known."""
        now = time.monotonic()
        self._samples.append((now, posts, classified))
        while now - self._samples[0][0] > RATE_OVER_S and len(self._samples) > 2:
            self._samples.popleft()
        then, posts_then, classified_then = self._samples[0]
        if now - then < FRESH_S:
            return None
        return max(0.0, float(max(posts - posts_then, classified - classified_then)) / (now - then))


def _step(conn: Connection, found: dict[str, Any], kept: int) -> dict[str, Any]:
    """What the loop is doing: a name, a title, a sentence, and a share between 0 and 1 where it knows how far it is."""
    if found["champion"] is not None:
        return _said("classifying" if kept else "first")
    if not found["posts"]:
        return _said("waiting")
    dataset = next(iter(rows(conn, _DATASET)), None)
    if dataset is None or dataset["state"] == "collecting":
        return _said("collecting", _collected(dataset) if dataset else None)
    if dataset["state"] == "collected":
        return _said("splitting")
    if not one(conn, _LABELLED, (dataset["prefix"], dataset["version"])):
        return _said("labelling")
    return _said("promoting" if found["trained"] else "training")


def _collected(dataset: dict[str, Any]) -> float | None:
    """How full the quotas are, between 0 and 1."""
    quotas, kept = dataset["settings"].get("quotas", {}), dataset["counts"].get("kept", {})
    wanted = sum(quotas.values())
    return min(1.0, sum(kept.values()) / wanted) if wanted else None


def _said(name: str, share: float | None = None) -> dict[str, Any]:
    title, detail = STEPS[name]
    return {"name": "classifying" if name == "first" else name, "title": title, "detail": detail, "share": share}
