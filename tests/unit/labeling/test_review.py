"""Planted label errors are found, and what is right is left alone."""

import numpy as np
import polars as pl
import pytest

from goldstream.errors import LabelingError
from goldstream.labeling.review import doubted, review

LABELS = ("a", "b", "c")


def drawn(rows: int = 1_000, share: float = 0.05) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of a model that is mostly right, labels with errors, and which labels are wrong."""
    random = np.random.default_rng(0)
    true = random.integers(0, 3, rows)
    raw = random.dirichlet(np.ones(3), rows) + 2 * np.eye(3)[true]
    wrong = random.random(rows) < share
    return raw / raw.sum(axis=1, keepdims=True), np.where(wrong, (true + 1) % 3, true), wrong


def test_planted_errors_are_found_and_come_first() -> None:
    scores, given, wrong = drawn()
    rows, _, _ = doubted(scores, given)
    assert wrong[rows].sum() >= 0.85 * wrong.sum()
    assert wrong[rows[: wrong.sum() // 2]].mean() > 0.95


def test_the_same_labels_are_doubted_as_by_cleanlab() -> None:
    cleanlab = pytest.importorskip("cleanlab.filter", reason="cleanlab is not installed: pip install cleanlab")
    scores, given, _ = drawn()
    theirs = cleanlab.find_label_issues(given, scores, filter_by="prune_by_noise_rate", n_jobs=1)
    rows, _, _ = doubted(scores, given)
    ours, theirs = set(rows.tolist()), set(np.flatnonzero(theirs).tolist())
    assert len(ours & theirs) >= 0.97 * len(ours | theirs)


def table(gold: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": [f"p:{row}" for row in range(len(gold))], "split": "dev", "text": "words", "gold": gold},
        schema_overrides={"gold": pl.String},
    )


def test_a_gold_label_that_model_and_rules_contradict_is_worse_than_one_that_only_the_model_does() -> None:
    posts = table(["a", "a", "a", "a", "b", "b", None])
    scores = np.array([[0.9, 0.1, 0], [0.9, 0.1, 0], [0.1, 0.9, 0], [0.1, 0.9, 0], [0.1, 0.9, 0], [0.3, 0.7, 0], [0, 0, 1]])
    votes = pl.DataFrame({"rule": ["a", None, "b", None, "b", None, "a"]})
    found = review(posts, votes, scores, LABELS, limit=1)
    assert (found.gold, found.doubted) == (6, 2)
    assert found.posts[0]["id"] == "p:2" and found.posts[0]["instead"] == "b" and found.posts[0]["votes"] == {"rule": "b"}
    assert "2 of 6 gold labels are doubted" in found.text() and "and 1 more" in found.text()


def test_without_a_model_the_rules_contradict_alone() -> None:
    votes = pl.DataFrame({"x": ["b", "a", "b"], "y": ["b", "a", "b"]})
    assert [post["id"] for post in review(table(["a", "a", "b"]), votes, None, LABELS, 5).posts] == ["p:0"]


@pytest.mark.parametrize(("gold", "said"), [([None, None], "none to review"), (["a", "b"], "nothing can contradict")])
def test_nothing_to_review_is_said(gold: list[str | None], said: str) -> None:
    votes = pl.DataFrame({"x": [None, None]}, schema={"x": pl.String})
    with pytest.raises(LabelingError, match=said):
        review(table(gold), votes, None, LABELS, 5)
