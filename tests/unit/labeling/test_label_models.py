import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldstream.labeling.choice import LABEL_MODELS
from goldstream.labeling.label_models import DawidSkene, Generative, Majority, Triplet, Votes, Weighted

MODELS = pytest.mark.parametrize("make", LABEL_MODELS.values(), ids=LABEL_MODELS.keys())


def synthetic(
    posts: int, accuracies: list[float], *, abstains: float, labels: int = 2, first: float | None = None, seed: int = 0
):
    """Votes of independent functions with known accuracies, and the truth; `first` is the share of label 0."""
    chance = np.random.default_rng(seed)
    first = 1 / labels if first is None else first
    truth = np.where(chance.random(posts) < first, 0, chance.integers(1, labels, posts))
    wrong = (truth[:, None] + chance.integers(1, labels, (posts, len(accuracies)))) % labels
    votes = np.where(chance.random((posts, len(accuracies))) < accuracies, truth[:, None], wrong)
    return np.where(chance.random(votes.shape) < abstains, -1, votes).astype(np.int8 if labels <= 127 else np.int16), truth


def proba(model, votes: np.ndarray) -> np.ndarray:
    return model.predict_proba(Votes(votes, len(model.balance)))


def right(model, votes: np.ndarray, truth: np.ndarray) -> float:
    return float((proba(model, votes).argmax(axis=1) == truth).mean())


def fit(model, votes: np.ndarray, gold: np.ndarray | None = None, balance: np.ndarray | None = None) -> None:
    model.fit(Votes(votes, len(model.balance), gold), balance)


def partly(truth: np.ndarray, known: int) -> np.ndarray:
    """Gold labels of the first `known` posts."""
    return np.where(np.arange(len(truth)) < known, truth, -1)


@pytest.mark.parametrize("make", [Weighted, Generative, Triplet, DawidSkene])
@pytest.mark.parametrize("labels", [2, 5])
def test_weighing_beats_counting_when_functions_differ(make, labels: int) -> None:
    votes, truth = synthetic(5_000, [0.9, 0.85, 0.55, 0.55, 0.55], abstains=0.3, labels=labels)
    majority, model = Majority(labels), make(labels)
    for each in (majority, model):
        fit(each, votes, partly(truth, 500))
    assert right(model, votes, truth) > right(majority, votes, truth) + 0.01


@pytest.mark.parametrize("make", [Generative, Triplet])
def test_accuracies_are_found_without_any_gold_label(make) -> None:
    votes, truth = synthetic(20_000, [0.9, 0.8, 0.7, 0.65], abstains=0.2)
    model = make(2)
    fit(model, votes)
    true = [(truth == votes[:, j])[votes[:, j] >= 0].mean() for j in range(4)]
    assert np.abs(model.accuracy - true).max() < 0.08


def test_precisions_are_counted_on_gold() -> None:
    votes, truth = synthetic(20_000, [0.9, 0.8, 0.7, 0.6], abstains=0.2, first=0.3)
    model = Weighted(2)
    fit(model, votes, truth)
    true = [[(truth[votes[:, j] == label] == label).mean() for label in (0, 1)] for j in range(4)]
    assert np.abs(model.precision - true).max() < 0.01


def test_gold_labels_of_ten_posts_do_not_turn_a_function_around() -> None:
    votes, truth = synthetic(1_000, [0.8, 0.8, 0.8], abstains=0.0)
    model = Weighted(2)
    fit(model, votes, np.where(np.arange(1_000) < 10, 1 - truth, -1))
    assert right(model, votes, truth) > 0.7


def test_a_function_that_errs_one_way_is_seen_through() -> None:
    # says 0 whatever the truth is, half of the time that it is 1: its 1 is sure, its 0 is not
    chance = np.random.default_rng(0)
    truth = chance.integers(0, 2, 4_000)
    biased = np.where((truth == 1) & (chance.random(4_000) < 0.5), 1, 0)
    others = np.where(chance.random((4_000, 3)) < 0.7, truth[:, None], 1 - truth[:, None])
    votes = np.column_stack([biased, others]).astype(np.int8)
    one_number, table = Generative(2), DawidSkene(2)
    fit(one_number, votes)
    fit(table, votes)
    assert right(table, votes, truth) > right(one_number, votes, truth) + 0.02


def test_silence_speaks_where_a_rule_knows_its_class() -> None:
    chance = np.random.default_rng(0)
    truth = chance.integers(0, 2, 4_000)
    only_ones = np.where((truth[:, None] == 1) & (chance.random((4_000, 3)) < 0.8), 1, -1).astype(np.int8)
    zeros = np.where((truth[:, None] == 0) & (chance.random((4_000, 1)) < 0.1), 0, -1).astype(np.int8)
    votes = np.hstack([only_ones, zeros])
    model = DawidSkene(2)
    fit(model, votes, partly(truth, 200))
    assert proba(model, np.full((1, 4), -1, np.int8))[0, 0] > 0.9


