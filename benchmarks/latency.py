"""Append → visible in PostgreSQL, at a steady rate: how long a post waits, on the embedded log and on Kafka.

    python benchmarks/latency.py --log embedded --rate 1000 --seconds 30 --out latency.json
    python benchmarks/latency.py --log kafka

A writer appends ten batches a second, each post with the moment at which its append began. A worker, a process of its own
and started as `goldstream classify` is, classifies with an n-gram bag. A third connection asks every few milliseconds for
rows of `predictions` that it has not seen, and takes the time at which they came. The first seconds are left out. Every
post must come, once.
"""

import argparse
import json
import multiprocessing
import signal
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from stream_local import OneInTwenty

from goldstream import plugins, settings
from goldstream.clock import now
from goldstream.records import Post, to_columns
from goldstream.run.kafka_broker import Broker
from goldstream.store import Store
from goldstream.stream.local import classify

WARM_UP_S = 5
BATCHES_PER_S = 10


def work(folder: Path, section: settings.Settings) -> None:
    """Classify until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    scorer = OneInTwenty()
    scorer.predict(pa.array(["compile first"]))
    with Store.open(section.store, folder) as store:
        log = plugins.find("logs", section.log.type).open(store, section)
        classify(log, scorer, store, section.stream, section.project, stop=stop, until_end=False, say=print)


def write(folder: Path, section: settings.Settings, rate: int, seconds: int, started: dict[int, float]) -> None:
    """Append `rate` posts a second, evenly; note when the append of each began."""
    with Store.open(section.store, folder) as store:
        log = plugins.find("logs", section.log.type).open(store, section)
        count, began = rate // BATCHES_PER_S, time.monotonic()
        for batch in range(seconds * BATCHES_PER_S):
            time.sleep(max(0.0, began + batch / BATCHES_PER_S - time.monotonic()))
            started[batch] = time.monotonic()
            log.append(to_columns([post(batch * count + number) for number in range(count)]), "bench", str(batch))
        log.close()


def post(number: int) -> Post:
    return Post(
        id=f"bench:{number}", source="bench", text=f"some words of a post, number {number}", seen_at=now(), created_at=now(),
        links=[f"https://news.example/{number % 1000}"] if number % 7 == 0 else [], author=f"author{number % 5000}",
    )  # fmt: skip


def watch(store: Store, count: int) -> dict[int, float]:
    """Return when each post was seen in `predictions`, by number."""
    seen: dict[int, float] = {}
    after: dict[int, int] = {}
    deadline = time.monotonic() + 300
    with store.connect(name="watch") as conn:
        while len(seen) < count and time.monotonic() < deadline:
            ends = conn.execute("SELECT partition, position FROM positions WHERE reader = 'classify'").fetchall()
            for partition, position in ends:
                if position > after.get(partition, 0):
                    query = "SELECT post_id, position FROM predictions WHERE partition = %s AND position >= %s"
                    rows = conn.execute(query, (partition, after.get(partition, 0))).fetchall()
                    moment = time.monotonic()
                    seen.update({int(post_id.split(":")[1]): moment for post_id, _ in rows})
                    after[partition] = max(each for _, each in rows) + 1
            time.sleep(0.005)
    return seen


def measure(kind: str, rate: int, seconds: int) -> dict[str, Any]:
    with ExitStack() as open_, multiprocessing.Manager() as manager:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        kafka = {}
        if kind == "kafka":
            kafka = {"bootstrap.servers": open_.enter_context(Broker(folder / "kafka")).servers}
        section = settings.Settings(
            project=settings.Project(name="bench", labels=("other", "ai"), keep="ai"), log=settings.Log(type=kind, kafka=kafka)
        )
        store = open_.enter_context(Store.open(section.store, folder))
        with store.connect(name="benchmark") as conn:
            conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('m', '{other,ai}', .5, '', '{}')"
            )
        started = manager.dict()
        worker = multiprocessing.Process(target=work, args=(folder, section))
        writer = multiprocessing.Process(target=write, args=(folder, section, rate, seconds, started))
        worker.start()
        time.sleep(WARM_UP_S)
        writer.start()
        seen = watch(store, rate * seconds)
        writer.join()
        worker.terminate()
        worker.join()
        if len(seen) != rate * seconds:
            raise SystemExit(f"{rate * seconds} posts, but {len(seen)} were seen")
        count = rate // BATCHES_PER_S
        moments = dict(started)
        waits = [seen[n] - moments[n // count] for n in range(WARM_UP_S * rate, rate * seconds)]
    p50, p99, most = np.percentile(waits, [50, 99, 100]) * 1000
    return {
        "log": kind,
        "rate": rate,
        "seconds": seconds,
        "p50_ms": round(p50, 1),
        "p99_ms": round(p99, 1),
        "max_ms": round(most, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--log", choices=["embedded", "kafka"], default="embedded")
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("latency.json"))
    arguments = parser.parse_args()
    found = measure(arguments.log, arguments.rate, arguments.seconds)
    arguments.out.write_text(json.dumps(found, indent=1))
    print(json.dumps(found))


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
