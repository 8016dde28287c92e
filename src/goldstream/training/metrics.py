"""Metrics in numpy, by their usual definitions (scikit-learn's), with bootstrap intervals.

>>> said, true = np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0])
>>> binary(said == 1, true == 1)["f1"]
0.5
"""

from collections.abc import Callable

import numpy as np

RESAMPLES = 500


def binary(said: np.ndarray, true: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Return precision, recall and F1 of a yes; 0 where nothing was said or true. `weights` count rows differently."""
    each = np.ones(len(true)) if weights is None else weights
    both, yes, real = float(each[said & true].sum()), float(each[said].sum()), float(each[true].sum())
    return {
        "precision": both / yes if yes else 0.0,
        "recall": both / real if real else 0.0,
        "f1": 2 * both / (yes + real) if yes + real else 0.0,
    }


def macro(said: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Return precision, recall and F1 averaged over the classes that occur in either."""
    each = [binary(said == label, true == label) for label in np.union1d(said, true)]
    return {name: float(np.mean([scores[name] for scores in each])) for name in ("precision", "recall", "f1")}


def average_precision(scores: np.ndarray, true: np.ndarray) -> float:
    """Return the area under the precision-recall curve as a sum of steps; 0 where nothing is true."""
    if not true.any():
        return 0.0
    order = np.argsort(-scores, kind="stable")
    hits, ranked = true[order].astype(float), scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    found = np.cumsum(hits)[last]
    recall = found / hits.sum()
    return float((np.diff(recall, prepend=0.0) * (found / (last + 1))).sum())


def evaluate(scores: np.ndarray, true: np.ndarray, positive: int, threshold: float) -> dict[str, float]:
    """Return all metrics of `scores` (rows × labels) against `true` (label numbers).

    Two classes are decided by `threshold` on the score of label `positive`, and precision, recall, F1 and average
    precision are that label's. More classes are decided by the highest score, and all four are macro averages.
    """
    if scores.shape[1] == 2:
        said = np.where(scores[:, positive] >= threshold, positive, 1 - positive)
        shown = binary(said == positive, true == positive)
        area = average_precision(scores[:, positive], true == positive)
    else:
        said = scores.argmax(axis=1)
        shown = macro(said, true)
        area = float(np.mean([average_precision(scores[:, label], true == label) for label in np.unique(true)]))
    return {
        "n": len(true), "accuracy": float((said == true).mean()), **shown,
        "macro_f1": macro(said, true)["f1"], "average_precision": area,
    }  # fmt: skip


def interval(metric: Callable[[np.ndarray], float], rows: int, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of `metric`, a function of row numbers drawn with replacement."""
    random = np.random.default_rng(seed)
    drawn = [metric(random.integers(0, rows, rows)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
