"""What a model says of some texts."""

from typing import Any

import numpy as np
import pyarrow as pa

from goldstream.stream.champion import Fixed

FEW = 256  #: texts for which a column is not worth it


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
    loaded = model.model
    if len(texts) <= FEW:
        scores = loaded.predict_few([text.encode() for text in texts])
    else:
        scores = loaded.predict_proba(pa.array(texts, pa.string()))
    return Judged(model, scores, loaded.decide(scores))


def nothing(model: Fixed) -> Judged:
    """Return what any model says of no texts."""
    return Judged(model, np.empty((0, len(model.model.labels)), np.float32), np.empty(0, np.intp))
