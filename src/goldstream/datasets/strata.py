"""Sorts posts into three strata by keywords: the topic, what only sounds like it, and the rest."""

import polars as pl

from goldstream import settings
from goldstream.keywords import has_words

STRATA = ("topic", "false_friends", "rest")


def stratum(texts: pl.Series, strata: settings.Strata) -> pl.Series:
    """Return the stratum of each text; one that matches both lists belongs to the topic.

    >>> stratum(pl.Series(["AI news", "my data plan", "rain"]), settings.Strata(topic=("ai",), false_friends=("data",))).to_list()
    ['topic', 'false_friends', 'rest']
    """
    topic, friend = (has_words(pl.col("text"), words) for words in (strata.topic, strata.false_friends))
    choice = pl.when(topic).then(pl.lit(STRATA[0])).when(friend).then(pl.lit(STRATA[1])).otherwise(pl.lit(STRATA[2]))
    return texts.to_frame("text").lazy().select(stratum=choice).collect().to_series()


def quotas(section: settings.Quotas) -> dict[str, int]:
    """Return each stratum's quota by name."""
    return {"topic": section.topic, "false_friends": section.false_friends, "rest": section.rest}
