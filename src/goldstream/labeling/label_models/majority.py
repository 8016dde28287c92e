"""The vote of the majority: nothing to learn, hard to beat, always shown beside the rest."""

import numpy as np

from goldstream.labeling.label_models.counting import Votes, class_balance


class Majority:
    """Each function has one vote; labels with equally many share; without votes the class balance speaks.

    >>> votes = Votes(np.array([[0, 0, 1], [0, 1, -1], [-1, -1, -1]], np.int8), labels=2)
    >>> Majority(2).predict_proba(votes).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]
    """

    def __init__(self, labels: int) -> None:
        self.balance = np.full(labels, 1 / labels)

    def fit(self, votes: Votes, balance: np.ndarray | None = None) -> None:
        """Take the class balance, for posts without votes. See `LabelModel.fit`."""
        self.balance = class_balance(votes, balance)

    def predict_proba(self, votes: Votes) -> np.ndarray:
        """Return float64 probabilities, posts × labels."""
        return np.where(votes.covered[:, None], votes.shares(), self.balance)[votes.inverse]
