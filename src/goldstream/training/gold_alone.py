"""How far rules carry: the model that learnt from weak labels beside one that learnt from gold labels alone.

The crossover is the number of gold labels at which gold alone would match. It is read from a learning curve: models learn
from more and more of the gold labels, and what they lack, 1 - score, is taken to fall as a power of their number (Cortes et
al., NIPS 1993). The score is the average precision, for more than two labels its macro average: it needs no threshold, which
few labels can't choose. The interval comes from drawing the judging posts and the orders of learning anew.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from goldstream import settings
from goldstream.training import metrics
from goldstream.training.fit import Judged, fit, make

FEWEST = 40  #: gold labels below which no curve is drawn
FEWEST_TO_JUDGE = 50
SMALLEST = 15  #: gold labels at the curve's first point
SIZES, ORDERS, DRAWS = 5, 4, 200
SURE = 1e-4  #: a lack below this counts as this
FARTHEST = 100  #: times the gold labels there are: beyond, nothing is foretold


class Curve(NamedTuple):
    """Scores on the judging posts by models that have learnt from some of the gold labels."""

    sizes: list[int]
    scores: list[list[np.ndarray]]  #: size → order → posts × labels


def gold_alone(
    section: settings.Model,
    labels: tuple[str, ...],
    gold: Judged,
    test: Judged,
    weak: np.ndarray,
    positive: int,
    *,
    weak_rows: int,
) -> dict[str, Any] | None:
    """Return both models' figures on `test`, and the crossover; None where there are too few gold labels.

    `weak`: probabilities of the model that learnt from weak labels, posts of `test` × labels; `weak_rows`: how many rows it learnt from.
    """
    if len(gold.true) < FEWEST or len(test.true) < FEWEST_TO_JUDGE or len(np.unique(gold.true)) < 2:
        return None
    targets = np.eye(len(labels), dtype=np.float32)[gold.true]
    alone = fit(section, labels, gold.texts, targets, positive, None)
    scores = alone.predict_proba(test.texts)
    shown = metrics.evaluate(scores, test.true, positive, alone.threshold)
    curve = learning_curve(section, labels, gold, targets, test)
    return {
        "gold": {"rows": len(gold.true), **_scores(shown)},
        "weak": {"rows": weak_rows, "average_precision": metrics.ranking(weak, test.true, positive)},
        "crossover": crossover(curve, weak, test.true, positive),
    }  # fmt: skip


def learning_curve(section: settings.Model, labels: tuple[str, ...], gold: Judged, targets: np.ndarray, test: Judged) -> Curve:
    """Return the scores of models that learnt from growing parts of `gold`, in several orders."""
    sizes = sorted({round(size) for size in np.geomspace(SMALLEST, len(gold.true), SIZES)})
    orders = [np.random.default_rng(section.seed + order).permutation(len(gold.true)) for order in range(ORDERS)]
    scores = []
    for size in sizes:
        row = []
        for order in orders if size < len(gold.true) else orders[:1]:
            model = make(section, labels)
            chosen = np.sort(order[:size])
            model.fit(gold.texts.take(pa.array(chosen)), targets[chosen])
            row.append(model.predict_proba(test.texts))
        scores.append(row)
    return Curve(sizes, scores)


def crossover(curve: Curve, weak: np.ndarray, true: np.ndarray, positive: int, seed: int = 0) -> dict[str, Any]:
    """Return the number of gold labels at which gold alone would match `weak`, its 95 % interval, and the curve.

    None stands for more than `FARTHEST` times the labels there are: no number is foretold then.
    """
    rows = np.arange(len(true))
    points = _points(curve, true, positive, rows)
    random = np.random.default_rng(seed)
    draws = max(20, DRAWS * 2 // weak.shape[1])
    found = []
    for _ in range(draws):
        drawn = random.integers(0, len(true), len(true))
        again = [float(np.mean(random.choice(each, len(each)))) for each in _points(curve, true[drawn], positive, drawn)]
        found.append(_crossing(curve.sizes, again, metrics.ranking(weak[drawn], true[drawn], positive)))
    middle = _crossing(curve.sizes, [float(np.mean(each)) for each in points], metrics.ranking(weak, true, positive))
    low, high = (float(end) for end in np.quantile(found, [0.025, 0.975], method="nearest"))
    return {
        "gold_labels": _said(middle, curve), "interval": (_said(low, curve), _said(high, curve)),
        "foretold": middle > curve.sizes[-1], "metric": "average precision",
        "curve": [{"n": size, "score": float(np.mean(each)), "lowest": min(each), "highest": max(each)}
                  for size, each in zip(curve.sizes, points, strict=True)],
    }  # fmt: skip


def sentence(found: dict[str, Any] | None) -> str:
    """Return what a person needs to know of it."""
    if found is None:
        return "too few gold labels to tell how far the rules carry"
    cross, gold, weak = found["crossover"], found["gold"], found["weak"]
    low, high = (f"{end:,}" if end is not None else "more than can be foretold" for end in cross["interval"])
    at = (
        f"at about {cross['gold_labels']:,} gold labels"
        if cross["gold_labels"] is not None
        else "at no number that can be foretold"
    )
    return (
        f"average precision {weak['average_precision']:.3f} from {weak['rows']:,} weak labels, {gold['average_precision']:.3f} from "
        f"{gold['rows']:,} gold labels alone; gold alone would match {at} ({low} to {high})"
    )


def _crossing(sizes: list[int], scores: list[float], wanted: float) -> float:
    """Where the power law through the points reaches `wanted`; infinite where it does not fall."""
    lacks = np.log(np.maximum(1 - np.array(scores), SURE))
    slope, start = np.polyfit(np.log(sizes), lacks, 1)
    needed = math.log(max(1 - wanted, SURE))
    if needed >= lacks[0] and needed >= start + slope * math.log(sizes[0]):
        return float(sizes[0])
    if slope >= -1e-6:
        return math.inf
    return math.exp(min((needed - start) / slope, 50.0))


def _said(number: float, curve: Curve) -> int | None:
    return None if number > FARTHEST * curve.sizes[-1] else max(curve.sizes[0], round(number))


def _points(curve: Curve, true: np.ndarray, positive: int, rows: np.ndarray) -> list[list[float]]:
    return [[metrics.ranking(scores[rows], true, positive) for scores in row] for row in curve.scores]


def _scores(shown: dict[str, float]) -> dict[str, float]:
    return {name: shown[name] for name in ("average_precision", "f1", "macro_f1", "accuracy")}