@pytest.mark.parametrize("posts", [5, 50, 2_000])
def test_sparse_votes_do_not_collapse_into_one_class(posts: int) -> None:
    votes, _ = synthetic(posts, [0.8] * 20, abstains=0.95, labels=3)
    model = DawidSkene(3)
    fit(model, votes)
    assert np.abs(proba(model, votes).mean(axis=0) - 1 / 3).max() < 0.2


@MODELS
def test_the_class_balance_is_the_given_one_before_that_of_gold_before_that_of_votes(make) -> None:
    votes, truth = synthetic(20_000, [0.9, 0.9, 0.85], abstains=0.1, first=0.1)
    found = []
    for gold, balance in ((None, None), (truth, None), (truth, np.array([0.3, 0.7]))):
        model = make(2)
        fit(model, votes, gold, balance)
        found.append(model.balance[0])
    assert found == [
        pytest.approx(0.16, abs=0.06),
        pytest.approx(truth.tolist().count(0) / 20_000, abs=1e-3),
        pytest.approx(0.3),
    ]


@MODELS
@pytest.mark.parametrize(
    "votes",
    [
        np.full((50, 3), -1), np.zeros((0, 3)), np.zeros((50, 1)), np.zeros((50, 0)), np.array([[0, 1, -1]] * 50),
        np.array([[2, 2, 2]] * 50), np.array([[-1, -1, 1]]),
    ],
    ids=["all abstain", "no posts", "one function, one label", "no functions", "a tie", "one says all", "one vote"],
)  # fmt: skip
@pytest.mark.parametrize("known", [0, 20])
def test_odd_votes_still_give_probabilities(make, votes: np.ndarray, known: int) -> None:
    model = make(3)
    fit(model, votes.astype(np.int8), partly(np.zeros(len(votes), np.int64), known))
    for asked in (votes, np.zeros((2, votes.shape[1])), np.full((2, votes.shape[1]), -1)):
        scores = proba(model, asked.astype(np.int8))
        assert scores.shape == (len(asked), 3)
        assert np.allclose(scores.sum(axis=1), 1)
        assert (scores >= 0).all()


def test_ties_are_shared_and_silence_is_the_class_balance() -> None:
    model = Majority(2)
    fit(model, np.array([[0, -1], [0, 0], [0, -1], [1, 1]], np.int8), balance=np.array([0.75, 0.25]))
    asked = np.array([[0, 1], [-1, -1], [1, -1]], np.int8)
    assert proba(model, asked).tolist() == [[0.5, 0.5], [0.75, 0.25], [0.0, 1.0]]


@MODELS
@given(votes=st.lists(st.lists(st.integers(-1, 2), min_size=4, max_size=4), min_size=1, max_size=30), seed=st.integers(0, 9))
def test_the_order_of_posts_changes_nothing(make, votes, seed: int) -> None:
    matrix = np.array(votes, np.int8)
    order = np.random.default_rng(seed).permutation(len(matrix))
    gold = np.where(np.arange(len(matrix)) % 3 == 0, np.arange(len(matrix)) % 2, -1)
    one, other = make(3), make(3)
    fit(one, matrix, gold)
    fit(other, matrix[order], gold[order])
    assert np.allclose(proba(one, matrix), proba(other, matrix), atol=1e-4)


@MODELS
@pytest.mark.parametrize("functions", [3, 8, 9, 40])
def test_every_width_of_votes_is_told_apart(make, functions: int) -> None:
    votes, _ = synthetic(300, [0.7] * functions, abstains=0.5, labels=3)
    model = make(3)
    fit(model, votes)
    singly = np.concatenate([proba(model, votes[at : at + 1]) for at in range(len(votes))])
    assert np.allclose(proba(model, votes), singly)
    assert np.allclose(proba(model, votes.astype(np.int16)), singly)


@MODELS
def test_hundreds_of_labels_are_counted(make) -> None:
    votes, truth = synthetic(3_000, [0.9, 0.8, 0.8], abstains=0.1, labels=300)
    model = make(300)
    fit(model, votes, partly(truth, 100))
    assert right(model, votes, truth) > 0.8


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "floor"), [("youtube", 0.854), ("sms", 0.83), ("trec", 0.601), ("yoruba", 0.615)]
)  # .01 under the better of majority vote and Snorkel 0.10
def test_on_real_votes_the_weighted_vote_holds_its_ground(shared, name: str, floor: float) -> None:
    train, valid, test = (
        pl.read_parquet(shared / "weak_supervision" / name / f"{part}.parquet") for part in ("train", "valid", "test")
    )
    votes, more, asked = (np.array(part["weak_labels"].to_list(), np.int8) for part in (train, valid, test))
    model = Weighted(int(train["label"].max()) + 1)
    fit(model, np.vstack([votes, more]), np.concatenate([np.full(len(votes), -1), valid["label"].to_numpy()]))
    assert right(model, asked, test["label"].to_numpy()) >= floor
