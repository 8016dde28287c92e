"""Chooses a calibration on rows that the model has not learnt from, by the log loss of parts left out.

Temperature has one number to find, or two for two labels; isotonic has as many as it likes and overfits below about a
thousand rows (Niculescu-Mizil and Caruana, ICML 2005), so it must win clearly, and have that many.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from goldstream.models.calibration import Calibration, log_scores, softmax
from goldstream.training.metrics import calibration_error

FOLDS = 5
FEWEST = 50  #: rows below which scores are left as they are
FEWEST_FOR_ISOTONIC = 1_000
MOST_SCORES = 4_000_000  #: rows × labels; of more, as many rows are drawn as fit
LOWEST_SLOPE = 0.05  #: a model whose scores mean less than this has nothing to calibrate

_Fit = Callable[[np.ndarray, np.ndarray], Calibration]


class Calibrated(NamedTuple):
    """A calibration, and how it was chosen."""

    calibration: Calibration
    losses: dict[str, float]  #: method → log loss on parts left out
    error_before: float  #: expected calibration error of the scores
    error_after: float  #: of the probabilities, on parts left out
    rows: int


def calibrate(scores: np.ndarray, targets: np.ndarray, seed: int = 0) -> Calibrated:
    """Return the calibration with the lowest log loss. `scores`, `targets`: rows × labels, rows sum to one.

    >>> random = np.random.default_rng(0)
    >>> true = random.random((2000, 1)) < (said := random.random((2000, 1)))
    >>> too_sure = Calibration(method="temperature", slope=3.0).apply(np.hstack([1 - said, said]))
    >>> chosen = calibrate(too_sure, np.hstack([~true, true]).astype(float))
    >>> chosen.calibration.method, bool(abs(chosen.calibration.slope - 1 / 3) < 0.05), chosen.error_after < chosen.error_before
    ('temperature', True, True)
    """
    if scores.size > MOST_SCORES:
        drawn = np.random.default_rng(seed).permutation(len(scores))[: MOST_SCORES // scores.shape[1]]
        scores, targets = scores[drawn], targets[drawn]
    rows = len(scores)
    if not rows:
        return Calibrated(Calibration(), {}, 0.0, 0.0, 0)
    ways: dict[str, _Fit] = {"none": lambda *_: Calibration()}
    if rows >= FEWEST and (targets.sum(axis=0) > 0).sum() > 1:
        ways["temperature"] = temperature
    if len(ways) == 2 and scores.shape[1] == 2 and rows >= FEWEST_FOR_ISOTONIC:
        ways["isotonic"] = isotonic
    folds = np.random.default_rng(seed).permutation(rows) % FOLDS
    left_out = {name: _left_out(way, scores, targets, folds) for name, way in ways.items()}
    losses = {name: _losses(found, targets) for name, found in left_out.items()}
    best = _best(losses)
    calibration = ways[best](scores, targets)
    errors = [float(_error(found, targets)) for found in (scores, left_out[best])]
    return Calibrated(calibration, {name: float(each.mean()) for name, each in losses.items()}, errors[0], errors[1], rows)


def temperature(scores: np.ndarray, targets: np.ndarray) -> Calibration:
    """Return the slope (and for two labels the shift) with the least cross-entropy, by Newton's method.

    One row's worth of doubt pulls them towards 1 and 0, so that rows which can be told apart without error do not make
    the scores infinitely sure.
    """
    features = log_scores(scores)[:, :, None]
    if scores.shape[1] == 2:
        features = np.concatenate([features, np.broadcast_to([[[0.0], [1.0]]], features.shape)], axis=2)
    plain = np.zeros(features.shape[2])
    plain[0] = 1.0
    found = plain.copy()
    loss = _loss(found, features, targets, plain)
    for _ in range(50):
        shares = softmax(features @ found)
        middle = np.einsum("nk,nkm->nm", shares, features)
        slope = middle.sum(axis=0) - np.einsum("nk,nkm->m", targets, features) + found - plain
        bend = np.einsum("nk,nkm,nkl->ml", shares, features, features) - middle.T @ middle + np.eye(len(plain))
        step = np.linalg.solve(bend, slope)
        while (new := _loss(found - step, features, targets, plain)) > loss and np.abs(step).max() > 1e-9:
            step /= 2
        found, loss = found - step, new
        if np.abs(step).max() < 1e-8:
            break
    if found[0] < LOWEST_SLOPE:
        return Calibration()
    return Calibration(method="temperature", slope=float(found[0]), shift=float(found[1]) if len(found) > 1 else 0.0)


def isotonic(scores: np.ndarray, targets: np.ndarray) -> Calibration:
    """Return the rising curve with the least squared error, by pooling neighbours that fall (PAVA)."""
    order = np.argsort(scores[:, 1], kind="stable")
    blocks: list[tuple[float, float, int]] = []  # sum of scores, sum of targets, rows
    for score, target in zip(scores[order, 1].tolist(), targets[order, 1].tolist(), strict=True):
        block = (score, target, 1)
        while blocks and blocks[-1][1] * block[2] >= block[1] * blocks[-1][2]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    lowest, highest = 1 / (2 * blocks[0][2] + 2), 1 - 1 / (2 * blocks[-1][2] + 2)  # none of so few is not never
    points = [(total / rows, min(max(right / rows, lowest), highest)) for total, right, rows in blocks]
    inner = [point for point in points if 0 < point[0] < 1]
    ends = (0.0, points[0][1] / 2), (1.0, (1 + points[-1][1]) / 2)  # rising too, so that posts told apart stay so
    return Calibration(method="isotonic", points=[ends[0], *inner, ends[1]])


def _left_out(way: _Fit, scores: np.ndarray, targets: np.ndarray, folds: np.ndarray) -> np.ndarray:
    found = scores.astype(np.float32)
    for fold in range(FOLDS):
        out = folds == fold
        if out.any() and not out.all():
            found[out] = way(scores[~out], targets[~out]).apply(scores[out])
    return found


def _best(losses: dict[str, np.ndarray]) -> str:
    """The simplest of the methods with the lowest loss; isotonic must win by a standard error."""
    best = "none"
    for name, found in losses.items():
        gain = losses[best] - found
        asked = gain.std() / np.sqrt(len(gain)) if name == "isotonic" else 0.0
        if gain.mean() > asked:
            best = name
    return best


def _losses(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return -(targets * log_scores(scores)).sum(axis=1)


def _loss(found: np.ndarray, features: np.ndarray, targets: np.ndarray, plain: np.ndarray) -> float:
    logits = features @ found
    top = logits.max(axis=1)
    total = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return float((total - (targets * logits).sum(axis=1)).sum() + ((found - plain) ** 2).sum() / 2)


def _error(scores: np.ndarray, targets: np.ndarray) -> float:
    if scores.shape[1] == 2:
        return calibration_error(scores[:, 1], targets[:, 1])
    said = scores.argmax(axis=1)
    rows = np.arange(len(said))
    return calibration_error(scores[rows, said], targets[rows, said])
