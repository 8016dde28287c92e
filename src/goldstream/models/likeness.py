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
        self._ids, self._starts = self._bag._hashed(texts)  # the same package; a model that learns nothing
        counts = np.bincount(self._ids, minlength=1 << BITS)
        self._idf = 1.0 + np.log((1.0 + len(texts)) / (1.0 + np.minimum(counts, len(texts))))
        self._lengths = np.sqrt(self._sums(self._idf[self._ids] ** 2))

    def to(self, text: str) -> np.ndarray:
        """Return a cosine for each text, float64 between 0 and 1: the mean of that of words and that of characters."""
        ids, starts = self._bag._hashed(pa.array([text], pa.string()))
        total = np.zeros(len(self._lengths) // 2)
        for bag in range(2):
            mine = ids[starts[bag] : starts[bag + 1]]
            weights = np.bincount(mine, weights=self._idf[mine], minlength=1 << BITS)
            length = np.sqrt((self._idf[mine] ** 2).sum())
            sums = self._sums(self._idf[self._ids] * weights[self._ids])[bag::2]
            both = length * self._lengths[bag::2]
            total += np.divide(sums, both, out=np.zeros_like(sums), where=both > 0)
        return np.clip(total / 2, 0.0, 1.0)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of each text's two bags."""
        running = np.concatenate([[0.0], np.cumsum(values)])
        return running[self._starts[1:]] - running[self._starts[:-1]]
