"""Keeps the parts of a project running: one process for each, restarted with back-off when it dies.

A part ends in one of three ways: exit code 0 means that it is through (a file was read to its end) and it is left
alone; a signal to the supervisor stops all; anything else is a death, and the part comes back. Parts watch their
parent, so a supervisor that is killed leaves nobody behind.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from goldstream import clock, running
from goldstream.errors import StoreError

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
HEALTHY_AFTER_S = 30.0  #: a part that lived this long starts again at the first wait
LONGEST_LINE = 500  #: characters of a part's last line that are kept
GRACE_S = 15.0  #: how long parts may take to finish their batch when asked to stop

#: What keeps a part small: few arenas, and memory that goes back to the system soon after use, at a twentieth of the speed.
#: The names are those of glibc, of Arrow, and of the allocator inside Polars; who sets them differently is heard.
FRUGAL = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:200,muzzy_decay_ms:0,narenas:2",
}

Say = Callable[[str], None]
State = Literal["running", "through", "restarting"]


@dataclass
class _Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    wait_s: float = FIRST_WAIT_S
    restart_at: float = 0.0
    restarts: int = 0
    state: State = "restarting"
    since: datetime = field(default_factory=clock.now)
    says: str | None = None  # its last line
    readers: list[threading.Thread] = field(default_factory=list)

    def becomes(self, state: State) -> None:
        self.state, self.since = state, clock.now()


class Supervisor:
    """Runs one process for each part until it is stopped. `say` gets one line for everything worth knowing.

    `folder`, the project's own, says how each part is (`goldstream.running`).
    """

    def __init__(self, config: Path, parts: Sequence[str], folder: Path, say: Say) -> None:
        self._say, self._folder = say, folder
        self._noted: tuple[running.Part, ...] = ()
        self._children = [_Child(part, [sys.executable, "-m", "goldstream.run.part", part, str(config)]) for part in parts]

    def tick(self) -> None:
        """Start what should run and does not, and notice what has died."""
        for child in self._children:
            if child.process is not None and (code := child.process.poll()) is not None:
                self._buried(child, code)
            if child.process is None and child.state != "through" and time.monotonic() >= child.restart_at:
                self._start(child)
        self._note()

    def _note(self) -> None:
        parts = tuple(
            running.Part(name=child.name, state=child.state, since=child.since, restarts=child.restarts, says=child.says)
            for child in self._children
        )
        if parts != self._noted:
            running.note(self._folder, parts)
            self._noted = parts

    def is_through(self, name: str) -> bool:
        """Return whether this part has done all that it had to do."""
        return any(child.state == "through" for child in self._children if child.name == name)

    def close(self) -> None:
        """Ask every part to finish its batch and end, and wait until all have."""
        alive = [child for child in self._children if child.process is not None and child.process.poll() is None]
        for child in alive:
            _process(child).send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        for child in alive:
            try:
                _process(child).wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} did not end within {GRACE_S:.0f} s and was killed; nothing is lost by that")
                _process(child).kill()
        for child in self._children:
            if child.process is not None:
                child.process.wait()
            for reader in child.readers:
                reader.join()
        running.forget(self._folder)

    def _start(self, child: _Child) -> None:
        environment = {**FRUGAL, **os.environ, "GOLDSTREAM_PARENT": str(os.getpid())}
        child.process = subprocess.Popen(
            child.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", env=environment,
        )  # fmt: skip
        child.started_at = time.monotonic()
        child.becomes("running")
        stream = child.process.stderr
        assert stream is not None
        reader = threading.Thread(target=self._forward, args=(child, stream), daemon=True)
        reader.start()
        child.readers = [reader]

    def _forward(self, child: _Child, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                child.says = line.rstrip()[:LONGEST_LINE]
                self._say(f"{child.name}: {line.rstrip()}")

    def _buried(self, child: _Child, code: int) -> None:
        for reader in child.readers:
            reader.join()
        child.process = None
        if code == 0:
            child.becomes("through")
            return
        if time.monotonic() - child.started_at > HEALTHY_AFTER_S:
            child.wait_s = FIRST_WAIT_S
        child.becomes("restarting")
        child.restarts += 1
        child.restart_at = time.monotonic() + child.wait_s
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self._say(f"{child.name} {how}; it starts again in {child.wait_s:.1f} s (restart {child.restarts})")
        child.wait_s = min(2 * child.wait_s, LONGEST_WAIT_S)


def _process(child: _Child) -> subprocess.Popen[str]:
    assert child.process is not None
    return child.process


@contextmanager
def only_one(data_folder: Path) -> Iterator[None]:
    """Hold the project's one place for a supervisor; raises `StoreError` when another one has it."""
    data_folder.mkdir(parents=True, exist_ok=True)
    with (data_folder / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StoreError(f"this project is running already (process {lock.read().strip()}); stop that one first") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and SIGTERM set, so that loops end between two batches."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
