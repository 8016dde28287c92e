"""Cuts a dataset into test, dev, snorkel_train and train so that nothing leaks from one to another.

Only representatives of near-duplicates are cut, so no two sides hold the same text. An author stands on one side. Test is
the newest in time, dev the newest of what is left. Posts with gold labels come first there, since only they can judge;
where they are too few, the newest others fill the places, to be labelled later. Gold posts that neither needs stay out
of the training splits; only where most posts have gold, as in an imported table, are they learnt from, with the gold
unread. Who would straddle is dropped and counted.
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

    When there are too few posts, test takes at most a fifth and dev at most a tenth. Raises `DataError` under
    `FEWEST`, and when nothing is left to learn from.
    """
    if len(posts) < FEWEST:
        raise DataError(f"{len(posts)} distinct posts are too few to split; collect at least {FEWEST}")
    known = posts.with_columns(_when().alias("when"), pl.coalesce("author", "id").alias("who")).sort(
        "when", "id", descending=True
    )
    judged, unjudged = known.filter(pl.col("gold").is_not_null()), known.filter(pl.col("gold").is_null())
    test = judged.head(_at_most(sizes.test, len(judged), 0.6))
    left = judged.join(test, on="who", how="anti")
    dev = left.head(_at_most(sizes.dev, len(left), 0.8))
    test = _filled(test, unjudged.join(dev, on="who", how="anti"), _at_most(sizes.test, len(known), 0.2))
    dev = _filled(dev, unjudged.join(test, on="who", how="anti"), _at_most(sizes.dev, len(known), 0.1))
    held_out = pl.concat([test, dev])
    others = known.join(held_out, on="id", how="anti")
    spare = others.filter(pl.col("gold").is_not_null()) if len(judged) <= len(unjudged) else others.clear()
    free = others.join(spare, on="id", how="anti").join(held_out, on="who", how="anti")
    if not len(free):
        raise DataError(
            f"nothing is left to learn from: the authors of the {len(held_out):,} posts for test and dev wrote all the others "
            "too; lower dataset.sizes, or leave out the author where it names a feed and not a person"
        )
    snorkel_train, train = _by_author(free, min(sizes.snorkel_train, len(free)), seed)
    parts = {"test": test, "dev": dev, "snorkel_train": snorkel_train, "train": train}
    splits = pl.concat([part.select("id", pl.lit(name).alias("split")) for name, part in parts.items()])
    straddling = len(others) - len(spare) - len(free)
    return Cut(splits, straddling, len(spare), {name: len(part) for name, part in parts.items()})


def _when() -> pl.Expr:
    """The author's time where it can be true, else ours."""
    credible = (pl.col("created_at") > _OLDEST) & (pl.col("created_at") < pl.col("seen_at") + timedelta(days=1))
    return pl.when(credible).then("created_at").otherwise("seen_at")


def _filled(chosen: pl.DataFrame, others: pl.DataFrame, size: int) -> pl.DataFrame:
    return pl.concat([chosen, others.join(chosen, on="id", how="anti").head(max(0, size - len(chosen)))])


def _at_most(wanted: int, there: int, share: float) -> int:
    return min(wanted, max(1, int(there * share)))


def _by_author(posts: pl.DataFrame, size: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cut off about `size` posts at random, whole authors at a time; never more than `size` of them."""
    authors = posts.group_by("who", maintain_order=True).len().sort("who")
    shuffled = authors.sample(fraction=1.0, shuffle=True, seed=seed).with_columns(pl.col("len").cum_sum().alias("filled"))
    first = shuffled.filter(pl.col("filled") <= size)
    return posts.join(first, on="who", how="semi"), posts.join(first, on="who", how="anti")
