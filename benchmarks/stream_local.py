"""File → embedded log, and log → predictions, candidates and links in PostgreSQL, exactly once.

    python benchmarks/stream_local.py --posts 1_000_000 --out stream_local.json

Everything runs on this machine, PostgreSQL counted. Posts are made up: about 90 characters, a link in every seventh, and
one in twenty is kept, decided by its number, while the n-gram bag (words, pairs, characters 3 to 5) scores every text.
What this does not show: a network, other readers at work, or a disk slower than this one. Rows are counted and compared
after the clock has stopped.
"""

import argparse
import json
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

from goldstream import settings
from goldstream.clock import now
from goldstream.log.embedded import EmbeddedLog
from goldstream.models.ngram_bag import NgramBag
from goldstream.records import Post, to_json
from goldstream.sources.files import Files, FilesSettings
from goldstream.store import Store
from goldstream.stream.champion import Scored
from goldstream.stream.local import classify
from goldstream.stream.pump import pump

LABELS = ("other", "ai")
SLICE = 500_000  #: posts of each measured slice: a flat curve means that cost grows linearly


class OneInTwenty:
    """Scores every text for real, and then keeps one in twenty."""

    def __init__(self) -> None:
        self._model = NgramBag(LABELS)
        texts = pa.array(["w1 w2 w3", "w5 w6"] * 50)
        self._model.fit(texts, np.eye(2, dtype=np.float32)[[0, 1] * 50])

    def predict(self, texts: pa.StringArray) -> Scored:
        scores = self._model.predict_proba(texts)
        kept = np.where(np.arange(len(texts)) % 20 == 0, 0.9, 0.01).astype(np.float32)
        scores[:, 1], scores[:, 0] = kept, 1 - kept
        return Scored(scores, LABELS, 1, 0.5)


def write_file(path: Path, first: int, count: int) -> None:
    """Write `count` posts as goldstream's own JSON."""
    random = np.random.default_rng(first)
    words = [f"w{number}" + "x" * (number % 5) for number in range(5_000)]
    chosen = random.integers(0, len(words), (count, 13))
    moment = now()
    with path.open("wb") as file:
        for number in range(count):
            links = [f"https://news.example/{(first + number) % 1000}?utm_source=x"] if number % 7 == 0 else []
            post = Post(
                id=f"bench:{first + number}", source="bench", text=" ".join([words[each] for each in chosen[number]]),
                created_at=moment, author=f"author{number % 50_000}", lang="en", links=links,
            )  # fmt: skip
            file.write(to_json(post) + b"\n")


def measure(posts: int) -> dict[str, Any]:
    """Run both paths slice by slice; return the figures."""
    project = settings.Project(labels=LABELS, keep="ai")
    stop = threading.Event()
    rows = []
    with tempfile.TemporaryDirectory() as name, Store.open(settings.Store(), Path(name)) as store:
        with store.connect(name="benchmark") as conn:
            conn.execute(
                "INSERT INTO models (name, labels, threshold, sha256, evidence) VALUES ('m', '{other,ai}', .5, '', '{}')"
            )
        log, scorer, file = EmbeddedLog(store), OneInTwenty(), Path(name) / "posts.jsonl"
        scorer.predict(pa.array(["compile first"]))
        for first in range(0, posts, SLICE):
            count = min(SLICE, posts - first)
            write_file(file, first, count)
            source = Files(FilesSettings(path=str(file), name=f"file{first}"))
            began = time.perf_counter()
            pump(source, log, store, max_text_bytes=100_000, stop=stop, say=print)
            appended = time.perf_counter()
            classify(log, scorer, store, settings.Stream(), project, stop=stop, until_end=True, say=print)
            classified = time.perf_counter()
            rows.append(
                {
                    "posts": first + count,
                    "file_to_log": count / (appended - began),
                    "log_to_predictions": count / (classified - appended),
                }
            )
            print(f"{first + count:>11,}  {rows[-1]['file_to_log']:>12,.0f}  {rows[-1]['log_to_predictions']:>18,.0f}")
        checks = verify(store, posts)
        log.close()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"slices": rows, **checks, "peak_memory_mb": memory, "cores": psutil.cpu_count()}


def verify(store: Store, posts: int) -> dict[str, Any]:
    """Count what was written; raise when a row is missing or doubled."""
    with store.connect(name="benchmark", statement_timeout=0) as conn:
        rows, positions = conn.execute(
            "SELECT count(*), count(DISTINCT (partition, position)) FROM predictions"
        ).fetchone() or (0, 0)
        (current,) = conn.execute("SELECT count(*) FROM current_predictions").fetchone() or (0,)
        (kept,) = conn.execute("SELECT count(*) FROM kept").fetchone() or (0,)
        sizes = dict(
            conn.execute(
                """SELECT coalesce(inhparent::regclass::text, relname), pg_size_pretty(sum(pg_total_relation_size(c.oid)))
                   FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_namespace n ON n.oid = relnamespace
                   WHERE nspname = 'goldstream' AND relkind = 'r' AND pg_total_relation_size(c.oid) > 1000000 GROUP BY 1"""
            ).fetchall()
        )
    if not rows == positions == current == posts:
        raise SystemExit(f"{posts} posts, but {rows} rows, {positions} positions, {current} current predictions")
    return {"rows": rows, "current_predictions": current, "kept": kept, "table_and_index_sizes": sizes}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path("stream_local.json"))
    arguments = parser.parse_args()
    print(f"{'posts so far':>11}  {'file → log/s':>12}  {'log → results/s':>18}")
    found = measure(arguments.posts)
    arguments.out.write_text(json.dumps(found, indent=1))
    print(json.dumps({key: value for key, value in found.items() if key != "slices"}, indent=1))


if __name__ == "__main__":
    main()
