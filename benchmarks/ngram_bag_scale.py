"""Does the cost of scoring stay linear, and memory flat? One thread, up to ten million posts, no two of them equal.

    python benchmarks/ngram_bag_scale.py [--data FOLDER] [--posts 10000000] [--json FILE]

FOLDER holds `train.parquet` and `test.parquet` with the columns `text` and `label`, such as a task of tweeteval. A model
is trained on the one; the texts of both pass over and over, each with a number of its own, in batches of 8,192: a word that
was never met before in every post. Making a batch is outside the timed window. Scores are checked on the way.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import polars as pl
import psutil
import pyarrow as pa
import pyarrow.compute as pc

from goldstream.models.ngram_bag import NgramBag, NgramBagSettings

BATCH = 8192
DATA = Path(__file__).parents[2] / "shared" / "data" / "tweeteval" / "sentiment"
CONFIGURATIONS = {"words and pairs": (0, 0), "words, pairs, characters 3-5": (3, 5)}


def trained(train: pl.DataFrame, low: int, high: int) -> NgramBag:
    labels = tuple(map(str, sorted(train["label"].unique())))
    model = NgramBag(labels, NgramBagSettings(low=low, high=high, epochs=2))
    targets = np.eye(len(labels), dtype=np.float32)[train["label"].to_numpy()]
    model.fit(pa.array(train["text"].to_list(), pa.string()), targets)
    return model


def batch(texts: pa.StringArray, first: int) -> pa.StringArray:
    """Posts `first` to `first + BATCH`, made of the texts in their order."""
    numbers = np.arange(first, first + BATCH)
    return pc.binary_join_element_wise(texts.take(pa.array(numbers % len(texts))), pa.array(numbers).cast(pa.string()), " ")


def score(model: NgramBag, texts: pa.StringArray, first: int, last: int) -> tuple[int, float, int]:
    """How many posts were scored, in how many seconds, and how many bytes they had."""
    seconds, size = 0.0, 0
    for start in range(first, last, BATCH):
        posts = batch(texts, start)
        size += int(pc.sum(pc.binary_length(posts)).as_py())
        started = time.perf_counter()
        scores = model.predict_proba(posts)
        seconds += time.perf_counter() - started
        assert scores.shape == (BATCH, len(model.labels)) and np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    return len(range(first, last, BATCH)) * BATCH, seconds, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--posts", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    train, test = (pl.read_parquet(options.data / f"{name}.parquet") for name in ("train", "test"))
    texts = pa.array(pl.concat([train["text"], test["text"]]).to_list(), pa.string())
    rows = []
    for configuration, (low, high) in CONFIGURATIONS.items():
        model = trained(train, low, high)
        score(model, texts, 0, BATCH)  # compiles
        done, part = 0, max(options.posts // 10, BATCH)
        while done < options.posts:
            count, seconds, size = score(model, texts, done, done + part)
            done += count
            memory = psutil.Process().memory_info().rss / 1e6
            rows.append({"what": configuration, "posts": done, "posts_per_s": count / seconds, "resident_mb": memory})
            print(
                f"{configuration:30} {done:12,} posts of {size / count:.0f} bytes  {count / seconds:10,.0f} posts/s  {memory:6.0f} MB",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
