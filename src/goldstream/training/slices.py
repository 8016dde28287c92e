"""How good a model is on parts of the data: by source, language, link, length and week."""

from typing import Any

import numpy as np
import polars as pl

from goldstream.intervals import wilson
from goldstream.training.evaluation import Judgement
from goldstream.training.metrics import binary

MOST = 12  #: values of one column that are shown; the others are taken together
LENGTHS = (40, 80, 140, 280)  #: in characters
FEWEST = 20  #: rows of a slice below which nothing is said to be worse
OTHERS = "all others"


def columns(posts: pl.DataFrame) -> pl.DataFrame:
    """Return what posts are sliced by, as text: `source`, `language`, `link`, `length`, `week`, where they are known.

    >>> columns(pl.DataFrame({"text": ["see http://a.b/c"], "lang": ["en"]})).to_dicts()
    [{'language': 'en', 'link': 'with a link', 'length': '1 to 40'}]
    """
    found = []
    if "source" in posts.columns:
        found.append(pl.col("source").cast(pl.String).alias("source"))
    if language := next((name for name in ("lang", "language") if name in posts.columns), None):
        found.append(pl.col(language).cast(pl.String).alias("language"))
    link = pl.col("text").str.contains(r"(?i)https?://")
    if posts.schema.get("links") == pl.List(pl.String):
        link = link | (pl.col("links").list.len() > 0)
    found.append(pl.when(link).then(pl.lit("with a link")).otherwise(pl.lit("without a link")).alias("link"))
    found.append(_length().alias("length"))
    if (when := week(posts)) is not None:
        found.append(when.alias("week"))
    return posts.select(found)


def week(posts: pl.DataFrame) -> pl.Expr | None:
    """Return the ISO week of each post, `2026-W07`, by the author's time and else by ours; None where neither is known."""
    times = [pl.col(name) for name in ("created_at", "seen_at") if posts.schema.get(name, pl.Null).is_temporal()]
    return pl.coalesce(times).dt.strftime("%G-W%V") if times else None


def slices(posts: pl.DataFrame, judged: Judgement) -> list[dict[str, Any]]:
    """Return, for each column and value, rows and figures; `worse` where the accuracy is surely below that of the rest.

    A column with one value only is left out: it would say what the whole says.
    """
    said = judged.said
    found = []
    for column in columns(posts):
        named = column.fill_null("unknown")
        shown = _shown(named)
        if len(shown) > 1:
            kept = named.is_in([value for value in shown if value != OTHERS])
            sorted_in = named.zip_with(kept, pl.Series([OTHERS] * len(named), dtype=pl.String))
            rows = [_one(value, (sorted_in == value).to_numpy(), said, judged) for value in shown]
            found.append({"by": column.name, "slices": rows})
    return found


def _shown(values: pl.Series) -> list[str]:
    """The values of a column in order; the rarest of too many as one."""
    counts = values.value_counts(sort=True).sort("count", values.name, descending=[True, False])
    common = counts[values.name].head(MOST).to_list()
    if values.name == "length":
        common.sort(key=lambda value: int(value.split()[0] if value[0].isdigit() else value.split()[-1]))
    elif values.name == "week":
        common.sort()
    return [*common, OTHERS] if len(counts) > MOST else common


def _one(value: str, inside: np.ndarray, said: np.ndarray, judged: Judgement) -> dict[str, Any]:
    right = said == judged.true
    n, share = int(inside.sum()), float(right[inside].mean())
    low, high = wilson(share, n)
    row: dict[str, Any] = {"value": value, "n": n, "accuracy": share, "accuracy_interval": (low, high)}
    if len(judged.labels) == 2:
        yes, real = said[inside] == judged.positive, judged.true[inside] == judged.positive
        row |= {"positive": int(real.sum()), **binary(yes, real)}
        for name, mask in (("precision", yes), ("recall", real), ("f1", yes | real)):
            row[name] = row[name] if mask.any() else None
    rest = right[~inside]
    row["worse"] = n >= FEWEST and bool(len(rest)) and high < float(rest.mean())
    return row


def _length() -> pl.Expr:
    letters = pl.col("text").str.len_chars()
    choice = pl.lit(f"more than {LENGTHS[-1]}")
    for low, high in reversed(list(zip((0, *LENGTHS), LENGTHS, strict=False))):
        choice = pl.when(letters <= high).then(pl.lit(f"{low + 1 if low else 1} to {high}")).otherwise(choice)
    return choice
