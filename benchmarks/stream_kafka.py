"""Real Kafka → predictions, kept posts and links in PostgreSQL, exactly once: broker, worker and database on one machine.

Posts go on a topic slice by slice (outside of the measured time); then one worker, a process of its own, classifies each
slice with a real n-gram bag. The result is verified: one row for each position, one current prediction for each post.

Run: python benchmarks/stream_kafka.py --posts 1000000 --out stream_kafka.json
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from confluent_kafka import Producer
from processes import cpu_s, postmaster
from stream_local import OneInTwenty, verify

from goldstream import settings
from goldstream.clock import now
from goldstream.log.kafka import KafkaLog
from goldstream.records import Post, to_json
from goldstream.run.kafka_broker import Broker
from goldstream.store import Store
from goldstream.stream.local import classify

SLICE = 1_000_000  #: posts of each measured slice: a flat curve means that cost grows linearly
PARTITIONS = 4


def fill(servers: str, topic: str, first: int, count: int) -> float:
    """Put `count` posts on the topic as goldstream writes them; return their mean size in bytes."""
    random = np.random.default_rng(first)
    words = [f"w{number}" + "x" * (number % 5) for number in range(5_000)]
    chosen = random.integers(0, len(words), (count, 13))
    producer = Producer({
        "bootstrap.servers": servers, "linger.ms": 50, "compression.type": "lz4", "enable.idempotence": True,
        "queue.buffering.max.messages": 200_000,
    })  # fmt: skip
    moment, size = now(), 0
    for number in range(count):
        links = [f"https://news.example/{(first + number) % 1000}?utm_source=x"] if number % 7 == 0 else []
        post = Post(
            id=f"bench:{first + number}", source="bench", text=" ".join([words[each] for each in chosen[number]]),
            created_at=moment, seen_at=moment, author=f"author{number % 50_000}", lang="en", links=links,
        )  # fmt: skip
        value = to_json(post)
        size += len(value)
        while True:
            try:
                producer.produce(topic, value, post.id)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 10_000 == 0:
            producer.poll(0)
    if producer.flush(60):
        raise SystemExit("the broker did not take all posts")
    return size / count


def measure(posts: int, batch_size: int) -> dict[str, Any]:
    """Run slice by slice; return the figures."""
    with tempfile.TemporaryDirectory() as name, Broker(Path(name) / "kafka") as broker, \
            Store.open(settings.Store(), Path(name)) as store:  # fmt: skip
        with store.connect(name="benchmark") as conn:
            conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('m', '{other,ai}', .5, '', '{}')"
            )
        kafka = settings.Log(type="kafka", partitions=PARTITIONS, kafka={"bootstrap.servers": broker.servers})
        project = settings.Project(name="bench", labels=("other", "ai"), keep="ai")
        log = KafkaLog(store, settings.Settings(project=project, log=kafka))
        scorer = OneInTwenty()
        scorer.predict(pa.array(["compile first"]))
        rows, size = [], 0.0
        for first in range(0, posts, SLICE):
            count = min(SLICE, posts - first)
            size = fill(broker.servers, "bench.posts", first, count)
            cpu = _cpu(broker, Path(name))
            began = time.perf_counter()
            stream = settings.Stream(batch_size=batch_size)
            classify(log, scorer, store, stream, project, stop=threading.Event(), until_end=True, say=print)
            took, spent = (
                time.perf_counter() - began,
                {part: seconds - cpu[part] for part, seconds in _cpu(broker, Path(name)).items()},
            )
            memory = psutil.Process().memory_info().rss / 2**20
            costs = {part: round(seconds / count * 1e6, 2) for part, seconds in spent.items()}
            rows.append({"posts": first + count, "posts_per_s": count / took, "cpu_s_per_million": costs, "memory_mb": memory})
            print(f"{first + count:>11,}  {count / took:>12,.0f}  {memory:>9,.0f}  {costs}", flush=True)
        checks = verify(store, posts)
        log.close()
    median = statistics.median(row["posts_per_s"] for row in rows)
    return {"median_posts_per_s": median, "slices": rows, "bytes_per_post": size, **checks}


def _cpu(broker: Broker, folder: Path) -> dict[str, float]:
    """CPU seconds so far of this process (the worker), the broker, and PostgreSQL."""
    return {"worker": time.process_time(), "broker": cpu_s(broker.pid), "postgresql": cpu_s(postmaster(folder))}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=2_000_000)
    parser.add_argument("--batch-size", type=int, default=16_384)
    parser.add_argument("--out", type=Path, default=Path("stream_kafka.json"))
    arguments = parser.parse_args()
    print(f"{'posts so far':>11}  {'posts/s':>12}  {'memory MB':>9}  CPU seconds per million posts")
    found = measure(arguments.posts, arguments.batch_size)
    arguments.out.write_text(json.dumps(found, indent=1))
    print(json.dumps({key: value for key, value in found.items() if key != "slices"}, indent=1))


if __name__ == "__main__":
    main()
