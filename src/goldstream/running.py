"""Which parts of a project run: noted by the process that runs them, read by the pages and by `goldstream status`.

It is a small file in the project's own folder, not a table, since it must also be right while the store is away.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

FILE = "running.json"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one part."""

    name: str
    state: Literal["running", "through", "restarting"]
    since: datetime  #: when this state began
    restarts: int = 0
    says: str | None = None  #: its last line on standard error


class Running(msgspec.Struct, frozen=True):
    """What one process runs."""

    pid: int
    parts: tuple[Part, ...]


def note(folder: Path, parts: tuple[Part, ...]) -> None:
    """Let `folder` say that this process runs `parts`; a full disk is not worth stopping for."""
    partial = folder / f"{FILE}.{os.getpid()}"
    try:
        partial.write_bytes(msgspec.json.encode(Running(os.getpid(), parts)))
        partial.rename(folder / FILE)
    except OSError:
        partial.unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """Let `folder` say that nothing runs."""
    (folder / FILE).unlink(missing_ok=True)


def look(folder: Path) -> tuple[Part, ...]:
    """Return the parts that run in the project whose own folder this is; none when nobody runs them any more.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     look(Path(folder))
    ()
    """
    try:
        found = msgspec.json.decode((folder / FILE).read_bytes(), type=Running)
        os.kill(found.pid, 0)
    except PermissionError:  # somebody else's process, and alive
        return found.parts
    except (OSError, msgspec.DecodeError):
        return ()
    return found.parts
