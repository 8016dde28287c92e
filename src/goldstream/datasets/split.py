"""Cuts a dataset into test, dev, snorkel_train and train so that nothing leaks from one to another.

Only representatives of near-duplicates are cut, so no two sides hold the same text. An author stands on one side. Test is
the newest in time, dev the newest of what is left; where posts have gold labels, these two come from them alone, and gold
posts that neither needs stay out of the training splits. Who would straddle is dropped and counted.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from goldstream import settings
from goldstream.errors import DataError

FEWEST = 20  #: posts with which a split makes sense
_OLDEST = datetime(2005, 1, 1, tzinfo=UTC)  # before this there were no short texts to speak of


@dataclass(frozen=True)
class Cut:
    """Which split each post belongs to."""

    splits: pl.DataFrame  #: columns `id` and `split`, in the order of the split
    straddling: int  #: posts dropped because their author stands on another side
    spare_gold: int  #: gold posts that neither test nor dev needed
    sizes: dict[str, int]

    def ids(self, split: str) -> list[str]:
        """Return the ids of one split, in order."""
        return self.splits.filter(split=split)["id"].to_list()


def cut(posts: pl.DataFrame, sizes: settings.Sizes, seed: int) -> Cut:
    """Cut `posts` (columns id, author, created_at, seen_at, gold; no near-duplicates) by `sizes`.

    When there are too few posts, test takes at most a fifth and dev at most a tenth. Raises `DataError` under `FEWEST`.
    """
    if len(posts) < FEWEST:
        raise DataError(f"{len(posts)} distinct posts are too few to split; collect at least {FEWEST}")
    known = posts.with_columns(_when().alias("when"), pl.coalesce("author", "id").alias("who")).sort(
        "when", "id", descending=True
    )
    has_gold = known["gold"].null_count() < len(known)
    judged = known.filter(pl.col("gold").is_not_null()) if has_gold else known
    test = judged.head(_at_most(sizes.test, len(judged), 0.6 if has_gold else 0.2))
    left = judged.slice(len(test)).join(test, on="who", how="anti")
    dev = left.head(_at_most(sizes.dev, len(left), 0.8 if has_gold else 0.1))
    held_out = pl.concat([test, dev])
    others = known.join(held_out, on="id", how="anti")
    spare = others.filter(pl.col("gold").is_not_null())
    free = others.filter(pl.col("gold").is_null()).join(held_out, on="who", how="anti")
    snorkel_train, train = _by_author(free, min(sizes.snorkel_train, len(free)), seed)
    parts = {"test": test, "dev": dev, "snorkel_train": snorkel_train, "train": train}
    splits = pl.concat([part.select("id", pl.lit(name).alias("split")) for name, part in parts.items()])
    straddling = len(others) - len(spare) - len(free)
    return Cut(splits, straddling, len(spare), {name: len(part) for name, part in parts.items()})


def _when() -> pl.Expr:
    """The author's time where it can be true, else ours."""
    credible = (pl.col("created_at") > _OLDEST) & (pl.col("created_at") < pl.col("seen_at") + timedelta(days=1))
    return pl.when(credible).then("created_at").otherwise("seen_at")


def _at_most(wanted: int, there: int, share: float) -> int:
    return min(wanted, max(1, int(there * share)))


def _by_author(posts: pl.DataFrame, size: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cut off about `size` posts at random, whole authors at a time; never more than `size` of them."""
    authors = posts.group_by("who", maintain_order=True).len().sort("who")
    shuffled = authors.sample(fraction=1.0, shuffle=True, seed=seed).with_columns(pl.col("len").cum_sum().alias("filled"))
    first = shuffled.filter(pl.col("filled") <= size)
    return posts.join(first, on="who", how="semi"), posts.join(first, on="who", how="anti")
