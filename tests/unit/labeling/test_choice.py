import numpy as np
import pytest

from goldstream.errors import LabelingError
from goldstream.labeling.choice import LABEL_MODELS, choose

NAMES = ["a", "b", "c", "d", "e"]


def voted(accuracies: list[float], posts: int = 2_000, abstains: float = 0.2):
    chance = np.random.default_rng(0)
    truth = chance.integers(0, 2, posts)
    votes = np.where(chance.random((posts, len(accuracies))) < accuracies, truth[:, None], 1 - truth[:, None])
    return np.where(chance.random(votes.shape) < abstains, -1, votes).astype(np.int8), truth


def partly(truth: np.ndarray, known: int) -> np.ndarray:
    return np.where(np.arange(len(truth)) < known, truth, -1)


def test_with_gold_labels_functions_are_weighed_by_them() -> None:
    votes, truth = voted([0.95, 0.9, 0.5, 0.5, 0.5])
    choice = choose(votes, partly(truth, 300), NAMES, 2)
    assert choice.name == "weighted"
    assert "a is right there 9" in choice.reason
    assert choice.on_dev["weighted"]["accuracy"] > choice.on_dev["majority"]["accuracy"]
    assert list(choice.on_dev) == list(LABEL_MODELS)
    assert "→ weighted" in choice.text()


def test_the_reason_says_when_weights_change_little() -> None:
    votes, truth = voted([0.8, 0.8, 0.8, 0.8, 0.8])
    assert "about equally right" in choose(votes, partly(truth, 500), NAMES, 2).reason


def test_another_model_wins_when_it_is_better_by_more_than_chance() -> None:
    # a function that is silent on every 1 says all by its silence, and votes cast alone never tell
    chance = np.random.default_rng(0)
    truth = chance.integers(0, 2, 4_000)
    says_ones = np.where((truth == 1)[:, None] & (chance.random((4_000, 4)) < 0.7), 1, -1)
    says_anything = np.where(chance.random((4_000, 1)) < 0.6, truth[:, None], 1 - truth[:, None])
    votes = np.hstack([says_ones, says_anything]).astype(np.int8)
    choice = choose(votes, partly(truth, 400), NAMES, 2)
    assert choice.name == "dawid-skene"
    assert "by more than chance" in choice.reason


@pytest.mark.parametrize(
    ("functions", "gold", "name", "said"),
    [(5, 0, "generative", "0 gold labels"), (5, 29, "generative", "too few"), (2, 10, "majority", "fewer than three"),
     (2, 400, "weighted", "because"), (1, 400, "weighted", "because")],
)  # fmt: skip
def test_without_enough_gold_the_rule_is_stated(functions: int, gold: int, name: str, said: str) -> None:
    votes, truth = voted([0.8] * functions)
    choice = choose(votes, partly(truth, gold), NAMES[:functions], 2)
    assert choice.name == name
    assert said in choice.reason


def test_a_wanted_model_is_taken_and_the_others_are_still_shown() -> None:
    votes, truth = voted([0.8, 0.8, 0.8])
    choice = choose(votes, partly(truth, 100), NAMES[:3], 2, wanted="triplet")
    assert (choice.name, choice.reason) == ("triplet", "as labeling.label-model says")
    assert len(choice.on_dev) == len(LABEL_MODELS)


def test_an_unknown_model_is_refused_with_what_there_is() -> None:
    with pytest.raises(LabelingError, match="no label model named 'magic'; there are auto, majority, weighted"):
        choose(np.zeros((5, 3), np.int8), np.full(5, -1), NAMES[:3], 2, wanted="magic")


def test_nobody_is_judged_by_gold_labels_that_it_has_seen() -> None:
    # votes that mean nothing: a model that had seen the gold it is judged by would look better than chance
    chance = np.random.default_rng(0)
    votes, truth = chance.integers(0, 2, (400, 12)).astype(np.int8), chance.integers(0, 2, 400)
    accuracy = choose(votes, truth, [str(j) for j in range(12)], 2).on_dev["weighted"]["accuracy"]
    assert accuracy < 0.57


@pytest.mark.parametrize(
    "votes", [np.full((60, 3), -1), np.zeros((60, 3)), np.zeros((60, 0))], ids=["silent", "one says all", "none"]
)
def test_odd_votes_lead_to_a_choice(votes: np.ndarray) -> None:
    choice = choose(votes.astype(np.int8), np.arange(60) % 2, NAMES[: votes.shape[1]], 2)
    assert choice.name in LABEL_MODELS
