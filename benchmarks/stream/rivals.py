"""The same topic of a real broker, read by goldstream and by five ways in which people do it today.

    python benchmarks/stream/rivals.py --out rivals.json

Each rival is a script beside this one and says there what it is; each runs in a process, and where it needs one in an
environment, of its own (made once, in the user's cache). Broker, rival and PostgreSQL share this machine.

- Speed: the posts stand on a topic of four partitions. The clock runs from the start signal, which a rival gets when
  everything is loaded, until all rows are committed. Slow ones get fewer posts. Medians of `--rounds`.
- Latency: posts are offered at a steady rate, 1,000 a second or half of what the rival can do; each waits from its append
  until another connection sees its row. The first seconds are left out.
- CPU is that of the rival's own processes between the same moments, and of PostgreSQL beside it; memory is the largest sum
  of proportional set sizes of its processes, with their start.

After every run each post must have its row, once. What this does not show: several machines, on which Spark is at home.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import Array, Process
from pathlib import Path
from typing import Any, NamedTuple

import environments
import numpy as np
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from starting_line import PARTITIONS, TABLE

sys.path.insert(0, str(Path(__file__).parents[1]))
import latency
from processes import Peak, cpu_s, postmaster
from stream_kafka import fill

from goldstream import settings
from goldstream.records import to_json
from goldstream.run.kafka_broker import Broker
from goldstream.store import Store

HERE = Path(__file__).parent
WARM_UP_S, LIVE_S = 5, 25  #: posts of the first seconds are left out; how long posts are offered
RATE = 1_000  #: posts offered a second, or half of what the rival can do
SLICES_PER_S = 50  #: that often a few posts are appended
LONGEST_S, END_S = 280, 30  #: a run that takes longer has failed; how long a rival may take to end


class Rival(NamedTuple):
    """A row of the table."""

    script: str
    about: str
    promises: str
    share: float = 1.0  #: of the posts; the slow ones get fewer
    environment: str | None = None  #: None: ours


RIVALS = {
    "goldstream": Rival("ours.py", "goldstream, one worker", "each post exactly once; edits, deletions, links"),
    "expert": Rival("expert_loop.py", "batched consume, msgspec, scikit-learn by the batch, COPY", "at least once"),
    "spark-arrow": Rival("spark_arrow.py", "Spark, `mapInArrow`, scikit-learn, JDBC", "at least once", 1.0, "spark"),
    "quix": Rival("quix.py", "Quix Streams, scikit-learn, its PostgreSQL sink", "at least once", 0.025, "quix"),
    "usual": Rival("usual_loop.py", "`poll`, `json.loads`, scikit-learn by the message, `executemany`", "nothing", 0.025),
    "spark-rest": Rival(
        "spark_rest.py", "Spark, a UDF that asks a model server for each row, JDBC", "at least once", 0.0125, "spark"
    ),
}


class Place(NamedTuple):
    """Where all of it happens."""

    broker: Broker
    store: Store
    folder: Path


class Run(NamedTuple):
    """What one run came to."""

    seconds: float
    cpu_s: float
    postgresql_cpu_s: float
    peak_mb: float


@contextmanager
def started(rival: Rival, place: Place, topic: str, posts: int, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start the rival, and hand it out when it is ready."""
    python = environments.python(rival.environment) if rival.environment else sys.executable
    environment = dict(os.environ, PYTHONPATH=str(HERE))
    if rival.environment == "spark":
        environment |= {"RIVAL_JARS": ",".join(environments.jars()), "PYSPARK_PYTHON": python, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [python, HERE / rival.script, "--servers", place.broker.servers, "--topic", topic, "--dsn", place.store.dsn]
    log = place.folder / f"{rival.script}.log"
    with log.open("a") as said:
        process = subprocess.Popen(
            [*map(str, command), "--posts", str(posts), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, env=environment, cwd=place.folder,
        )  # fmt: skip
        try:
            _expect("ready", process, log)
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Close its standard input, which ends it, and wait."""
    try:
        process.communicate(timeout=END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _expect(word: str, process: subprocess.Popen[str], log: Path) -> None:
    """Return when the rival says `word`; end everything when it does not."""
    assert process.stdout is not None
    watchdog = threading.Timer(LONGEST_S, process.kill)
    watchdog.start()
    said = any(line.strip() == word for line in process.stdout)
    watchdog.cancel()
    if not said:
        raise SystemExit(f"{log.stem} did not say `{word}`, or not within {LONGEST_S} s: {log.read_text()[-2_000:]}")


def speed(rival: Rival, place: Place, topic: str, posts: int) -> Run:
    """Run a rival over the whole topic, and count its rows."""
    _empty(place)
    with started(rival, place, topic, posts) as process, Peak(process.pid) as peak:
        assert process.stdin is not None
        server = postmaster(place.folder)
        before, server_before, began = cpu_s(process.pid), cpu_s(server), time.perf_counter()
        process.stdin.write("go\n")
        process.stdin.flush()
        _expect("done", process, place.folder / f"{rival.script}.log")
        took = time.perf_counter() - began
        spent, server_spent = cpu_s(process.pid) - before, cpu_s(server) - server_before
    _verify(rival, place, posts)
    return Run(took, spent, server_spent, peak.mb)


def _empty(place: Place) -> None:
    with place.store.connect(name="rivals") as conn:
        conn.execute(f"DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} (post_id text, label text, probability real)")
        conn.execute("TRUNCATE predictions, candidates, candidate_links, positions")
        conn.execute("CHECKPOINT")


def _verify(rival: Rival, place: Place, posts: int) -> None:
    """Every post must have its row, once."""
    table = "predictions" if rival.script == "ours.py" else TABLE
    query = f"""SELECT count(*), count(DISTINCT post_id), min(split_part(post_id, ':', 2)::int),
                       max(split_part(post_id, ':', 2)::int), count(label), count(probability) FROM {table}"""
    with place.store.connect(name="rivals") as conn:
        found = conn.execute(query).fetchone()
    if found != (posts, posts, 0, posts - 1, posts, posts):
        raise SystemExit(f"{rival.script}: {posts} posts, but (rows, posts, first, last, labels, scores) are {found}")


def wait(rival: Rival, place: Place, topic: str, rate: int) -> list[float]:
    """Offer posts at `rate` a second while the rival runs; return how long each waited for its row, in seconds."""
    posts = rate * LIVE_S
    _empty(place)
    moments = Array("d", posts, lock=False)
    writer = Process(target=_offer, args=(place.broker.servers, topic, rate, moments))
    with started(rival, place, topic, posts, "--live") as process:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        writer.start()
        watch = latency.watch if rival.script == "ours.py" else _watch
        seen = watch(place.store, posts)
        writer.join()
    if len(seen) != posts:
        raise SystemExit(f"{rival.script}: {posts} posts were offered, and {len(seen)} seen")
    return [seen[number] - moments[number] for number in range(WARM_UP_S * rate, posts)]


def _offer(servers: str, topic: str, rate: int, moments: Any) -> None:
    """Append posts evenly, and note when the append of each began."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 5, "enable.idempotence": True})
    values = [to_json(latency.post(number)) for number in range(rate * LIVE_S)]
    began, last = time.monotonic(), 0
    for number, value in enumerate(values):
        if number * SLICES_PER_S // rate != last:
            last = number * SLICES_PER_S // rate
            producer.poll(0)
            time.sleep(max(0.0, began + last / SLICES_PER_S - time.monotonic()))
        moments[number] = time.monotonic()
        producer.produce(topic, value, f"bench:{number}")
    producer.flush(30)


def _watch(store: Store, posts: int) -> dict[int, float]:
    """Return when each post's row was seen, by the post's number. Rows that were seen are taken away, so that a look is short."""
    seen: dict[int, float] = {}
    deadline = time.monotonic() + LONGEST_S
    with store.connect(name="watch") as conn:
        while len(seen) < posts and time.monotonic() < deadline:
            rows = conn.execute(f"DELETE FROM {TABLE} RETURNING post_id").fetchall()
            moment = time.monotonic()
            for (post_id,) in rows:
                if seen.setdefault(int(post_id.split(":")[1]), moment) is not moment:
                    raise SystemExit(f"{post_id} has two rows")
            time.sleep(0.005)
    return seen


def contest(names: list[str], posts: int, rounds: int) -> list[dict[str, Any]]:
    """Run all, round by round; return a row for each rival."""
    counts = {name: int(posts * RIVALS[name].share) for name in names}
    runs: dict[str, list[Run]] = {name: [] for name in names}
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        broker = open_.enter_context(Broker(folder / "kafka"))
        place = Place(broker, open_.enter_context(Store.open(settings.Store(), folder)), folder)
        with place.store.connect(name="rivals") as conn:
            conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('m', '{other,ai}', .5, '', '{}')"
            )
        for count in set(counts.values()):
            _topic(broker, f"bench.{count}")
            fill(broker.servers, f"bench.{count}", 0, count)
        for number in range(rounds):
            for name in names:
                runs[name].append(speed(RIVALS[name], place, f"bench.{counts[name]}", counts[name]))
                print(f"round {number + 1}  {name:12} {counts[name] / runs[name][-1].seconds:10,.0f} posts/s", flush=True)
        rows = [_row(name, counts[name], runs[name]) for name in names]
        for name, row in zip(names, rows, strict=True):
            rate = min(RATE, max(50, int(row["posts_per_s"] / 2) // 50 * 50))
            _topic(broker, f"live.{name}")
            p50, p99 = np.percentile(wait(RIVALS[name], place, f"live.{name}", rate), [50, 99]) * 1000
            row |= {"rate": rate, "p50_ms": round(p50), "p99_ms": round(p99)}
            print(f"latency  {name:12} at {rate} posts/s: p50 {p50:,.0f} ms, p99 {p99:,.0f} ms", flush=True)
    return rows


def _topic(broker: Broker, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.servers})
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result()


def _row(name: str, posts: int, runs: list[Run]) -> dict[str, Any]:
    middle = Run(*(statistics.median(values) for values in zip(*runs, strict=True)))
    return {
        "who": name, "about": RIVALS[name].about, "promises": RIVALS[name].promises, "posts": posts,
        "posts_per_s": round(posts / middle.seconds), "rounds": [round(posts / run.seconds) for run in runs],
        "cpu_s_per_million": round(middle.cpu_s / posts * 1e6, 1),
        "postgresql_cpu_s_per_million": round(middle.postgresql_cpu_s / posts * 1e6, 1), "peak_mb": round(middle.peak_mb),
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table of Markdown."""
    lines = [
        "| who | posts | posts/s | p50 / p99, at posts/s | CPU s per million posts: own, PostgreSQL | peak memory | promises |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['about']} | {row['posts']:,} | {row['posts_per_s']:,} | {row['p50_ms']:,} / {row['p99_ms']:,} ms, {row['rate']:,} | "
        f"{row['cpu_s_per_million']:,}, {row['postgresql_cpu_s_per_million']:,} | {row['peak_mb']:,} MB | {row['promises']} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(RIVALS), default=list(RIVALS))
    parser.add_argument("--out", type=Path, default=Path("rivals.json"))
    arguments = parser.parse_args()
    rows = contest(arguments.only, arguments.posts, arguments.rounds)
    arguments.out.write_text(json.dumps(rows, indent=1))
    print(table(rows))


if __name__ == "__main__":
    main()
