"""The threshold from which on a post counts: for the best F1 (or another metric), or a wanted precision or recall.

It is chosen on posts that the model has not learnt from. Datasets take more of the rare topic than the live stream has, so
a promise about the stream counts every post with the weight of its inclusion: as many as it stands for.
"""

from typing import Any, NamedTuple

import numpy as np

from goldstream.errors import DataError
from goldstream.intervals import wilson, wilson_ends
from goldstream.training import metrics

SLACK = 0.01  #: thresholds whose metric is this near to the best one are as good as it
FEWEST_SAID = 10  #: posts above a threshold below which its precision is no more than luck


class Aim(NamedTuple):
    """What a threshold is chosen for: a precision, a recall, or (neither) the best value of a metric."""

    precision: float | None = None
    recall: float | None = None

    def __str__(self) -> str:
        """Return it as a person says it.

        >>> str(Aim(recall=0.9)), str(Aim())
        ('recall 0.9', 'the best F1')
        """
        wanted = [f"{name} {value:g}" for name, value in self._asdict().items() if value is not None]
        return " and ".join(wanted) or "the best F1"


BEST_F1 = Aim()


class Threshold(NamedTuple):
    """A threshold, what it was chosen for, and what the posts that chose it can say of it."""

    value: float
    aim: Aim
    evidence: dict[str, Any]  #: `dataset`, and `stream` where posts have weights: see `judge`
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"value": self.value, "aim": self.aim._asdict(), **self.evidence, "warnings": self.warnings}


def choose(scores: np.ndarray, true: np.ndarray, aim: Aim, weights: np.ndarray | None = None, metric: str = "f1") -> Threshold:
    """Return the threshold on `scores` (of the positive label) that `aim` asks for, with the interval that the rows support.

    A wanted precision or recall is one on the stream, where `weights` are given; the best `metric` is the dataset's. Raises
    `DataError` when both precision and recall are wanted.
    """
    if aim.precision is not None and aim.recall is not None:
        raise DataError("ask for a precision or for a recall; a threshold can't promise both")
    if aim.precision is not None:
        value = at_precision(scores, true, aim.precision, weights)
    elif aim.recall is not None:
        value = at_recall(scores, true, aim.recall, weights)
    else:
        value = best(scores, true, metric)
    evidence = {"dataset": judge(scores >= value, true)}
    if weights is not None and len(weights) and weights.min() < weights.max():
        evidence["stream"] = judge(scores >= value, true, weights)
    return Threshold(value, aim, evidence, _warnings(aim, evidence.get("stream", evidence["dataset"])))


def judge(said: np.ndarray, true: np.ndarray, weights: np.ndarray | None = None) -> dict[str, Any]:
    """Return precision, recall and F1 of a yes, each share with its 95 % interval and the rows that it rests on.

    >>> found = judge(np.array([True, True, False]), np.array([True, False, False]))
    >>> found["precision"], [round(end, 2) for end in found["precision_interval"]], found["precision_rests_on"]
    (0.5, [0.09, 0.91], 2.0)
    """
    each = np.ones(len(true)) if weights is None else weights.astype(np.float64)
    found: dict[str, Any] = {"rows": len(true), "positive": int(true.sum()), **metrics.binary(said, true, each)}
    for name, mask in (("precision", said), ("recall", true)):
        found[f"{name}_rests_on"] = round(metrics.effective(each[mask]), 1)
        found[f"{name}_interval"] = wilson(found[name], metrics.effective(each[mask]))
    return found


def at_precision(scores: np.ndarray, true: np.ndarray, wanted: float, weights: np.ndarray | None = None) -> float:
    """Return the lowest threshold that promises the `wanted` precision: the interval's low end is no lower.

    Where the rows are too few to promise it, the lowest at which they show it; where they don't, the nearest.

    >>> at_precision(np.linspace(0, 1, 1000), np.arange(1000) >= 600, 0.9).__round__(1)
    0.6
    """
    cuts = _cuts(scores, true, weights)
    if not true.any():
        return 0.5
    sure = cuts.possible & (np.arange(len(true)) >= min(FEWEST_SAID, len(true)) - 1)
    promised = wilson_ends(cuts.precision, cuts.rests_on)[0] >= wanted
    for good in (promised & cuts.possible, (cuts.precision >= wanted) & sure):
        if good.any():
            return cuts.between(int(np.flatnonzero(good)[-1]))
    return cuts.between(int(np.where(sure, cuts.precision, -1.0).argmax()))


