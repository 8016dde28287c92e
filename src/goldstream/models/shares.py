# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""What each token of one text adds to the n-gram bag's logits: the sums of `scoring`, kept apart token by token."""

import numpy as np

from goldstream.jit import kernel
from goldstream.models.hashing import hash_grams, hash_words

STOP, BUCKETS, WORDS, PAIRED = range(4)  #: columns of a trace: byte, buckets and words so far, whether a word stood before


@kernel
def token_sums(data, fold, kinds, pairs, low, high, shift, table, chars, found, ids, trace):
    """Return how many steps the trace of the text has, and what each adds to either bag's sums (float64, steps × columns).

    The last column of a sum is the squared length. `trace` (int64, a row per byte and two) is written as `hash_words` does.
    """
    width = table.shape[1]
    hash_words(data, 0, len(data), fold, kinds, pairs, shift, table, chars, found, ids, trace)
    steps = 0
    while trace[steps + 1, STOP] >= 0:
        steps += 1
    by_words, by_grams = np.zeros((steps, width)), np.zeros((steps, width))
    before = -1
    for step in range(steps):
        first, last = trace[step, BUCKETS], trace[step + 1, BUCKETS]
        for at in range(first, last):
            shared = pairs > 0 and at == first + 1 and trace[step, PAIRED] > 0
            for k in range(width):
                value = table[ids[at], k]
                if shared and k < width - 1:
                    by_words[step, k] += value / 2
                    by_words[before, k] += value / 2
                else:
                    by_words[step, k] += value
        is_word = trace[step, PAIRED] == 0 and trace[step + 1, PAIRED] > 0
        if is_word or (trace[step, PAIRED] > 0 and last - first > 1) or trace[step + 1, WORDS] > trace[step, WORDS]:
            before = step
    if low > 0:
        for step in range(steps):
            for word in range(trace[step, WORDS], trace[step + 1, WORDS]):
                n = hash_grams(data, found[word, 1], fold, kinds, low, high, shift, table, chars, ids)
                for at in range(n):
                    for k in range(width):
                        by_grams[step, k] += table[ids[at], k]
    return steps, by_words, by_grams
