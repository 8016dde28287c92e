"""What the label models count with: different rows of votes, counted once each, and abstentions skipped.

Rules are few and say one of few things, so a million posts have some thousand different rows of votes. Every step of
every label model works on these, and its cost grows with the votes among them.
"""

from copy import copy

import numpy as np

FEW = 1 << 18  #: as many rows that could occur are counted without sorting
LIKELY = 0.8  #: how often a function is believed to be right before anything is known of it


class Votes:
    """A matrix of votes (integers, posts × functions, -1 for an abstention), kept as its different rows.

    `gold` has a label's number for each post, or -1 where it is not known.

    >>> votes = Votes(np.array([[0, -1], [1, 1], [0, -1]], np.int8), labels=2)
    >>> votes.rows.tolist(), votes.counts.tolist(), votes.inverse.tolist()
    ([[0, -1], [1, 1]], [2.0, 1.0], [0, 1, 0])
    """

    def __init__(self, votes: np.ndarray, labels: int, gold: np.ndarray | None = None) -> None:
        self.labels, self.functions = labels, votes.shape[1]
        first, self.inverse, counts = _different(votes)
        self.rows, self.counts = votes[first], counts.astype(np.float64)
        self.known = self._known(np.full(len(votes), -1) if gold is None else gold)
        self._row, self._function = np.nonzero(self.rows >= 0)
        label = self.rows[self._row, self._function].astype(np.int64)
        self._said, self._named = self._function * labels + label, self._row * labels + label  # two in one number each

    @property
    def covered(self) -> np.ndarray:
        """Which of the different rows have a vote."""
        return (self.rows >= 0).any(axis=1)

    def seeing(self, gold: np.ndarray) -> "Votes":
        """Return the same votes with other gold labels: a number for each post, -1 where it is not known."""
        other = copy(self)
        other.known = self._known(gold)
        return other

    def _known(self, gold: np.ndarray) -> np.ndarray:
        """Rows × labels: how many posts with these votes have each gold label."""
        known = np.zeros((len(self.rows), self.labels))
        posts = np.flatnonzero(gold >= 0)
        np.add.at(known, (self.inverse[posts], gold[posts]), 1.0)
        return known

    def shares(self) -> np.ndarray:
        """Rows × labels: the share of each label among the votes that win; noughts without a vote."""
        wins = np.bincount(self._named, minlength=len(self.rows) * self.labels).reshape(-1, self.labels)
        winners = (wins == wins.max(axis=1, keepdims=True)) & (wins > 0)
        return winners / np.maximum(winners.sum(axis=1, keepdims=True), 1)

    def right(self, weights: np.ndarray) -> np.ndarray:
        """Sum `weights` (rows × labels) of the labels that each function votes for: how often it is right, if they are true."""
        return np.bincount(self._function, weights.reshape(-1)[self._named], minlength=self.functions)

    def tally(self, weights: np.ndarray) -> np.ndarray:
        """Sum `weights` (rows × labels, for the true label) by what was voted: functions × votes × labels."""
        size = self.functions * self.labels
        sums = [np.bincount(self._said, each[self._row], minlength=size) for each in weights.T]
        return np.stack(sums, axis=1).reshape(self.functions, self.labels, self.labels)

    def posterior(self, prior: np.ndarray, evidence: np.ndarray) -> np.ndarray:
        """Rows × labels: what remains likely, of log `prior` (labels) and log `evidence` (functions × votes × labels)."""
        flat = evidence.reshape(-1, self.labels)
        sums = [np.bincount(self._row, each[self._said], minlength=len(self.rows)) for each in flat.T]
        scores = prior[:, None] + np.stack(sums)  # labels × rows, which reduces faster than rows × labels
        likely = np.exp(scores - scores.max(axis=0, initial=-np.inf))
        return (likely / likely.sum(axis=0)).T


def class_balance(votes: Votes, balance: np.ndarray | None) -> np.ndarray:
    """Return the balance that is given, or that of the gold labels, or that of the majority's votes (+1 for each label)."""
    if balance is not None:
        return share(np.clip(np.asarray(balance, np.float64), 1e-6, None))
    known = votes.known.sum(axis=0)
    return share((known if known.any() else votes.counts @ votes.shares()) + 1.0)


def by_truth(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Functions × votes × labels of two functions × votes: `right` where the vote is the label, else `wrong`."""
    return np.where(np.eye(right.shape[1], dtype=bool), right[:, :, None], wrong[:, :, None])


def share(values: np.ndarray) -> np.ndarray:
    """Scale the last axis so that it adds up to one."""
    return values / values.sum(axis=-1, keepdims=True)


def _different(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each different row occurs first, which of them each row is, and how often each occurs."""
    if rows.shape[1] == 0:
        return np.arange(min(len(rows), 1)), np.zeros(len(rows), np.int64), np.full(min(len(rows), 1), len(rows))
    base = int(rows.max(initial=0)) + 2
    if base ** rows.shape[1] <= FEW:
        return _different_of_few(rows, base)
    width = rows.dtype.itemsize * rows.shape[1]
    keys = np.ascontiguousarray(rows).view(f"V{width}").reshape(-1)
    if width <= 8:  # as one number, which sorts faster
        padded = np.zeros((len(rows), 8 // rows.dtype.itemsize), rows.dtype)
        padded[:, : rows.shape[1]] = rows
        keys = padded.view(np.int64).reshape(-1)
    _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return first, inverse.reshape(-1), counts


def _different_of_few(rows: np.ndarray, base: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Likewise, where each row is the number that its votes spell, and every number has a place."""
    number = np.zeros(len(rows), np.int64)
    for votes in rows.T:
        number *= base
        number += votes
        number += 1
    counts = np.bincount(number, minlength=1)
    there = np.flatnonzero(counts)
    first, place = np.empty(len(counts), np.int64), np.empty(len(counts), np.int64)
    first[number[::-1]] = np.arange(len(rows))[::-1]
    place[there] = np.arange(len(there))
    return first[there], place[number], counts[there]
