"""Fits a classifier and chooses its threshold: on dev rows, or by cross-fitting when there are none."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from goldstream import plugins, settings
from goldstream.errors import ModelError
from goldstream.models.base import Classifier
from goldstream.training.threshold import best_f1

FOLDS = 5


class Judged(NamedTuple):
    """Rows whose truth is known."""

    texts: pa.StringArray
    true: np.ndarray  #: label numbers, int64


def make(section: settings.Model, labels: tuple[str, ...]) -> Classifier:
    """Return a new classifier as the settings ask for."""
    kind = plugins.find("models", section.type)
    options = {"seed": section.seed, **section.options}
    model: Classifier = kind(labels, settings.convert(options, kind.Settings, "model.options"))
    return model


def fit(
    section: settings.Model, labels: tuple[str, ...], texts: pa.StringArray, targets: np.ndarray, positive: int,
    dev: Judged | None, weights: np.ndarray | None = None,
) -> tuple[Classifier, float]:  # fmt: skip
    """Return a fitted classifier and its threshold for the label number `positive`.

    `targets`: float32, texts × labels, rows sum to one. Raises `ModelError` when there is nothing to learn from.
    """
    if len(texts) < 2 or (targets.max(axis=0) < 0.5).all():
        raise ModelError(f"{len(texts)} rows are too few to learn from")
    model = make(section, labels)
    model.fit(texts, targets, weights)
    if len(labels) != 2:
        return model, 0.5
    if dev is not None and len(dev.true):
        return model, best_f1(model.predict_proba(dev.texts)[:, positive], dev.true == positive)
    scores = cross_fitted(section, labels, texts, targets, weights)
    return model, best_f1(scores[:, positive], targets[:, positive] >= 0.5)


def cross_fitted(
    section: settings.Model,
    labels: tuple[str, ...],
    texts: pa.StringArray,
    targets: np.ndarray,
    weights: np.ndarray | None,
) -> np.ndarray:
    """Return scores for every row by a model that has not seen it; equal texts are left out together."""
    folds = _folds(texts, section.seed)
    scores = np.full(targets.shape, 1 / len(labels), np.float32)
    for fold in range(FOLDS):
        out = folds == fold
        if not out.any() or out.all():
            continue
        model = make(section, labels)
        model.fit(texts.filter(pa.array(~out)), targets[~out], None if weights is None else weights[~out])
        scores[out] = model.predict_proba(texts.filter(pa.array(out)))
    return scores


def _folds(texts: pa.StringArray, seed: int) -> np.ndarray:
    groups = texts.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return np.random.default_rng(seed).permutation(int(groups.max(initial=0)) + 1)[groups] % FOLDS
