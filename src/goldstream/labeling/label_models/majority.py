"""The vote of the majority: nothing to learn, hard to beat, always shown beside the rest."""

import numpy as np

from goldstream.labeling.label_models.counting import Votes, class_balance


class Majority:
    """Each function has one vote; labels with equally many share; without votes the class balance speaks.

    >>> Majority(2).predict_proba(np.array([[0, 0, 1], [0, 1, -1], [-1, -1, -1]], np.int8)).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]
    """

    def __init__(self, labels: int) -> None:
        self._labels = labels
        self.balance = np.full(labels, 1 / labels)

    def fit(self, votes: np.ndarray, gold: np.ndarray | None = None, balance: np.ndarray | None = None) -> None:
        """Take the class balance, for posts without votes. See `LabelModel.fit`."""
        self.balance = class_balance(Votes(votes, self._labels, gold), balance)

    def predict_proba(self, votes: np.ndarray) -> np.ndarray:
        """Return float64 probabilities, posts × labels."""
        counted = Votes(votes, self._labels)
        return np.where(counted.covered[:, None], counted.shares(), self.balance)[counted.inverse]
