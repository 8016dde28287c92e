"""One live line while something takes longer than a second: how far it is, and for how long. On a terminal only."""

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from goldstream.run.project import Project
from goldstream.store.reconnect import OUTAGES
from goldstream.store.status import Progress as Counters
from goldstream.store.status import progress

PATIENCE_S = 1.0
LOOK_S = 0.4


def line(console: Console) -> Progress:
    """Return a line with a spinner, a text and the time, which goes away when it is done."""
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True, redirect_stdout=False)


def described(now: Counters) -> str:
    """Return the counters of a project in words.

    >>> described(Counters("classifying", 2_000, 900, 1_500, 40, 38, 1))
    'classifying  ·  2,000 posts in  ·  900 collected  ·  1,500 classified  ·  40 kept  ·  38 links'
    """
    return (
        f"{now.step}  ·  {now.posts:,} posts in  ·  {now.collected:,} collected  ·  "
        f"{now.classified:,} classified  ·  {now.kept:,} kept  ·  {now.links:,} links"
    )


class Shown:
    """Shows what `look` returns from the first second on, until the block is left. What is printed stands above it."""

    def __init__(self, look: Callable[[], str]) -> None:
        self._look, self._text = look, ""
        self._left = threading.Event()
        self._console = Console(stderr=True, highlight=False)
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._left.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        if self._left.wait(PATIENCE_S):
            return
        with line(self._console) as shown:
            task = shown.add_task(self._now())
            while not self._left.wait(LOOK_S):
                shown.update(task, description=self._now())

    def _now(self) -> str:
        with suppress(*OUTAGES):  # whoever works says so; the line stays as it was
            self._text = self._look()
        return self._text


def counters(project: Project) -> Shown:
    """Show the counters of `project` while the block lasts."""

    def look() -> str:
        with project.store.connect(name="live") as conn:
            return described(progress(conn, project.settings.stream.reader))

    return Shown(look)
