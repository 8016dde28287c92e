"""Work that outlives a database outage: a dead server, a full disk, a lost connection pause it, and it resumes."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from goldstream.errors import StoreError

if TYPE_CHECKING:
    from goldstream.store import Store

Connection = psycopg.Connection[Any]
Say = Callable[[str], None]
Result = TypeVar("Result")

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0

#: What passes by itself, or when somebody repairs it. Errors of ours (bad SQL, bad data) are not among them.
OUTAGES: tuple[type[Exception], ...] = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    StoreError,
)


class Stopped(Exception):
    """The loop was asked to stop while the store was out of reach."""


class Lasting:
    """A connection that comes back. Belongs to one thread; close it when done."""

    def __init__(self, store: "Store", name: str, stop: threading.Event, say: Say) -> None:
        self._store, self._name, self._stop, self._say = store, name, stop, say
        self._conn: Connection | None = None

    def do(self, work: Callable[[Connection, int], Result]) -> Result:
        """Return `work(conn, attempt)`, called until no outage interrupts it; `attempt` counts from 0.

        From attempt 1 on, what the attempt before committed may or may not have happened: `work` must look. Raises
        `Stopped` instead of waiting on when the stop event is set.
        """
        wait_s, attempt = FIRST_WAIT_S, 0
        told: set[str] = set()
        while True:
            try:
                result = work(self._connection(), attempt)
            except OUTAGES as error:
                if (
                    why := _first_line(error)
                ) not in told:  # the reason may become clearer: a lost connection, then a full disk
                    told.add(why)
                    self._say(
                        f"{self._name}: paused, the store can't be used: {why}; it resumes by itself when that has passed"
                    )
                if self._stop.wait(wait_s):
                    raise Stopped from error
                wait_s, attempt = min(2 * wait_s, LONGEST_WAIT_S), attempt + 1
            else:
                if attempt:
                    self._say(f"{self._name}: resumed")
                return result

    def _connection(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = self._store.connect(name=self._name)
        return self._conn

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
