"""Says what each token of a text adds to each label's logit.

For a linear bag the sums are exact: the weights of all tokens and the bias add up to the logit that the score is made of.

>>> from goldstream.models.ngram_bag import NgramBag, NgramBagSettings
>>> model = NgramBag(("no", "yes"), NgramBagSettings(bits=12))
>>> model.fit(pa.array(["rain again", "new model", "more rain", "a model"]), np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
>>> said = explain(model, "A model, again", top=2)
>>> [(token.token, token.weight > 0) for token in said.tokens["yes"]]
[('model', True), ('again', False)]
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa


class Shares(NamedTuple):
    """What a linear classifier makes of one text."""

    starts: np.ndarray  #: int64, where each token starts in the UTF-8 bytes
    ends: np.ndarray  #: int64, where it ends
    weights: np.ndarray  #: float64, tokens × labels: what it adds to each logit
    bias: np.ndarray  #: float64, one per label


class Linear(Protocol):
    """A classifier whose logits are sums over tokens."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the score columns."""
        ...

    def predict_proba(self, texts: pa.StringArray) -> np.ndarray:
        """Return float32 scores, texts × labels."""
        ...

    def shares(self, text: bytes) -> Shares:
        """Return what each token of `text` (UTF-8) adds to each logit."""
        ...


class Token(NamedTuple):
    """A piece of a text and what it says."""

    token: str
    start: int  #: in characters; `text[start:end]` is the token
    end: int
    weight: float  #: added to the label's logit


@dataclass(frozen=True)
class Explanation:
    """Why a text scores as it does. Two classes: a label's logit is log(p / (1 - p)); more: its share before the softmax."""

    scores: dict[str, float]  #: label → probability
    bias: dict[str, float]  #: label → what an empty text gets
    logits: dict[str, float]  #: label → bias + weights of all tokens
    tokens: dict[str, list[Token]]  #: label → tokens, the weightiest first whatever their sign

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as plain data."""
        tokens = {label: [token._asdict() for token in found] for label, found in self.tokens.items()}
        return {"scores": self.scores, "bias": self.bias, "logits": self.logits, "tokens": tokens}


def explain(model: Linear, text: str, *, top: int | None = None) -> Explanation:
    """Return what each token of `text` adds to each label, the `top` weightiest (or all).

    Half of what a word pair adds counts for either word, and what character n-grams add counts for their word. Raises
    `ModelError` when `model` is a `Loaded` one of a kind whose scores are no sums over tokens.
    """
    data = text.encode("utf-8", "replace")
    shares = model.shares(data)
    begins = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
    characters = np.concatenate([[0], np.cumsum(begins)])
    starts, ends = characters[shares.starts], characters[shares.ends]
    scores = model.predict_proba(pa.array([data.decode()], pa.string()))[0]
    logits = shares.bias + shares.weights.sum(axis=0)
    tokens = {}
    for number, label in enumerate(model.labels):
        weights = shares.weights[:, number]
        order = np.lexsort((starts, -np.abs(weights)))[:top]
        tokens[label] = [Token(text[starts[at] : ends[at]], int(starts[at]), int(ends[at]), float(weights[at])) for at in order]
    return Explanation(_by(model.labels, scores), _by(model.labels, shares.bias), _by(model.labels, logits), tokens)


def _by(labels: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    return dict(zip(labels, map(float, values), strict=True))
