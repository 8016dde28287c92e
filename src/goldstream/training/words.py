"""Words and word pairs: those that speak for and against each label, and those that are frequent."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa

MOST_NGRAMS = 20_000  #: n-grams that are scored, the most frequent
MOST_SCORES = 2_000_000  #: n-grams × labels
MOST_LABELS = 25  #: labels that are shown, the first ones asked for
MORE = 1.1  #: times what its words weigh, above which a pair is shown
SMALLEST = 1e-37  #: a share below this counts as this; float32 holds no smaller one in full
FEWEST_TEXTS = 3  #: with an n-gram, below which it is not shown
URL = r"(?i)\b(https?://|www\.)\S+"
TOKEN = r"[#@]?[\p{L}\p{N}][\p{L}\p{N}\p{M}'’_-]*"


class Scorer(Protocol):
    """Whatever gives probabilities."""

    def predict_proba(self, texts: pa.StringArray) -> np.ndarray:
        """Return float32 probabilities, texts × labels."""
        ...


def ngrams(texts: pl.Series) -> pl.DataFrame:
    """Return words and pairs (`ngram`) and how many texts have each (`texts`), the most frequent first.

    >>> ngrams(pl.Series(["Big rain", "big rain, again", "again"])).rows()
    [('again', 2), ('big', 2), ('big rain', 2), ('rain', 2), ('rain again', 1)]
    """
    rows = pl.DataFrame({"text": texts}).with_row_index("row")
    words = (
        rows.select("row", pl.col("text").str.replace_all(URL, " ").str.to_lowercase().str.extract_all(TOKEN).alias("word"))
        .explode("word", empty_as_null=True)
        .drop_nulls("word")
    )
    following = pl.col("word") + pl.lit(" ") + pl.col("word").shift(-1).over("row")
    pairs = words.select("row", following.alias("word")).drop_nulls("word")
    both = pl.concat([words, pairs]).unique().group_by("word").len()
    return both.select(ngram="word", texts="len").sort(["texts", "ngram"], descending=[True, False])


def for_and_against(
    model: Scorer, labels: Sequence[str], texts: pl.Series, top: int = 15, asked: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Return for each label the n-grams of `texts` that raise its logit most (`for`) and lower it most (`against`).

    Of more than `MOST_LABELS`, the first of those `asked` for, by number.
    An n-gram weighs what it does as a text of its own, against an empty text: any classifier can be asked that, and for
    the n-gram bag it is the weight that was learnt.
    """
    known = ngrams(texts).filter(pl.col("texts") >= FEWEST_TEXTS).head(min(MOST_NGRAMS, MOST_SCORES // len(labels)))
    if not len(known):
        return []
    said = _Alone(model, known)
    return [
        {"label": labels[number], "for": said.strongest(number, 1, top), "against": said.strongest(number, -1, top)}
        for number in (range(len(labels)) if asked is None else asked)[:MOST_LABELS]
    ]


class _Alone:
    """What each n-gram does to the logits as a text of its own."""

    def __init__(self, model: Scorer, known: pl.DataFrame) -> None:
        alone = known["ngram"].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
        self._known, self._scores, self._empty = known, model.predict_proba(alone), model.predict_proba(pa.array([""]))
        self._rows = {ngram: row for row, ngram in enumerate(known["ngram"])}

    def strongest(self, label: int, sign: int, top: int) -> list[dict[str, Any]]:
        """The n-grams that move the label's logit most in one direction; a pair only when it says more than its words."""
        found: list[dict[str, Any]] = []
        moved = _logits(self._scores, label) - _logits(self._empty, label)
        weights = sign * moved
        for row in np.argsort(-weights, kind="stable").tolist():
            if len(found) == top or weights[row] <= 0:
                break
            words = self._known["ngram"][row].split()
            apart = sum(weights[self._rows[word]] for word in words if word in self._rows)
            if len(words) == 1 or weights[row] > MORE * max(apart, 0.0):
                weight = float(moved[row])
                found.append({"ngram": " ".join(words), "weight": weight, "texts": self._known["texts"][row]})
        return found


def frequent(texts: pl.Series, top: int = 30) -> list[dict[str, Any]]:
    """Return the words (no pairs) of at least four letters that most texts have, and how many do."""
    word = ~pl.col("ngram").str.contains(" ") & (pl.col("ngram").str.len_chars() >= 4)
    known = ngrams(texts).filter(word & (pl.col("texts") >= FEWEST_TEXTS)).head(top)
    return [{"word": word, "texts": count} for word, count in known.rows()]


def _logits(scores: np.ndarray, label: int) -> np.ndarray:
    """The logit of a label against all others together, float64; the others are added up, so that it is exact near one, too."""
    own = scores[:, label].astype(np.float64)
    others = np.delete(scores, label, axis=1).sum(axis=1, dtype=np.float64)
    return np.log(np.maximum(own, SMALLEST)) - np.log(np.maximum(others, SMALLEST))
