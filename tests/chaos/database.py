"""The project's PostgreSQL: its own, or one that somebody else runs behind a proxy; and what can go wrong with it."""

import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from goldstream.errors import StoreError
from goldstream.store.server import EmbeddedServer

from .proxy import Proxy, unix

_SOCKET = ".s.PGSQL.5432"
END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name LIKE 'goldstream%' AND pid <> pg_backend_pid()"
)


class Own:
    """The embedded server: the project starts it, and starts it again."""

    dsn: str | None = None  #: what stands in the settings

    def __init__(self, folder: Path, choose: random.Random) -> None:
        self._folder, self._choose = folder, choose

    def kill(self) -> None:
        """Kill -9 the server, or one of its processes, which takes all connections down."""
        with suppress(OSError, ValueError, IndexError, psutil.Error):
            server = psutil.Process(int((self._folder / "postgres" / "postmaster.pid").read_text().split()[0]))
            self._choose.choice([server, *server.children()]).send_signal(signal.SIGKILL)

    def mend(self) -> None:
        """What the one who runs it does after it may have died: nothing, the project does it."""

    def cut_off(self, seconds: float) -> None:
        """End every connection; nobody finds the server for so long."""
        with suppress(OSError, psycopg.Error):
            away = self._folder / "away"
            away.mkdir(exist_ok=True)
            (self._folder / "socket" / _SOCKET).rename(away / _SOCKET)
            try:
                with psycopg.connect(host=str(away), port=5432, user="goldstream", dbname="postgres") as conn:
                    conn.execute(END_ALL)
                time.sleep(seconds)
            finally:
                if not (self._folder / "socket" / _SOCKET).exists():
                    (away / _SOCKET).rename(self._folder / "socket" / _SOCKET)

    def fall_silent(self, seconds: float) -> None:
        """Stop the server and all its processes, and let them go on."""
        with suppress(OSError, ValueError, IndexError, psutil.Error):
            server = psutil.Process(int((self._folder / "postgres" / "postmaster.pid").read_text().split()[0]))
            stopped = [server, *server.children()]
            for each in stopped:
                each.suspend()
            time.sleep(seconds)
            for each in stopped:
                with suppress(psutil.Error):
                    each.resume()

    def close(self) -> None:
        """Nothing is ours."""


class Elsewhere(Own):
    """A server that is not the project's, reached over the network."""

    def __init__(self, folder: Path, choose: random.Random) -> None:
        super().__init__(folder, choose)
        self._server = EmbeddedServer(folder)
        self._server.ensure()
        self._proxy = Proxy(unix(folder / "socket" / _SOCKET))
        self.dsn = f"host=127.0.0.1 port={self._proxy.port} user=goldstream dbname=postgres"

    def kill(self) -> None:
        super().kill()
        time.sleep(self._choose.uniform(0, 3))
        self.mend()

    def mend(self) -> None:
        for _ in range(10):
            with suppress(StoreError):
                return self._server.ensure()

    def cut_off(self, seconds: float) -> None:
        self._proxy.cut_off(seconds)

    def fall_silent(self, seconds: float) -> None:
        self._proxy.fall_silent(seconds)

    def close(self) -> None:
        self._proxy.close()
        self._server.close()
