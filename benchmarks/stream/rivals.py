"""The same topic of a real broker, read by goldstream and by two loops that people write in Python.

    python benchmarks/stream/rivals.py --posts 300000 --out rivals.json

- `goldstream`: one worker; predictions, kept posts, links and positions, each post exactly once.
- `batches`: what an expert would write: batched consume, msgspec, HashingVectorizer and a linear model for each batch, COPY;
  offsets are committed to Kafka after the rows: at least once.
- `per message`: the loop that most people write: `poll`, `json.loads`, scikit-learn for each message, `executemany` of a
  thousand rows, offsets committed by themselves: posts may be lost or doubled. It gets a part of the posts only, as it is slow.

Each runs in a process of its own, one after the other, with broker and PostgreSQL on the same machine. Rows are counted
after the clock has stopped. Not here yet: Spark (a REST call for each row; `mapInArrow`) and Quix Streams, and latency.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline

sys.path.insert(0, str(Path(__file__).parents[1]))
from stream_kafka import PARTITIONS, fill
from stream_local import OneInTwenty

from goldstream import settings
from goldstream.log.kafka import KafkaLog
from goldstream.run.kafka_broker import Broker
from goldstream.store import Store
from goldstream.stream.local import classify

TOPIC = "bench.posts"
COPY = "COPY rival (post_id, label, probability) FROM STDIN"
ROUNDS = 3  #: medians of so many; the order of the rivals is the same in each


class Wire(msgspec.Struct):
    """What the expert's loop needs of a message."""

    id: str
    text: str


def pipeline() -> Pipeline:
    """Words and pairs, hashed, and a linear model."""
    made = make_pipeline(
        HashingVectorizer(ngram_range=(1, 2), n_features=2**20), SGDClassifier(loss="log_loss", random_state=0)
    )
    return made.fit(["w1 w2 w3", "w5 w6"] * 50, [0, 1] * 50)


def consumer(servers: str) -> Consumer:
    found = Consumer({"bootstrap.servers": servers, "group.id": f"r{time.time()}", "enable.auto.commit": False})
    found.assign([TopicPartition(TOPIC, partition, 0) for partition in range(PARTITIONS)])
    return found


def batches(servers: str, dsn: str, posts: int) -> float:
    """The loop of an expert; return the seconds."""
    model, reader, decode, seen = pipeline(), consumer(servers), msgspec.json.Decoder(Wire).decode, 0
    began = time.perf_counter()
    with psycopg.connect(dsn) as conn:
        while seen < posts:
            found = [decode(message.value()) for message in reader.consume(10_000, 0.2) if message.error() is None]
            if not found:
                continue
            scores = model.predict_proba([each.text for each in found])[:, 1]
            with conn.cursor() as cursor, cursor.copy(COPY) as copy:
                for post, score in zip(found, scores.tolist(), strict=True):
                    copy.write_row((post.id, "ai" if score >= 0.5 else "other", score))
            conn.commit()
            reader.commit(asynchronous=True)
            seen += len(found)
    reader.close()
    return time.perf_counter() - began


def per_message(servers: str, dsn: str, posts: int) -> float:
    """The loop that most people write; return the seconds."""
    model, reader, rows, seen = pipeline(), consumer(servers), [], 0
    insert = "INSERT INTO rival (post_id, label, probability) VALUES (%s, %s, %s)"
    began = time.perf_counter()
    with psycopg.connect(dsn) as conn:
        while seen < posts:
            message = reader.poll(1)
            if message is None or message.error() is not None:
                continue
            post = json.loads(message.value())
            score = float(model.predict_proba([post["text"]])[0, 1])
            rows.append((post["id"], "ai" if score >= 0.5 else "other", score))
            seen += 1
            if len(rows) == 1_000 or seen == posts:
                conn.cursor().executemany(insert, rows)
                conn.commit()
                rows.clear()
    reader.close()
    return time.perf_counter() - began


