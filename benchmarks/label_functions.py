"""Eight keyword rules over a million posts: our rules over columns beside Snorkel's appliers, in one run.

    python benchmarks/label_functions.py [--data FILE] [--posts 1000000] [--rival-posts 20000] [--json FILE]

FILE is a table with a column `text`, such as tweets; its texts are drawn with replacement. Each way ends with a matrix of
votes, a row per post and a column per rule. All find whole words in any case, and that they find the same is checked outside
the timed window; "as in its tutorial" looks for parts of words (`word in x.text.lower()`), which is less work. Times are medians of
three runs; Snorkel's are measured on fewer posts, since its appliers take as long for each. What this does not show: writing votes
into the store, and rules that are Python on both sides, beyond the last row.
"""

import argparse
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from snorkel.labeling import LabelingFunction, LFApplier, PandasLFApplier
from timing import timed

from goldstream.labeling import keyword_rule
from goldstream.labeling.analysis import codes
from goldstream.labeling.functions import ballots
from goldstream.labeling.snorkel import from_snorkel

LABELS = ("other", "news")
DATA = Path(__file__).parents[2] / "shared" / "data" / "tweeteval" / "sentiment" / "train.parquet"
WORDS = [
    ["flood*", "storm", "hurricane", "earthquake*", "wildfire"],
    ["call", "claim", "prize", "free entry", "winner"],
    ["love", "great*", "awesome", "amazing"],
    ["football", "match", "league", "goal*", "playoffs"],
    ["trump", "obama", "vote*", "election", "senate", "white house"],
    ["music", "song", "album", "concert", "now playing"],
    ["black friday", "sale", "discount*"],
    ["iphone", "android", "apple", "google", "app store"],
]


def whole_words(number: int) -> LabelingFunction:
    """A rule of Snorkel's that finds what ours finds."""
    words = [
        re.escape(word.rstrip("*")).replace(r"\ ", r"\s+") + ("" if word.endswith("*") else r"(?!\w)") for word in WORDS[number]
    ]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(words)})")
    return LabelingFunction(f"words_{number}", lambda x: 1 if pattern.search(x.text.lower()) else -1)


def as_in_its_tutorial(number: int) -> LabelingFunction:
    """A rule of Snorkel's as its tutorial writes them: parts of words are found too."""

    def keyword_lookup(x: Any, keywords: list[str], label: int) -> int:
        return label if any(word in x.text.lower() for word in keywords) else -1

    keywords = [word.rstrip("*") for word in WORDS[number]]
    return LabelingFunction(f"words_{number}", keyword_lookup, resources={"keywords": keywords, "label": 1})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--rival-posts", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()

    texts = pl.read_parquet(asked.data, columns=["text"])["text"].sample(asked.posts, with_replacement=True, seed=0)
    posts = pl.DataFrame({"id": [f"a:{row}" for row in range(len(texts))], "text": texts}).with_columns(source=pl.lit("a"))
    few = posts[: asked.rival_posts]
    frame, points = pd.DataFrame({"text": few["text"].to_list()}), [SimpleNamespace(text=text) for text in few["text"]]
    rules = [keyword_rule("news", words, name=f"words_{number}") for number, words in enumerate(WORDS)]
    theirs, tutorial = ([make(number) for number in range(len(WORDS))] for make in (whole_words, as_in_its_tutorial))
    unchanged = [from_snorkel(rule, LABELS) for rule in theirs]

    def ours(functions: list[Any], asked: pl.DataFrame) -> np.ndarray:
        return codes(pl.DataFrame([ballot.labels for ballot in ballots(functions, asked)]), LABELS)

    ways: dict[str, tuple[int, Callable[[], np.ndarray]]] = {
        "goldstream, keyword rules": (len(posts), lambda: ours(rules, posts)),
        "Snorkel PandasLFApplier, whole words": (len(few), lambda: PandasLFApplier(theirs).apply(frame, progress_bar=False)),
        "Snorkel PandasLFApplier, as in its tutorial": (len(few), lambda: PandasLFApplier(tutorial).apply(frame, progress_bar=False)),
        "Snorkel LFApplier, whole words": (len(few), lambda: LFApplier(theirs).apply(points, progress_bar=False)),
        "goldstream, Snorkel's rules unchanged": (len(few), lambda: ours(unchanged, few)),
    }  # fmt: skip
    results, votes = {}, {}
    for name, (count, work) in ways.items():
        seconds, votes[name] = timed(work)
        results[name] = {"posts": count, "seconds": round(seconds, 4), "posts_per_s": round(count / seconds)}

    first, *others = ways
    for name in others:
        if "tutorial" not in name:
            assert np.array_equal(votes[name], votes[first][: len(few)]), f"{name} votes otherwise"
    covered = float((votes[first] >= 0).any(axis=1).mean())
    size = f"{len(posts):,} posts of {texts.str.len_bytes().mean():.0f} bytes"
    print(f"{len(WORDS)} rules, {size}, {covered:.1%} covered, {os.cpu_count()} cores\n")
    print(f"{'':<45}{'posts':>10}{'seconds':>10}{'posts/s':>12}{'slower':>9}")
    for name, row in results.items():
        row["times_slower"] = round(results[first]["posts_per_s"] / row["posts_per_s"], 1)
        print(f"{name:<45}{row['posts']:>10,}{row['seconds']:>10.3f}{row['posts_per_s']:>12,}{row['times_slower']:>8.1f}×")
    if asked.json:
        asked.json.write_text(json.dumps({"rules": len(WORDS), "covered": covered, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
