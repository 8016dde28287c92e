"""A look at the data itself: lengths, languages, frequent words, duplicates, and the labels' shares by week."""

from typing import Any

import polars as pl

from goldstream.training.slices import week
from goldstream.training.words import frequent

BIN = 20  #: characters
LONGEST = 400  #: longer texts share the last bin
MOST_LANGUAGES = 12
MOST_TEXTS = 50_000  #: texts whose words are counted, drawn at random


def look(posts: pl.DataFrame) -> dict[str, Any]:
    """Return what `posts` (columns text and gold, and whatever else is known) look like."""
    letters = posts["text"].str.len_chars()
    same = posts["text"].str.to_lowercase().str.replace_all(r"\s+", " ")
    texts = posts["text"] if len(posts) <= MOST_TEXTS else posts["text"].sample(MOST_TEXTS, seed=0)
    return {
        "rows": len(posts), "empty": int((posts["text"].str.strip_chars() == "").sum()),
        "repeated": len(posts) - same.n_unique(), "splits": _counts(posts, "split"), "strata": _counts(posts, "stratum"),
        "sources": _counts(posts, "source"), "languages": _counts(posts, "lang", "language")[:MOST_LANGUAGES],
        "lengths": _lengths(letters), "median_length": letters.median(), "longest": letters.max(),
        "words": frequent(texts), "labels": _counts(posts, "gold"), "weeks": _weeks(posts),
    }  # fmt: skip


def _counts(posts: pl.DataFrame, *names: str) -> list[dict[str, Any]]:
    """How often each value of the first of these columns that is there occurs, the commonest first."""
    name = next((name for name in names if name in posts.columns), None)
    if name is None:
        return []
    counts = posts[name].cast(pl.String).drop_nulls().value_counts()
    return [{"value": value, "n": n} for value, n in counts.sort(["count", name], descending=[True, False]).rows()]


def _lengths(letters: pl.Series) -> list[dict[str, int]]:
    bins = (letters.clip(0, LONGEST) // BIN).value_counts().sort(letters.name)
    return [{"from": int(number) * BIN, "n": n} for number, n in bins.rows()]


def _weeks(posts: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of each week that have a label, and the share of each label among them."""
    when = week(posts)
    if when is None or "gold" not in posts.columns:
        return []
    known = posts.select(when.alias("week"), "gold").drop_nulls()
    counts = known.group_by("week", "gold").len().sort("week", "gold")
    found = []
    for (name,), part in counts.group_by("week", maintain_order=True):
        total = int(part["len"].sum())
        shares = {gold: count / total for gold, count in part.select("gold", "len").rows()}
        found.append({"week": name, "n": total, "shares": shares})
    return found
