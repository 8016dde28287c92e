"""How good probabilities are on rows whose truth is known: every figure and curve of the report, as plain data.

The metrics that are made of counts get their intervals from the confusion matrix: drawing rows with replacement is drawing
its cells from a multinomial distribution.
"""

from typing import Any, NamedTuple

import numpy as np

from goldstream.intervals import wilson
from goldstream.training import metrics
from goldstream.training.threshold import Aim, choose, judge

RESAMPLES = 1_000
POINTS = 200  #: most points of a curve
MOST_CURVES = 6  #: labels that get a precision-recall curve of their own, the commonest
AIMS = tuple(Aim(precision=wanted) for wanted in (0.8, 0.9, 0.95, 0.99)) + tuple(
    Aim(recall=wanted) for wanted in (0.8, 0.9, 0.95)
)
MOST_CELLS = 200  #: labels above which no whole matrix is given, only what is confused most
CONFUSED = 30  #: pairs of labels that are shown
MOST_RANKED = 50_000  #: rows × labels, above which drawing anew would take seconds
FEWEST = 20  #: rows of either kind below which no thresholds are proposed


class Judgement(NamedTuple):
    """Probabilities, the truth, and how decisions are made."""

    labels: tuple[str, ...]
    scores: np.ndarray  #: float32, rows × labels, calibrated
    uncalibrated: np.ndarray
    true: np.ndarray  #: label numbers
    positive: int  #: the label that the threshold is about, for two labels
    threshold: float
    weights: np.ndarray | None = None  #: how many posts of the stream each row stands for

    @property
    def said(self) -> np.ndarray:
        """The label number decided on for each row."""
        if len(self.labels) != 2:
            return self.scores.argmax(axis=1)
        return np.where(self.scores[:, self.positive] >= self.threshold, self.positive, 1 - self.positive)

    @property
    def weighted(self) -> bool:
        """Whether rows stand for different numbers of posts."""
        return self.weights is not None and len(self.weights) > 0 and bool(self.weights.min() < self.weights.max())


def evaluation(judged: Judgement) -> dict[str, Any]:
    """Return metrics with 95 % intervals, confusion matrix, figures for each label, curves and thresholds."""
    said = judged.said
    matrix = confusion(said, judged.true, len(judged.labels))
    found = metrics.evaluate(judged.scores, judged.true, judged.positive, judged.threshold)
    return {
        "metrics": found, "intervals": all_intervals(judged),
        "stream": _on_the_stream(judged, said), "confusion": matrix.tolist() if len(matrix) <= MOST_CELLS else None,
        "confused": _confused(judged.labels, matrix), "by_label": _by_label(judged.labels, matrix),
        "precision_recall": _curves(judged), "calibration": _calibration(judged), "thresholds": _thresholds(judged),
    }  # fmt: skip


def confusion(said: np.ndarray, true: np.ndarray, labels: int) -> np.ndarray:
    """Return the counts, a row for each true label and a column for each one said."""
    return np.bincount(true * labels + said, minlength=labels * labels).reshape(labels, labels)


def _confused(labels: tuple[str, ...], matrix: np.ndarray) -> list[dict[str, Any]]:
    """The pairs of labels that are mistaken for each other most, of more than two."""
    wrong = matrix * (1 - np.eye(len(matrix), dtype=matrix.dtype))
    order = np.argsort(-wrong, axis=None, kind="stable")[: CONFUSED if len(labels) > 2 else 0]
    pairs = [divmod(int(cell), len(labels)) for cell in order if wrong.flat[cell]]
    return [{"true": labels[true], "said": labels[said], "n": int(wrong[true, said])} for true, said in pairs]


