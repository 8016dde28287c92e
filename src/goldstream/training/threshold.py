"""The threshold from which on a post counts: the one with the best F1 on posts that the model has not learnt from."""

import numpy as np

SMOOTHING = 0.02  #: share of the rows on each side over which F1 is averaged, so that one lucky row decides nothing


def best_f1(scores: np.ndarray, true: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the threshold on `scores` (of the positive label) with the best F1; 0.5 where there is nothing to choose by.

    F1 as a function of the threshold is a ragged curve; its running mean is maximised.

    >>> round(best_f1(np.array([0.1, 0.2, 0.7, 0.9]), np.array([False, False, True, True])), 6)
    0.45
    """
    if not true.any() or true.all():
        return 0.5
    each = np.ones(len(true)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    ranked, hits, counted = scores[order], (true * each)[order], each[order]
    found, said = np.cumsum(hits), np.cumsum(counted)
    f1 = 2 * found / (said + hits.sum())
    width = int(SMOOTHING * len(f1))
    if width:
        padded = np.pad(f1, width, mode="edge")
        f1 = np.convolve(padded, np.full(2 * width + 1, 1 / (2 * width + 1)), mode="valid")
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0  # a cut between equal scores can't be made
    at = int(f1.argmax())
    below = ranked[at + 1] if at + 1 < len(ranked) else 0.0
    return float(np.clip((float(ranked[at]) + float(below)) / 2, 0.001, 0.999))
