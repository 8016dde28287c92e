"""What a label model is."""

from typing import Protocol

import numpy as np

from goldstream.labeling.label_models.counting import Votes


class LabelModel(Protocol):
    """Learns how far to trust each labelling function, and turns votes into probabilities."""

    balance: np.ndarray  #: the class balance, float64, one share for each label

    def __init__(self, labels: int) -> None: ...

    def fit(self, votes: Votes, balance: np.ndarray | None = None) -> None:
        """Learn from `votes` and what gold labels they have.

        The class balance is the given one; else that of the gold labels; else that of the majority's vote.
        """

    def predict_proba(self, votes: Votes) -> np.ndarray:
        """Return float64 probabilities, posts × labels. A post without a vote gets the class balance, or close to it."""
