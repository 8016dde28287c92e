"""What the tests of the loops share: a store with a model in it, posts from a line of text, and connections that die."""

import itertools
import threading
from collections.abc import Callable

import psycopg
import pytest

from goldstream import settings
from goldstream.log.base import Log
from goldstream.records import Post, to_columns
from goldstream.store import Store, reconnect
from goldstream.stream.champion import Fixed
from goldstream.stream.local import Written, classify
from goldstream.testing import Keywords


@pytest.fixture
def classified(store: Store) -> Store:
    """A store with model version 1 in it."""
    with store.connect(name="test") as conn:
        conn.execute(
            "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('help', '{keep,other}', .5, 'x', '{}')"
        )
    return store


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect, "FIRST_WAIT_S", 0.001)


class Dying(psycopg.Connection):
    """A connection that is cut at its n-th exchange with the server: before it is sent, or before its answer comes."""

    cut_at: int
    answer_lost: bool

    def wait(self, generator, interval=0.1):
        self.cut_at -= 1
        if self.cut_at == 0 and not self.answer_lost:
            self._cut()
        result = super().wait(generator, interval)
        if self.cut_at == 0:
            self._cut()
        return result

    def _cut(self) -> None:
        self.pgconn.finish()
        raise psycopg.OperationalError("the connection was cut by the test")


class DyingStore:
    """A store whose connections die after so many exchanges, one after the other; then they live."""

    def __init__(self, store: Store, cuts: list[tuple[int, bool]]) -> None:
        self._store, self._cuts = store, iter(cuts)

    def connect(self, *, name: str):
        cut_at, answer_lost = next(self._cuts, (1 << 62, False))
        conn = Dying.connect(self._store.dsn, autocommit=True, options=f"-c search_path={self._store.schema} -c timezone=UTC")
        conn.cut_at, conn.answer_lost = cut_at, answer_lost
        return conn


def run(log: Log, store, *, batch_size: int = 100, reader: str = "classify", champion=None, **stream) -> Written:
    """Classify to the log's end: posts with the word "help" are kept."""
    section = settings.Stream(reader=reader, batch_size=batch_size, **stream)
    scorer = champion or Fixed(Keywords("help"), 1)  # type: ignore[arg-type]
    return classify(log, scorer, store, section, settings.Project(), stop=threading.Event(), until_end=True, say=lambda _: None)


_revisions = itertools.count(1)


def post(post_id: str, text: str = "", kind: str = "create", revision: int | None = None, author: str = "ann", **more) -> Post:
    """A post whose revision is newer than that of any made before, unless given."""
    number = next(_revisions) if revision is None else revision
    return Post(id=post_id, source="t", text=text, kind=kind, revision=number, author=author, **more)  # type: ignore[arg-type]


def append(log: Log, *posts: Post) -> None:
    """Put posts on the log, stamped."""
    from datetime import UTC, datetime

    import msgspec

    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    log.append(to_columns([msgspec.structs.replace(each, seen_at=each.seen_at or moment) for each in posts]), "t", None)


@pytest.fixture
def rows(classified: Store) -> Callable[..., list]:
    """Ask the store: rows of a query, single columns unpacked."""

    def ask(query: str, *values):
        with classified.connect(name="ask") as conn:
            found = conn.execute(query, values).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    return ask
