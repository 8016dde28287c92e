"""Swaps under load: the champion moves again and again while requests come in: python benchmarks/serving/swaps.py

h2load sends at a steady rate, in rounds with and without moves of the champion, and notes how long each request took. A
client of its own asks every few milliseconds which version answers. Reported: failed requests, the pooled p99 of the rounds
without and with swaps, how long after a move its version answered, and the process's memory before and after.
"""

import argparse
import http.client
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from ours import make_project, serving, texts

from goldstream.registry.postgres import PostgresRegistry
from goldstream.run.project import Project

CLIENTS = 64


class Load:
    """h2load in the background: the milliseconds of each request, and how many failed."""

    def __init__(self, url: str, folder: Path, rate: float, seconds: float) -> None:
        body, self._log = folder / "body.json", folder / "requests.tsv"
        body.write_text(json.dumps({"text": texts(1)[0]}))
        self._log.unlink(missing_ok=True)
        command = [
            "h2load", "--h1", f"-c{CLIENTS}", "-t1", f"--rps={rate / CLIENTS:.3f}", f"-D{seconds:.0f}", f"--data={body}",
            "-Hcontent-type: application/json", f"--log-file={self._log}", f"{url}/predict",
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def result(self) -> tuple[np.ndarray, int]:
        self._process.communicate()
        rows = np.loadtxt(self._log, dtype=np.int64, ndmin=2)
        return rows[:, 2] / 1_000, int((rows[:, 1] != 200).sum())


class Probe(threading.Thread):
    """Asks which version answers, again and again."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._host, self.failed, self.version, self.stop = url.removeprefix("http://"), 0, 0, threading.Event()
        self.start()

    def run(self) -> None:
        client = http.client.HTTPConnection(self._host, timeout=30)
        while not self.stop.wait(0.005):
            try:
                client.request("POST", "/predict", b'{"text": "a model"}', {"content-type": "application/json"})
                answer = client.getresponse()
                self.version = json.loads(answer.read())["version"]
            except (OSError, http.client.HTTPException, KeyError, ValueError):
                self.failed += 1
                client.close()


def swap(registry: PostgresRegistry, probe: Probe, load: Load, every_s: float) -> list[float]:
    """Move the champion from version to version while the load runs; return how many seconds each took to be seen."""
    delays: list[float] = []
    while load.runs:
        version, moved = 1 if probe.version == 2 else 2, time.perf_counter()
        registry.move("champion", version, who="benchmark", why="swap")
        while probe.version != version:
            time.sleep(0.001)
            if time.perf_counter() - moved > 30:
                raise RuntimeError(f"version {version} does not answer")
        delays.append(time.perf_counter() - moved)
        time.sleep(max(0.0, every_s - delays[-1]))
    return delays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swaps", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=3_000, help="requests/s; half of what run.py finds")
    parser.add_argument("--every", type=float, default=0.2, help="seconds from one move to the next")
    parser.add_argument("--seconds", type=float, default=10, help="of a round")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("this benchmark needs h2load (Debian: apt-get install nghttp2-client)")
    quiet, busy, delays, failed = [], [], [], 0
    with TemporaryDirectory() as scratch:
        config = make_project(Path(scratch))
        with Project.open(config) as project, serving(config) as (url, process):
            registry, probe = PostgresRegistry(project.store), Probe(url)
            swap(
                registry, probe, Load(url, Path(scratch), options.rate, 3), options.every
            )  # both versions are in the cache then
            memory = psutil.Process(process.pid).memory_info
            before = memory().rss / 1e6
            while len(delays) < options.swaps:
                load = Load(url, Path(scratch), options.rate, options.seconds)
                took, wrong = load.result()
                quiet.append(took)
                load = Load(url, Path(scratch), options.rate, options.seconds)
                delays += swap(registry, probe, load, options.every)
                took, more = load.result()
                busy.append(took)
                failed += wrong + more
            after = memory().rss / 1e6
            probe.stop.set()
            probe.join()
            failed += probe.failed
    without, with_swaps = np.concatenate(quiet), np.concatenate(busy)
    found = {
        "swaps": len(delays),
        "requests": len(without) + len(with_swaps),
        "failed": failed,
        "p50_ms": {"without": float(np.median(without)), "with": float(np.median(with_swaps))},
        "p99_ms": {"without": float(np.quantile(without, 0.99)), "with": float(np.quantile(with_swaps, 0.99))},
        "p99_of_rounds_ms": {
            "without": [round(float(np.quantile(took, 0.99)), 2) for took in quiet],
            "with": [round(float(np.quantile(took, 0.99)), 2) for took in busy],
        },
        "followed_ms": {"median": float(np.median(delays)) * 1e3, "slowest": max(delays) * 1e3},
        "memory_mb": {"before": before, "after": after},
    }
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
