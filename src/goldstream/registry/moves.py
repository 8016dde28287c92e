"""The moves of aliases as the store remembers them, whichever registry made them, and how they are announced."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg

from goldstream.errors import RegistryError
from goldstream.registry.base import Move
from goldstream.store import Store, threshold, trials

CHANNEL = "goldstream_alias"  #: PostgreSQL channel on which moves are announced

_NEWEST = "SELECT DISTINCT ON (alias) alias, after FROM alias_moves ORDER BY alias, id DESC"
_LAST_STANDING = """
    SELECT id, before FROM alias_moves m
    WHERE alias = %s AND undoes IS NULL AND NOT EXISTS (SELECT FROM alias_moves u WHERE u.undoes = m.id)
    ORDER BY id DESC LIMIT 1
"""
_RECORD = "INSERT INTO alias_moves (alias, before, after, undoes, who, why) VALUES (%s, %s, %s, %s, %s, %s)"
_HISTORY = "SELECT at, alias, before, after, who, why FROM alias_moves WHERE %s::text IS NULL OR alias = %s ORDER BY id DESC"


class Standing(NamedTuple):
    """A move that has not been taken back."""

    id: int
    before: int


def aliases(conn: psycopg.Connection[Any]) -> dict[str, int]:
    """Return what each alias names, as far as the store knows."""
    return {alias: after for alias, after in conn.execute(_NEWEST) if after is not None}


def thresholds(conn: psycopg.Connection[Any]) -> dict[int, float]:
    """Return the threshold in force for each version."""
    return dict(conn.execute("SELECT version, threshold FROM thresholds").fetchall())


def one_at_a_time(conn: psycopg.Connection[Any]) -> None:
    """Keep others from moving aliases until the transaction ends."""
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('aliases', 0))")


def record(
    conn: psycopg.Connection[Any], alias: str, after: int | None, *, who: str, why: str, undoes: int | None = None
) -> None:
    """Remember a move, and tell whoever follows the alias once the transaction is committed.

    A champion is not tried any more: a trial of that version ends by this.
    """
    conn.execute(_RECORD, (alias, aliases(conn).get(alias), after, undoes, who, why))
    if alias == "champion" and (trial := trials.newest(conn)) is not None and trial.version == after:
        trials.end(conn, who=who, why="it is champion now")
    announce(conn, alias)


def announce(conn: psycopg.Connection[Any], alias: str) -> None:
    """Tell whoever follows an alias that it may have moved."""
    conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, alias))


def last_standing(conn: psycopg.Connection[Any], alias: str) -> Standing:
    """Return the newest move of the alias that has not been taken back; raises `RegistryError` when none is left."""
    row = conn.execute(_LAST_STANDING, (alias,)).fetchone()
    if row is None or row[1] is None:
        raise RegistryError(f"{alias} has nothing to go back to; `goldstream models history` shows its moves")
    return Standing(*row)


def history(conn: psycopg.Connection[Any], alias: str | None) -> list[Move]:
    """Return the moves of one alias, or of all, newest first."""
    rows: Sequence[tuple[Any, ...]] = conn.execute(_HISTORY, (alias, alias)).fetchall()
    return [Move(*row) for row in rows]


class Announcements:
    """Hears that an alias or a threshold may have moved. Belongs to one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._conn: psycopg.Connection[Any] | None = None

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as a move is announced, False after `timeout_s`."""
        if self._conn is None:
            self._conn = self._store.connect(name="registry follower")
            for channel in (CHANNEL, threshold.CHANNEL):
                self._conn.execute(f"LISTEN {channel}".encode())
            return True  # what moved before this was not heard
        try:
            return any(True for _ in self._conn.notifies(timeout=timeout_s, stop_after=1))
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
