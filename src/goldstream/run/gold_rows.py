"""What the gold labels of a dataset tell beyond the test score: how far the rules carry, and what a naive split would leak."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
import psycopg
import pyarrow as pa
from psycopg import sql

from goldstream import settings
from goldstream.datasets.tables import Dataset
from goldstream.training.fit import Judged
from goldstream.training.gold_alone import gold_alone
from goldstream.training.leakage import leakage_cost

_GOLD = """
    SELECT p.id, p.text, coalesce(p.source || ' ' || p.author, p.id) AS who, p.representative = p.id AS own, p.split, g.label
    FROM {} p JOIN gold g ON g.post_id = coalesce(p.representative, p.id) WHERE p.kind <> 'delete' ORDER BY p.id
"""


class Gold(NamedTuple):
    """The posts with gold labels, by what our split made of them."""

    learnt: Judged  #: dev, and what neither test nor dev needed, by other authors than test's
    test: Judged
    repeats: Judged  #: near-duplicates of all these, and posts by test's authors


def read(conn: psycopg.Connection[Any], dataset: Dataset, labels: tuple[str, ...]) -> Gold:
    """Return the gold labels of a dataset; a near-duplicate has the label of the post that it repeats."""
    rows = conn.execute(sql.SQL(_GOLD).format(dataset.table)).fetchall()
    names = {"id": pl.String, "text": pl.String, "who": pl.String, "own": pl.Boolean, "split": pl.String, "label": pl.String}
    posts = pl.DataFrame(rows, schema=names, orient="row").filter(pl.col("label").is_in(labels))
    test = posts.filter(pl.col("own") & (pl.col("split") == "test"))
    apart = ~pl.col("who").is_in(test["who"].to_list())
    learnt = posts.filter(pl.col("own") & apart & (pl.col("split") == "dev").fill_null(True))
    repeats = posts.filter(~pl.col("id").is_in(pl.concat([test["id"], learnt["id"]]).to_list()))
    return Gold(*(Judged(texts(part), _numbers(part["label"], labels)) for part in (learnt, test, repeats)))


def tell(
    section: settings.Model, labels: tuple[str, ...], gold: Gold, weak: np.ndarray, positive: int, weak_rows: int
) -> dict[str, Any]:
    """Return `gold_alone` and `leakage`. `weak`: probabilities of the posts of `gold.test`, by the model that the rules taught."""
    return {
        "gold_alone": gold_alone(section, labels, gold.learnt, gold.test, weak, positive, weak_rows=weak_rows),
        "leakage": leakage_cost(section, labels, gold.learnt, gold.test, gold.repeats, positive),
    }


def judged(posts: pl.DataFrame, labels: tuple[str, ...]) -> Judged:
    """Return the posts (columns `text`, `gold`, `weight`) whose gold label is one of `labels`."""
    known = posts.select("text", "gold", "weight").filter(pl.col("gold").is_in(labels))
    return Judged(texts(known), _numbers(known["gold"], labels), known["weight"].to_numpy())


def texts(posts: pl.DataFrame) -> pa.StringArray:
    """Return the column `text`."""
    return posts["text"].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def _numbers(names: pl.Series, labels: tuple[str, ...]) -> np.ndarray:
    return np.array([labels.index(name) for name in names], np.int64)
