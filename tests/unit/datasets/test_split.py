import random
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from goldstream.datasets.build import sha256
from goldstream.datasets.deduplicate import representatives
from goldstream.datasets.split import Cut, cut
from goldstream.errors import DataError
from goldstream.settings import Sizes

START = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA: dict[str, Any] = {
    "id": pl.String, "text": pl.String, "author": pl.String, "gold": pl.String,
    "created_at": pl.Datetime("us", "UTC"), "seen_at": pl.Datetime("us", "UTC"),
}  # fmt: skip
SIZES = Sizes(test=50, dev=20, snorkel_train=100)


def posts(count: int, *, seed: int = 0, authors: int = 60, gold: float = 0.0, text: str | None = None) -> pl.DataFrame:
    """Posts, one a minute, by a few authors, some of them with gold labels."""
    chance = random.Random(seed)
    rows = [
        {
            "id": f"a:{number}",
            "text": text or " ".join(chance.choices(["rain", "snow", "wind", "storm", "river", "bridge", "town", "road"], k=6)),
            "author": f"author{chance.randrange(authors)}" if chance.random() < 0.9 else None,
            "gold": chance.choice(["keep", "other"]) if chance.random() < gold else None,
            "created_at": START + timedelta(minutes=number), "seen_at": START + timedelta(minutes=number, seconds=5),
        }
        for number in range(count)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


def sides(table: pl.DataFrame, parts: Cut) -> pl.DataFrame:
    return table.join(parts.splits, on="id")


@pytest.mark.parametrize("gold", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_no_author_and_no_near_duplicate_stands_on_two_sides(seed: int, gold: float) -> None:
    table = posts(1_000, seed=seed, gold=gold)
    distinct = table[representatives(table["text"], 0.8).tolist()].unique("id", maintain_order=True)
    cut_up = sides(distinct, cut(distinct, SIZES, seed)).with_columns(pl.col("split").replace({"snorkel_train": "train"}))
    by_author = cut_up.drop_nulls("author").group_by("author").agg(pl.col("split").n_unique())
    assert by_author["split"].max() == 1
    assert (representatives(cut_up["text"], 0.8) == range(len(cut_up))).all()


@pytest.mark.parametrize("gold", [0.0, 0.3])
def test_every_post_is_in_one_split_or_counted(gold: float) -> None:
    table = posts(1_000, gold=gold)
    parts = cut(table, SIZES, 0)
    assert parts.splits["id"].n_unique() == len(parts.splits)
    assert len(parts.splits) + parts.straddling + parts.spare_gold == 1_000
    assert parts.sizes == dict(parts.splits.group_by("split").len().rows())


def test_test_is_the_newest_and_dev_comes_before_it() -> None:
    parts = cut(posts(1_000, authors=100_000), SIZES, 0)
    assert parts.ids("test") == [f"a:{number}" for number in range(999, 949, -1)]
    assert parts.ids("dev") == [f"a:{number}" for number in range(949, 929, -1)]
    assert parts.sizes["snorkel_train"] == 100


def test_a_time_that_cannot_be_true_is_not_believed() -> None:
    table = posts(100, authors=100_000).with_columns(
        created_at=pl.when(pl.col("id") == "a:3").then(datetime(2999, 1, 1, tzinfo=UTC)).otherwise("created_at")
    )
    assert "a:3" not in cut(table, SIZES, 0).ids("test")


def test_gold_posts_come_first_and_never_into_training() -> None:
    table = posts(2_000, authors=100_000, gold=0.2)
    parts = cut(table, SIZES, 0)
    judged = sides(table, parts).group_by("split").agg(pl.col("gold").null_count())
    assert dict(judged.rows()) == {"test": 0, "dev": 0, "snorkel_train": 100, "train": parts.sizes["train"]}


def test_where_all_posts_have_gold_most_of_them_are_learnt_from() -> None:
    parts = cut(posts(1_000, authors=100_000, gold=1.0), SIZES, 0)
    assert parts.sizes == {"test": 50, "dev": 20, "snorkel_train": 100, "train": 830}
    assert parts.spare_gold == 0


def test_where_gold_is_scarce_the_newest_others_wait_in_test_for_their_labels() -> None:
    table = posts(2_000, authors=100_000).with_columns(gold=pl.when(pl.col("id") == "a:7").then(pl.lit("keep")))
    parts = cut(table, SIZES, 0)
    assert (parts.sizes["test"], parts.sizes["dev"]) == (50, 20)
    assert "a:7" in parts.ids("test")


def test_a_small_dataset_gets_small_splits() -> None:
    parts = cut(posts(60, authors=100_000), Sizes(), 0)
    assert parts.sizes == {"test": 12, "dev": 6, "snorkel_train": 42, "train": 0}


def test_too_few_posts_are_refused() -> None:
    with pytest.raises(DataError, match="19 distinct posts are too few"):
        cut(posts(19), SIZES, 0)


def test_one_author_who_wrote_everything_leaves_nothing_to_learn_from() -> None:
    table = posts(100).with_columns(author=pl.lit("bob"))
    with pytest.raises(DataError, match="nothing is left to learn from"):
        cut(table, SIZES, 0)


def test_the_same_posts_and_seed_give_the_same_hash_and_another_seed_another() -> None:
    table = posts(1_000)
    first, again, other = (
        sha256(cut(posts, SIZES, seed).splits)
        for posts, seed in ((table, 1), (table.sample(fraction=1, shuffle=True, seed=5), 1), (table, 2))
    )
    assert first == again != other
