"""What a model says of some texts."""

import math
from array import array
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from goldstream.errors import ModelError
from goldstream.stream.champion import Fixed

FEW = 32  #: texts that plain Python brings into one piece faster than Arrow does
ROOM = bytes(128)  #: behind the texts, so that kernels that read ahead need no copy
NONSENSE = "the model gave a score that is no number"


class Judged:
    """The scores of some texts, and the label that the model decides for."""

    __slots__ = ("decided", "model", "scores")

    def __init__(self, model: Fixed, scores: np.ndarray, decided: np.ndarray) -> None:
        self.model = model
        self.scores = scores  #: float32, a row per text and a column per label
        self.decided = decided  #: the number of each text's label

    @property
    def probabilities(self) -> list[list[float]]:
        """A row per text, a number per label, to seven digits."""
        return self.scores.astype(np.float64).round(7).tolist()

    @property
    def chosen(self) -> list[int]:
        """The number of each text's label."""
        return self.decided.tolist()

    def answers(self) -> list[dict[str, Any]]:
        """Return a dictionary for each text, as MLflow's clients get it."""
        labels = self.model.model.labels
        return [
            {"label": labels[chosen], "probability": row[chosen], "probabilities": dict(zip(labels, row, strict=True))}
            for row, chosen in zip(self.probabilities, self.chosen, strict=True)
        ]

    def part(self, start: int, end: int) -> "Judged":
        """Return what is said of some of the texts."""
        return Judged(self.model, self.scores[start:end], self.decided[start:end])


def judge(model: Fixed, texts: list[str]) -> Judged:
    """Return what `model` says of `texts`; raises `ModelError` when that is no number, and what the model raises."""
    column = _few(texts) if len(texts) <= FEW else pa.array(texts, pa.string())
    scores = np.ascontiguousarray(model.model.predict_proba(column), np.float32)
    if not math.isfinite(np.add.reduce(scores, axis=None)):
        raise ModelError(NONSENSE)
    return Judged(model, scores, model.model.decide(scores))


def nothing(model: Fixed) -> Judged:
    """Return what any model says of no texts."""
    return Judged(model, np.empty((0, len(model.model.labels)), np.float32), np.empty(0, np.intp))


def _few(texts: list[str]) -> pa.StringArray:
    """The same as `pa.array(texts, pa.string())`."""
    coded = [text.encode() for text in texts]
    ends = array("i", accumulate(map(len, coded), initial=0))
    return pa.StringArray.from_buffers(len(coded), pa.py_buffer(ends), pa.py_buffer(b"".join((*coded, ROOM))))
