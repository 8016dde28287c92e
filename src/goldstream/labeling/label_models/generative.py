"""A generative label model: functions vote independently of each other once the true label is known.

What is learnt, without any gold label, is a precision for each function and each label it votes for: how often the label
is right where the function gives it (expectation maximisation, from the vote of the majority on). An abstention says
nothing, so a rule that seldom speaks is not held against the posts on which it is silent. Shrinkage towards `LIKELY`
keeps sparse functions from being found always right, or always wrong. Equal rows of votes are fitted once with their
count, so the cost grows with the number of different rows.
"""

import numpy as np

from goldstream.labeling.label_models.majority import Majority

ROUNDS = 100
CLOSE_ENOUGH = 1e-5
LIKELY = 0.8  #: the precision that a function is believed to have before it has voted
IMAGINED_VOTES = 100.0  #: how many votes it takes to outweigh that belief
IMAGINED_SHARE = 0.1  #: how many posts, as a share of all, hold the class balance near that of the majority vote
_SUREST = 0.98  # no function is trusted beyond this


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
        self.precision = np.zeros((0, labels))  #: functions × labels

    def fit(self, votes: np.ndarray, balance: np.ndarray | None = None) -> None:
        """Learn from `votes` (int8, posts × functions, -1 for an abstention); `balance` fixes the class balance."""
        rows, _, counts = _different(votes)
        covered = (rows >= 0).any(axis=1)
        rows, weights = rows[covered], counts[covered].astype(np.float64)
        start = Majority(self._labels)
        start.fit(votes, balance)
        self.balance = expected = _share(np.clip(start.balance, 1e-3, None))
        self.precision = np.full((votes.shape[1], self._labels), LIKELY)
        if not len(rows):
            return
        said, guess = _one_hot(rows, self._labels), start.predict_proba(rows)
        for _ in range(ROUNDS):
            self.precision = _precision(said, weights, guess)
            before, guess = guess, self._posterior(said)
            if balance is None:
                self.balance = _share(weights @ guess + IMAGINED_SHARE * weights.sum() * expected)
            if np.abs(guess - before).max(initial=0.0) < CLOSE_ENOUGH:
                break

    def predict_proba(self, votes: np.ndarray) -> np.ndarray:
        """Return float64 probabilities, posts × labels; a post without a vote gets the class balance."""
        rows, inverse, _ = _different(votes)
        return self._posterior(_one_hot(rows, self._labels))[inverse]

    def _posterior(self, said: np.ndarray) -> np.ndarray:
        scores = np.log(self.balance) + np.tensordot(said, self._evidence(), axes=((1, 2), (0, 1)))
        scores -= scores.max(axis=1, keepdims=True)
        return _share(np.exp(scores))

    def _evidence(self) -> np.ndarray:
        """Functions × votes × labels: how much likelier the label is, on a log scale, once the function has voted."""
        others = (1 - self.precision) / (1 - self.balance)
        odds = np.repeat(others[:, :, None], self._labels, axis=2)
        own = np.arange(self._labels)
        odds[:, own, own] = self.precision / self.balance
        return np.log(odds)


def _precision(said: np.ndarray, weights: np.ndarray, guess: np.ndarray) -> np.ndarray:
    right = np.einsum("rjv,rv->jv", said, guess * weights[:, None])
    given = np.einsum("rjv,r->jv", said, weights)
    return np.clip((right + LIKELY * IMAGINED_VOTES) / (given + IMAGINED_VOTES), 1 - _SUREST, _SUREST)


def _share(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=-1, keepdims=True)


def _one_hot(votes: np.ndarray, labels: int) -> np.ndarray:
    """Rows × functions × labels; an abstention is all noughts."""
    return (votes[:, :, None] == np.arange(labels, dtype=votes.dtype)).astype(np.float64)


def _different(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different rows, where each row is among them, and how often each occurs."""
    if votes.shape[1] == 0:
        return votes[:1], np.zeros(len(votes), np.int64), np.array([len(votes)])[: len(votes)]
    keys = np.ascontiguousarray(votes).view(f"V{votes.dtype.itemsize * votes.shape[1]}").reshape(-1)
    if keys.dtype.itemsize <= 8:  # as one number, which sorts faster
        padded = np.zeros((len(votes), 8 // votes.dtype.itemsize), votes.dtype)
        padded[:, : votes.shape[1]] = votes
        keys = padded.view(np.int64).reshape(-1)
    _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return votes[first], inverse.reshape(-1), counts
