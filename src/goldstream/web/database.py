"""A few connections that the pages share. Every query runs in a thread and has a time limit."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import psycopg

from goldstream.errors import StoreError
from goldstream.store import Store

Connection = psycopg.Connection[Any]
Result = TypeVar("Result")

CONNECTIONS = 4
QUERY_MS = 10_000  #: longest that a page waits for one query


class Away(StoreError):
    """The database can't be reached, or takes too long; the page says so and tries again."""


class Database:
    """Runs queries for the event loop; comes back by itself when the database does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, query: Callable[[Connection], Result]) -> Result:
        """Return `query(conn)`, run in a thread; raises `Away` when the database does not answer."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(CONNECTIONS)
        return await anyio.to_thread.run_sync(self._do, query, limiter=self._limiter)

    def close(self) -> None:
        """Close every connection, those in use when they are given back; a second call does nothing."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _do(self, query: Callable[[Connection], Result]) -> Result:
        conn, used = self._take()
        try:
            return query(conn)
        except psycopg.errors.QueryCanceled:
            raise Away("the database took too long to answer") from None
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            conn.close()
            if not used:
                raise Away(f"the database does not answer: {_first_line(error)}") from None
        finally:
            self._give_back(conn)
        self._close_idle()  # what was idle is most likely as dead
        return self._do(query)

    def _take(self) -> tuple[Connection, bool]:
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        try:
            return self._store.connect(name="web", statement_timeout=QUERY_MS, lock_timeout=QUERY_MS), False
        except StoreError as error:
            raise Away(str(error)) from None

    def _give_back(self, conn: Connection) -> None:
        if self._closed:
            conn.close()
        elif not conn.closed:
            with self._lock:
                self._idle.append(conn)


def rows(conn: Connection, query: str, values: Any = ()) -> list[dict[str, Any]]:
    """Return what `query` finds, a dictionary for each row."""
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def one(conn: Connection, query: str, values: Any = ()) -> Any:
    """Return the first column of the first row; None when there is none."""
    row = conn.execute(query.encode(), values).fetchone()
    return row[0] if row else None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
