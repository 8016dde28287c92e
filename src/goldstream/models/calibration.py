"""Turns a classifier's scores into probabilities that hold: of the posts that score 0.8, 80 % are what the score says.

- `temperature`: the logits times `slope` (Guo et al., ICML 2017), and for two labels plus `shift` (Platt scaling).
- `isotonic`: a curve that never falls, straight between `points`; two labels only (Zadrozny and Elkan, KDD 2002).
- `none`: the scores as they are.

>>> surer = Calibration(method="temperature", slope=2.0)
>>> surer.apply(np.array([[0.2, 0.8]], np.float32)).round(3).tolist() == np.array([[0.059, 0.941]], np.float32).tolist()
True
"""

from typing import Literal

import msgspec
import numpy as np

SMALLEST = 1e-7  #: a share below this counts as this

Method = Literal["none", "temperature", "isotonic"]


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How scores become probabilities."""

    method: Method = "none"
    slope: float = 1.0  #: of the logits
    shift: float = 0.0  #: added to the logit of the second of two labels
    points: list[tuple[float, float]] = []  #: score and probability of the second label, both rising
    folded: bool = False  #: whether the model's own weights hold it already, so that nothing is left to apply

    def __post_init__(self) -> None:
        if self.slope <= 0 or (self.method == "isotonic" and not self.points):
            raise ValueError("a calibration needs a slope above nought, and an isotonic one needs points")

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities, float32, for scores (rows × labels); each row sums to one."""
        if self.method == "isotonic":
            heights = np.array(self.points)
            return _two(np.interp(scores[:, 1], heights[:, 0], heights[:, 1]))
        return scores if self.method == "none" else _scaled(scores, self.slope, self.shift)

    def undo(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the scores from before; raises `ValueError` for `isotonic`, which can't be undone."""
        if self.method == "isotonic":
            raise ValueError("an isotonic calibration has flat parts and can't be undone")
        return probabilities if self.method == "none" else _scaled(probabilities, 1 / self.slope, -self.shift / self.slope)


def log_scores(scores: np.ndarray) -> np.ndarray:
    """Return the logarithms of scores, float64, none of them infinite."""
    return np.log(np.maximum(scores.astype(np.float64), SMALLEST))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return rows that sum to one."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _scaled(scores: np.ndarray, slope: float, shift: float) -> np.ndarray:
    logits = log_scores(scores) * slope
    if scores.shape[1] == 2:
        logits[:, 1] += shift
    return softmax(logits).astype(np.float32)


def _two(second: np.ndarray) -> np.ndarray:
    return np.stack([1 - second, second], axis=1).astype(np.float32)
