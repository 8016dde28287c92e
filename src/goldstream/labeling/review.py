"""Gold labels that are probably wrong: those that the model and the rules together contradict, by confident learning.

Confident learning (Northcutt, Jiang and Chuang, Journal of Artificial Intelligence Research 2021): a post is confidently of
another label when that one is as probable as it is on average among the posts that bear it, which makes up for models that
are surer of one label than of another. Such posts tell how many labels of each kind are wrong (the confident joint); as many are
doubted, those first whose other label is the most probable beside the given one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from goldstream.errors import LabelingError
from goldstream.labeling.analysis import codes
from goldstream.labeling.show import excerpt


@dataclass(frozen=True)
class Review:
    """The doubted gold labels, the worst first."""

    gold: int  #: posts with a gold label
    doubted: int
    posts: list[dict[str, Any]]  #: id, split, text, gold, instead, margin, probability (of the model), votes

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(vars(self))

    def text(self) -> str:
        """Return it as a person reads it."""
        lines = [f"{self.doubted:,} of {self.gold:,} gold labels are doubted"]
        for post in self.posts:
            said = [] if post["probability"] is None else [f"the model gives {post['instead']} {post['probability']:.3f}"]
            said += [f"{name} votes {vote}" for name, vote in post["votes"].items()]
            lines += [
                "",
                f"{post['id']} ({post['split'] or 'no split'}): gold {post['gold']}, rather {post['instead']}: {', '.join(said)}",
            ]
            lines += [f"    {excerpt(post['text'])}"]
        if (left := self.doubted - len(self.posts)) > 0:
            lines += ["", f"and {left:,} more; --limit shows more of them"]
        return "\n".join(lines)


def review(posts: pl.DataFrame, votes: pl.DataFrame, scores: np.ndarray | None, labels: Sequence[str], limit: int) -> Review:
    """Return the doubted gold labels of `posts` (columns id, split, text, gold), up to `limit` of them shown.

    `votes` has a column for each function; `scores` are a model's, posts × labels, None without one. Raises `LabelingError`
    when nothing is there to doubt by, or no post has a gold label.
    """
    gold = codes(posts.select("gold"), labels)[:, 0]
    if not (gold >= 0).any():
        raise LabelingError("no post has a gold label yet, so there is none to review")
    matrix = codes(votes, labels)
    if scores is None and not (matrix >= 0).any():
        raise LabelingError(
            "there is no model yet and no function votes on a post with a gold label: nothing can contradict it"
        )
    both = together(scores, matrix, len(labels))
    known = np.flatnonzero(gold >= 0)
    rows, instead, margin = doubted(both[known], gold[known].astype(np.int64))
    shown = [
        _post(posts.row(int(known[row]), named=True), votes.row(int(known[row]), named=True), labels, int(other), float(much), scores,
              int(known[row]))
        for row, other, much in list(zip(rows, instead, margin, strict=True))[:limit]
    ]  # fmt: skip
    return Review(len(known), len(rows), shown)


def together(scores: np.ndarray | None, matrix: np.ndarray, labels: int) -> np.ndarray:
    """Return the mean of the model's probabilities and the rules' shares of votes; where no rule votes, the model's alone.

    >>> together(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([[1, -1], [-1, -1]]), 2).tolist()
    [[0.45, 0.55], [0.9, 0.1]]
    """
    counts = np.stack([(matrix == label).sum(axis=1) for label in range(labels)], axis=1).astype(np.float64)
    voted = counts.sum(axis=1, keepdims=True)
    shares = np.where(voted > 0, counts / np.maximum(voted, 1), 1 / labels)
    if scores is None:
        return shares
    return np.where(voted > 0, (scores + shares) / 2, scores)


def doubted(probabilities: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows whose `given` label is doubted, the label that is confidently another, and the margin; the worst first.

    >>> rows, instead, margin = doubted(np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]]), np.array([0, 0, 1, 0]))
    >>> rows.tolist(), instead.tolist(), margin.round(2).tolist()
    ([3], [1], [0.8])
    """
    labels, counts = probabilities.shape[1], np.bincount(given, minlength=probabilities.shape[1])
    joint = _confident_joint(probabilities, given)
    expected = np.rint(joint / np.maximum(joint.sum(axis=1, keepdims=True), 1) * counts[:, None]).astype(int)
    margins = probabilities - probabilities[np.arange(len(given)), given][:, None]
    margins[np.arange(len(given)), given] = -np.inf
    found = []
    for label in range(labels):
        bearers = np.flatnonzero(given == label)
        for other in np.flatnonzero(expected[label] * (np.arange(labels) != label)):
            worst = bearers[np.argsort(-margins[bearers, other], kind="stable")][: expected[label, other]]
            found += [(float(margins[row, other]), int(row), int(other)) for row in worst if margins[row, other] > 0]
    highest = {row: (margin, other) for margin, row, other in sorted(found)}
    order = sorted(highest, key=lambda row: (-highest[row][0], row))
    instead, margin = (np.array([highest[row][part] for row in order]) for part in (1, 0))
    return np.array(order, np.int64), instead.astype(np.int64), margin


def _confident_joint(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """How many posts bear a label (row) and are confidently of a label (column)."""
    labels = probabilities.shape[1]
    usual = np.array([
        probabilities[given == label, label].mean() if (given == label).any() else np.inf for label in range(labels)
    ])  # fmt: skip
    confident = np.where(probabilities >= usual - 1e-12, probabilities, -1.0)
    sure = confident.max(axis=1) >= 0
    joint = np.zeros((labels, labels), np.int64)
    np.add.at(joint, (given[sure], confident[sure].argmax(axis=1)), 1)
    return joint


def _post(
    post: dict[str, Any], votes: dict[str, str | None], labels: Sequence[str], instead: int, margin: float,
    scores: np.ndarray | None, row: int,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": post["id"], "split": post["split"], "text": post["text"], "gold": post["gold"], "instead": labels[instead],
        "margin": margin, "probability": None if scores is None else float(scores[row, instead]),
        "votes": {name: vote for name, vote in votes.items() if vote is not None},
    }  # fmt: skip
