"""Swaps under load, beside a live stream: python benchmarks/serving/swaps.py --swaps 1000

Two `goldstream serve` and one `goldstream classify --follow` follow the same champion, which moves again and again while
h2load asks the first server at a steady rate and posts come in. Rounds with and without moves take turns; in both, every
follower is asked every few milliseconds which version it answers or writes with.

Reported: failed requests; the pooled p99 of the rounds without and with moves; how long after a move each follower, and
the last of them, had followed; the memory of each process before and after. And, once the clock has stopped: whether every
post has one row whose version the history explains, and every answer stands in the prediction store once.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import load as wrk
import numpy as np
import psutil
from followers import Follower, Moves, Server, explain, posting, stored
from ours import make_project, serving, texts

from goldstream.registry.base import Registry
from goldstream.run.project import Project

CLIENTS = 64
ASK_S = 0.01  #: how often each follower is asked
LATEST_S = 30.0  #: who has not followed by then never will
SEED_VERSIONS = 4


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

    def rows(self) -> np.ndarray:
        """A row for each request: when it began (µs since 1970), its status, and how long it took (µs)."""
        self._process.communicate()
        return np.loadtxt(self._log, dtype=np.int64, ndmin=2)

    def result(self) -> tuple[np.ndarray, int]:
        rows = self.rows()
        return rows[:, 2] / 1_000, int((rows[:, 1] != 200).sum())


class Round:
    """One round of load, in which the champion moves every `every` seconds, or (None) stays."""

    def __init__(self, followers: Sequence[Follower], registry: Registry, moves: Moves) -> None:
        self._followers, self._registry, self._moves = followers, registry, moves

    def run(self, load: Load, every: float | None) -> None:
        pending: dict[Follower, float] = {}
        moved = time.perf_counter()
        while load.runs or pending:
            asked = time.perf_counter()
            if every is not None and load.runs and not pending and asked > moved + every:
                moved, pending = asked, dict.fromkeys(self._followers, asked)
                self._moves.next(self._registry)
            for follower in self._followers:
                version = follower.ask()
                if follower in pending and version == self._moves.champion:
                    self._moves.followed(follower, time.perf_counter() - pending.pop(follower))
            if pending and asked > moved + LATEST_S:
                raise RuntimeError(f"version {self._moves.champion} is not followed by {', '.join(map(str, pending))}")
            time.sleep(max(0.0, ASK_S - (time.perf_counter() - asked)))


def half_of_what_goes(url: str, server: int, folder: Path) -> float:
    """Half of the requests/s that the server answers to 64 clients who ask as fast as they can, the stream beside it."""
    bodies = [{"text": text} for text in texts(1_000)]
    return wrk.run(url, server, wrk.script(folder, "/predict", bodies), seconds=6, connections=CLIENTS).requests_s / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--swaps", type=int, default=1_000)
    parser.add_argument("--rate", type=float, help="requests/s; by default half of what goes")
    parser.add_argument("--every", type=float, default=0.2, help="seconds from one move to the next, if all have followed")
    parser.add_argument("--seconds", type=float, default=12, help="of a round with moves; one without takes half of it")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("this benchmark needs h2load (Debian: apt-get install nghttp2-client)")
    with TemporaryDirectory() as scratch:
        found = measure(Path(scratch), options)
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    config = make_project(folder, SEED_VERSIONS)
    with config.open("a") as settings:  # every post is among the candidates, whose newest row is found at once
        settings.write("\n[stream]\nkeep-floor = 0.0\n")
    with (
        Project.open(config) as project, serving(config) as (url, process), serving(config) as (other, second),
        posting(config, project) as stream,
    ):  # fmt: skip
        registry, moves = project.registry(), Moves(SEED_VERSIONS)
        servers = [Server(url, "serve", process.pid), Server(other, "another serve", second.pid)]
        followers: list[Follower] = [*servers, stream]
        one = Round(followers, registry, moves)
        rate = options.rate or half_of_what_goes(url, process.pid, folder)
        print(f"{rate:,.0f} requests/s", flush=True)
        one.run(Load(url, folder, rate, 5), options.every)  # all versions are in the cache then
        moves.delays.clear()
        before, quiet, busy, failed = _memory(followers), [], [], 0
        stored_before, asked_before = stored(project.store), sum(server.asked for server in servers)
        while len(moves.delays) < options.swaps:
            for rounds, seconds, every in ((quiet, options.seconds / 2, None), (busy, options.seconds, options.every)):
                load = Load(url, folder, rate, seconds)
                one.run(load, every)
                took, wrong = load.result()
                rounds.append(took)
                failed += wrong
            slowest = max(max(each.values()) for each in moves.delays)
            print(f"{len(moves.delays)} moves, {failed} failed, p99 {_p99(quiet):.1f} and {_p99(busy):.1f} ms with moves, "
                  f"followed within {1e3 * slowest:.0f} ms", flush=True)  # fmt: skip
        after = _memory(followers)
        asked = sum(server.asked for server in servers) - asked_before
        kept = stored(project.store) - stored_before
        failed += sum(server.failed for server in servers)
    with Project.open(config) as project:
        rows = explain(project.store, stream, moves)
    requests = sum(map(len, quiet + busy)) + asked
    return {
        "rate": rate,
        "swaps": len(moves.delays),
        "requests": requests,
        "failed": failed,
        "answers_stored": {"all": kept, "cut_off_at_the_end_of_a_round": kept - requests},
        "p50_ms": {"without": float(np.median(np.concatenate(quiet))), "with": float(np.median(np.concatenate(busy)))},
        "p99_ms": {"without": _p99(quiet), "with": _p99(busy), "ratio": _p99(busy) / _p99(quiet)},
        "p99_of_rounds_ms": {
            "without": [round(_p99([took]), 2) for took in quiet],
            "with": [round(_p99([took]), 2) for took in busy],
        },
        "followed_ms": _followed(moves.delays),
        "memory_mb": {str(each): {"before": before[each], "after": after[each]} for each in followers},
        **rows,
    }


def _p99(rounds: Sequence[np.ndarray]) -> float:
    return float(np.quantile(np.concatenate(rounds), 0.99))


def _memory(followers: Sequence[Follower]) -> Mapping[Follower, float]:
    return {each: psutil.Process(each.pid).memory_info().rss / 1e6 for each in followers}


def _followed(delays: Sequence[Mapping[Follower, float]]) -> dict[str, dict[str, float]]:
    """From before the move was asked for to an answer, or a row in the store, with the new version."""
    by = {str(follower): [each[follower] for each in delays] for follower in delays[0]}
    by["all of them"] = [max(each.values()) for each in delays]
    return {name: {"median": 1e3 * float(np.median(took)), "slowest": 1e3 * max(took)} for name, took in by.items()}


if __name__ == "__main__":
    main()
