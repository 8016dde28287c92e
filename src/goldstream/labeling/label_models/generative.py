"""A generative label model: functions vote independently of each other once the true label is known.

Each function has, for each true label, a probability of each vote and of abstaining (Dawid and Skene, 1979, with
abstention as one more answer), found by expectation maximisation from the vote of the majority on. Shrinkage towards a
function that is right a little more often than chance keeps sparse functions from collapsing onto one label.
Equal rows of votes are fitted once with their count, so the cost grows with the number of different rows.
"""

import numpy as np

from goldstream.labeling.label_models.majority import Majority

ROUNDS = 100
CLOSE_ENOUGH = 1e-5
PRIOR_VOTES = 20.0  #: how many imagined votes a function starts with
PRIOR_EDGE = 2.0  #: how much likelier, to begin with, a function votes for the true label than for another


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
        self._log_votes = np.zeros((0, labels, labels + 1))

    def fit(self, votes: np.ndarray, balance: np.ndarray | None = None) -> None:
        """Learn from `votes` (int8, posts × functions, -1 for an abstention); `balance` fixes the class balance."""
        rows, counts = np.unique(votes, axis=0, return_counts=True)
        weights = counts.astype(np.float64)
        start = Majority(self._labels)
        start.fit(votes, balance)
        self.balance = np.clip(start.balance, 1e-3, None)
        said = _one_hot(rows, self._labels)
        prior = self._prior(said, weights)
        guess = start.predict_proba(rows)
        for _ in range(ROUNDS):
            self._log_votes = np.log(self._votes_given(said, weights, guess, prior))
            if balance is None:
                share = weights @ guess + PRIOR_VOTES * start.balance
                self.balance = share / share.sum()
            before, guess = guess, self._posterior(said)
            if np.abs(guess - before).max(initial=0.0) < CLOSE_ENOUGH:
                break

    def predict_proba(self, votes: np.ndarray) -> np.ndarray:
        """Return float64 probabilities, posts × labels; a post without a vote gets the class balance."""
        rows, inverse = np.unique(votes, axis=0, return_inverse=True)
        scores = self._posterior(_one_hot(rows, self._labels))
        scores[(rows < 0).all(axis=1)] = self.balance / self.balance.sum()
        return scores[inverse.reshape(-1)]

    def _prior(self, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Imagined answers: as often as each function gives them, tilted a little towards the truth."""
        rates = np.einsum("rjv,r->jv", said, weights) / max(weights.sum(), 1.0)
        tilt = np.ones((self._labels, self._labels + 1))
        tilt[np.arange(self._labels), np.arange(self._labels)] = PRIOR_EDGE
        tilted = rates[:, None, :] * tilt + 1e-4
        return PRIOR_VOTES * tilted / tilted.sum(axis=2, keepdims=True)

    def _votes_given(self, said: np.ndarray, weights: np.ndarray, guess: np.ndarray, prior: np.ndarray) -> np.ndarray:
        counts = np.einsum("rjv,rk->jkv", said, guess * weights[:, None]) + prior
        return counts / counts.sum(axis=2, keepdims=True)

    def _posterior(self, said: np.ndarray) -> np.ndarray:
        scores = np.log(self.balance) + np.einsum("rjv,jkv->rk", said, self._log_votes)
        scores -= scores.max(axis=1, keepdims=True)
        likely = np.exp(scores)
        return likely / likely.sum(axis=1, keepdims=True)


def _one_hot(votes: np.ndarray, labels: int) -> np.ndarray:
    """Rows × functions × (labels + 1): the last answer is the abstention."""
    answers = np.where(votes < 0, labels, votes)
    return np.eye(labels + 1)[answers]
