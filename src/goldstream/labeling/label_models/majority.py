"""The vote of the majority: no parameters, hard to beat, always shown beside the rest."""

import numpy as np


class Majority:
    """Each function has one vote; labels with equally many share; without votes the class balance speaks.

    >>> Majority(2).predict_proba(np.array([[0, 0, 1], [0, 1, -1], [-1, -1, -1]], np.int8)).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]
    """

    def __init__(self, labels: int) -> None:
        self._labels = labels
        self.balance = np.full(labels, 1 / labels)

    def fit(self, votes: np.ndarray, balance: np.ndarray | None = None) -> None:
        """Take the class balance as given, or as the covered posts have it. `votes`: int8, posts × functions."""
        covered = votes[(votes >= 0).any(axis=1)]
        if balance is not None:
            self.balance = balance
        elif len(covered):
            self.balance = self.predict_proba(covered).mean(axis=0)

    def predict_proba(self, votes: np.ndarray) -> np.ndarray:
        """Return float64 probabilities, posts × labels."""
        counts = np.stack([(votes == label).sum(axis=1) for label in range(self._labels)], axis=1)
        winners = (counts == counts.max(axis=1, keepdims=True)) & (counts > 0)
        total = winners.sum(axis=1, keepdims=True)
        return np.where(total > 0, winners / np.maximum(total, 1), self.balance)
