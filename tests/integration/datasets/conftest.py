"""A log in memory, and the collector on it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from goldstream import settings
from goldstream.datasets.collect import collect
from goldstream.log.memory import MemoryLog
from goldstream.records import Post, to_columns
from goldstream.store import Store

SECTION = settings.Dataset(quotas=settings.Quotas(topic=30, false_friends=30, rest=20))
STRATA = settings.Strata(topic=("flood*",), false_friends=("stream*",))


class Collecting:
    """Appends posts, collects them, and looks at what was collected."""

    def __init__(self, store: Store, conn: psycopg.Connection[Any]) -> None:
        self.store, self.conn, self.log, self.said = store, conn, MemoryLog(), list[str]()

    def append(self, *posts: Post) -> None:
        self.log.append(to_columns(posts), "test", None)

    def run(self, section: settings.Dataset = SECTION, log: Any = None) -> bool:
        """Collect to the log's end; return whether the dataset is full."""
        ends: list[bool] = []
        collect(
            log or self.log, self.store, section, STRATA, stop=threading.Event(), say=self.said.append,
            on_end=lambda full: bool(ends.append(full)),
        )  # fmt: skip
        return ends[-1]

    def rows(self, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM raw_tweet_dataset_0 WHERE {where} ORDER BY id"
        return self.conn.execute(query.encode()).fetchall()

    def counts(self) -> dict[str, Any]:
        row = self.conn.execute("SELECT counts FROM datasets").fetchone()
        assert row is not None
        return dict(row[0])


@pytest.fixture
def collecting(store: Store) -> Iterator[Collecting]:
    with store.connect(name="test") as conn:
        yield Collecting(store, conn)


@pytest.fixture
def post() -> Callable[..., Post]:
    """Make a post of a number and a text."""

    def make(number: int, text: str = "rain", **fields: Any) -> Post:
        return Post(id=f"a:{number}", source="a", text=text, **fields)

    return make
