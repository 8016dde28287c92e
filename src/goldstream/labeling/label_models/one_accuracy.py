"""What the label models share that know one number for each function: how often it is right where it votes."""

from abc import ABC, abstractmethod

import numpy as np

from goldstream.labeling.label_models.counting import Votes, by_truth, class_balance

LOWEST, SUREST = 0.6, 0.95  #: no function is believed to be worse, or better


class OneAccuracy(ABC):
    """Finds how often each function is right, without gold labels, and takes its errors to go to all other labels alike."""

    def __init__(self, labels: int) -> None:
        self.balance = np.full(labels, 1 / labels)
        self.accuracy = np.zeros(0)  #: of each function, where it votes; float64

    def fit(self, votes: Votes, balance: np.ndarray | None = None) -> None:
        """Find the accuracies; gold labels serve the class balance only. See `LabelModel.fit`."""
        self.balance = class_balance(votes, balance)
        self.accuracy = np.clip(self._found(votes), LOWEST, SUREST)

    def predict_proba(self, votes: Votes) -> np.ndarray:
        """Return float64 probabilities, posts × labels; a post without a vote gets the class balance."""
        return self._posterior(votes, self.accuracy)[votes.inverse]

    @abstractmethod
    def _found(self, votes: Votes) -> np.ndarray:
        """The accuracy of each function, before it is clipped."""

    def _posterior(self, votes: Votes, accuracy: np.ndarray) -> np.ndarray:
        """Different rows × labels: the probability of each label if these are the accuracies."""
        right = np.repeat(accuracy[:, None], votes.labels, axis=1)
        wrong = (1 - right) / max(votes.labels - 1, 1)
        return votes.posterior(np.log(self.balance), np.log(by_truth(right, wrong)))
