"""Fits a classifier, calibrates it and chooses its threshold: on dev rows, or by cross-fitting when there are none.

With a `Plan` that has time, the classifier's options are chosen first, by the same metric as the threshold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from goldstream import plugins, settings
from goldstream.errors import ModelError
from goldstream.models.base import Classifier
from goldstream.models.calibration import Calibration
from goldstream.training import metrics
from goldstream.training.calibrate import Calibrated, calibrate
from goldstream.training.search import Budget, Found, Options, Say, search
from goldstream.training.threshold import BEST_F1, Aim, Threshold, best, choose

FOLDS = 5
FEWEST_TO_STOP_BY = 200  #: dev rows below which they don't say when to stop learning
FEWEST_TO_SEARCH_BY = 100  #: rows below which one choice of options can't be told from another
ENOUGH_DEV = 2_000  #: dev rows that are enough to choose by; with fewer, training rows that people labelled judge too
ENOUGH_TO_SEARCH_BY = 5_000
WARM_UP = 8  #: rows to learn from before the clock of a search runs
ENOUGH = 20_000  #: scores of left-out rows that are enough to choose a threshold by
ENOUGH_FOR_A_SLOPE = 4_000  #: … and for a calibration alone


class Judged(NamedTuple):
    """Rows whose truth is known."""

    texts: pa.StringArray
    true: np.ndarray  #: label numbers, int64
    weights: np.ndarray | None = None  #: how many posts of the stream each row stands for


class Rows(NamedTuple):
    """Rows to learn from."""

    texts: pa.StringArray
    targets: np.ndarray  #: float32, texts × labels, rows sum to one
    weights: np.ndarray | None  #: float32, how much each row counts

    def only(self, chosen: np.ndarray) -> "Rows":
        """Return the rows that are `chosen` (bool)."""
        weights = None if self.weights is None else self.weights[chosen]
        return Rows(self.texts.filter(pa.array(chosen)), self.targets[chosen], weights)


class Plan(NamedTuple):
    """How the best options are looked for."""

    metric: str | None = None  #: of `metrics.CHOOSABLE`; by default F1 for two labels, and its macro average for more
    budget_s: float = 0.0  #: seconds for the search; 0 leaves the options as they are
    gold: bool = False  #: people gave the training labels, so that left-out rows may judge as dev rows do
    say: Say = lambda line: None

    def aims_at(self, labels: int) -> str:
        """Return the metric for so many labels."""
        return self.metric or ("f1" if labels == 2 else "macro-f1")


NO_PLAN = Plan()


@dataclass(frozen=True)
class Fitted:
    """A classifier that is ready to be saved, and how it got there."""

    model: Classifier
    calibration: Calibration
    threshold: float  #: on the probability of the positive label, for two labels
    evidence: dict[str, Any]  #: `calibration`, `threshold`, `search`: what they were chosen by; `options`, `epochs`

    def predict_proba(self, texts: pa.StringArray) -> np.ndarray:
        """Return calibrated probabilities, float32, texts × labels."""
        scores = self.model.predict_proba(texts)
        return scores if self.calibration.folded else self.calibration.apply(scores)

    def uncalibrated(self, texts: pa.StringArray) -> np.ndarray:
        """Return what the scores were before they were calibrated."""
        scores = self.model.predict_proba(texts)
        return self.calibration.undo(scores) if self.calibration.folded else scores


def make(section: settings.Model, labels: tuple[str, ...]) -> Classifier:
    """Return a new classifier as the settings ask for."""
    kind = plugins.find("models", section.type)
    options = {"seed": section.seed, **section.options}
    model: Classifier = kind(labels, settings.convert(options, kind.Settings, "model.options"))
    return model


def fit(
    section: settings.Model, labels: tuple[str, ...], texts: pa.StringArray, targets: np.ndarray, positive: int,
    dev: Judged | None, weights: np.ndarray | None = None, aim: Aim = BEST_F1, plan: Plan = NO_PLAN, start: Classifier | None = None,
) -> Fitted:  # fmt: skip
    """Return a fitted and calibrated classifier with its threshold for the label number `positive`.

    `targets`: float32, texts × labels, rows sum to one. `start` is a classifier to go on from. Raises `ModelError` when there
    is nothing to learn from.
    """
    if len(texts) < 2 or (targets.max(axis=0) < 0.5).all():
        raise ModelError(f"{len(texts)} rows are too few to learn from")
    rows, dev = Rows(texts, targets, weights), dev if dev is not None and len(dev.true) else None
    if start is not None:
        section = _with(section, {**getattr(start, "shape", {}), **section.options})
    metric = plan.aims_at(len(labels))
    found = _searched(section, labels, rows, positive, dev, plan) if plan.budget_s > 0 else None
    if found is not None:
        section = _with(section, found.options)
    model = make(section, labels)
    epochs = _learn(model, rows, dev, start)
    scores, truth, counts, by = _unseen(section, model, rows, dev, plan.gold)
    calibrated = calibrate(scores, truth, section.seed)
    calibration = _folded(model, calibrated.calibration)
    threshold = _threshold(calibrated.calibration.apply(scores), truth, positive, aim, counts, metric)
    evidence = {
        "calibration": _said(calibrated, by), "threshold": threshold.as_json(), "options": section.options,
        "search": found and found.as_json(metric), "epochs": epochs,
    }  # fmt: skip
    return Fitted(model, calibration, threshold.value, evidence)


def taught_by(soft: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what to learn from soft labels: the likeliest label of each row, and how much the row weighs (both float32).

    A row weighs as much as its label is certain: (p · K - 1) / (K - 1), with p the highest probability of K labels.

    >>> targets, weights = taught_by(np.array([[0.5, 0.5], [0.75, 0.25], [0.0, 1.0]]))
    >>> targets.tolist(), [round(float(weight), 2) for weight in weights]
    ([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.01, 0.5, 1.0])
    """
    labels = soft.shape[1]
    weights = np.clip((soft.max(axis=1) * labels - 1) / (labels - 1), 0.01, 1.0)
    return np.eye(labels, dtype=np.float32)[soft.argmax(axis=1)], weights.astype(np.float32)


