"""The triplet method: accuracies in closed form, from how often each pair of functions agrees.

For a label, write a vote as 1 (this label), -1 (another). When three functions err independently, the mean products of
pairs are products of their hidden accuracies, so each follows from three observed numbers: a² = E[ab]·E[ac] / E[bc].
Every pair of companions gives one estimate; the median is taken. Source: Fu et al., "Fast and Three-rious", ICML 2020
(arXiv 2002.11955). Nothing is iterated; it needs many votes in common, and shrinks towards `LIKELY` without them.
"""

import numpy as np

from goldstream.labeling.label_models.counting import LIKELY, Votes
from goldstream.labeling.label_models.one_accuracy import OneAccuracy

FEWEST_TOGETHER = 5  #: posts on which a pair must vote together before its agreement counts
IMAGINED_LABELS = 2.0  #: how many labels' worth of estimates the belief in `LIKELY` weighs


class Triplet(OneAccuracy):
    """Weighs functions by how pairs of them agree.

    >>> chance = np.random.default_rng(0)
    >>> truth = chance.integers(0, 2, (4000, 1))
    >>> votes = Votes(np.where(chance.random((4000, 3)) < [0.9, 0.7, 0.7], truth, 1 - truth), labels=2)
    >>> model = Triplet(2)
    >>> model.fit(votes)
    >>> bool(model.accuracy[0] > model.accuracy[1] + 0.1)
    True
    """

    def _found(self, votes: Votes) -> np.ndarray:
        voted_for = [label for label in range(votes.labels) if (votes.rows == label).any()]
        estimates = np.array([_accuracies(votes, label) for label in voted_for]).reshape(len(voted_for), votes.functions)
        told = (~np.isnan(estimates)).sum(axis=0)
        return (np.nansum(estimates, axis=0) + IMAGINED_LABELS * LIKELY) / (told + IMAGINED_LABELS)


def _accuracies(votes: Votes, label: int) -> np.ndarray:
    """The accuracy of each function at telling `label` from the rest; nan where no triplet tells."""
    sign = np.where(votes.rows < 0, 0.0, np.where(votes.rows == label, 1.0, -1.0))
    voted = (votes.rows >= 0).astype(np.float64)
    together = voted.T @ (voted * votes.counts[:, None])
    product = sign.T @ (sign * votes.counts[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        agreement = np.where(together >= FEWEST_TOGETHER, product / together, np.nan)
    return np.array([(1 + _median_triplet(agreement, j)) / 2 for j in range(votes.functions)])


def _median_triplet(agreement: np.ndarray, j: int) -> float:
    others = np.flatnonzero(~np.isnan(agreement[j]) & (np.arange(len(agreement)) != j))
    mine, between = agreement[j, others], agreement[np.ix_(others, others)]
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.abs(np.outer(mine, mine) / between)[np.triu_indices(len(others), 1)]
    squares = squares[np.isfinite(squares)]
    return float(np.median(np.sqrt(np.minimum(squares, 1.0)))) if len(squares) else np.nan
