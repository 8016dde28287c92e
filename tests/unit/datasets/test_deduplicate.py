import random

import numpy as np
import polars as pl
import pytest

from goldstream.datasets.deduplicate import SHINGLE, normalise, representatives

TEXT = "rain snow wind storm river bridge town road night morning people water light power house train"
WORDS = TEXT.split()


def shingles(text: str) -> set[str]:
    return {text[at : at + SHINGLE] for at in range(max(1, len(text) - SHINGLE + 1))}


def alike(one: str, other: str) -> float:
    return len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))


def stream(seed: int, posts: int) -> pl.Series:
    """Posts, two thirds of them an older one retold with a word put in, left out or changed."""
    chance, texts = random.Random(seed), [" ".join(random.Random(seed).choices(WORDS, k=12))]
    while len(texts) < posts:
        words = chance.choice(texts).split() if chance.random() < 2 / 3 else chance.choices(WORDS, k=chance.randint(3, 15))
        words.insert(chance.randrange(len(words) + 1), chance.choice(WORDS))
        texts.append(" ".join(words))
    return pl.Series(texts)


@pytest.mark.parametrize(
    "retold",
    [
        "BIG news: the river is rising",
        "Big news, the river is rising!!! https://example.org/x?utm=1",
        "RT @bob: big news – the river is rising",
        "@ann @bob big   news\nthe river is rising www.example.org",
        "big_news #the river is rising 🌊",
    ],
)
def test_what_retelling_changes_makes_no_new_post(retold: str) -> None:
    assert representatives(pl.Series(["Big news the river is rising", retold]), 1.0).tolist() == [0, 0]


def test_different_posts_stay() -> None:
    texts = pl.Series(["the river is rising in the north", "the river is falling in the south", "😂", "🌊", "", "ok"])
    assert representatives(texts, 0.8).tolist() == [0, 1, 2, 3, 4, 5]


def test_a_text_of_noise_alone_keeps_it() -> None:
    assert normalise(pl.Series(["?!", "@bob", "RT", "日本語です"])).to_list() == ["?!", "@bob", "rt", "日本語です"]


def test_no_posts_and_one_post() -> None:
    assert representatives(pl.Series([], dtype=pl.String), 0.8).tolist() == []
    assert representatives(pl.Series(["x"]), 0.8).tolist() == [0]


@pytest.mark.parametrize("similarity", [0.6, 0.8, 1.0])
def test_groups_are_stars_around_the_post_that_came_first(similarity: float) -> None:
    texts = stream(1, 600)
    first = representatives(texts, similarity)
    for index, other in enumerate(first):
        assert other <= index
        assert first[other] == other
        assert alike(texts[index], texts[int(other)]) >= similarity or texts[index] == texts[int(other)]
    assert len(np.unique(first)) < 600 or similarity == 1.0


def test_nearly_no_pair_of_representatives_is_alike() -> None:
    texts = stream(2, 600)
    left = np.unique(representatives(texts, 0.8))
    pairs = [(one, other) for one in left for other in left if one < other and alike(texts[int(one)], texts[int(other)]) >= 0.8]
    assert len(pairs) <= 1  # banding finds a pair at exactly 0.8 with probability 0.9998


def test_a_campaign_with_a_counter_is_one_post() -> None:
    texts = pl.Series([f"Vote now for the very best band of the whole wide world today x{number}" for number in range(5_000)])
    assert (representatives(texts, 0.8) == 0).all()


def test_the_same_posts_give_the_same_groups() -> None:
    texts = stream(3, 300)
    assert (representatives(texts, 0.8) == representatives(texts, 0.8)).all()


@pytest.mark.shared
def test_real_tweets_hold_hundreds_of_duplicates(shared) -> None:
    texts = pl.read_parquet(shared / "disaster_tweets" / "train.parquet")["text"]
    first = representatives(texts, 0.8)
    assert 600 < (first != np.arange(len(texts))).sum() < 900
