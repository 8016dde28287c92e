import polars as pl
import pytest

from goldstream import settings
from goldstream.datasets.strata import stratum
from goldstream.errors import SettingsError

STRATA = settings.Strata(topic=("ai", "neural*"), false_friends=("data", "model*"))


def test_the_topic_wins_over_its_false_friends() -> None:
    texts = pl.Series(["an AI model", "data plan", "Models walk", "paint", ""])
    assert stratum(texts, STRATA).to_list() == ["topic", "false_friends", "false_friends", "rest", "rest"]


def test_without_keywords_everything_is_the_rest() -> None:
    assert stratum(pl.Series(["an AI model"]), settings.Strata()).to_list() == ["rest"]


@pytest.mark.parametrize("word", ["", " ", "*"])
def test_a_keyword_that_matches_everything_is_refused(word: str) -> None:
    with pytest.raises(SettingsError, match=r"strata\.topic"):
        settings.read(f'[strata]\ntopic = ["{word}"]', "goldstream.toml")