def intervals(matrix: np.ndarray, positive: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return the 95 % bootstrap interval of accuracy, precision, recall, F1 and macro F1.

    >>> found = intervals(np.array([[40, 10], [5, 45]]), 1)
    >>> [round(end, 2) for end in found["accuracy"]]
    [0.77, 0.91]
    """
    rows = int(matrix.sum())
    if not rows:
        return {}
    random = np.random.default_rng(seed)
    cells = np.flatnonzero(matrix)
    real_of, said_of = np.divmod(cells, len(matrix))
    drawn = []
    for counts in random.multinomial(rows, matrix.ravel()[cells] / rows, RESAMPLES):
        real, said = (np.bincount(of, counts, len(matrix)) for of in (real_of, said_of))
        right = np.bincount(real_of, counts * (real_of == said_of), len(matrix))
        drawn.append(_figures(right, said, real, positive))
    return {name: _ends([each[name] for each in drawn]) for name in drawn[0]}


def all_intervals(judged: Judgement) -> dict[str, tuple[float, float]]:
    """Return the 95 % bootstrap interval of every metric of `metrics.evaluate`."""
    return intervals(confusion(judged.said, judged.true, len(judged.labels)), judged.positive) | _ranking_interval(judged)


def _figures(right: np.ndarray, said: np.ndarray, real: np.ndarray, positive: int) -> dict[str, float]:
    """The metrics of one draw: of the positive label of two, or averaged over the labels that occur."""
    precision, recall, f1 = right / np.maximum(said, 1), right / np.maximum(real, 1), 2 * right / np.maximum(said + real, 1)
    occurs = said + real > 0
    chosen = positive if len(real) == 2 else occurs
    shown = {name: float(each[chosen].mean()) for name, each in (("precision", precision), ("recall", recall), ("f1", f1))}
    return {"accuracy": float(right.sum() / real.sum()), **shown, "macro_f1": float(f1[occurs].mean())}


def _ends(drawn: list[float]) -> tuple[float, float]:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _ranking_interval(judged: Judgement) -> dict[str, tuple[float, float]]:
    """The interval of the average precision, which needs the rows themselves; none of a great many rows and labels."""
    if not len(judged.true) or judged.scores.size > MOST_RANKED:
        return {}
    scores, true = judged.scores, judged.true
    return {
        "average_precision": metrics.interval(
            lambda rows: metrics.ranking(scores[rows], true[rows], judged.positive), len(true)
        )
    }


def _on_the_stream(judged: Judgement, said: np.ndarray) -> dict[str, Any] | None:
    if not judged.weighted or len(judged.labels) != 2:
        return None
    return judge(said == judged.positive, judged.true == judged.positive, judged.weights)


def _by_label(labels: tuple[str, ...], matrix: np.ndarray) -> list[dict[str, Any]]:
    found = []
    for number, label in enumerate(labels):
        both, said, real = int(matrix[number, number]), int(matrix[:, number].sum()), int(matrix[number].sum())
        found.append({
            "label": label, "n": real, "said": said, "precision": both / said if said else None,
            "precision_interval": wilson(both / said, said) if said else None, "recall": both / real if real else None,
            "recall_interval": wilson(both / real, real) if real else None,
            "f1": 2 * both / (said + real) if said + real else None,
        })  # fmt: skip
    return found


def _curves(judged: Judgement) -> list[dict[str, Any]]:
    """Precision against recall, for the positive label of two or the commonest of more."""
    if len(judged.labels) == 2:
        shown = [judged.positive]
    else:
        counts = np.bincount(judged.true, minlength=len(judged.labels))
        shown = [int(number) for number in np.argsort(-counts, kind="stable")[:MOST_CURVES] if counts[number]]
    found = []
    for number in shown:
        true = judged.true == number
        if true.any():
            area = metrics.average_precision(judged.scores[:, number], true)
            points = _precision_recall(judged.scores[:, number], true)
            found.append({"label": judged.labels[number], "average_precision": area, "points": points})
    return found


def _precision_recall(scores: np.ndarray, true: np.ndarray) -> list[dict[str, float]]:
    order = np.argsort(-scores, kind="stable")
    ranked, found = scores[order], np.cumsum(true[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    if len(last) > POINTS:
        last = last[np.unique(np.linspace(0, len(last) - 1, POINTS).astype(int))]
    return [
        {"threshold": float(ranked[at]), "precision": float(found[at] / (at + 1)), "recall": float(found[at] / found[-1])}
        for at in last
    ]


def _calibration(judged: Judgement) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, scores in (("before", judged.uncalibrated), ("after", judged.scores)):
        said, right = metrics.confidence(scores, judged.true, judged.positive)
        found[f"ece_{name}"] = metrics.calibration_error(said, right)
        found[f"curve_{name}"] = metrics.calibration_curve(said, right)
        if judged.weighted:
            found[f"stream_ece_{name}"] = metrics.calibration_error(said, right, judged.weights)
        rows = np.arange(len(judged.true))
        found[f"log_loss_{name}"] = float(-np.log(np.maximum(scores[rows, judged.true], 1e-7)).mean())
    return found


def _thresholds(judged: Judgement) -> list[dict[str, Any]]:
    """What each promise would cost, for two labels. They are chosen on the rows that judge them."""
    true = judged.true == judged.positive
    if len(judged.labels) != 2 or min(int(true.sum()), int((~true).sum())) < FEWEST:
        return []
    return [choose(judged.scores[:, judged.positive], true, aim, judged.weights).as_json() for aim in AIMS]