def goldstream(servers: str, folder: str, posts: int) -> float:
    """One worker of ours; return the seconds."""
    project = settings.Project(name="bench", labels=("other", "ai"), keep="ai")
    kafka = settings.Log(type="kafka", partitions=PARTITIONS, kafka={"bootstrap.servers": servers})
    scorer = OneInTwenty()
    scorer.predict(pa.array(["compile first"]))
    with Store.open(settings.Store(), Path(folder)) as store:
        log = KafkaLog(store, settings.Settings(project=project, log=kafka))
        stream = settings.Stream(reader=f"r{time.time_ns()}")
        began = time.perf_counter()
        done = classify(log, scorer, store, stream, project, stop=threading.Event(), until_end=True, say=print)
        took = time.perf_counter() - began
        log.close()
        with store.connect(name="count") as conn:
            query = "SELECT count(*), count(DISTINCT post_id) FROM predictions WHERE reader = %s"
            counted = conn.execute(query, (stream.reader,)).fetchone()
    if (done.posts, counted) != (posts, (posts, posts)):
        raise SystemExit(f"goldstream: {done.posts} of {posts} posts, counted {counted}")
    return took


def _in_process(run: Callable[..., float], *words: Any, results: Any) -> None:
    seconds = run(*words)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    results.put((seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))


def one(run: Callable[..., float], *words: Any) -> tuple[float, float, float]:
    """Run in a new process; return seconds, CPU seconds of that process with its start, and its peak memory in MB."""
    results: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=_in_process, args=(run, *words), kwargs={"results": results})
    process.start()
    found: tuple[float, float, float] = results.get()
    process.join()
    return found


def rival(run: Callable[..., float], servers: str, store: Store, posts: int, exactly: bool) -> tuple[float, float, float]:
    """Run a rival on an empty table and count its rows."""
    with store.connect(name="rivals") as conn:
        conn.execute(
            "DROP TABLE IF EXISTS public.rival; CREATE TABLE public.rival (post_id text, label text, probability real)"
        )
        found = one(run, servers, store.dsn, posts)
        rows = conn.execute("SELECT count(*), count(DISTINCT post_id) FROM public.rival").fetchone()
    if rows is None or rows[0] != rows[1] or (rows[0] != posts if exactly else rows[0] < posts):
        raise SystemExit(f"{run.__name__}: {rows} rows of {posts}")
    return found


def measure(posts: int, few: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name, Broker(Path(name) / "kafka") as broker, \
            Store.open(settings.Store(), Path(name)) as store:  # fmt: skip
        with store.connect(name="benchmark") as conn:
            conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('m', '{other,ai}', .5, '', '{}')"
            )
        project = settings.Project(name="bench")
        kafka = settings.Log(type="kafka", partitions=PARTITIONS, kafka={"bootstrap.servers": broker.servers})
        KafkaLog(store, settings.Settings(project=project, log=kafka)).close()
        fill(broker.servers, TOPIC, 0, posts)
        runs: dict[str, list[tuple[float, float, float]]] = {"goldstream": [], "batches": [], "per message": []}
        for _ in range(ROUNDS):
            runs["goldstream"].append(one(goldstream, broker.servers, name, posts))
            runs["batches"].append(rival(batches, broker.servers, store, posts, exactly=True))
            runs["per message"].append(rival(per_message, broker.servers, store, few, exactly=True))
    rows = []
    for who, measured in runs.items():
        count = few if who == "per message" else posts
        seconds, cpu, memory = sorted(measured)[len(measured) // 2]
        rows.append({"who": who, "posts": count, "posts_per_s": round(count / seconds), "cpu_s_per_million": round(cpu / count * 1e6, 1),
                     "peak_mb": round(memory)})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=300_000)
    parser.add_argument("--few", type=int, default=10_000, help="posts for the loop that takes one message at a time")
    parser.add_argument("--out", type=Path, default=Path("rivals.json"))
    arguments = parser.parse_args()
    found = measure(arguments.posts, arguments.few)
    arguments.out.write_text(json.dumps(found, indent=1))
    for row in found:
        print("  ".join(f"{key}={value:,}" if isinstance(value, int) else f"{key}={value}" for key, value in row.items()))


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
