"""Work goes on after an outage, and stops when asked to while one lasts."""

import os
import signal
import threading

import psycopg
import pytest

from goldstream import settings
from goldstream.store import Store
from goldstream.store.reconnect import Connection, Lasting, Stopped

from .conftest import Server


def test_work_goes_on_after_the_server_was_killed(server: Server) -> None:
    said: list[str] = []
    with server.open() as store:
        lasting = Lasting(store, "worker", threading.Event(), said.append)

        def work(conn: Connection, attempt: int) -> int:
            if attempt == 0:
                os.kill(server.postmaster(), signal.SIGKILL)
                conn.execute("SELECT pg_sleep(60)")
            conn.execute("SELECT 1")
            return attempt

        assert lasting.do(work) >= 1
        lasting.close()
        lasting.close()
    assert said[0].startswith("worker: paused, the store can't be used:") and said[-1] == "worker: resumed"


def test_a_stop_during_an_outage_is_heard() -> None:
    stop = threading.Event()
    store = Store.reach(settings.Store(dsn="host=127.0.0.1 port=1"), None)  # type: ignore[arg-type]
    lasting = Lasting(store, "worker", stop, lambda _: stop.set())
    with pytest.raises(Stopped):
        lasting.do(lambda conn, attempt: None)


def test_a_mistake_of_ours_is_not_an_outage(store: Store) -> None:
    lasting = Lasting(store, "worker", threading.Event(), print)
    with pytest.raises(psycopg.errors.UndefinedTable):
        lasting.do(lambda conn, attempt: conn.execute("SELECT * FROM nowhere"))
    lasting.close()
