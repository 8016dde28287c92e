"""What a label model is."""

from typing import Protocol

import numpy as np


class LabelModel(Protocol):
    """Learns how far to trust each labelling function, and turns votes into probabilities.

    Votes are an integer matrix, posts × functions: the number of a label, or -1 for an abstention.
    """

    balance: np.ndarray  #: the class balance, float64, one share for each label

    def __init__(self, labels: int) -> None: ...

    def fit(self, votes: np.ndarray, gold: np.ndarray | None = None, balance: np.ndarray | None = None) -> None:
        """Learn from `votes`; `gold` has a label's number for each post, or -1 where it is not known.

        The class balance is the given one; else that of the gold labels; else that of the majority's vote.
        """

    def predict_proba(self, votes: np.ndarray) -> np.ndarray:
        """Return float64 probabilities, posts × labels. A post without a vote gets the class balance, or close to it."""
