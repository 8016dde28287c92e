"""Runs the demo and shows how far it is: counters while it lasts, tables when a step is done."""

import shlex
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from goldstream.run import demo
from goldstream.run.live import LOOK_S, described, line
from goldstream.run.parts import chosen
from goldstream.run.project import Project
from goldstream.run.supervisor import Supervisor, only_one, stopped_by_signals
from goldstream.store.reconnect import OUTAGES
from goldstream.store.status import Progress as Counters
from goldstream.store.status import progress

TICK_S = 0.1


def run_demo(folder: Path, source: str, *, ends: bool, port: int | None) -> Mapping[str, Any]:
    """Run the demo in `folder` until it is through (`ends`) or stopped; return what came of it."""
    started = time.monotonic()
    console = Console(stderr=True, highlight=False)
    config = demo.write_project(folder, source, paced=not ends, port=_free_port(port))
    console.print(f"[bold]goldstream demo[/]: the project is in {folder}; PostgreSQL starts …")
    with Project.open(config) as project, only_one(project.data_folder), stopped_by_signals() as stop:
        supervisor = Supervisor(
            project.config,
            chosen(project.settings),
            project.data_folder,
            lambda line: console.print(line, markup=False, soft_wrap=True),
        )
        web = project.settings.web
        console.print(f"open [bold]http://{web.host}:{web.port}[/]  (Ctrl-C to stop)")
        reader = project.settings.stream.reader
        try:
            with _Display(console) as display:
                looked = 0.0
                while not stop.is_set():
                    supervisor.tick()
                    if time.monotonic() - looked > LOOK_S:
                        looked = time.monotonic()
                        through = supervisor.is_through("ingest")
                        if _look(project, display, reader) and ends and through:
                            break
                    time.sleep(TICK_S)
                seconds = time.monotonic() - started
        finally:
            supervisor.close()
        with project.store.connect(name="demo") as conn:
            result = demo.result(conn, reader, seconds)
    _farewell(console, folder, result)
    return result


def _look(project: Project, display: "_Display", reader: str) -> bool:
    """Show how far it is, and return whether all is done; while the store is away the parts say so, and nothing is shown."""
    try:
        with project.store.connect(name="demo") as conn:
            display.show(conn, progress(conn, reader))
            return demo.finished(conn, reader)
    except OUTAGES:
        return False


def _free_port(wanted: int | None) -> int:
    for port in [wanted] if wanted is not None else [8321, 0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted or 0  # taken: the pages say so when they start


class _Display:
    """One line of live counters, and a table above it for every step that is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line = line(console)
        self._task = self._line.add_task("starting")
        self._said: set[str] = set()

    def __enter__(self) -> "_Display":
        self._line.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.stop()

    def show(self, conn: psycopg.Connection[Any], now: Counters) -> None:
        """Refresh the counters; print what has been finished since the last time."""
        self._line.update(self._task, description=described(now))
        for name, text in demo.finished_steps(conn).items():
            if name not in self._said:
                self._said.add(name)
                self._console.print(text, markup=False, soft_wrap=True)


def _farewell(console: Console, folder: Path, result: Mapping[str, Any]) -> None:
    console.print(f"{result['posts']:,} posts, {result['kept']:,} kept, {result['links']:,} links in {result['seconds']:.0f} s")
    config = shlex.quote(str(folder / "goldstream.toml"))
    console.print(f"everything is stopped; go on with: goldstream up --config {config}", markup=False, soft_wrap=True)
