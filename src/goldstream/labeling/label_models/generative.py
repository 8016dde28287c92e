"""A generative label model: functions vote independently of each other once the true label is known.

Each function has one accuracy: it names the true label so often, and else any of the others alike. Accuracies are found
from how functions agree, by expectation maximisation, without gold labels. It is the conditionally independent model of
data programming (Ratner et al., 2016, arXiv 1605.07723; the model behind Snorkel's `LabelModel`) with three changes
that keep it from running away on few votes: the class balance is taken from gold or from the majority and stays, each
accuracy starts out as `LIKELY` with `IMAGINED_VOTES` behind it, and none leaves the range from `LOWEST` to `SUREST`.
"""

import numpy as np

from goldstream.labeling.label_models.counting import LIKELY, Votes, class_balance

ROUNDS = 200
CLOSE_ENOUGH = 1e-5
IMAGINED_VOTES = 20.0  #: how many votes it takes to outweigh the belief that a function is `LIKELY` right
LOWEST, SUREST = 0.6, 0.95


class Generative:
    """Weighs functions by how they agree.

    >>> votes = np.array([[0, 0, 1]] * 40 + [[1, 1, -1]] * 40, np.int8)
    >>> model = Generative(2)
    >>> model.fit(votes)
    >>> model.predict_proba(np.array([[0, 0, 1]], np.int8)).argmax().item()
    0
    """

    def __init__(self, labels: int) -> None:
        self._labels = labels
        self.balance = np.full(labels, 1 / labels)
        self.accuracy = np.zeros(0)  #: of each function, where it votes

    def fit(self, votes: np.ndarray, gold: np.ndarray | None = None, balance: np.ndarray | None = None) -> None:
        """Find accuracies; gold labels serve the class balance only. See `LabelModel.fit`."""
        counted = Votes(votes, self._labels)
        self.balance = class_balance(counted if gold is None else Votes(votes, self._labels, gold), balance)
        guess = np.where(counted.covered[:, None], counted.shares(), self.balance)
        for _ in range(ROUNDS):
            self.accuracy = self._accuracies(counted, guess)
            before, guess = guess, counted.posterior(np.log(self.balance), self._evidence())
            if np.abs(guess - before).max(initial=0.0) < CLOSE_ENOUGH:
                break

    def predict_proba(self, votes: np.ndarray) -> np.ndarray:
        """Return float64 probabilities, posts × labels; a post without a vote gets the class balance."""
        counted = Votes(votes, self._labels)
        return counted.posterior(np.log(self.balance), self._evidence())[counted.inverse]

    def _accuracies(self, votes: Votes, guess: np.ndarray) -> np.ndarray:
        tally = votes.tally(guess * votes.counts[:, None])
        right, given = np.trace(tally, axis1=1, axis2=2), tally.sum(axis=(1, 2))
        return np.clip((right + LIKELY * IMAGINED_VOTES) / (given + IMAGINED_VOTES), LOWEST, SUREST)

    def _evidence(self) -> np.ndarray:
        return accuracy_evidence(self.accuracy, self._labels)


def accuracy_evidence(accuracy: np.ndarray, labels: int) -> np.ndarray:
    """Functions × votes × labels: the log chance of the vote, when a function errs towards all other labels alike."""
    wrong = (1 - accuracy) / max(labels - 1, 1)
    evidence = np.repeat(np.log(wrong), labels * labels).reshape(len(accuracy), labels, labels)
    own = np.arange(labels)
    evidence[:, own, own] = np.log(accuracy)[:, None]
    return evidence
