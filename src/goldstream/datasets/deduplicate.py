"""Finds posts that say the same: equal once normalised, or nearly so.

Near-duplicates are found by MinHash (Broder, 1997) with banding over shingles of three words, and each find is checked
by the exact Jaccard similarity. Groups are stars: every member is like its representative, which came first; a chain of
small changes never pulls strangers together.
"""

import re
import zlib

import numpy as np

PERMUTATIONS = 64
BANDS = 16  #: of four values each: pairs at similarity 0.8 share one with probability 0.9998
SHINGLE = 3  #: words
MOST_COMPARED = 8  #: representatives looked at for each band

_NOISE = re.compile(r"https?://\S+|www\.\S+|@\w[\w.]*|[^\w@]+|[@_]+")
_PRIME = (1 << 61) - 1


def normalise(text: str) -> str:
    """Return `text` without what retelling changes: case, links, mentions, punctuation, white space.

    >>> normalise("RT @bob: Big NEWS!!  https://example.org/x")
    'rt big news'
    """
    return " ".join(_NOISE.sub(" ", text.lower()).split())


def representatives(texts: list[str], similarity: float) -> np.ndarray:
    """Return for each text (in order of arrival) the index of the first one that says the same: its own if it is first.

    `similarity` is the least Jaccard similarity of two texts' shingles that counts as the same. Cost grows linearly.

    >>> representatives(["Big news!", "big   NEWS", "small news"], 0.8).tolist()
    [0, 0, 2]
    """
    cleaned = [normalise(text) or text for text in texts]
    first: dict[str, int] = {}
    exact = np.array([first.setdefault(text, index) for index, text in enumerate(cleaned)], np.int64)
    found = exact.copy()
    distinct = np.flatnonzero(exact == np.arange(len(texts)))
    shingles = [_shingles(cleaned[index]) for index in distinct]
    for index, near in zip(distinct, _stars(shingles, similarity), strict=True):
        found[index] = distinct[near]
    return found[exact]


def _shingles(text: str) -> frozenset[int]:
    words = text.split()
    if len(words) <= SHINGLE:
        return frozenset([zlib.crc32(text.encode())])
    return frozenset(zlib.crc32(" ".join(words[at : at + SHINGLE]).encode()) for at in range(len(words) - SHINGLE + 1))


def _stars(shingles: list[frozenset[int]], similarity: float) -> list[int]:
    """For each set the index of its representative among those before it, or its own."""
    if not shingles:
        return []
    keys = _band_keys(shingles)
    buckets: dict[tuple[int, int], list[int]] = {}
    chosen = []
    for index, mine in enumerate(shingles):
        places = [buckets.setdefault((band, key), []) for band, key in enumerate(keys[index])]
        near = {other for place in places for other in place[:MOST_COMPARED]}
        like = [other for other in sorted(near) if _jaccard(mine, shingles[other]) >= similarity]
        chosen.append(like[0] if like else index)
        if not like:
            for place in places:
                place.append(index)
    return chosen


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)


def _band_keys(shingles: list[frozenset[int]]) -> list[list[int]]:
    """One number for each set and band; equal where the four MinHash values of the band are."""
    values = np.fromiter((value for each in shingles for value in sorted(each)), np.uint64)
    starts = np.cumsum([0, *(len(each) for each in shingles[:-1])])
    random = np.random.default_rng(0)
    keys = np.zeros((len(shingles), BANDS), np.uint64)
    for permutation in range(PERMUTATIONS):
        factor, shift = random.integers(1, 1 << 28, dtype=np.uint64), random.integers(0, _PRIME, dtype=np.uint64)
        smallest = np.minimum.reduceat((values * factor + shift) % np.uint64(_PRIME), starts)
        band = permutation // (PERMUTATIONS // BANDS)
        keys[:, band] = keys[:, band] * np.uint64(0x9E3779B97F4A7C15) + smallest
    return keys.tolist()
