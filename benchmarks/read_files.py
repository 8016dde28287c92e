"""How fast files become posts: goldstream's own JSON, somebody's JSONL, CSV and Parquet by a mapping, beside plain Python loops.

    python benchmarks/read_files.py --posts 1000000

Every way must give the same posts; that is checked outside the timed window.
"""

import argparse
import csv
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from goldstream.mapping import Columns
from goldstream.records import Post, to_columns, to_json
from goldstream.sources.files import Files, FilesSettings

COLUMNS = Columns(id="n", text="body", created_at="at", author="by", lang="lang")
NAMES = ("n", "body", "at", "by", "lang")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 16_384


def main() -> None:
    """Print a line for each way of reading, and write the same as JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--posts", type=int, default=500_000)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--out", type=Path, default=Path("read_files.json"))
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), asked.posts)
        ways: dict[str, Callable[[], Iterator[pa.RecordBatch]]] = {
            "own JSON": lambda: goldstream(files["own"], None),
            "mapped JSONL": lambda: goldstream(files["jsonl"], COLUMNS),
            "mapped JSONL, json.loads": lambda: batches(map(json.loads, files["jsonl"].open())),
            "mapped CSV": lambda: goldstream(files["csv"], COLUMNS),
            "mapped Parquet": lambda: goldstream(files["parquet"], COLUMNS),
            "mapped Parquet, iter_batches": lambda: batches(rows_of(files["parquet"])),
            "mapped CSV, csv.DictReader": lambda: batches(csv.DictReader(files["csv"].open(newline=""))),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(asked.runs):
            for name, way in ways.items():
                started = time.perf_counter()
                read = list(way())
                rates[name].append(asked.posts / (time.perf_counter() - started))
                check(read, asked.posts)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    for name, rate in medians.items():
        print(f"{name:<28} {rate:>10,.0f} posts/s")
    asked.out.write_text(json.dumps({"posts": asked.posts, "posts_per_second": medians, "runs": rates}, indent=1))


def write(folder: Path, posts: int) -> dict[str, Path]:
    """Write the same posts in four forms."""
    files = {"own": folder / "own.jsonl", "jsonl": folder / "a.jsonl", "csv": folder / "a.csv", "parquet": folder / "a.parquet"}
    with files["own"].open("wb") as own, files["jsonl"].open("w") as jsonl, files["csv"].open("w", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(NAMES)
        for number in range(posts):
            row = row_of(number)
            rows.writerow(row)
            jsonl.write(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n")
            own.write(to_json(post_of(row)) + b"\n")
    pq.write_table(
        pa.Table.from_pylist([dict(zip(NAMES, row_of(number), strict=True)) for number in range(posts)]), files["parquet"]
    )
    return files


def rows_of(file: Path) -> Iterator[dict[str, str]]:
    for batch in pq.ParquetFile(file).iter_batches(BATCH):
        yield from batch.to_pylist()


def row_of(number: int) -> tuple[str, str, str, str, str]:
    text = f'Post {number}: "the new model" runs on a laptop, they say, and it takes {number % 97} s for a page of text'
    return str(number), text, (BEGIN + timedelta(seconds=number)).isoformat(), f"author{number % 5_000}", "en"


def post_of(row: tuple[str, ...]) -> Post:
    return Post(
        id=f"files:{row[0]}", source="files", text=row[1], created_at=datetime.fromisoformat(row[2]), author=row[3], lang=row[4]
    )


def goldstream(file: Path, columns: Columns | None) -> Iterator[pa.RecordBatch]:
    return (arrival.posts for arrival in Files(FilesSettings(path=str(file), columns=columns)).read(None))


def batches(rows: Iterator[dict[str, str]]) -> Iterator[pa.RecordBatch]:
    """What one would write: a dictionary for each row, and columns of some at once."""
    held: list[Post] = []
    for row in rows:
        held.append(post_of(tuple(row[name] for name in NAMES)))
        if len(held) == BATCH:
            yield to_columns(held)
            held = []
    yield to_columns(held)


def check(read: list[pa.RecordBatch], posts: int) -> None:
    """Raise unless these are all posts, in order."""
    table = pa.Table.from_batches(read)
    assert table["id"].to_pylist() == [f"files:{number}" for number in range(posts)]
    assert table.slice(posts - 1).to_pylist() == pa.Table.from_batches([to_columns([post_of(row_of(posts - 1))])]).to_pylist()


if __name__ == "__main__":
    main()
