"""Metrics in numpy, by their usual definitions (scikit-learn's), with bootstrap intervals.

>>> said, true = np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0])
>>> binary(said == 1, true == 1)["f1"]
0.5
"""

from collections.abc import Callable

import numpy as np

RESAMPLES = 500
CHOOSABLE = ("f1", "macro-f1", "macro-recall", "accuracy")  #: metrics that a search or a threshold can aim at


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


def value(metric: str, said: np.ndarray, true: np.ndarray, positive: int) -> float:
    """Return one of `CHOOSABLE`; `f1` is that of label number `positive`."""
    if metric == "accuracy":
        return float((said == true).mean())
    return binary(said == positive, true == positive)["f1"] if metric == "f1" else macro(said, true)[metric[6:]]


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


BINS = 15  #: of equal width, as in Guo et al., ICML 2017


def calibration_curve(said: np.ndarray, true: np.ndarray, weights: np.ndarray | None = None) -> list[dict[str, float]]:
    """Return the bins of probabilities that occur: where they lie, how many rows, what was said and what was true.

    >>> calibration_curve(np.array([0.97, 0.99, 0.1]), np.array([True, False, False]))[1]["true"]
    0.5
    """
    each = np.ones(len(said)) if weights is None else weights
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    curve = []
    for number in np.unique(bins).tolist():
        inside = bins == number
        total = float(each[inside].sum())
        curve.append({
            "low": number / BINS, "high": (number + 1) / BINS, "n": int(inside.sum()), "weight": total,
            "said": float((said * each)[inside].sum() / total), "true": float((true * each)[inside].sum() / total),
        })  # fmt: skip
    return curve


def calibration_error(said: np.ndarray, true: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the expected calibration error: how far what was said lies from what was true, on average over rows."""
    curve = calibration_curve(said, true, weights)
    total = sum(each["weight"] for each in curve)
    return sum(each["weight"] * abs(each["said"] - each["true"]) for each in curve) / total if total else 0.0


def confidence(scores: np.ndarray, true: np.ndarray, positive: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what calibration is about: the score of `positive` among two labels, else of the most probable; and if it is true."""
    said = np.full(len(true), positive) if scores.shape[1] == 2 else scores.argmax(axis=1)
    return scores[np.arange(len(true)), said], said == true


def effective(weights: np.ndarray) -> float:
    """Return how many equally weighted rows would tell as much (Kish, 1965): the square of the sum over the sum of squares."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def ranking(scores: np.ndarray, true: np.ndarray, positive: int) -> float:
    """Return the average precision of label `positive` among two labels, else the macro average of those that occur."""
    if scores.shape[1] == 2:
        return average_precision(scores[:, positive], true == positive)
    return float(np.mean([average_precision(scores[:, label], true == label) for label in np.unique(true)]))


def evaluate(scores: np.ndarray, true: np.ndarray, positive: int, threshold: float) -> dict[str, float]:
    """Return all metrics of `scores` (rows × labels) against `true` (label numbers).

    Two classes are decided by `threshold` on the score of label `positive`, and precision, recall, F1 and average
    precision are that label's. More classes are decided by the highest score, and all four are macro averages.
    """
    if scores.shape[1] == 2:
        said = np.where(scores[:, positive] >= threshold, positive, 1 - positive)
        shown = binary(said == positive, true == positive)
    else:
        said = scores.argmax(axis=1)
        shown = macro(said, true)
    return {
        "n": len(true), "accuracy": float((said == true).mean()), **shown,
        "macro_f1": macro(said, true)["f1"], "average_precision": ranking(scores, true, positive),
    }  # fmt: skip


def interval(metric: Callable[[np.ndarray], float], rows: int, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of `metric`, a function of row numbers drawn with replacement."""
    random = np.random.default_rng(seed)
    drawn = [metric(random.integers(0, rows, rows)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