def at_recall(scores: np.ndarray, true: np.ndarray, wanted: float, weights: np.ndarray | None = None) -> float:
    """Return the highest threshold that promises the `wanted` recall, or else at which the rows show it.

    >>> at_recall(np.linspace(0, 1, 1000), np.arange(1000) >= 600, 0.5).__round__(1)
    0.8
    """
    cuts = _cuts(scores, true, weights)
    if not true.any():
        return 0.5
    each = np.ones(len(true)) if weights is None else weights.astype(np.float64)
    promised = wilson_ends(cuts.recall, np.full(len(true), metrics.effective(each[true])))[0] >= wanted
    good = promised & cuts.possible if promised.any() else (cuts.recall >= wanted - 1e-12) & cuts.possible
    return cuts.between(int(np.flatnonzero(good)[0]))


class _Cuts(NamedTuple):
    """What becomes of a cut after each row, the highest score first."""

    values: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    rests_on: np.ndarray  # rows of equal weight that would tell as much of the precision
    possible: np.ndarray  # not between equal scores

    def between(self, at: int) -> float:
        below = self.values[at + 1] if at + 1 < len(self.values) else 0.0
        return float(np.clip((float(self.values[at]) + float(below)) / 2, 0.001, 0.999))


def _cuts(scores: np.ndarray, true: np.ndarray, weights: np.ndarray | None) -> _Cuts:
    each = np.ones(len(true)) if weights is None else weights.astype(np.float64)
    order = np.argsort(-scores, kind="stable")
    ranked, counted = scores[order], each[order]
    found, said = np.cumsum(true[order] * counted), np.cumsum(counted)
    total = max(float((true * each).sum()), 1e-12)
    possible = np.append(ranked[:-1] != ranked[1:], True)[: len(ranked)]
    return _Cuts(ranked, found / said, found / total, said**2 / np.cumsum(counted**2), possible)


def _warnings(aim: Aim, found: dict[str, Any]) -> list[str]:
    """What a person must know before trusting a promise."""
    said = []
    for name, wanted in aim._asdict().items():
        if wanted is None:
            continue
        low, high = found[f"{name}_interval"]
        rests = f"{found[f'{name}_rests_on']:,.0f} posts"
        if found[name] < wanted - 1e-9:
            said.append(
                f"{name} {wanted:g} is out of reach: the nearest is {found[name]:.3f}, {low:.3f} to {high:.3f} by {rests}"
            )
        elif low < wanted:
            said.append(
                f"dev is too small to promise {name} {wanted:g}: by {rests} it is {found[name]:.3f}, {low:.3f} to {high:.3f}; "
                "more gold labels narrow that"
            )
    return said


def best(scores: np.ndarray, true: np.ndarray, metric: str = "f1") -> float:
    """Return the threshold on `scores` (of the positive label) for the best value of a metric of `metrics.CHOOSABLE`.

    It is 0.5 where there is nothing to choose by. The metric as a function of the threshold is a ragged curve, and its top is
    luck; so of all thresholds within `SLACK` of the top, it is the one nearest to where the top would be if scores were
    probabilities that hold: for F1, half of the best F1 (Lipton, Elkan and Narayanaswamy, ECML 2014).

    >>> round(best(np.array([0.1, 0.2, 0.7, 0.9]), np.array([False, False, True, True])), 6)
    0.45
    """
    if not true.any() or true.all():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    values, ideal = _curve(true[order], metric)
    values[:-1][ranked[:-1] == ranked[1:]] = -1.0  # a cut between equal scores can't be made
    cuts = (ranked + np.append(ranked[1:], 0.0)) / 2
    away = np.where(values >= values.max() - SLACK, np.abs(cuts - ideal[values.argmax()]), np.inf)
    return float(np.clip(cuts[away.argmin()], 0.001, 0.999))


def _curve(true: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The metric if the first row, the first two … are said to be positive; and from which probability on one more would help."""
    found, said, rows, positive = np.cumsum(true), np.arange(1, len(true) + 1), len(true), int(true.sum())
    spared = (rows - said) - (positive - found)  # negative, and said to be
    if metric == "accuracy":
        return (found + spared) / rows, np.full(rows, 0.5)
    if metric == "macro-recall":
        return (found / positive + spared / (rows - positive)) / 2, np.full(rows, positive / rows)
    counted, others = said + positive, 2 * rows - said - positive
    f1 = 2 * found / counted
    if metric == "f1":
        return f1, f1 / 2
    f1_of_others = 2 * spared / others
    return (f1 + f1_of_others) / 2, (f1 / counted + (2 - f1_of_others) / others) / (2 / counted + 2 / others)
