"""Stands on loopback between clients and a server, and can come between them: cut all lines, or carry nothing for a while."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def port(number: int) -> Callable[[], socket.socket]:
    """How to reach a server on a port of loopback."""
    return lambda: socket.create_connection(("127.0.0.1", number), 5)


def unix(path: Path) -> Callable[[], socket.socket]:
    """How to reach a server on a socket in the file system."""

    def reach() -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(path))
        except OSError:
            line.close()
            raise
        return line

    return reach


class Proxy:
    """Carries bytes both ways until told otherwise. Use as a context manager, or `close` it."""

    def __init__(self, reach: Callable[[], socket.socket]) -> None:
        self._reach, self._cut, self._flows = reach, False, threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lines: list[tuple[socket.socket, socket.socket]] = []
        self._lost: set[int] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_off(self, seconds: float) -> None:
        """End every connection and refuse new ones for so long."""
        with self.refusing():
            time.sleep(seconds)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """End every connection, and refuse new ones meanwhile."""
        self._cut = True
        self._end_lines()
        try:
            yield
        finally:
            self._cut = False

    def fall_silent(self, seconds: float) -> None:
        """Keep every connection, take new ones, and carry nothing for so long: as when a cable is pulled."""
        self._flows.clear()
        time.sleep(seconds)
        self._flows.set()

    def lose(self, client: int) -> None:
        """Carry nothing any more for the client at this port, and tell nobody: as a firewall that has forgotten the connection."""
        self._lost.add(client)

    def close(self) -> None:
        """Listen no longer."""
        self._listener.close()
        self._flows.set()
        self._end_lines()

    def _end_lines(self) -> None:
        lines, self._lines = self._lines, []
        for line in lines:
            for end in line:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, place = self._listener.accept()
            except OSError:
                return
            try:
                if self._cut:
                    raise ConnectionError
                server = self._reach()
            except OSError:
                client.close()
                continue
            self._lines.append((client, server))
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(one, other, place[1]), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, client: int) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                self._flows.wait()
                if client not in self._lost:
                    other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