class _Unseen(NamedTuple):
    """Scores of rows by models that have not learnt from them."""

    scores: np.ndarray
    truth: np.ndarray  # rows × labels
    counts: np.ndarray | None  # how many posts of the stream each row stands for
    by: str  # which rows


def _unseen(section: settings.Model, model: Classifier, rows: Rows, dev: Judged | None, gold: bool) -> _Unseen:
    """Dev rows; without them, or with few, training rows by models that have not seen those."""
    found, dev_alone = [], dev is not None and not (gold and _is_small(dev))
    if dev is not None:
        truth = np.eye(len(model.labels), dtype=np.float32)[dev.true]
        found.append(_Unseen(model.predict_proba(dev.texts), truth, dev.weights, f"{len(truth):,} dev rows"))
    if not dev_alone:
        scores, seen = cross_fitted(section, model.labels, *rows, dev)
        by = f"{len(seen):,} training rows, by models that had not seen them"
        found.append(_Unseen(scores, rows.targets[seen], None, by))
    if len(found) == 1:
        return found[0]
    scores, truth = (np.concatenate([getattr(each, name) for each in found]) for name in ("scores", "truth"))
    return _Unseen(scores, truth, None, " and ".join(each.by for each in found))


def _is_small(dev: Judged) -> bool:
    """Whether dev needs the help of training rows to choose by."""
    return len(dev.true) < ENOUGH_DEV


def _with(section: settings.Model, options: Options) -> settings.Model:
    """The same settings with more or other options."""
    return msgspec.structs.replace(section, options={**section.options, **options})


def _learn(
    model: Classifier, rows: Rows, dev: Judged | None, start: Classifier | None = None, watch: Callable[[], None] = lambda: None
) -> int | None:
    """Fit; a model that can is told by dev when to stop, and goes on from `start`. Gives how many epochs were kept.

    `watch` is called after each epoch and may raise.
    """
    if not hasattr(model, "learn"):
        if start is not None:
            raise ModelError(f"a {type(model).__name__} can't go on from another model")
        model.fit(rows.texts, rows.targets, rows.weights)
        return None
    stop_by = None
    if dev is not None and len(dev.true) >= FEWEST_TO_STOP_BY:
        stop_by = dev.texts, np.eye(len(model.labels), dtype=np.float32)[dev.true]
    epochs: int = model.learn(rows.texts, rows.targets, rows.weights, dev=stop_by, start=start, watch=watch)
    return epochs


