import numpy as np
import polars as pl
import pytest

from goldstream.labeling.label_models.generative import Generative
from goldstream.labeling.label_models.majority import Majority

MODELS = [Majority, Generative]


def synthetic(posts: int, accuracies: list[float], *, abstains: float, labels: int = 2, first: float = 0.5, seed: int = 0):
    """Votes of independent functions with known accuracies, and the truth."""
    chance = np.random.default_rng(seed)
    truth = np.where(chance.random(posts) < first, 0, chance.integers(1, labels, posts))
    wrong = (truth[:, None] + chance.integers(1, labels, (posts, len(accuracies)))) % labels
    votes = np.where(chance.random((posts, len(accuracies))) < accuracies, truth[:, None], wrong)
    return np.where(chance.random(votes.shape) < abstains, -1, votes).astype(np.int8), truth


def right(model: Majority | Generative, votes: np.ndarray, truth: np.ndarray) -> float:
    return float((model.predict_proba(votes).argmax(axis=1) == truth).mean())


@pytest.mark.parametrize("labels", [2, 5])
def test_weighing_beats_counting_when_functions_differ(labels: int) -> None:
    votes, truth = synthetic(5_000, [0.9, 0.85, 0.55, 0.55, 0.55], abstains=0.3, labels=labels)
    majority, generative = Majority(labels), Generative(labels)
    majority.fit(votes)
    generative.fit(votes)
    assert right(generative, votes, truth) > right(majority, votes, truth) + 0.01


def test_precisions_are_found_without_any_gold_label() -> None:
    votes, truth = synthetic(20_000, [0.9, 0.8, 0.7, 0.6], abstains=0.2)
    model = Generative(2)
    model.fit(votes)
    true = [[(truth[votes[:, j] == label] == label).mean() for label in (0, 1)] for j in range(4)]
    assert np.abs(model.precision - true).max() < 0.06


def test_a_rare_class_is_found_to_be_rare() -> None:
    votes, _ = synthetic(20_000, [0.9, 0.9, 0.85], abstains=0.1, first=0.1)
    model = Generative(2)
    model.fit(votes)
    assert model.balance[0] == pytest.approx(0.1, abs=0.06)


@pytest.mark.parametrize("make", MODELS)
def test_a_given_class_balance_stays(make) -> None:
    votes, _ = synthetic(100, [0.8, 0.8, 0.8], abstains=0.2)
    model = make(2)
    model.fit(votes, np.array([0.3, 0.7]))
    assert model.predict_proba(np.full((1, 3), -1, np.int8)).tolist() == [[pytest.approx(0.3), pytest.approx(0.7)]]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize(
    "votes",
    [
        np.full((50, 3), -1), np.zeros((0, 3)), np.zeros((50, 1)), np.zeros((50, 0)), np.array([[0, 1, -1]] * 50),
        np.array([[2, 2, 2]] * 50), np.array([[-1, -1, 1]]),
    ],
    ids=["all abstain", "no posts", "one function, one label", "no functions", "a tie", "one says all", "one vote"],
)  # fmt: skip
def test_odd_votes_still_give_probabilities(make, votes: np.ndarray) -> None:
    model = make(3)
    model.fit(votes.astype(np.int8))
    for asked in (votes, np.zeros((2, votes.shape[1])), np.full((2, votes.shape[1]), -1)):
        scores = model.predict_proba(asked.astype(np.int8))
        assert scores.shape == (len(asked), 3)
        assert np.allclose(scores.sum(axis=1), 1)
        assert (scores >= 0).all()


def test_ties_are_shared_and_silence_is_the_class_balance() -> None:
    model = Majority(2)
    model.fit(np.array([[0, -1], [0, 0], [0, -1], [1, 1]], np.int8))
    asked = np.array([[0, 1], [-1, -1], [1, -1]], np.int8)
    assert model.predict_proba(asked).tolist() == [[0.5, 0.5], [0.75, 0.25], [0.0, 1.0]]


@pytest.mark.parametrize("make", MODELS)
def test_the_order_of_posts_changes_nothing(make) -> None:
    votes, _ = synthetic(500, [0.9, 0.7, 0.6], abstains=0.4)
    one, other = make(2), make(2)
    one.fit(votes)
    other.fit(votes[::-1].copy())
    assert np.allclose(one.predict_proba(votes), other.predict_proba(votes), atol=1e-6)


@pytest.mark.parametrize("functions", [3, 8, 9, 40])
def test_every_width_of_votes_is_told_apart(functions: int) -> None:
    votes, _ = synthetic(300, [0.7] * functions, abstains=0.5, labels=3)
    model = Generative(3)
    model.fit(votes)
    singly = np.concatenate([model.predict_proba(votes[at : at + 1]) for at in range(len(votes))])
    assert np.allclose(model.predict_proba(votes), singly)
    assert np.allclose(model.predict_proba(votes.astype(np.int16)), singly)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["youtube", "sms", "trec", "yoruba"])
def test_on_real_votes_weighing_is_hardly_ever_worse(shared, name: str) -> None:
    train, test = (pl.read_parquet(shared / "weak_supervision" / name / f"{part}.parquet") for part in ("train", "test"))
    votes, asked = (np.array(part["weak_labels"].to_list(), np.int8) for part in (train, test))
    labels = int(train["label"].max()) + 1
    majority, generative = Majority(labels), Generative(labels)
    majority.fit(votes)
    generative.fit(votes)
    truth = test["label"].to_numpy()
    assert right(generative, asked, truth) >= right(majority, asked, truth) - 0.02
