"""Swaps under load: the champion moves again and again while requests come in: python benchmarks/serving/swaps.py

A steady client sends at `--rate` requests/s and keeps every latency; the same without and with swaps. Reported: failed
requests, pooled p99 of both, how long after a move the first answer by the new version came, and the process's memory.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import psutil
from ours import make_project, serving, texts

from goldstream.registry.postgres import PostgresRegistry
from goldstream.run.project import Project


async def steady(url: str, rate: float, until: asyncio.Event, seen: list[tuple[float, float, int]]) -> int:
    """Send at `rate` over 16 connections; add (moment, seconds, version) to `seen`; return how many failed."""
    words, failed, tasks = texts(500), 0, set()
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:

        async def ask(number: int) -> None:
            nonlocal failed
            started = time.perf_counter()
            try:
                answer = await client.post("/predict", json={"text": words[number % len(words)]})
                answer.raise_for_status()
                seen.append((time.perf_counter(), time.perf_counter() - started, answer.json()["version"]))
            except httpx.HTTPError:
                failed += 1

        begun, number = time.perf_counter(), 0
        while not until.is_set():
            number += 1
            task = asyncio.create_task(ask(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        await asyncio.gather(*tasks)
    return failed


async def measure(url: str, rate: float, registry: PostgresRegistry, swaps: int, seconds: float) -> dict[str, object]:
    seen: list[tuple[float, float, int]] = []
    until = asyncio.Event()
    client = asyncio.create_task(steady(url, rate, until, seen))
    delays, version = [], registry.alias("champion") or 1
    if not swaps:
        await asyncio.sleep(seconds)
    for _ in range(swaps):
        version = 3 - version
        moved = time.perf_counter()
        await asyncio.to_thread(registry.move, "champion", version, who="benchmark", why="swap")
        while not any(number == version and at > moved for at, _, number in seen[-200:]):
            await asyncio.sleep(0.002)
            if time.perf_counter() - moved > 30:
                raise RuntimeError(f"version {version} does not answer")
        delays.append(time.perf_counter() - moved)
    until.set()
    failed = await client
    took = np.array([seconds for _, seconds, _ in seen]) * 1_000
    p50, p99 = map(float, np.quantile(took, [0.5, 0.99]))
    found: dict[str, object] = {"requests": len(seen), "failed": failed, "p50_ms": p50, "p99_ms": p99}
    if delays:
        median, slowest = float(np.median(delays)) * 1e3, float(max(delays)) * 1e3
        found |= {"swaps": swaps, "follow_median_ms": median, "follow_max_ms": slowest}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swaps", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=400)
    parser.add_argument("--seconds", type=float, default=20, help="of the run without swaps")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        config = make_project(Path(scratch))
        with Project.open(config) as project, serving(config) as (url, process):
            registry = PostgresRegistry(project.store)
            asyncio.run(measure(url, options.rate, registry, 4, 0))  # both versions are in the cache then
            memory = psutil.Process(process.pid).memory_info
            before = memory().rss / 1e6
            found = {
                "without": asyncio.run(measure(url, options.rate, registry, 0, options.seconds)),
                "with": asyncio.run(measure(url, options.rate, registry, options.swaps, 0)),
            }
            found["memory_mb"] = {"before": before, "after": memory().rss / 1e6}
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
