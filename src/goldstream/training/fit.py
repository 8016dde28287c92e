"""Fits a classifier, calibrates it and chooses its threshold: on dev rows, or by cross-fitting when there are none."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from goldstream import plugins, settings
from goldstream.errors import ModelError
from goldstream.models.base import Classifier
from goldstream.models.calibration import Calibration
from goldstream.training.calibrate import Calibrated, calibrate
from goldstream.training.threshold import BEST_F1, Aim, Threshold, choose

FOLDS = 5
ENOUGH = 20_000  #: scores of left-out rows that are enough to choose by


class Judged(NamedTuple):
    """Rows whose truth is known."""

    texts: pa.StringArray
    true: np.ndarray  #: label numbers, int64
    weights: np.ndarray | None = None  #: how many posts of the stream each row stands for


@dataclass(frozen=True)
class Fitted:
    """A classifier that is ready to be saved, and how it got there."""

    model: Classifier
    calibration: Calibration
    threshold: float  #: on the probability of the positive label, for two labels
    evidence: dict[str, Any]  #: `calibration` and `threshold`: what they were chosen by

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
    dev: Judged | None, weights: np.ndarray | None = None, aim: Aim = BEST_F1,
) -> Fitted:  # fmt: skip
    """Return a fitted and calibrated classifier with its threshold for the label number `positive`.

    `targets`: float32, texts × labels, rows sum to one. Raises `ModelError` when there is nothing to learn from.
    """
    if len(texts) < 2 or (targets.max(axis=0) < 0.5).all():
        raise ModelError(f"{len(texts)} rows are too few to learn from")
    model = make(section, labels)
    model.fit(texts, targets, weights)
    if dev is not None and len(dev.true):
        scores, truth, counts = model.predict_proba(dev.texts), np.eye(len(labels), dtype=np.float32)[dev.true], dev.weights
        by = f"{len(dev.true):,} dev rows"
    else:
        scores, rows = cross_fitted(section, labels, texts, targets, weights)
        truth, counts, by = targets[rows], None, f"{len(rows):,} training rows, by models that had not seen them"
    found = calibrate(scores, truth, section.seed)
    calibration = _folded(model, found.calibration)
    threshold = _threshold(found.calibration.apply(scores), truth, positive, aim, counts)
    return Fitted(model, calibration, threshold.value, {"calibration": _said(found, by), "threshold": threshold.as_json()})


def _folded(model: Classifier, calibration: Calibration) -> Calibration:
    """Let the model's own weights hold the calibration, if they can: then it costs nothing, and explains itself."""
    if calibration.method != "temperature" or not hasattr(model, "rescale"):
        return calibration
    model.rescale(calibration.slope, calibration.shift)
    return msgspec.structs.replace(calibration, folded=True)


def _threshold(scores: np.ndarray, truth: np.ndarray, positive: int, aim: Aim, counts: np.ndarray | None) -> Threshold:
    if scores.shape[1] != 2:
        return Threshold(0.5, BEST_F1, {}, [])
    return choose(scores[:, positive], truth[:, positive] >= 0.5, aim, counts)


def _said(found: Calibrated, by: str) -> dict[str, Any]:
    return {
        "method": found.calibration.method, "slope": found.calibration.slope, "shift": found.calibration.shift,
        "chosen_by": by, "log_loss": found.losses, "ece_before": found.error_before, "ece_after": found.error_after,
    }  # fmt: skip


def cross_fitted(
    section: settings.Model,
    labels: tuple[str, ...],
    texts: pa.StringArray,
    targets: np.ndarray,
    weights: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores by models that have not seen the rows, and which rows: all, or the first parts that are `ENOUGH`.

    Equal texts are left out together.
    """
    folds = _folds(texts, section.seed)
    scores = np.full(targets.shape, np.nan, np.float32)
    for fold in range(FOLDS):
        out = folds == fold
        if not out.any() or out.all() or np.isfinite(scores[:, 0]).sum() >= ENOUGH:
            continue
        model = make(section, labels)
        model.fit(texts.filter(pa.array(~out)), targets[~out], None if weights is None else weights[~out])
        scores[out] = model.predict_proba(texts.filter(pa.array(out)))
    rows = np.flatnonzero(np.isfinite(scores[:, 0]))
    return scores[rows], rows


def _folds(texts: pa.StringArray, seed: int) -> np.ndarray:
    groups = texts.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return np.random.default_rng(seed).permutation(int(groups.max(initial=0)) + 1)[groups] % FOLDS
