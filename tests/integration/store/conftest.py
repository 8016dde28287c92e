import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from goldstream import settings
from goldstream.store import Store, keeper

PROGRAM = """
import sys, time
from pathlib import Path
from goldstream import settings
from goldstream.store import Store
with Store.open(settings.Store(), Path(sys.argv[1])) as store, store.connect(name="guest") as conn:
    print(conn.execute("SELECT pg_backend_pid()").fetchone()[0], flush=True)
    {work}
"""


class Server:
    """A project's folder, with what lives in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / ".goldstream"

    def open(self) -> Store:
        return Store.open(settings.Store(), self.folder)

    def postmaster(self) -> int:
        return int((self.home / "postgres" / "postmaster.pid").read_text().split()[0])

    def keepers(self) -> list[int]:
        return [pid for pid in _pids() if keeper.__file__.encode() in _words(pid) and str(self.home).encode() in _line(pid)]

    def processes(self) -> list[int]:
        return [*self.keepers(), *keeper.leftovers(str(self.home / "postgres"))]

    def guest(self, work: str = "time.sleep(600)", **options: object) -> subprocess.Popen[str]:
        """Another program that uses the store; it has printed its backend's number once it is in."""
        command = [sys.executable, "-c", PROGRAM.format(work=work), str(self.folder)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]


def until(true: Callable[[], object], what: str) -> None:
    """Wait for what must come; fail when it does not."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


def end(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    with process:
        process.send_signal(number)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _words(pid: int) -> list[bytes]:
    return _line(pid).split(b"\0")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own, gone at the end."""
    made = Server(tmp_path)
    yield made
    until(lambda: not made.processes(), "every process has ended")
