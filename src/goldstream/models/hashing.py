# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""Turns texts into the buckets of their words, word pairs and character n-grams: what the n-gram bag counts."""

import numpy as np

from goldstream.jit import tight_kernel, tiny_kernel
from goldstream.models.characters import DIGIT, LETTER, MARK
from goldstream.models.instructions import byte, put
from goldstream.models.tokens import (
    AMPERSAND,
    AT,
    HASH,
    IN_MARKS,
    IN_WORD,
    SKIP,
    STARTS,
    any_token,
    ascii_marks,
    ascii_word,
    entity,
    hash_of,
    host,
    may_start_url,
    mention,
    plain_word,
    read_word,
    starts_tag,
    starts_url,
    step,
)

EDGE = 32  # stands for where a word begins or ends

_GRAM_SEED = np.uint64(0x165667B19E3779F9)
_PAIR_PRIME = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME = np.uint64(0x9FB21C651E98DF25)
_URL, _MENTION = np.uint64(0xA24BAED4963EE407), np.uint64(0x9FB21C651E98DF25)  # the hashes of these two tokens
_HALF = np.uint64(32)


@tiny_kernel
def _bucket(h, shift):
    return np.uint32((h * _PRIME) >> shift)


@tiny_kernel
def _put_word(ids, n, h, before, pairs, shift):
    """Write the bucket of a word, and of its pair with the word before. Gives how many buckets there are now."""
    put(ids, n, _bucket(h, shift))
    put(ids, n + 1, _bucket((before * _PAIR_PRIME) ^ h, shift))
    return n + 1 + (pairs if before != 0 else 0)


@tiny_kernel
def _put_span(found, words, h, begin, end):
    """Note the hash and the bytes of a word, for its n-grams."""
    put(found, 2 * words, h)
    put(found, 2 * words + 1, np.uint64(begin) << _HALF | np.uint64(end))
    return words + 1


@tiny_kernel
def _note(trace, turns, i, n, words, before):
    """Write down how far `hash_words` has got."""
    trace[turns, 0] = i
    trace[turns, 1] = n
    trace[turns, 2] = words
    trace[turns, 3] = 1 if before != 0 else 0


@tight_kernel
def hash_words(data, i, end, fold, kinds, pairs, shift, chars, found, ids, trace=None):
    """Write the buckets of the words, marks and pairs of `data[i:end]` into `ids`, and hash and bytes of words into `found`.

    Gives how many buckets and how many words there are. `pairs` is 0 or 1; `shift` is 64 less the number of bits of a
    bucket. Buffers hold: `chars` the text's bytes and four, `found` as many rows of two, `ids` three times as many.
    Marks stand in no pair; mentions, URLs, emoji and ideographs have no n-grams, so they are not in `found`. A `trace`
    (int64, a row of four for each byte and two more) gets a row after each step, and one of -1 at the end: the byte, how many
    buckets and words there are, and whether a word has stood before. Without one, no code is made for it.
    """
    turns = 0
    safe = np.int64(len(data)) - 8
    n = words = np.int64(0)
    before = np.uint64(0)
    tag = False
    while i < end:
        if trace is not None:
            _note(trace, turns, i, n, words, before)
            turns += 1
        sort = STARTS[byte(data, i)]
        if sort == SKIP:
            i += 1
            continue
        if sort == IN_WORD:
            url = 0
            if may_start_url(data, i, safe) and not tag:
                url = starts_url(data, i, end)
            if url > 0:
                n = _put_word(ids, n, _URL, before, pairs, shift)
                before = _URL
                i, size = host(data, i + url, end, chars)
                if size > 0:
                    h = hash_of(chars, size, 32)
                    n = _put_word(ids, n, h, before, pairs, shift)
                    before = h
                continue
            stop, h = ascii_word(data, i, end, safe)
            if stop < 0:
                stop, h = plain_word(data, i, end)
            if stop >= 0:
                n = _put_word(ids, n, h, before, pairs, shift)
                words = _put_span(found, words, h, i, stop)
                before = h
                if tag:
                    put(ids, n, _bucket(step(h, np.uint64(35)), shift))
                    n += 1
                    tag = False
                i = stop
                if i < end and byte(data, i) == 32:
                    i += 1
                continue
        elif sort == IN_MARKS:
            stop, h = ascii_marks(data, i, end)
            if stop >= 0:
                put(ids, n, _bucket(h, shift))
                n += 1
                i = stop
                continue
        elif sort == AT:
            stop = mention(data, i, end, safe)
            if stop > i:
                n = _put_word(ids, n, _MENTION, before, pairs, shift)
                before = _MENTION
                i = stop
                continue
        elif sort == HASH:
            if starts_tag(data, i, end, kinds):
                tag = True
                i += 1
                if STARTS[byte(data, i)] == IN_WORD:
                    continue
        elif sort == AMPERSAND:
            size = entity(data, i, end)
            if size > 0:
                i += size
                continue
        stop, kind, h = any_token(data, i, end, fold, kinds, chars)
        if kind == MARK:
            put(ids, n, _bucket(h, shift))
            n += 1
        elif h != 0:
            n = _put_word(ids, n, h, before, pairs, shift)
            before = h
            if kind == LETTER or kind == DIGIT:  # noqa: SIM109 - numba compiles this faster
                words = _put_span(found, words, h, i, stop)
                if tag:
                    put(ids, n, _bucket(step(h, np.uint64(35)), shift))
                    n += 1
        tag = False
        i = stop
    if trace is not None:
        _note(trace, turns, i, n, words, before)
        trace[turns + 1] = -1
    return n, words


@tight_kernel
def hash_grams(data, span, fold, kinds, low, high, shift, chars, ids):
    """Write the bucket of every n-gram of `low` to `high` characters of one word, its edges counted as characters."""
    _, size = read_word(data, np.int64(span >> _HALF), np.int64(span & np.uint64(0xFFFFFFFF)), fold, kinds, chars)
    n = np.int64(0)
    for start in range(-1, size + 2 - low):
        h = _GRAM_SEED
        for j in range(start, min(start + high, size + 1)):
            h = (h ^ np.uint64(EDGE if j < 0 or j >= size else chars[j])) * _PRIME
            if j - start + 1 >= low:
                put(ids, n, _bucket(h ^ (h >> _HALF), shift))
                n += 1
    return n


@tight_kernel
def hash_texts(data, offsets, valid, fold, kinds, pairs, low, high, shift, chars, found, ids, starts):
    """Write the buckets of all texts into `ids`, and where each text's words and n-grams begin into `starts`.

    `low` 0 means no n-grams. `starts` has two entries per text and one at the end. Gives the number of buckets.
    """
    n = 0
    for row in range(len(offsets) - 1):
        starts[2 * row] = n
        words = 0
        if valid[row]:
            first, last = np.int64(offsets[row]), np.int64(offsets[row + 1])
            count, words = hash_words(data, first, last, fold, kinds, pairs, shift, chars, found, ids[n:])
            n += count
        starts[2 * row + 1] = n
        if low > 0:
            for i in range(words):
                n += hash_grams(data, found[i, 1], fold, kinds, low, high, shift, chars, ids[n:])
    starts[2 * (len(offsets) - 1)] = n
    return n
