"""The database is away for a minute under load: python benchmarks/serving/outage.py

A PostgreSQL that is not the project's is stopped while h2load asks `goldstream serve` at a steady rate, and started again;
then the champion moves at once. Reported: failed requests, the latency before, during and after the outage, how much memory
the answers took that had to wait, when the move was followed, and when all answers were stored. And, once the clock has
stopped: whether every answer stands in the prediction store once.
"""

import argparse
import json
import re
import shutil
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from followers import Server, stored
from ours import make_project, serving
from swaps import Load, half_of_what_goes

from goldstream.run.project import Project
from goldstream.store.server import EmbeddedServer

BEFORE_S = AFTER_S = 10.0


class Database:
    """A PostgreSQL of its own, which nobody but us starts and stops."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.start()
        self.dsn = self._server.dsn

    def start(self) -> None:
        self._server = EmbeddedServer(self._folder)
        self._server.ensure()

    def stop(self) -> None:
        process = psutil.Process(int((self._folder / "postgres" / "postmaster.pid").read_text().split()[0]))
        self._server.close()  # nobody else has a hold on it
        process.wait(60)


class Outage(threading.Thread):
    """Stops the database for so long, and says when that was and how soon all had caught up."""

    def __init__(self, database: Database, seconds: float, project: Project, server: Server, url: str, rate: float) -> None:
        super().__init__()
        self._database, self._seconds, self._project, self._server = database, seconds, project, server
        self._url, self._rate = url, rate
        self.memory_mb: list[float] = []
        self.at: dict[str, float] = {}  # seconds since 1970
        self.start()

    def run(self) -> None:
        time.sleep(BEFORE_S)
        self.at["stopping"] = time.time()
        self._database.stop()
        self._note_memory(self._seconds)
        self._database.start()
        self.at["back"] = time.time()
        self._project.registry().move("champion", 2, who="benchmark", why="after the outage")
        while self._server.ask() != 2:
            time.sleep(0.01)
        self.at["followed"] = time.time()
        while self._waiting() > self._rate / 2:  # so many came since the last write
            time.sleep(0.1)
        self.at["stored"] = time.time()

    def _note_memory(self, seconds: float) -> None:
        process, until = psutil.Process(self._server.pid), time.monotonic() + seconds
        while time.monotonic() < until:
            self.memory_mb.append(process.memory_info().rss / 1e6)
            time.sleep(0.5)

    def _waiting(self) -> float:
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=30) as page:
            found = re.search(r"^goldstream_predictions_waiting\S* (\S+)$", page.read().decode(), re.MULTILINE)
        assert found is not None
        return float(found[1])


def measure(folder: Path, seconds: float, rate: float | None) -> dict[str, Any]:
    """Load, outage, catching up; then count."""
    database = Database(folder / "database")
    config = make_project(folder, dsn=database.dsn)
    with Project.open(config) as project, serving(config) as (url, process):
        server = Server(url, "serve", process.pid)
        rate = rate or half_of_what_goes(url, process.pid, folder)
        print(f"{rate:,.0f} requests/s", flush=True)
        before = stored(project.store)
        load = Load(url, folder, rate, BEFORE_S + seconds + AFTER_S)
        outage = Outage(database, seconds, project, server, url, rate)
        rows = load.rows()
        outage.join()
        kept = stored(project.store) - before
    given, at = len(rows) + server.asked, outage.at
    return {
        "rate": rate,
        "down_s": at["back"] - at["stopping"],
        "requests": given,
        "failed": int((rows[:, 1] != 200).sum()) + server.failed,
        "latency_ms": _latencies(rows, at),
        "followed_after_s": at["followed"] - at["back"],
        "stored_after_s": at["stored"] - at["back"],
        "memory_mb": {"as_it_began": outage.memory_mb[0], "as_it_ended": outage.memory_mb[-1]},
        "answers_stored": {"all": kept, "cut_off_at_the_end": kept - given},
    }


def _latencies(rows: np.ndarray, at: Mapping[str, float]) -> dict[str, dict[str, float]]:
    began, took = rows[:, 0] / 1e6, rows[:, 2] / 1e3
    parts = {
        "before": began < at["stopping"],
        "during": (began >= at["stopping"]) & (began < at["back"]),
        "after": began >= at["back"],
    }
    return {
        name: {
            "p50": float(np.median(took[part])),
            "p99": float(np.quantile(took[part], 0.99)),
            "slowest": float(took[part].max()),
        }
        for name, part in parts.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long the database is away")
    parser.add_argument("--rate", type=float, help="requests/s; by default half of what goes")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("this benchmark needs h2load (Debian: apt-get install nghttp2-client)")
    with TemporaryDirectory() as scratch:
        found = measure(Path(scratch), options.seconds, options.rate)
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
