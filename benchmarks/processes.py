"""What a process and all that it has started cost: CPU seconds and memory, from /proc."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

LOOK_S = 0.2  #: how often memory is looked at


def tree(pid: int) -> list[psutil.Process]:
    """Return the process and its living descendants."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of the process, its living descendants and those that have ended and were waited for."""
    spent = 0.0
    for process in tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system + times.children_user + times.children_system
    return spent


def memory_mb(pid: int) -> float:
    """Return the sum of the proportional set sizes of the process and its descendants."""
    return sum(_pss_kb(process.pid) for process in tree(pid)) / 1024


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:  # it has ended
        pass
    return 0


class Peak:
    """The most memory that a process and its descendants have at once while the block runs."""

    def __init__(self, pid: int) -> None:
        self.mb = 0.0
        self._pid, self._ended = pid, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._ended.wait(LOOK_S):
            self.mb = max(self.mb, memory_mb(self._pid))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self.mb = max(self.mb, memory_mb(self._pid))


def postmaster(folder: Path) -> int:
    """Return the process of the embedded PostgreSQL in a project's folder."""
    return int((folder / ".goldstream" / "postgres" / "postmaster.pid").read_text().split()[0])
