"""A vote in which each function weighs what the gold labels say it is worth."""

import numpy as np

from goldstream.labeling.label_models.counting import LIKELY, Votes, by_truth, class_balance, share

IMAGINED_VOTES = 10.0  #: how many checked votes it takes to outweigh the belief that a function is `LIKELY` right
SUREST = 0.98  #: no function is trusted beyond this


class Weighted:
    """Counts, on posts with gold labels, how often each function is right with each label it votes for.

    A vote multiplies the odds of its label by precision over class share, the naive Bayes rule on votes cast. Nothing is
    read into an abstention, except where all abstain: there the balance is that of the gold posts on which all abstain.
    Without gold labels every function is believed `LIKELY` right, which is the vote of the majority in soft.

    >>> votes, gold = np.array([[0, 1]] * 50 + [[1, 1]] * 50, np.int8), np.repeat([0, 1], 50)
    >>> model = Weighted(2)
    >>> model.fit(Votes(votes, labels=2, gold=gold))
    >>> model.predict_proba(Votes(np.array([[0, 1], [1, 1]], np.int8), labels=2)).argmax(axis=1).tolist()
    [0, 1]
    """

    def __init__(self, labels: int) -> None:
        self.balance = np.full(labels, 1 / labels)
        self.precision = np.zeros((0, labels))  #: functions × labels
        self._silent = self.balance

    def fit(self, votes: Votes, balance: np.ndarray | None = None) -> None:
        """Count on the posts with gold labels. See `LabelModel.fit`."""
        self.balance = class_balance(votes, balance)
        tally = votes.tally(votes.known)
        right, given = np.diagonal(tally, axis1=1, axis2=2), tally.sum(axis=2)
        self.precision = np.clip((right + LIKELY * IMAGINED_VOTES) / (given + IMAGINED_VOTES), 1 - SUREST, SUREST)
        self._silent = share(votes.known[~votes.covered].sum(axis=0) + IMAGINED_VOTES * self.balance)

    def predict_proba(self, votes: Votes) -> np.ndarray:
        """Return float64 probabilities, posts × labels."""
        scores = votes.posterior(np.log(self.balance), self._evidence())
        scores[~votes.covered] = self._silent
        return scores[votes.inverse]

    def _evidence(self) -> np.ndarray:
        """Functions × votes × labels: how much likelier the label is, on a log scale, once the function has voted."""
        return np.log(by_truth(self.precision / self.balance, (1 - self.precision) / (1 - self.balance)))
