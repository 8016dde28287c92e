"""The store: one PostgreSQL, embedded in the project's folder or your own, with our schema in it."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from goldstream import settings
from goldstream.errors import StoreError
from goldstream.store import migrations
from goldstream.store.server import EmbeddedServer

#: Limits of a connection, in milliseconds: a worker that stalls inside a transaction can't block its successor.
TIMEOUTS = {"statement_timeout": 120_000, "lock_timeout": 20_000, "idle_in_transaction_session_timeout": 10_000}
#: A server that is cut off without a word is given up after half a minute, also while something is being sent to it.
_KEEPALIVES: dict[str, Any] = {
    "keepalives": 1, "keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000,
}  # fmt: skip


class Store:
    """An open store. Cheap to open while the server runs; `close` lets the embedded server stop when nobody is left."""

    def __init__(self, dsn: str, schema: str, server: EmbeddedServer | None) -> None:
        self.dsn = dsn
        self.schema = schema
        self._server = server

    @classmethod
    def open(cls, section: settings.Store, folder: Path) -> Self:
        """Start or reach PostgreSQL and bring our schema up to date; raises `StoreError` with what to do."""
        store = cls.reach(section, folder)
        try:
            store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def reach(cls, section: settings.Store, folder: Path) -> Self:
        """Return the store with whatever is in it, our schema or nothing; the first connection starts the server."""
        if section.dsn is None:
            server = EmbeddedServer(folder / section.folder)
            return cls(server.dsn, section.schema, server)
        dsn = section.dsn if isinstance(section.dsn, str) else section.dsn.value()
        return cls(dsn, section.schema, None)

    def connect(self, *, name: str, **timeouts: int) -> psycopg.Connection[Any]:
        """Return a new connection in autocommit mode with our schema in its search path.

        `timeouts` change `TIMEOUTS` (milliseconds, 0 for none). An embedded server that has died is started again;
        raises `StoreError` when PostgreSQL can't be reached.
        """
        if self._server is not None:
            try:
                return self._connect(name, timeouts)
            except psycopg.OperationalError:
                self._server.ensure()
        try:
            return self._connect(name, timeouts)
        except psycopg.OperationalError as error:
            raise StoreError(f"PostgreSQL can't be reached at {_shown(self.dsn)}: {_first_line(error)}") from None
        except psycopg.ProgrammingError:  # the text would repeat a password
            raise StoreError("the store's dsn is not a PostgreSQL address, e.g. postgresql://user@host/database") from None

    def reset(self) -> None:
        """Drop everything that is stored and begin anew."""
        drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(self.schema))
        try:
            with self.connect(name="reset", statement_timeout=0) as conn:
                conn.execute(drop)
        except psycopg.errors.LockNotAvailable:
            raise StoreError("something still uses what is stored; stop `goldstream up` and try again") from None
        self._migrate()

    def close(self) -> None:
        """Let go of the server; a second call does nothing."""
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _migrate(self) -> None:
        with self.connect(name="migrate", statement_timeout=0, lock_timeout=0) as conn:
            try:
                migrations.migrate(conn, self.schema)
            except psycopg.Error as error:
                raise StoreError(f"the schema {self.schema!r} can't be made: {_first_line(error)}") from error

    def _connect(self, name: str, timeouts: dict[str, int]) -> psycopg.Connection[Any]:
        limits = {**TIMEOUTS, **timeouts}
        options = " ".join(f"-c {limit}={value}" for limit, value in limits.items())
        return psycopg.connect(
            self.dsn, autocommit=True, application_name=f"goldstream {name}", connect_timeout=10,
            options=f"{options} -c search_path={self.schema} -c timezone=UTC", **_KEEPALIVES,
        )  # fmt: skip


def _shown(dsn: str) -> str:
    """The address without its password."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    return " ".join(f"{name}={value}" for name, value in parts.items() if name in {"host", "port", "dbname", "user"})


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
