"""What a classifier is: texts in, a probability for each label out.

`predict` and thresholds are plain functions over `predict_proba`, written once for every kind of model.
"""

from pathlib import Path
from typing import Protocol, Self

import numpy as np
import pyarrow as pa


class Classifier(Protocol):
    """A model of texts. Loading one runs no code that came with it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the score columns."""
        ...

    def fit(self, texts: pa.StringArray, targets: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Learn from `targets`: float32, a row per text and a probability per label; `weights`: float32 per text."""
        ...

    def predict_proba(self, texts: pa.StringArray) -> np.ndarray:
        """Return float32 scores, a row per text and a column per label; each row sums to one."""
        ...

    def save(self, folder: Path) -> None:
        """Write the weights into `folder`, without pickle."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model that `save` wrote; raises `ModelError` when the folder is not one."""
        ...
