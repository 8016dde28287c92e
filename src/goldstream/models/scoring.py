# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""Scores texts with the n-gram bag's table: one gather for each word and pair, and one for each word's n-grams together.

A row of the table holds what an n-gram adds for each class, and last what it adds to the squared length of its bag. Rows
are two numbers wide, or a multiple of four. What all character n-grams of a word add up to depends on the word alone, so
it is kept: `keys` (uint64, the word's hash) and `kept` (float32, a row each) remember the words met most recently. The
sums are the same whether they were remembered or not.
"""

import numpy as np

from goldstream.jit import tight_kernel, tiny_kernel
from goldstream.models.hashing import hash_grams, hash_words

_ONE = np.float32(1)
_SLOT_PRIME = np.uint64(0xD6E8FEB86659FD93)


def slots(count: int) -> np.ndarray:
    """Return the keys of an empty memory of `count` words, a power of two: none is in the slot that it would have."""
    keys = np.zeros(count, np.uint64)
    keys[0] = 1
    return keys


@tiny_kernel
def _gather(table, ids, n, sums):
    """Add rows `ids[:n]` of the table to `sums`."""
    if table.shape[1] == 2:
        a = b = c = d = np.float32(0)
        for i in range(0, n - 1, 2):
            a += table[ids[i], 0]
            b += table[ids[i], 1]
            c += table[ids[i + 1], 0]
            d += table[ids[i + 1], 1]
        if n & 1:
            a += table[ids[n - 1], 0]
            b += table[ids[n - 1], 1]
        sums[0] += a + c
        sums[1] += b + d
        return
    for k in range(0, table.shape[1], 4):
        a = b = c = d = e = f = g = h = np.float32(0)
        for i in range(0, n - 1, 2):
            a += table[ids[i], k]
            b += table[ids[i], k + 1]
            c += table[ids[i], k + 2]
            d += table[ids[i], k + 3]
            e += table[ids[i + 1], k]
            f += table[ids[i + 1], k + 1]
            g += table[ids[i + 1], k + 2]
            h += table[ids[i + 1], k + 3]
        if n & 1:
            a += table[ids[n - 1], k]
            b += table[ids[n - 1], k + 1]
            c += table[ids[n - 1], k + 2]
            d += table[ids[n - 1], k + 3]
        sums[k] += a + e
        sums[k + 1] += b + f
        sums[k + 2] += c + g
        sums[k + 3] += d + h


@tiny_kernel
def _finish(bias, words, grams, scores):
    """The probabilities of one text from the sums of its two bags."""
    columns, last = len(bias), len(words) - 1
    by_words = _ONE / np.sqrt(words[last]) if words[last] > 0 else np.float32(0)
    by_grams = _ONE / np.sqrt(grams[last]) if grams[last] > 0 else np.float32(0)
    top = np.float32(-50)
    for k in range(columns):  # one word a million times over is not a million times surer
        words[k] = min(max(bias[k] + words[k] * by_words + grams[k] * by_grams, np.float32(-50)), np.float32(50))
        top = max(top, words[k])
    if columns == 1:
        scores[1] = _ONE / (_ONE + np.exp(-words[0]))
        scores[0] = _ONE - scores[1]
        return
    total = np.float32(0)
    for k in range(columns):
        scores[k] = np.exp(words[k] - top)
        total += scores[k]
    for k in range(columns):
        scores[k] /= total


@tight_kernel
def score(
    data, offsets, valid, fold, kinds, pairs, low, high, shift, table, bias,
    chars, found, ids, sums, keys, kept, scores,
):  # fmt: skip
    """Write the probabilities of all texts into `scores` (float32, texts × labels). `sums` is two rows as wide as the table.

    The other buffers are as in `hash_words`, but `ids` holds three buckets, or one for each order of n-grams, per byte.
    """
    slot_shift = np.uint64(64) - np.uint64(np.log2(len(keys)))
    width = table.shape[1]
    for row in range(len(offsets) - 1):
        sums[:] = 0
        words = 0
        if valid[row]:
            first, last = np.int64(offsets[row]), np.int64(offsets[row + 1])
            n, words = hash_words(data, first, last, fold, kinds, pairs, shift, table, chars, found, ids)
            _gather(table, ids, n, sums[0])
        if low > 0:
            for i in range(words):
                h = found[i, 0]
                slot = (h * _SLOT_PRIME) >> slot_shift
                if keys[slot] != h:
                    keys[slot] = h
                    kept[slot] = 0
                    n = hash_grams(data, found[i, 1], fold, kinds, low, high, shift, table, chars, ids)
                    _gather(table, ids, n, kept[slot])
                for k in range(width):
                    sums[1, k] += kept[slot, k]
        _finish(bias, sums[0], sums[1], scores[row])
