"""Finds posts that say the same: equal once normalised, or nearly so.

Near-duplicates are found by MinHash (Broder, 1997) with banding over shingles of five characters, and each find is
checked by the exact Jaccard similarity. Groups are stars: every member is like its representative, which came first; a
chain of small changes never pulls strangers together. Cost grows linearly.
"""

from collections import Counter

import numpy as np
import polars as pl

SHINGLE = 5  #: characters
BANDS, ROWS = 16, 4  #: pairs at similarity 0.8 share a band with probability 0.9998
MOST_COMPARED = 16  #: representatives looked at: the newest in each band, and of these the ones in most bands
AT_ONCE = 2_000  #: texts, so that their hashes stay in the processor's cache

_ADDRESSES = r"https?://\S+|www\.\S+|@\w[\w.]*"
_NOISE = r"[\W_]+"
_RETOLD = r"^rt "


def normalise(texts: pl.Series) -> pl.Series:
    """Return texts without what retelling changes: case, links, mentions, punctuation, white space, a leading "RT".

    A text of nothing else stays as it is.

    >>> normalise(pl.Series(["RT @bob: Big NEWS!!  https://example.org/x", "?!"])).to_list()
    ['big news', '?!']
    """
    said = texts.str.to_lowercase().str.replace_all(_ADDRESSES, " ").str.replace_all(_NOISE, " ").str.strip_chars()
    told = said.str.replace(_RETOLD, "")
    return told.zip_with(told != "", texts)


def representatives(texts: pl.Series, similarity: float) -> np.ndarray:
    """Return for each text (in order of arrival) the index of the first one that says the same: its own if it is first.

    `similarity` is the least Jaccard similarity of two texts' shingles that counts as the same. The result is int64.

    >>> representatives(pl.Series(["Big news!", "big   NEWS", "small news"]), 0.8).tolist()
    [0, 0, 2]
    """
    indexed = pl.DataFrame({"text": normalise(texts)}).with_row_index("at")
    exact = indexed.select(pl.col("at").first().over("text")).to_series().to_numpy().astype(np.int64)
    distinct = np.flatnonzero(exact == np.arange(len(exact)))
    found = exact.copy()
    found[distinct] = distinct[_stars(_Shingles(indexed["text"].gather(distinct)), similarity)]
    return found[exact]


class _Shingles:
    """The shingles of every text, as mixed 32-bit hashes, end to end."""

    def __init__(self, texts: pl.Series) -> None:
        padded = texts.str.pad_end(SHINGLE, "\0")  # so that the shortest text has one
        lengths = padded.str.len_chars().to_numpy().astype(np.int64)
        characters = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32)
        values = np.zeros(max(0, characters.size - SHINGLE + 1), np.uint32)
        for place in range(SHINGLE):
            values = _mixed(values ^ characters[place : place + values.size])
        within = np.arange(values.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)[: values.size]
        self.values = values[within <= (np.repeat(lengths, lengths) - SHINGLE)[: values.size]]
        self.ends = np.cumsum(lengths - SHINGLE + 1)
        self.starts = self.ends - (lengths - SHINGLE + 1)
        self._sets: dict[int, frozenset[int]] = {}

    def __len__(self) -> int:
        return len(self.ends)

    def alike(self, one: int, other: int) -> float:
        """Return the Jaccard similarity of two texts."""
        mine, theirs = self._set(one), self._set(other)
        both = len(mine & theirs)
        return both / (len(mine) + len(theirs) - both)

    def _set(self, text: int) -> frozenset[int]:
        if text not in self._sets:
            self._sets[text] = frozenset(self.values[self.starts[text] : self.ends[text]].tolist())
        return self._sets[text]


def _mixed(values: np.ndarray) -> np.ndarray:
    """Mix each 32-bit number well (the finaliser of MurmurHash3)."""
    values = (values ^ values >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    values = (values ^ values >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return values ^ values >> np.uint32(16)


def _stars(shingles: _Shingles, similarity: float) -> np.ndarray:
    """For each text the index of a representative before it that it is like, or its own."""
    chosen = np.arange(len(shingles))
    keys = _band_keys(shingles)
    buckets = np.empty(keys.shape, np.int64)
    shared = np.empty(keys.shape, np.bool_)
    for band in range(BANDS):
        _, numbers, sizes = np.unique(keys[band], return_inverse=True, return_counts=True)
        buckets[band], shared[band] = numbers * BANDS + band, sizes[numbers] > 1
    members: dict[int, list[int]] = {}
    for text in np.flatnonzero(shared.any(axis=0)).tolist():
        places = [members.setdefault(bucket, []) for bucket in buckets[shared[:, text], text].tolist()]
        near = Counter(other for place in places for other in place[-MOST_COMPARED:])
        for other, _ in near.most_common(MOST_COMPARED):
            if shingles.alike(text, other) >= similarity:
                chosen[text] = other
                break
        else:
            for place in places:
                place.append(text)
    return chosen


def _band_keys(shingles: _Shingles) -> np.ndarray:
    """One number for each band and text; equal where the four MinHash values of the band are."""
    keys = np.zeros((BANDS, len(shingles)), np.uint64)
    factors = np.random.default_rng(0).integers(0, 1 << 32, (BANDS, ROWS, 2), dtype=np.uint32)
    for first in range(0, len(shingles), AT_ONCE):
        here = slice(first, first + AT_ONCE)
        starts = shingles.starts[here]
        values = shingles.values[starts[0] : shingles.ends[here][-1]]
        for band in range(BANDS):
            for factor, shift in factors[band]:
                smallest = np.minimum.reduceat(values * (factor | np.uint32(1)) + shift, starts - starts[0])
                keys[band, here] = keys[band, here] * np.uint64(0x9E3779B97F4A7C15) + smallest
    return keys
