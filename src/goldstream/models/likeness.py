"""How like a text others are: the cosine of the n-gram bag's own vectors, with no model and nothing learnt.

>>> texts = pa.array(["a new language model", "new language models today", "rain in the afternoon"])
>>> found = Likeness(texts).to("the new language model")
>>> found.argmax() == 0 and bool(found[1] > found[2])
True
"""

import numpy as np
import pyarrow as pa

from goldstream.models.ngram_bag import NgramBag, NgramBagSettings

BITS = 18


class Likeness:
    """Texts, hashed once, so that many can be compared with one at the cost of a gather for each n-gram."""

    def __init__(self, texts: pa.StringArray) -> None:
        self._bag = NgramBag(("like", "unlike"), NgramBagSettings(bits=BITS))
        ids, starts = self._bag._hashed(texts)  # the same package; a model that learns nothing
        counts = np.minimum(np.bincount(ids, minlength=1 << BITS), len(texts))
        self._idf = (1.0 + np.log((1.0 + len(texts)) / (1.0 + counts))).astype(np.float32)
        bag_of = np.repeat(np.arange(len(starts) - 1) % 2, np.diff(starts))
        self._bags = [_Bag(ids[bag_of == bag], np.diff(starts)[bag::2], self._idf) for bag in range(2)]

    def to(self, text: str) -> np.ndarray:
        """Return a cosine for each text, float64 between 0 and 1: the mean of that of words and that of characters."""
        ids, starts = self._bag._hashed(pa.array([text], pa.string()))
        both = [bag.to(ids[starts[number] : starts[number + 1]], self._idf) for number, bag in enumerate(self._bags)]
        return np.clip((both[0] + both[1]) / 2, 0.0, 1.0)


class _Bag:
    """The words of all texts, or their characters."""

    def __init__(self, ids: np.ndarray, sizes: np.ndarray, idf: np.ndarray) -> None:
        self._ids, self._full = ids, sizes > 0
        self._starts = (np.cumsum(sizes) - sizes)[self._full]
        self._values = idf[ids]
        self._lengths = np.sqrt(self._sums(self._values.astype(np.float64) ** 2))

    def to(self, ids: np.ndarray, idf: np.ndarray) -> np.ndarray:
        weights = np.bincount(ids, weights=idf[ids], minlength=len(idf)).astype(np.float32)
        length = float(np.sqrt((idf[ids].astype(np.float64) ** 2).sum()))
        sums = self._sums(weights[self._ids] * self._values)
        lengths = length * self._lengths
        return np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """The sum over each text."""
        sums = np.zeros(len(self._full))
        if len(values):
            sums[self._full] = np.add.reduceat(values, self._starts, dtype=np.float64)
        return sums
