"""A vote in which each function weighs what the gold labels say it is worth."""

import numpy as np

from goldstream.labeling.label_models.counting import LIKELY, Votes, class_balance, share

IMAGINED_VOTES = 10.0  #: how many checked votes it takes to outweigh the belief that a function is `LIKELY` right
SUREST = 0.98  #: no function is trusted beyond this


class Weighted:
    """Counts, on posts with gold labels, how often each function is right with each label it votes for.

    A vote multiplies the odds of its label by precision over class share, the naive Bayes rule on votes cast. Nothing is
    read into an abstention, except where all abstain: there the balance is that of the gold posts on which all abstain.
    Without gold labels every function is believed `LIKELY` right, which is the vote of the majority in soft.

    >>> votes, gold = np.array([[0, 1]] * 50 + [[1, 1]] * 50, np.int8), np.repeat([0, 1], 50)
    >>> model = Weighted(2)
    >>> model.fit(votes, gold)
    >>> model.predict_proba(np.array([[0, 1], [1, 1]], np.int8)).argmax(axis=1).tolist()
    [0, 1]
    """

    def __init__(self, labels: int) -> None:
        self._labels = labels
        self.balance = np.full(labels, 1 / labels)
        self.precision = np.zeros((0, labels))  #: functions × labels
        self._silent = self.balance

    def fit(self, votes: np.ndarray, gold: np.ndarray | None = None, balance: np.ndarray | None = None) -> None:
        """Count on the posts with gold labels. See `LabelModel.fit`."""
        checked = np.zeros(len(votes), bool) if gold is None else gold >= 0
        counted = Votes(votes[checked], self._labels, None if gold is None else gold[checked])
        self.balance = class_balance(counted if checked.any() else Votes(votes, self._labels), balance)
        weights = counted.known() * counted.counts[:, None]
        tally = counted.tally(weights)
        right, given = np.diagonal(tally, axis1=1, axis2=2), tally.sum(axis=2)
        self.precision = np.clip((right + LIKELY * IMAGINED_VOTES) / (given + IMAGINED_VOTES), 1 - SUREST, SUREST)
        self._silent = share(weights[~counted.covered].sum(axis=0) + IMAGINED_VOTES * self.balance)

    def predict_proba(self, votes: np.ndarray) -> np.ndarray:
        """Return float64 probabilities, posts × labels."""
        counted = Votes(votes, self._labels)
        scores = counted.posterior(np.log(self.balance), self._evidence())
        scores[~counted.covered] = self._silent
        return scores[counted.inverse]

    def _evidence(self) -> np.ndarray:
        """Functions × votes × labels: how much likelier the label is, on a log scale, once the function has voted."""
        evidence = np.repeat(((1 - self.precision) / (1 - self.balance))[:, :, None], self._labels, axis=2)
        own = np.arange(self._labels)
        evidence[:, own, own] = self.precision / self.balance
        return np.log(evidence)