def _searched(
    section: settings.Model, labels: tuple[str, ...], rows: Rows, positive: int, dev: Judged | None, plan: Plan
) -> Found | None:
    """The best options that the time allows to find; nothing where there is nothing to choose, or too little to choose by."""
    rounds = getattr(plugins.find("models", section.type), "ALTERNATIVES", ())
    if not rounds:
        return None
    parts = _parts(rows, dev, plan.gold, section.seed)
    if sum(len(asked.true) for _, asked in parts) < FEWEST_TO_SEARCH_BY:
        plan.say("too few rows to choose options by: they stay as they are")
        return None
    metric = plan.aims_at(len(labels))
    _learn(make(section, labels), parts[0][0].only(np.arange(len(parts[0][0].texts)) < WARM_UP), dev)  # compiles
    plan.say(f"choosing options by {metric} on {sum(len(asked.true) for _, asked in parts):,} rows …")

    budget = Budget(plan.budget_s)

    def judge(options: Options) -> float:
        def reached(known: Rows, asked: Judged) -> float:
            model = make(_with(section, options), labels)
            _learn(model, known, dev, watch=budget.check)
            return _value(model, asked, positive, metric)

        return float(np.mean([reached(known, asked) for known, asked in parts]))

    return search(rounds, judge, budget=budget, say=plan.say, fixed=section.options)


def _value(model: Classifier, asked: Judged, positive: int, metric: str) -> float:
    """What a model reaches on `asked`, at its best threshold."""
    scores = model.predict_proba(asked.texts)
    said = scores.argmax(axis=1)
    if len(model.labels) == 2:
        threshold = best(scores[:, positive], asked.true == positive, metric)
        said = np.where(scores[:, positive] >= threshold, positive, 1 - positive)
    return metrics.value(metric, said, asked.true, positive)


def _parts(rows: Rows, dev: Judged | None, gold: bool, seed: int) -> list[tuple[Rows, Judged]]:
    """What to learn from and what to be judged by: all and dev; or, where dev is small, folds and what they leave out."""
    if dev is not None and not (gold and _is_small(dev)):
        return [(rows, dev)]
    folds = _folds(rows.texts, seed)
    parts, count = [], 0
    for fold in range(FOLDS):
        out = folds == fold
        if not out.any() or out.all() or count >= ENOUGH_TO_SEARCH_BY:
            continue
        asked = Judged(rows.texts.filter(pa.array(out)), rows.targets[out].argmax(axis=1))
        if dev is not None:
            asked = Judged(pa.concat_arrays([asked.texts, dev.texts]), np.concatenate([asked.true, dev.true]))
        parts.append((rows.only(~out), asked))
        count += len(asked.true)
    return parts


def _folded(model: Classifier, calibration: Calibration) -> Calibration:
    """Let the model's own weights hold the calibration, if they can: then it costs nothing, and explains itself."""
    if calibration.method != "temperature" or not hasattr(model, "rescale"):
        return calibration
    model.rescale(calibration.slope, calibration.shift)
    return msgspec.structs.replace(calibration, folded=True)


def _threshold(
    scores: np.ndarray, truth: np.ndarray, positive: int, aim: Aim, counts: np.ndarray | None, metric: str
) -> Threshold:
    if scores.shape[1] != 2:
        return Threshold(0.5, BEST_F1, {}, [])
    return choose(scores[:, positive], truth[:, positive] >= 0.5, aim, counts, metric)


def _said(found: Calibrated, by: str) -> dict[str, Any]:
    return {
        "method": found.calibration.method, "slope": found.calibration.slope, "shift": found.calibration.shift,
        "chosen_by": by, "log_loss": found.losses, "ece_before": found.error_before, "ece_after": found.error_after,
    }  # fmt: skip


def cross_fitted(
    section: settings.Model, labels: tuple[str, ...], texts: pa.StringArray, targets: np.ndarray, weights: np.ndarray | None,
    dev: Judged | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return scores by models that have not seen the rows, and which rows: all, or the first parts that are enough.

    Equal texts are left out together. `dev` says when to stop learning.
    """
    folds, enough = _folds(texts, section.seed), ENOUGH if len(labels) == 2 else ENOUGH_FOR_A_SLOPE
    scores = np.full(targets.shape, np.nan, np.float32)
    for fold in range(FOLDS):
        out = folds == fold
        if not out.any() or out.all() or np.isfinite(scores[:, 0]).sum() >= enough:
            continue
        model = make(section, labels)
        _learn(model, Rows(texts, targets, weights).only(~out), dev)
        scores[out] = model.predict_proba(texts.filter(pa.array(out)))
    rows = np.flatnonzero(np.isfinite(scores[:, 0]))
    return scores[rows], rows


def _folds(texts: pa.StringArray, seed: int) -> np.ndarray:
    groups = texts.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return np.random.default_rng(seed).permutation(int(groups.max(initial=0)) + 1)[groups] % FOLDS
