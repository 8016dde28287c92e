"""Calibrations are found where the truth is known, and left alone where there is nothing to find."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from goldstream.models.calibration import Calibration
from goldstream.training.calibrate import calibrate, isotonic, temperature
from goldstream.training.metrics import calibration_error


def drawn(rows: int, labels: int, bend: Calibration, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores bent away from the probabilities by which the truth was drawn."""
    random = np.random.default_rng(seed)
    honest = random.dirichlet(np.ones(labels), rows).astype(np.float32)
    true = (random.random((rows, 1)) > honest.cumsum(axis=1)).sum(axis=1).clip(max=labels - 1)
    return bend.apply(honest), np.eye(labels, dtype=np.float32)[true]


@pytest.mark.parametrize(("labels", "shift"), [(2, 0.8), (2, 0.0), (5, 0.0)])
def test_a_slope_and_a_shift_that_bent_the_scores_are_found(labels: int, shift: float) -> None:
    scores, targets = drawn(20_000, labels, Calibration(method="temperature", slope=2.0, shift=shift))
    found = temperature(scores, targets)
    assert found.slope == pytest.approx(0.5, abs=0.03) and found.shift == pytest.approx(-shift / 2, abs=0.06)


def test_the_isotonic_curve_goes_through_scikit_learns_blocks() -> None:
    scores, targets = drawn(300, 2, Calibration())
    theirs = np.unique(IsotonicRegression().fit_transform(scores[:, 1], targets[:, 1]).round(5))
    ours = np.unique(np.round([height for _, height in isotonic(scores, targets).points[1:-1]], 5))
    assert ours[1:-1].tolist() == pytest.approx(theirs[1:-1].tolist(), abs=1e-5)
    assert (theirs[0], theirs[-1]) == (0, 1) and 0 < ours[0] < ours[1] and ours[-2] < ours[-1] < 1


def test_isotonic_keeps_the_order_of_posts() -> None:
    scores, targets = drawn(300, 2, Calibration())
    in_order = scores[np.argsort(scores[:, 1])]
    after = isotonic(scores, targets).apply(in_order)[:, 1]
    assert (np.diff(after) >= 0).all() and len(np.unique(after)) > 285


def test_a_curve_that_no_slope_can_straighten_is_straightened_by_isotonic() -> None:
    random = np.random.default_rng(0)
    said = random.random(5_000).astype(np.float32)
    true = random.random(5_000) < np.where(said < 0.5, 0.3, 0.7)
    chosen = calibrate(np.stack([1 - said, said], axis=1), np.stack([~true, true], axis=1).astype(np.float32))
    assert chosen.calibration.method == "isotonic"
    assert chosen.error_after < 0.03 < chosen.error_before


def test_honest_scores_stay_nearly_as_they_are() -> None:
    scores, targets = drawn(2_000, 2, Calibration())
    after = calibrate(scores, targets).calibration.apply(scores)
    assert np.abs(after - scores).max() < 0.05


@pytest.mark.parametrize(
    "targets", [np.zeros((0, 2)), np.eye(2)[np.zeros(200, int)], np.eye(2)[np.arange(20) % 2]], ids=["none", "one label", "few"]
)
def test_too_little_to_choose_by_leaves_scores_alone(targets: np.ndarray) -> None:
    scores = np.full(targets.shape, 0.5, np.float32)
    assert calibrate(scores, targets).calibration.method == "none"


def test_rows_told_apart_without_error_give_no_infinite_slope() -> None:
    targets = np.eye(2)[np.arange(100) % 2]
    assert 1 < temperature(0.2 + 0.6 * targets, targets).slope < 20


def test_what_was_applied_can_be_undone() -> None:
    scores, _ = drawn(100, 2, Calibration())
    bend = Calibration(method="temperature", slope=1.7, shift=0.4)
    assert bend.undo(bend.apply(scores)) == pytest.approx(scores, abs=1e-4)


def test_the_error_counts_rows_by_their_weight() -> None:
    said, true = np.array([0.9, 0.9]), np.array([True, False])
    assert calibration_error(said, true, np.array([9.0, 1.0])) == pytest.approx(0.0)
    assert calibration_error(said, true) == pytest.approx(0.4)
